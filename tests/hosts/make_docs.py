"""Writes docs/hosts.md, and the table of hosts in README.md, from what record.py has written down.

python tests/hosts/make_docs.py            writes them
python tests/hosts/make_docs.py --check    says whether what is there is what it would write
"""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import fill

sys.path.insert(0, str(Path(__file__).parent))  # record.py runs this file by its path

from cases import FRAMEWORKS, SERVERS, TO_FRAMEWORKS, TO_SERVERS, Case, Host

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCUMENT = ROOT / "docs" / "hosts.md"
RESULTS = json.loads(Path(__file__).with_name("results.json").read_text(encoding="utf-8"))
VERSIONS: Mapping[str, str] = RESULTS["versions"]
CELLS: Mapping[str, Mapping[str, str]] = RESULTS["cells"]
BEGIN = "<!-- hosts: made by tests/hosts/make_docs.py -->"
END = "<!-- /hosts -->"

INTRODUCTION = """\
# Hosts and servers

What becomes of the same requests in each framework and behind each server. The tests send every one of them and
compare what comes back with this page, so a cell that has changed fails; `python tests/hosts/record.py` runs them and
writes the page anew. Servers are real ones on 127.0.0.1, with raw sockets; frameworks are called in the process of the
test, under `wsgiref.validate`, with all that they have against forged forms and large bodies turned on.

In every cell, only what was answered 1000 or 2003 has got to the handler, octet by octet as it was sent, and the next
request is served.

* **accepted**: the handler got it, and the answer is 1000.
* **2003**, **4004**: a fault with that code, in HTTP 500.
* **400**, **401**, **405**, **411**, **413**: the fault of mm7_wsgi with that HTTP status; README has the table.
* **host**: the wrapped application or the framework answers, as if mm7_wsgi were not there.
* **the server's 400**: the server refuses by itself, and nobody is called.
* **no answer**: the connection ends. **not called**: the server has dropped the request, and nobody is called.
* **at once**: before the body was sent.
"""

BEHIND_THE_SERVERS = """\
An account that is known by its address is never known by `X_Forwarded_For`, however that is written. But where the
header is passed on, the application cannot tell it from a proxy's `X-Forwarded-For`: let the proxy drop headers with an
underscore, as nginx does, before `ProxyFix` believes one.

A Content-Length that is too short cuts the message off before the application sees it. Such a message has no close
delimiter. It is refused where its end may have been counted in characters. A picture in binary, as it was sent here, is
read with the deviation `close-missing`, because Axis sends whole ones like that:
[deviations.md](deviations.md#close-missing) has the rule, and an account with `strict=True` refuses them all.

After an early answer to a known account (400, 411, 413, 415, 4006) each of these servers lets mm7_wsgi read and drop
the rest of a body with a Content-Length (`Limits.discard`), so that a client that writes all of it first sees the
answer. uWSGI and wsgiref do not mark the end of a chunked one: it is left unread, and such a client may see the
connection end instead. A client that sends `Expect: 100-continue` may still wait with its body, so nothing is dropped,
but behind gunicorn, which has told it to go on. A framework that takes in a whole answer before it passes it on, as the
sink of Falcon's example does, drops the body first and answers then.

nginx, granian and uvicorn take the end of what a client sends for its going away, also behind a whole message: it may
then have been accepted or not, and nobody is told. A client of HTTP does not end its sending before it has the answer.

What follows:

"""

BEHIND_THE_FRAMEWORKS = """\
With an endpoint in a view, a sink, a mount or a dispatcher, all below its path is MM7's: `/mm7/other` has wrong
credentials there, and an account may have an escaped slash in its name where the server shows the URI as it was sent.

## What is not in the table

* **Apache with mod_wsgi** does not run as root, and so not in every test. By hand, 4.9.4 in Apache 2.4.71 as a daemon
  of 4 threads did as gthread in the same cases, with `WSGIPassAuthorization On`, which Basic and
  Digest need, `WSGIChunkedRequest On`, without which chunked bodies are answered 411, and `AllowEncodedSlashes
  NoDecode`, which `%2F` needs. The differences: `//mm7` and `/x/../mm7` are `/mm7` there, `%2F` may also be in the
  account, what is cut short is the server's 500, and a body that is too large is read before it is answered 413.
* **A view of Pyramid by `wsgiapp2`** is none of the ways: WebOb copies the whole body first, before anybody has looked
  at the credentials, and raises an error of its own where that is not all there.
* **Bottle's `mount("/mm7/")`**, with a slash at its end, does not take `/mm7`. **Falcon's `add_sink(…, "/mm7")`** takes
  `/mm7x` too: give it the expression of the example. So does the one route `"/mm7*subpath"` of Pyramid.
"""


def main() -> int:
    """The exit status: 1 where something is not as it would be written."""
    write = runpy.run_path(str(ROOT / "docs" / "generated.py"))["main"]
    return max(write(DOCUMENT, document()), write(README, readme(README.read_text(encoding="utf-8"))))


def document() -> str:
    """docs/hosts.md."""
    pieces = [INTRODUCTION, "\n## What is sent\n\n"]
    pieces += [item(case.title, case.sent) for case in TO_SERVERS.values()]
    pieces += ["\n## Servers\n\n", *cells(TO_SERVERS, SERVERS), "\n", BEHIND_THE_SERVERS]
    pieces += [item(host.title, f"{host.how}. {host.advice}") for host in SERVERS.values()]
    pieces += ["\n## Frameworks\n\n", *cells(TO_FRAMEWORKS, FRAMEWORKS), "\n", BEHIND_THE_FRAMEWORKS]
    return "".join(pieces)


def item(title: str, text: str) -> str:
    """One item of a list."""
    return (
        fill(f"* **{title}**: {text}", 120, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)
        + "\n"
    )


def cells(cases: Mapping[str, Case], hosts: Mapping[str, Host]) -> Iterable[str]:
    """A table with a line for each case and a column for each host."""
    yield row("", *(host.title for host in hosts.values()))
    yield "|" + "---|" * (len(hosts) + 1) + "\n"
    yield row("*seen with*", *(VERSIONS[name] for name in hosts))
    for name, case in cases.items():
        yield row(case.title, *(CELLS[host][name] for host in hosts))


def readme(text: str) -> str:
    """README.md with its table of hosts and servers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{README.name} has no lines {BEGIN} and {END}")
    pieces = [row("host", "how", "seen with", "see"), "|---|---|---|---|\n"]
    for name, host in FRAMEWORKS.items():
        links = ", ".join(f"[{place.rpartition('/')[2]}]({place})" for place in host.see.split(", "))
        pieces.append(row(host.title, host.how, VERSIONS[name], links))
    pieces += [
        "\n",
        row("server", "served by", "seen with", "slow uploads", "chunked bodies", "log"),
        "|" + "---|" * 6 + "\n",
    ]
    for name, host in SERVERS.items():
        found = CELLS[name]
        slow = {"the fifth waits": "hold up others", "the fifth is served": "hold up nobody"}[found["stalled"]]
        chunked = "as any other" if found["chunked"] == "accepted" else "if allowed"
        if found["chunked-allowed"] != "accepted":
            chunked = "no"
        shown = {"yes": "shows passwords", "no": ""}[found["log"]]
        pieces.append(row(host.title, host.how, VERSIONS[name], slow, chunked, shown))
    return before + BEGIN + "\n\n" + "".join(pieces) + "\n" + END + after


def row(*texts: str) -> str:
    """One line of a table."""
    return "| " + " | ".join(texts) + " |\n"


if __name__ == "__main__":
    sys.exit(main())
