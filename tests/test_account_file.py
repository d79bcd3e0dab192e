"""Accounts in a file: read again when it changes, and never by halves."""

from __future__ import annotations

import logging
import os
import pickle
import runpy
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import account_file as module
from mm7_wsgi import account_toml
from mm7_wsgi.account_file import LOOK, SETTLED, AccountFile, AccountFileError
from mm7_wsgi.credentials import Credentials
from mm7_wsgi.resolvers import Resolver

KNOWN = runpy.run_path(str(Path(__file__).with_name("known.py")))
SECRET, Clock, hashed, checks = (KNOWN[name] for name in ("SECRET", "Clock", "hashed", "checks"))
by_name, by_address, name_of = (KNOWN[name] for name in ("by_name", "by_address", "name_of"))

ACME = '[accounts.acme]\nsecret = "s3cret"\n'
OTHER = '[accounts.other]\nsecret = "0ther"\n'


class Watched:
    """An account file, and clocks that say what they are told to: nothing in it waits."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        #: Seconds since the newest of the files in the folder was changed, as the clock on the wall has it.
        self.age = 1.0
        self.file: AccountFile

    def now(self) -> float:
        changed = [path.stat().st_ctime for path in self.path.parent.iterdir()]
        return max(changed, default=0.0) + self.age

    def open(self, text: str = ACME) -> AccountFile:
        self.write(text)
        self.file = AccountFile(self.path, clock=self.clock, wall_clock=self.now)
        return self.file

    def write(self, text: str) -> None:
        self.path.write_text(text)

    def names(self, seconds: float = LOOK) -> set[str]:
        """Who can send, ``seconds`` later."""
        self.clock.now += seconds
        pairs = [("acme", SECRET), ("other", "0ther"), ("new", "n3w"), ("acme", "n3w")]
        found = [name_of(self.file.resolve(by_name(*pair))) for pair in pairs]
        return {name for name in found if name is not None}


@pytest.fixture
def watched(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Watched:
    (tmp_path / "accounts").mkdir()
    path = tmp_path / "accounts" / "accounts.toml"
    path.touch(mode=0o600)
    caplog.set_level(logging.INFO, "mm7_wsgi")
    return Watched(path)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], list[tuple[str, str]]]:
    """The level and text of what was logged since it was asked last."""

    def logged() -> list[tuple[str, str]]:
        found = [(record.levelname, record.getMessage()) for record in caplog.records]
        assert all(vars(record)["event"] == "accounts" for record in caplog.records)
        assert SECRET not in caplog.text
        caplog.clear()
        return found

    return logged


# At the start


def test_it_resolves_as_a_table_does(watched: Watched) -> None:
    file = watched.open(ACME + '[accounts."192.0.2.*"]\n')
    assert isinstance(file, Resolver)
    assert name_of(file.resolve(by_name("acme", SECRET))) == "acme"
    assert file.resolve(by_name("acme", "wrong")) is None
    assert name_of(file.resolve(by_address("192.0.2.7"))) == "192.0.2.*"


def test_a_broken_file_is_an_error_with_a_line_for_each_problem(watched: Watched) -> None:
    with pytest.raises(AccountFileError) as refusal:
        watched.open(f'{ACME}adresses = []\nrate = "fast"\n')
    error = refusal.value
    assert isinstance(error, ValueError)
    assert error.path == str(watched.path)
    assert len(error.problems) == 2
    assert str(error).splitlines() == [f"{watched.path}: {problem}" for problem in error.problems]
    assert error.__context__ is None


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AccountFileError, match=r"missing\.toml: the file cannot be read: No such file or directory"):
        AccountFile(tmp_path / "missing.toml")


def test_the_secrets_stay_inside(watched: Watched) -> None:
    file = watched.open()
    assert repr(file) == f"AccountFile({str(watched.path)!r})"
    with pytest.raises((TypeError, pickle.PicklingError)):
        pickle.dumps(file)


def test_the_path_is_that_of_the_start(watched: Watched, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A server may go to another folder."""
    watched.write(ACME)
    monkeypatch.chdir(watched.path.parent)
    watched.file = AccountFile(watched.path.name, clock=watched.clock, wall_clock=watched.now)
    assert watched.file.path == str(watched.path)
    monkeypatch.chdir(tmp_path)
    watched.write(OTHER)
    assert watched.names() == {"other"}


# When it changes


def test_a_change_is_taken_over_within_a_second(watched: Watched, logged: Any) -> None:
    """With the clocks of the machine, and nothing in between but requests."""
    watched.write(ACME)
    file = AccountFile(watched.path)
    watched.write(OTHER)
    begun = time.monotonic()
    while file.resolve(by_name("other", "0ther")) is None:
        assert time.monotonic() - begun < 30
        time.sleep(0.01)
    # The machine may be busy; how long is promised is LOOK + SETTLED.
    assert LOOK + SETTLED < 1
    assert file.resolve(by_name("acme", SECRET)) is None
    assert logged() == [("INFO", f"{watched.path}: 1 accounts from now on")]


@pytest.mark.parametrize("replace", [True, False])
def test_a_new_file_takes_the_place_of_the_old_as_a_whole(watched: Watched, replace: bool, logged: Any) -> None:
    watched.open(ACME + OTHER)
    if replace:
        beside = watched.path.with_name("new")
        beside.touch(0o600)
        beside.write_text(ACME + "[accounts.new]\nsecret = 'n3w'\n")
        beside.replace(watched.path)
    else:
        watched.write(ACME + "[accounts.new]\nsecret = 'n3w'\n")
    assert watched.names() == {"acme", "new"}
    assert logged() == [("INFO", f"{watched.path}: 2 accounts from now on")]


def test_it_looks_four_times_a_second_at_most(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    watched.open()
    monkeypatch.setattr(module, "stamp_of", lambda path: looks.append(path) or account_toml.stamp_of(path))
    for _ in range(16):
        watched.names(0.0625)
    assert len(looks) == 4
    assert LOOK == 0.25


def test_an_account_in_use_stays_as_it_was(watched: Watched) -> None:
    """A request in flight keeps its account."""
    account = watched.open().resolve(by_name("acme", SECRET))
    assert account is not None
    watched.write('[accounts.acme]\nsecret = "n3w"\n')
    assert watched.names() == {"acme"}
    assert account.secret == (SECRET,)
    assert watched.file.resolve(by_name("acme", SECRET)) is None


def test_a_file_that_is_being_written_is_left_alone(watched: Watched, logged: Any) -> None:
    """Half of a file can be sound, with accounts missing. It is believed when it has been the same for a while."""
    watched.open(ACME + OTHER)
    watched.age = 0.01
    watched.write(ACME)
    for age in (0.01, 0.1, SETTLED - 0.01):
        watched.age = age
        assert watched.names() == {"acme", "other"}
    assert logged() == []
    watched.age = SETTLED + 0.01
    assert watched.names() == {"acme"}
    assert SETTLED == 0.2


def test_an_empty_file_is_a_broken_one(watched: Watched, logged: Any) -> None:
    """So is one that was opened for writing, and stayed so for long."""
    watched.open()
    watched.write("")
    assert watched.names() == {"acme"}
    ((level, text),) = logged()
    assert (level, "there are no accounts in it" in text) == ("ERROR", True)


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_date_that_was_set_does_not_hide_a_change(watched: Watched, seconds: int) -> None:
    """What counts is when the change was made, also where it keeps an older date or is dated ahead."""
    watched.open()
    for text, names in ((OTHER, {"other"}), (ACME, {"acme"})):
        before = watched.names()
        watched.write(text)
        os.utime(watched.path, (time.time() + seconds,) * 2)
        watched.age = 0.1
        assert watched.names() == before
        watched.age = SETTLED + 0.01
        assert watched.names() == names


def test_a_file_from_the_future_is_taken_over_at_once(watched: Watched) -> None:
    """The clock of the machine was set back, or the disk is another machine's."""
    watched.open()
    watched.write(OTHER)
    os.utime(watched.path, (time.time() + 3600,) * 2)
    watched.age = -60
    assert watched.names() == {"other"}


def test_a_change_in_the_tick_of_the_first_reading_is_seen(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writes of one length in one tick of the clock look the same: a young file is read again when it is older."""
    watched.age = 0.1
    watched.open(ACME)
    stamp = account_toml.stamp_of(str(watched.path))
    watched.write(ACME.replace("s3cret", "0ther").replace("acme", "other"))
    for one in (module, account_toml):
        monkeypatch.setattr(one, "stamp_of", lambda _: stamp)
    watched.age = 1.0
    assert watched.names() == {"other"}


def test_a_file_that_changes_while_it_is_read_is_read_again(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.open(ACME + OTHER)
    watched.write(ACME)

    def read(path: str, **more: Any) -> Any:
        reading = account_toml.read_accounts(path, **more)
        watched.write(ACME + OTHER + "[accounts.new]\nsecret = 'n3w'\n")
        return reading

    with monkeypatch.context() as patch:
        patch.setattr(module, "read_accounts", read)
        assert watched.names() == {"acme", "other"}
    assert watched.names() == {"acme", "other", "new"}


# When it is broken


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_text("[accounts.acme"),
        lambda path: path.write_text("[accounts.acme]\nsecret = 's3cret'\nrate = 7"),
        lambda path: path.unlink(),
        lambda path: path.unlink() or path.mkdir(),
        lambda path: path.write_bytes(b"\xff"),
    ],
    ids=["syntax", "problem", "gone", "folder", "octets"],
)
def test_a_broken_file_keeps_the_accounts_and_says_so_once(watched: Watched, spoil: Any, logged: Any) -> None:
    """And it recovers by itself, also when what comes back is what was there."""
    watched.open()
    spoil(watched.path)
    for _ in range(3):
        assert watched.names() == {"acme"}
    ((level, text),) = logged()
    assert level == "ERROR"
    assert text.startswith(f"{watched.path} cannot be used, and the accounts stay as they were: ")
    if watched.path.is_dir():
        watched.path.rmdir()
    watched.write(ACME)
    watched.path.chmod(0o600)
    for _ in range(3):
        assert watched.names() == {"acme"}
    assert logged() == [("INFO", f"{watched.path}: 1 accounts from now on")]


def test_each_broken_state_is_told(watched: Watched, logged: Any) -> None:
    watched.open()
    for text in ("[", "[accounts.acme]\nrate = 7", "accounts = 7"):
        watched.write(text)
        assert watched.names() == {"acme"}
        assert watched.names() == {"acme"}
    assert [level for level, _ in logged()] == ["ERROR"] * 3


def test_of_many_problems_a_line_of_the_log_has_some(watched: Watched, logged: Any) -> None:
    watched.open()
    watched.write("".join(f"[accounts.a{number:02}]\nrate = 7\n" for number in range(30)))
    watched.names()
    ((_, text),) = logged()
    assert "'a19'" in text
    assert "'a20'" not in text
    assert text.endswith("; …")


def test_what_comes_back_by_itself_needs_no_change(
    watched: Watched, monkeypatch: pytest.MonkeyPatch, logged: Any
) -> None:
    """Where no descriptor was left, the file is tried again as it is."""
    watched.open()
    watched.write(OTHER)

    def none_left(*_: object) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(account_toml, "open", none_left, raising=False)
        for _ in range(3):
            assert watched.names() == {"acme"}
    assert [level for level, _ in logged()] == ["ERROR"]
    assert watched.names() == {"other"}
    assert [level for level, _ in logged()] == ["INFO"]


# Secrets in files


def test_a_secret_in_a_file_is_read_again_as_well(watched: Watched, logged: Any) -> None:
    secret = watched.path.with_name("secret")
    secret.write_text("s3cret\n")
    watched.open('[accounts.acme]\nsecret = { file = "secret" }\n')
    secret.write_text("n3w\n")
    watched.age = 0.1
    assert watched.file.resolve(by_name("acme", SECRET))
    watched.clock.now += LOOK
    assert watched.file.resolve(by_name("acme", SECRET))
    watched.age = 1.0
    watched.clock.now += LOOK
    assert watched.file.resolve(by_name("acme", SECRET)) is None
    assert watched.file.resolve(by_name("acme", "n3w"))
    secret.unlink()
    assert watched.names() == {"acme"}
    secret.write_text("s3cret")
    watched.clock.now += LOOK
    assert watched.file.resolve(by_name("acme", SECRET))
    assert [level for level, _ in logged()] == ["INFO", "ERROR", "INFO"]


def test_a_secret_that_comes_later_mends_the_file(watched: Watched, logged: Any) -> None:
    """Whichever of the two is written first."""
    watched.open()
    watched.write('[accounts.new]\nsecret = { file = "secret" }\n')
    assert watched.names() == {"acme"}
    watched.path.with_name("secret").write_text("n3w")
    assert watched.names() == {"new"}
    assert [level for level, _ in logged()] == ["ERROR", "INFO"]


def test_a_new_file_waits_for_a_secret_that_is_just_being_written(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However old the file that names it."""
    watched.open()
    secret = watched.path.with_name("secret")
    stamp_of = account_toml.stamp_of

    def older(path: str) -> Any:
        stamp = stamp_of(path)
        return stamp if path == str(secret) else stamp._replace(modified=0, changed=0)

    for one in (module, account_toml):
        monkeypatch.setattr(one, "stamp_of", older)
    watched.write('[accounts.new]\nsecret = { file = "secret" }\n')
    secret.write_text("n3")
    watched.age = 0.1
    assert watched.names() == {"acme"}
    secret.write_text("n3w")
    watched.age = SETTLED + 0.01
    assert watched.names() == {"new"}


# What stays


def test_a_file_that_says_the_same_keeps_what_was_verified(watched: Watched, checks: list[str], logged: Any) -> None:
    pwhash = hashed()
    watched.open(f'[accounts.acme]\nsecret = "{pwhash}"\n')
    assert watched.names() == {"acme"}
    spent = len(checks)
    watched.write(f'# a comment\n[accounts.acme]\nsecret = ["{pwhash}"]\n')
    watched.clock.now += LOOK
    assert watched.file.resolve(by_name("acme", SECRET))
    assert len(checks) == spent
    assert logged() == []


def test_a_hash_that_becomes_a_plain_secret_is_a_change(watched: Watched) -> None:
    pwhash = hashed()
    file = watched.open(f'[accounts.acme]\nsecret = "{pwhash}"\n')
    assert file.resolve(by_name("acme", pwhash)) is None
    watched.write(f'[accounts.acme]\nsecret = {{ plain = "{pwhash}" }}\n')
    watched.clock.now += LOOK
    assert file.resolve(by_name("acme", pwhash))


@pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions")
def test_secrets_that_everybody_can_read_are_told_once(watched: Watched, logged: Any) -> None:
    watched.open()
    assert logged() == []
    watched.path.chmod(0o644)
    for text in (ACME + OTHER, ACME, OTHER):
        watched.write(text)
        watched.names()
    assert [level for level, _ in logged()] == ["INFO", "WARNING", "INFO", "INFO"]
    watched.open()
    ((level, text),) = logged()
    assert level == "WARNING"
    assert text == f"{watched.path} holds secrets that are not hashed, and every user of this machine can read it"


# At once


def test_no_request_waits_while_another_reads(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    watched.open()
    watched.write(OTHER)
    begun, ended = threading.Event(), threading.Event()

    def read(path: str, **more: Any) -> Any:
        begun.set()
        assert ended.wait(30)
        return account_toml.read_accounts(path, **more)

    monkeypatch.setattr(module, "read_accounts", read)
    watched.clock.now += LOOK
    found: list[Any] = []
    reader = threading.Thread(target=lambda: found.append(watched.file.resolve(by_name("other", "0ther"))))
    reader.start()
    assert begun.wait(30)
    assert name_of(watched.file.resolve(by_name("acme", SECRET))) == "acme"
    assert found == []
    ended.set()
    reader.join()
    assert name_of(found[0]) == "other"


def test_readers_never_see_accounts_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a writer puts new files in the place of the old, or writes over them in two halves, 200 times.

    No time goes by from the first half to the second: a machine that stops between them for a fifth of a second would
    make one half a whole file.
    """
    monkeypatch.setattr(module, "LOOK", 0.005)
    path = tmp_path / "accounts.toml"
    kept = "".join(f'[accounts.kept{number}]\nsecret = "s3cret"\n' for number in range(20))

    def text(number: int) -> str:
        return f'{kept}[accounts."{number}"]\nsecret = "n3w"\n[accounts.last]\nsecret = "s3cret"\n'

    path.write_text(text(-1))
    path.chmod(0o600)
    is_half = threading.Event()

    def now() -> float:
        return path.stat().st_ctime + SETTLED / 2 if is_half.is_set() else time.time()

    file = AccountFile(path, wall_clock=now)
    stop = threading.Event()
    missing: list[str] = []
    requests = 0

    def request() -> None:
        nonlocal requests
        while not stop.wait(0.0005):
            for name in ("kept0", "kept19", "last"):
                requests += 1
                if file.resolve(Credentials("basic", name, SECRET, ip_address("192.0.2.7"), {})) is None:
                    missing.append(name)

    threads = [threading.Thread(target=request) for _ in range(3)]
    for thread in threads:
        thread.start()
    taken_over = 0
    try:
        for number in range(200):
            if number % 2:
                beside = tmp_path / "new"
                beside.write_text(text(number))
                beside.chmod(0o600)
                beside.replace(path)
            else:
                octets = text(number).encode()
                is_half.set()
                with path.open("wb", buffering=0) as written:
                    written.write(octets[: len(octets) // 2 + number])
                    written.write(octets[len(octets) // 2 + number :])
                is_half.clear()
            if number % 25 == 24:
                end = time.monotonic() + 30
                while file.resolve(Credentials("basic", str(number), "n3w", None, {})) is None:
                    assert time.monotonic() < end
                    time.sleep(0.005)
                taken_over += 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert missing == []
    assert taken_over == 8
    assert requests > 1000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_each_process_after_a_fork_reads_for_itself(tmp_path: Path) -> None:
    """Made before the fork, as with gunicorn --preload; also where a thread of the parent was just reading."""
    program = """
import os, sys, time
from mm7_wsgi import AccountFile, Credentials

path = sys.argv[1]
file = AccountFile(path)
file._lock[1].acquire()
if pid := os.fork():
    with open(path + ".new", "w") as new:
        new.write("[accounts.other]\\nsecret = '0ther'\\n")
    os.replace(path + ".new", path)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
end = time.monotonic() + 30
while file.resolve(Credentials("basic", "other", "0ther", None, {})) is None:
    if time.monotonic() > end:
        os._exit(7)
    time.sleep(0.01)
os._exit(0)
"""
    path = tmp_path / "accounts.toml"
    path.write_text(ACME)
    path.chmod(0o600)
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_a_child_does_not_wait_for_a_lock_of_its_parent(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    file = watched.open()
    _, of_the_parent = file._lock
    assert of_the_parent.acquire()
    watched.write(OTHER)
    assert watched.names() == {"acme"}
    pid = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: pid)
    assert watched.names() == {"other"}
    assert file._lock[1] is not of_the_parent
