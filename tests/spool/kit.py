"""What the tests of the spool that want to lose a message have in common.

Test modules load this with ``runpy``, since those that pytest imports by their path cannot import each other.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import sqlalchemy as sa

import mm7_wsgi
from mm7_wsgi import MM7Endpoint
from mm7_wsgi.spool.tables import messages, pieces, transactions
from mm7_wsgi.testing import MM7Client

#: Whole numbers, so that what is due at a fraction of a second is never due at the same time.
BEGIN = 1_900_000_000.0
#: Every step of what is otherwise tried at some, and more of what is made up.
THOROUGH = bool(os.environ.get("MM7_TEST_THOROUGH"))
ACCOUNTS = {"acme": "s3cret", "beta": "geheim"}
_PACKAGE = Path(mm7_wsgi.__file__).parent


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self, now: float = BEGIN) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def peer(handler: Any, account: str = "acme", **options: Any) -> MM7Client:
    """Who sends to an endpoint with this handler."""
    return MM7Client(MM7Endpoint(handler, accounts=ACCOUNTS, **options), account, ACCOUNTS[account])


class Look:
    """Looks into a database from outside, by a connection that is closed again at once."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url, poolclass=sa.NullPool)

    def __call__(self, query: Any) -> list[Any]:
        with self._engine.begin() as connection:
            found = connection.execute(sa.text(query) if isinstance(query, str) else query)
            return list(found.all()) if found.returns_rows else []

    def stored(self) -> list[str]:
        """The TransactionID of every message that is there."""
        return [row.transaction_id for row in self(sa.select(messages.c.transaction_id).order_by(messages.c.id))]

    def empty(self) -> None:
        """Leave nothing but the tables."""
        with self._engine.begin() as connection:
            for table in (messages, pieces, transactions):
                connection.execute(sa.delete(table))


# -- processes


class Child:
    """A forked process. ``told`` are the values that it has reported before it ended."""

    def __init__(self, pid: int, pipe: int) -> None:
        self.pid = pid
        self._pipe = os.fdopen(pipe, "rb")
        self.told: list[Any] = []
        self.status: int | None = None

    def next(self) -> Any:
        """Wait for what it reports next; raises ``EOFError`` when it has ended."""
        self.told.append(pickle.load(self._pipe))
        return self.told[-1]

    def wait(self) -> int:
        """Wait until it has ended; returns the signal that ended it, 0 for none."""
        try:
            while True:
                self.next()
        except (EOFError, pickle.UnpicklingError):
            pass
        self._pipe.close()
        _, self.status = os.waitpid(self.pid, 0)
        assert os.WIFSIGNALED(self.status) or self.status == 0, "the child failed; see what it has written"
        return os.WTERMSIG(self.status) if os.WIFSIGNALED(self.status) else 0

    def kill(self) -> None:
        """End it now, if it has not ended."""
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def fork(work: Callable[[Callable[[Any], None]], None]) -> Child:
    """Do ``work`` in a process of its own; it is given a function that reports to this one."""
    out, into = os.pipe()
    pid = os.fork()
    if pid:
        os.close(into)
        return Child(pid, out)
    status = 1
    try:
        os.close(out)
        # One write each, so that a report is there as a whole or not at all.
        work(lambda what: (os.write(into, pickle.dumps(what)), None)[1])
        status = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)


class Failpoint:
    """Kills this process at the ``step``-th line that it is about to run in the spool or the endpoint.

    A line counts once, and each time that it is run where MM7_TEST_THOROUGH is set. Counting begins with :meth:`start`,
    or with the call of the function that ``begins`` names.
    """

    def __init__(self, step: int, *, begins: str | None = None) -> None:
        self.step = step
        self.count = 0
        self._begins = begins
        self._begun = begins is None
        self._lock = threading.Lock()
        self._files: dict[str, bool] = {}
        self._seen: set[tuple[str, int]] = set()

    def start(self) -> None:
        threading.settrace(self._call)
        sys.settrace(self._call)

    def _counts(self, name: str) -> bool:
        found = self._files.get(name)
        if found is None:
            path = Path(name)
            found = path.parent == _PACKAGE / "spool" or path == _PACKAGE / "endpoint.py"
            self._files[name] = found
        return found

    def _call(self, frame: FrameType, event: str, argument: Any) -> Any:
        if not self._counts(frame.f_code.co_filename):
            return None
        self._begun = self._begun or frame.f_code.co_name == self._begins
        return self._line

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line" and self._begun:
            place = frame.f_code.co_filename, frame.f_lineno
            with self._lock:
                if THOROUGH or place not in self._seen:
                    self._seen.add(place)
                    self.count += 1
                    if self.count == self.step:
                        os.kill(os.getpid(), signal.SIGKILL)
        return self._line
