"""Writes deviations.md beside it from the catalogue in mm7_wsgi/protocol/deviations.py.

python docs/make_deviations.py            writes it
python docs/make_deviations.py --check    says whether what is there is what it would write
"""

from __future__ import annotations

import sys
from pathlib import Path

from generated import main

from mm7_wsgi.protocol.deviations import AREAS, Irregularity

DOCUMENT = Path(__file__).with_name("deviations.md")

INTRODUCTION = """\
# Deviations

This is what peers do against the rules and can be read all the same. `request.deviations` has a `Deviation` for each
thing and place: its `name` is one of those below, and its `where` says in words where it stands. A message that keeps
to the rules has none. The log has each name once for each account.

Names stay the same from release to release, so they can be counted, searched and talked about. Examples of them, and of
what is refused, are in [quirks.md](quirks.md).

Each has a verdict: *read*, or *refused* where what was meant cannot be known. An account can have it otherwise:

```python
accounts = {
    "acme": Account("acme", "s3cret", tolerate=["close-missing"]),  # reads what is refused by default
    "bank": Account("bank", "s3cret", strict=True),  # refuses all of them
}
```

`tolerate` names deviations that this account may have, whatever the verdict or `strict=True` says of them. Tolerate
what you know of a peer, and what its messages can bear.

With `strict=True`, the first deviation of a message is a refusal, with the status code that is given here. Irregular
framing inside the content is refused with 2004 instead of 4004.

This page is made from the catalogue in `mm7_wsgi/protocol/deviations.py` by `python docs/make_deviations.py`.
"""


def written() -> str:
    """The document."""
    pieces = [INTRODUCTION]
    for area, irregularities in AREAS.items():
        pieces.append(f"\n## {area}\n")
        pieces.extend(section(name, irregularity) for name, irregularity in irregularities.items())
    return "".join(pieces)


def section(name: str, irregularity: Irregularity) -> str:
    """One entry of the catalogue, under its name."""
    summary = irregularity.summary
    code = irregularity.refusal.status_code
    verdict = irregularity.verdict + (f"; read if {irregularity.read_if}" if irregularity.read_if else "")
    return f"""
### {name}

{summary[0].upper()}{summary[1:]}.

* rule: {irregularity.clause}
* known from: {irregularity.known_from}
* verdict: {verdict}
* with `strict=True`: {int(code)}, {code.text}
"""


if __name__ == "__main__":
    sys.exit(main(DOCUMENT, written()))
