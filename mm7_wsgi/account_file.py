"""Accounts in a file that is read again when it changes."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from .account_table import AccountTable
from .account_toml import Reading, Stamp, read_accounts, stamp_of
from .accounts import Account
from .credentials import Credentials

__all__ = ["AccountFile", "AccountFileError"]

_log = logging.getLogger("mm7_wsgi")

#: Seconds from one look at the files to the next.
LOOK: Final = 0.25
#: Seconds for which a file has to be as it is before it is believed to be whole. It also tells apart what is written
#: twice in one tick of the clock that files are dated by.
SETTLED: Final = 0.2
#: Problems in one line of the log.
LOGGED: Final = 20


class AccountFileError(ValueError):
    """An account file cannot be used. The text has a line for each problem, and no secret."""

    def __init__(self, path: str, problems: Iterable[str]) -> None:
        #: The file.
        self.path = path
        #: What is wrong, each in one line.
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{path}: {problem}" for problem in self.problems))


class AccountFile:
    """The resolver over the accounts of a TOML file, which it reads again within a second of a change.

    ``path`` is the file; :mod:`mm7_wsgi.account_toml` says what is in it. Raises :class:`AccountFileError` where it
    cannot be used, and ``ModuleNotFoundError`` where a package is missing to read it.

    While it is in use, a request that comes looks at the file, and at those with secrets, four times a second at most,
    and no request waits while another does. Accounts are taken over all at once, when the files have been the same for
    a fifth of a second: a file that is half written may be sound, with accounts missing. Where a new file is broken or
    gone, the accounts stay as they were, and one ERROR in the log says why; INFO says when there are new ones.

    It keeps no file open and has no thread, so that it can be made before a server forks.
    """

    __slots__ = (
        "_clock",
        "_complaint",
        "_is_final",
        "_lock",
        "_next_look",
        "_reading",
        "_stamps",
        "_table",
        "_wall_clock",
        "_warned",
        "path",
    )

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        #: The whole path of the file.
        self.path = os.path.abspath(os.fsdecode(path))
        self._clock = clock
        self._wall_clock = wall_clock
        self._lock = (os.getpid(), threading.Lock())
        self._next_look = clock() + LOOK
        self._complaint: tuple[Mapping[str, Stamp], tuple[str, ...]] | None = None
        self._warned = False
        reading = read_accounts(self.path, clock=clock)
        if reading.table is None:
            raise AccountFileError(self.path, reading.problems)
        # What is in use.
        self._reading = reading
        self._table: AccountTable = reading.table
        # How the files were when they were last read, and whether there is no need to read them again as they were.
        self._stamps = reading.stamps
        self._is_final = self._are_whole(reading.stamps)
        self._warn()

    def __repr__(self) -> str:
        return f"AccountFile({self.path!r})"

    def resolve(self, credentials: Credentials) -> Account | None:
        """The account, or None, by the file as it was when it was last found whole: see :class:`AccountTable`."""
        if self._clock() >= self._next_look:
            self._look_unless_another_does()
        return self._table.resolve(credentials)

    def _look_unless_another_does(self) -> None:
        pid, lock = self._lock
        if pid != os.getpid():
            # Forked while another thread held it, it would stay locked for ever.
            self._lock = (os.getpid(), lock := threading.Lock())
        if lock.acquire(blocking=False):
            try:
                self._look()
                self._next_look = self._clock() + LOOK
            finally:
                lock.release()

    def _look(self) -> None:
        stamps = _as_they_are(self._stamps)
        if self._is_final and stamps == self._stamps:
            return
        if not self._are_settled(stamps):
            return
        reading = read_accounts(self.path, clock=self._clock)
        # The new file may name other files with secrets.
        if not self._are_whole(reading.stamps):
            return
        self._stamps = reading.stamps
        self._is_final = not reading.passing
        if reading.table is None:
            self._complain(reading)
        else:
            self._take_over(reading, reading.table)

    def _are_whole(self, stamps: Mapping[str, Stamp]) -> bool:
        """Whether files that were read as ``stamps`` are still the same, and have been for a while."""
        return self._are_settled(stamps) and _as_they_are(stamps) == stamps

    def _are_settled(self, stamps: Mapping[str, Stamp]) -> bool:
        # A date in the future says nothing of how long ago it was: somebody set it, or a clock.
        now = self._wall_clock()
        dates = (date / 1e9 for stamp in stamps.values() for date in (stamp.modified, stamp.changed))
        return all(date > now or now - date >= SETTLED for date in dates)

    def _complain(self, reading: Reading) -> None:
        complaint = (reading.stamps, reading.problems)
        if complaint != self._complaint:
            self._complaint = complaint
            problems = [*reading.problems[:LOGGED], *(["…"] if len(reading.problems) > LOGGED else [])]
            message = "%s cannot be used, and the accounts stay as they were: %s"
            _log.error(message, self.path, "; ".join(problems), extra={"event": "accounts"})

    def _take_over(self, reading: Reading, table: AccountTable) -> None:
        # A table that says the same stays: it remembers which hashes were verified. A secret that is meant as a hash is
        # equal to one that is not, so what they are is compared too.
        before, self._reading = self._reading, reading
        is_new = (reading.accounts, reading.secrets) != (before.accounts, before.secrets)
        if is_new:
            self._table = table
        if is_new or self._complaint is not None:
            _log.info("%s: %d accounts from now on", self.path, len(reading.accounts), extra={"event": "accounts"})
        self._complaint = None
        self._warn()

    def _warn(self) -> None:
        if self._reading.exposed and not self._warned:
            self._warned = True
            message = "%s holds secrets that are not hashed, and every user of this machine can read it"
            _log.warning(message, self.path, extra={"event": "accounts"})


def _as_they_are(stamps: Mapping[str, Stamp]) -> dict[str, Stamp]:
    """The same files, as they are now."""
    return {path: stamp_of(path) for path in stamps}
