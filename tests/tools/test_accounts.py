"""The commands for account files: hashes of passwords, and what is in a file."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from werkzeug.security import check_password_hash, generate_password_hash

from mm7_wsgi import Account, AccountTable, Credentials
from mm7_wsgi.digest import write_ha1
from mm7_wsgi.tools.cli import cli

SECRET = "s3cret"
PROMPT = re.compile(rb"(?:Password|confirmation): ")


def invoke(*arguments: str, stdin: bytes = b"") -> Result:
    result = CliRunner().invoke(cli, arguments, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs ``accounts`` on a text: ``listed(text)``."""

    def listed(text: str, mode: int = 0o600) -> Result:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "200")
        Path("a.toml").write_text(text)
        Path("a.toml").chmod(mode)
        return invoke("accounts", "a.toml")

    return listed


# passwd


@pytest.mark.parametrize("line", [b"s3cret", b"s3cret\n", b"s3cret\r\n", b"s3cret\nmore\n"])
@pytest.mark.parametrize(
    ("options", "method"),
    [((), "scrypt:"), (("--method", "scrypt"), "scrypt:"), (("--method", "pbkdf2"), "pbkdf2:sha256:")],
)
def test_one_line_becomes_one_hash(line: bytes, options: tuple[str, ...], method: str) -> None:
    """It is all that is printed, an account takes it, and who has the password is let in."""
    result = invoke("passwd", *options, stdin=line)
    assert (result.exit_code, result.stderr) == (0, "")
    (pwhash,) = result.stdout.splitlines()
    assert pwhash.startswith(method)
    assert Account("acme", pwhash).secret == pwhash
    assert check_password_hash(pwhash, SECRET)


def test_each_hash_has_a_salt_of_its_own() -> None:
    assert invoke("passwd", stdin=b"s3cret\n").stdout != invoke("passwd", stdin=b"s3cret\n").stdout


def test_any_text_can_be_a_password() -> None:
    text = " p\u00e4\u20ac=/:\t "
    pwhash = invoke("passwd", stdin=f"{text}\n".encode()).stdout.rstrip("\n")
    assert AccountTable({"acme": pwhash}).resolve(Credentials("basic", "acme", text, None, {}))


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        (b"", "the password is empty"),
        (b"\n", "the password is empty"),
        (b"\r\n", "the password is empty"),
        (b"s3cret\0\n", "the password holds NUL, CR or LF, and no request can"),
        (b"s3cret\r", "the password holds NUL, CR or LF, and no request can"),
        (b"s3\rcret\n", "the password holds NUL, CR or LF, and no request can"),
        (b"s3cret\xe4\n", "the password is not UTF-8"),
    ],
)
def test_what_cannot_be_a_password_is_refused(stdin: bytes, message: str) -> None:
    result = invoke("passwd", stdin=stdin)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"Error: {message}\n")


def test_an_ha1_is_made_for_each_algorithm() -> None:
    """An account takes both, and who has the password is let in."""
    result = invoke("passwd", "--digest", "m\u00fcller", stdin="p\u00e4ss\n".encode())
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert [line.rpartition(":")[0] for line in lines] == ["digest:SHA-256:MM7", "digest:MD5:MM7"]
    for line in lines:
        table = AccountTable({"m\u00fcller": line})
        assert table.resolve(Credentials("basic", "m\u00fcller", "p\u00e4ss", None, {}))
        assert table.resolve(Credentials("basic", "m\u00fcller", "pass", None, {})) is None


@pytest.mark.parametrize(
    ("account", "stdin", "message"),
    [
        ("acme", b"\n", "the password is empty"),
        ("", b"s3cret\n", "the name of an account has to be text without control characters, not ''"),
        ("ac\nme", b"s3cret\n", r"the name of an account has to be text without control characters, not 'ac\nme'"),
    ],
)
def test_an_ha1_of_what_cannot_be_is_refused(account: str, stdin: bytes, message: str) -> None:
    result = invoke("passwd", "--digest", account, stdin=stdin)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", f"Error: {message}\n")


def test_no_other_method() -> None:
    result = invoke("passwd", "--method", "md5", stdin=b"s3cret\n")
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.skipif(os.name != "posix", reason="there are no terminals of this kind here")
@pytest.mark.parametrize(
    ("typed", "right"),
    [
        (["s3cret", "s3cret"], True),
        (["s3cret", "s3cre", "s3cret", "s3cret"], True),
        (["", ""], False),
    ],
    ids=["twice", "mistyped", "empty"],
)
def test_a_terminal_is_asked_twice_and_shows_nothing(typed: list[str], right: bool) -> None:
    import pty
    import termios

    program = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from mm7_wsgi.__main__ import main; main()"
    screen, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", program, "passwd", "--method", "pbkdf2"],
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown = b""

    def is_asked(times: int) -> bool:
        nonlocal shown
        while select.select([screen], [], [], 0)[0]:
            shown += os.read(screen, 1000)
        # What is typed before it stops showing what is typed is thrown away.
        return (
            len(re.findall(rb"(?:Password|confirmation): ", shown)) >= times
            and not termios.tcgetattr(screen)[3] & termios.ECHO
        )

    try:
        for number, word in enumerate(typed, 1):
            end = time.monotonic() + 30
            while not is_asked(number):
                assert time.monotonic() < end, shown
                time.sleep(0.005)
            os.write(screen, f"{word}\n".encode())
        printed, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.communicate()
        os.close(screen)
    assert SECRET.encode() not in shown
    assert (process.returncode == 0) is right
    if right:
        assert check_password_hash(printed.decode().rstrip("\n"), SECRET)
    else:
        assert printed == b""


def test_what_asks_stays_away_from_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be sent to a file while the terminal asks."""
    with CliRunner().isolation(input="s3cret\ns3cret\n") as (printed, asked, _):
        monkeypatch.setattr(type(sys.stdin), "isatty", lambda _: True)
        cli.main(["passwd", "--method", "pbkdf2"], standalone_mode=False)
        sys.stdout.flush()
        assert check_password_hash(printed.getvalue().decode().rstrip("\n"), SECRET)
        assert asked.getvalue().startswith(b"Password: ")


# accounts


def test_the_accounts_of_a_file_are_listed_without_their_secrets(
    listed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MM7_SECRET", SECRET)
    (tmp_path / "secret").write_text(SECRET)
    pwhash = generate_password_hash(SECRET, "scrypt:128:1:1")
    ha1 = write_ha1("MD5", "digest", SECRET)
    result = listed(
        f"""
        [accounts.acme]
        secret = ["s3cret", "{pwhash}", {{ env = "MM7_SECRET" }}, {{ file = "secret" }}]
        addresses = ["192.0.2.7", "198.51.100.*"]
        rate = "10/second"
        [accounts."192.0.2.9"]
        [accounts."192.0.2.*"]
        secret = "s3cret"
        [accounts.hashed]
        secret = "{pwhash}"
        [accounts.digest]
        secret = "{ha1}"
        [accounts."[bold]none"]
        """
    )
    assert (result.exit_code, result.stderr) == (0, "")
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert rows == [
        "account known by secrets from rate",
        "acme URI, Basic or Digest plain, scrypt, plain from the environment, plain from a file "
        "192.0.2.7, 198.51.100.* 10/second",
        "192.0.2.9 its address none anywhere any",
        "192.0.2.* URI, Basic or Digest, its network plain anywhere any",
        "hashed URI or Basic scrypt anywhere any",
        "digest URI, Basic or Digest digest:MD5 anywhere any",
        "[bold]none nothing none anywhere any",
        "6 accounts",
    ]
    assert SECRET not in result.stdout
    assert ha1[-32:] not in result.stdout
    assert pwhash not in result.stdout


@pytest.mark.parametrize("secret", [SECRET, write_ha1("MD5", "acme", SECRET)], ids=["plain", "HA1"])
def test_a_file_that_everybody_can_read_is_told(listed: Any, secret: str) -> None:
    result = listed(f"[accounts.acme]\nsecret = '{secret}'", 0o644)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-2:] == [
        "1 account",
        "Every user of this machine can read secrets in it that are not hashed: chmod o-r",
    ]


def test_what_is_wrong_with_a_file_is_a_line_each(listed: Any) -> None:
    result = listed("[accounts.acme]\nsecret = 'scrypt:s3cret'\naddress = []\n[accounts.\"x\\u001b\"]")
    assert (result.exit_code, result.stderr) == (1, "")
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("a.toml: ") for line in lines)
    assert "is addresses meant?" in result.stdout
    assert SECRET not in result.stdout
    assert "\x1b" not in result.stdout


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    assert invoke("accounts", str(tmp_path / "missing.toml")).exit_code == 2
    assert invoke("accounts", str(tmp_path)).exit_code == 2


def test_toml_that_cannot_be_read_here_is_told(listed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tomllib", None)
    monkeypatch.setitem(sys.modules, "tomli", None)
    result = listed("[accounts.acme]")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "pip install 'mm7_wsgi[toml]'" in result.stderr
