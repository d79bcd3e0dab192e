"""How much memory a message costs at its peak, in a process that serves nothing else: a table of endpoint.py.

Measured is ``RssAnon`` of a child process, the pages that are its own and no file's, above what it had when idle. The
parent reads it from ``/proc`` as fast as it can, since a thread of the child would miss what happens while another has
the interpreter lock. The child imports everything, reads a small message ten times, collects garbage, and has malloc
give its free pages back, in which a peak could hide. That is idle. Then it reads the message several times from a file,
so that the body as it is sent is in nobody's memory.

malloc is left as a server has it, so what it keeps from one message to the next counts, and so does what is lost to
fragmentation. Free room between the small objects of Python stays where it is and counts as idle: about half a MB that
can be used again unseen. A body in a temporary file is page cache and does not count, also where the file is mapped.
Where the blocks come to lie differs from child to child, and the parent may look away when the machine is busy, so
there are several children, and the highest figure counts.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from .messages import MESSAGES, Message
from .tables import markdown, verdict

#: What is measured, by message and way, with the MB that it may cost at most where that is promised.
ROWS: Final[Mapping[tuple[str, str], float | None]] = {
    ("d", "lazy"): 2,
    ("d", "eager"): None,
    ("d", "open"): None,
    ("d", "naive lazy"): None,
    ("d", "naive eager"): None,
    ("e", "lazy"): 2,
    ("e", "eager"): None,
    ("e", "open"): 2,
    ("e", "naive lazy"): None,
    ("e", "naive eager"): None,
    ("f10", "lazy"): 12,
    ("f10", "naive lazy"): None,
    ("f10", "naive eager"): None,
}
_RSS_ANON: Final = re.compile(rb"^RssAnon:\s*([0-9]+) kB$", re.MULTILINE)
_SECONDS: Final = 120


class Watched(NamedTuple):
    """What was seen of one child: octets of anonymous memory when idle and at most, and how well it was watched."""

    idle: int
    highest: int
    samples: int
    #: Seconds between two looks, at most: what comes and goes within can be missed.
    longest_gap: float


class Peak(NamedTuple):
    """What a message costs, read in one way."""

    letter: str
    title: str
    way: str
    children: list[Watched]

    @property
    def megabytes(self) -> float:
        """What was needed above idle, in the child that needed most."""
        return max(child.highest - child.idle for child in self.children) / 1e6


def measurable() -> bool:
    """Whether this system tells how much anonymous memory a process has. Linux does."""
    try:
        return _RSS_ANON.search(Path("/proc/self/status").read_bytes()) is not None
    except OSError:
        return False


def peaks(
    messages: Mapping[str, Callable[[], Message]],
    rows: Iterable[tuple[str, str]],
    *,
    children: int = 3,
    times: int = 3,
    fast: bool = False,
) -> Iterator[Peak]:
    """Measure ``rows``, each in ``children`` of its own, one after the other, that read its message ``times`` times."""
    rows = list(rows)
    with tempfile.TemporaryDirectory() as directory:
        for letter in dict.fromkeys(letter for letter, _ in rows):
            message = messages[letter]()
            path = Path(directory, letter)
            path.write_bytes(message.body)
            for way in (way for its_letter, way in rows if its_letter == letter):
                arguments = [way, str(path), message.content_type, str(times), *(["--fast"] if fast else [])]
                yield Peak(letter, message.title, way, [_watch(arguments) for _ in range(children)])


def report(found: Iterable[Peak]) -> str:
    """The table of what was found."""
    headers = ["", "message", "read", "MB above idle", "at most"]
    rows = [
        [
            peak.letter,
            peak.title,
            peak.way,
            f"{peak.megabytes:,.2f}",
            verdict(peak.megabytes, most=ROWS[peak.letter, peak.way]),
        ]
        for peak in found
    ]
    return markdown(headers, rows, left=3)


def _watch(arguments: list[str]) -> Watched:
    """Run a child, and look at it until it is done."""
    command = [sys.executable, "-m", "benchmarks.memory", *arguments]
    with subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        _expect(child.stdout, b"ready\n")
        with open(f"/proc/{child.pid}/status", "rb", buffering=0) as status, _apart(child.pid):
            idle = highest = _anonymous(status)
            samples, longest = 1, 0.0
            looked = time.perf_counter()
            child.stdin.write(b"go\n")
            while not select.select([child.stdout], [], [], 0)[0]:
                highest = max(highest, _anonymous(status))
                samples += 1
                now = time.perf_counter()
                longest, looked = max(longest, now - looked), now
        _expect(child.stdout, b"done\n")
        child.stdin.close()
    return Watched(idle, highest, samples, longest)


@contextmanager
def _apart(child: int) -> Iterator[None]:
    """Have the child run on other processors than this process, where there are several.

    Else it begins on the one that this process runs on, and for milliseconds nobody looks.
    """
    mine = os.sched_getaffinity(0)
    first, *others = mine
    if others:
        os.sched_setaffinity(0, {first})
        os.sched_setaffinity(child, others)
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


def _expect(source: IO[bytes], line: bytes) -> None:
    if not select.select([source], [], [], _SECONDS)[0] or source.readline() != line:
        raise RuntimeError(f"the child did not say {line!r}")


def _anonymous(status: IO[bytes]) -> int:
    """Octets of anonymous memory, from the open ``/proc/PID/status``; 0 for a process that has ended."""
    found = _RSS_ANON.search(os.pread(status.fileno(), 8192, 0))
    return 0 if found is None else int(found[1]) * 1024


def _child(way: str, path: str, content_type: str, times: int) -> None:
    """Read the message whenever the parent says so."""
    # Not before it is settled whether pybase64 can be imported.
    from .requests import WAYS, call, environ_of, sender

    if way == "spool":
        from .spool import spooling

        application = spooling()
    else:
        application = WAYS[way]()
    small = sender(application, MESSAGES["a"]())
    for _ in range(10):
        small()
    environ = environ_of(content_type, os.path.getsize(path))
    gc.collect()
    _trim()
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(times):
        # Not quite unbuffered: a raw file may give less than is asked for, and the naive way asks once.
        with open(path, "rb", buffering=4096) as source:
            call(application, environ, source)
    print("done", flush=True)
    sys.stdin.readline()  # what it had at last can be read as long as it lives


def _trim() -> None:
    """Have malloc give its free pages back, where it can be told to."""
    trim: Any = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _main() -> None:
    parser = argparse.ArgumentParser(description="The child of one measurement; the parent is benchmarks.endpoint.")
    parser.add_argument("way")
    parser.add_argument("path")
    parser.add_argument("content_type")
    parser.add_argument("times", type=int)
    parser.add_argument("--fast", action="store_true")
    given = parser.parse_args()
    if not given.fast:
        sys.modules["pybase64"] = None  # type: ignore[assignment]  # as if it were not installed
    _child(given.way, given.path, given.content_type, given.times)


if __name__ == "__main__":
    _main()
