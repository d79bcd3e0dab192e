"""Writes docs/quirks.md from the table of quirks.py.

python tests/quirks/make_docs.py            writes it
python tests/quirks/make_docs.py --check    says whether what is there is what it would write
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from quirks import QUIRKS, Quirk

DOCUMENT = Path(__file__).parents[2] / "docs" / "quirks.md"

INTRODUCTION = """\
# What peers send, and what becomes of it

Real MM7 peers break the rules, each in its own way. This page says what of that is read, what is refused, and why. It
is made from a table of whole messages (`tests/quirks/quirks.py`), and the tests send each of them to an endpoint. To
change this page, change the table and run `python tests/quirks/make_docs.py`.

* **accepted**: it keeps to the rules, or the rules tell receivers to bear it, or it changes nothing in what is read.
  `request.deviations` is empty, and `strict=True` takes it as well.
* **mended**: it breaks the rules and has one reading all the same. It is read as it was meant, and
  `request.deviations` says what was wrong. [deviations.md](deviations.md) explains every name.
* **refused**: it has two readings, or a part of it cannot be known, or it is larger than a limit. The peer gets a fault
  that says so, and the handler is not called. The table has the status code and the details of that fault, with three
  dots for what differs; the HTTP status is 500, or the account's `fault_http_status`, where no other is given. With
  `fault_http_status=200` it is 200 in place of 400, 411, 413 and 415 too.

Three principles are behind it:

* One parser judges. Where the framing of a multipart is irregular, its delimiters and part headers are written anew,
  and the same parser judges the result. There is no second, looser way of reading.
* Contents are never rewritten. What a part holds is handed over octet by octet, after the transfer encoding that the
  part itself declares.
* What has two readings is refused. A refusal is noticed, and can be mended by the sender; a message that was misread
  is not.

With `strict=True` nothing is mended: what the table calls mended is refused then. Irregular framing is refused with
4004, or with 2004 where it is inside the content; all else with the code that [deviations.md](deviations.md) has for
it.

To see what becomes of a message of your own, record it and run `python -m mm7_wsgi inspect FILE`. With `--strict` it
judges as `strict=True` does.

The peers are those that are known for it, from recordings, from their documents or from their source. An empty cell
says that we know of none, not that there is none. Where a line begins with "In an answer", it is about answers to
requests of your own: the command line reads those, the endpoint never gets one.
"""

HEAD = """\
| what peers do | known from | we | deviation or fault | why |
|---|---|---|---|---|
"""


def written() -> str:
    """The document."""
    pieces = [INTRODUCTION]
    for area, quirks in QUIRKS.items():
        pieces.append(f"\n## {area}\n\n{HEAD}")
        pieces.extend(row(quirk) for quirk in quirks)
    return "".join(pieces)


def row(quirk: Quirk) -> str:
    """One line of the table."""
    cells = (quirk.title, quirk.known_from, quirk.verdict, outcome(quirk), quirk.why)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def outcome(quirk: Quirk) -> str:
    """The deviations, linked to what they mean, or the fault."""
    if quirk.verdict != "refused":
        return ", ".join(f"[{name}](deviations.md#{name})" for name in sorted(quirk.deviations))
    status = f"HTTP {quirk.http_status}, " if quirk.http_status != 500 else ""
    return f"{status}{quirk.fault}: `{quirk.words}`"


if __name__ == "__main__":
    main = runpy.run_path(str(DOCUMENT.with_name("generated.py")))["main"]
    sys.exit(main(DOCUMENT, written()))
