"""What an account file says: what is read of it, and what is wrong with it."""

from __future__ import annotations

import os
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mm7_wsgi import account_toml as module
from mm7_wsgi.account_toml import Reading, Stamp, read_accounts, stamp_of
from mm7_wsgi.accounts import Account, Dialect, Plain

ROOT = Path(__file__).resolve().parents[1]
KNOWN = runpy.run_path(str(Path(__file__).with_name("known.py")))
SECRET, PBKDF2, hashed = KNOWN["SECRET"], KNOWN["PBKDF2"], KNOWN["hashed"]


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Reading]:
    """Reads a text as an account file: ``read(text)``."""

    def read(text: str | bytes) -> Reading:
        path = tmp_path / "accounts.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read_accounts(str(path))

    return read


@pytest.fixture
def sound(read: Callable[..., Reading]) -> Callable[[str], Any]:
    """The accounts of a text that has to be without problems."""

    def sound(text: str) -> Any:
        found = read(text)
        assert found.problems == ()
        assert found.table is not None
        return found.accounts

    return sound


# What is read


def test_the_fields_of_an_account_are_its_keys(sound: Any) -> None:
    accounts = sound(
        """
        [accounts.acme]
        secret = "s3cret"
        addresses = ["192.0.2.7", "198.51.100.0/24", "203.0.113.*"]
        rate = "10/second"
        reuse = "refuse"
        dialect = { fault_http_status = 200, prefix = "mm7", namespace = "urn:x", mm7_version = "5.3.0" }
        limits = { body = 50_000_000, parts = 3 }
        strict = true
        tolerate = ["close-missing", "line-ends"]
        """
    )
    assert accounts == {
        "acme": Account(
            "acme",
            [SECRET],
            ["192.0.2.7", "198.51.100.0/24", "203.0.113.*"],
            Dialect(fault_http_status=200, prefix="mm7", namespace="urn:x", mm7_version="5.3.0"),
            {"body": 50_000_000, "parts": 3},
            "10/second",
            strict=True,
            tolerate=("close-missing", "line-ends"),
            reuse="refuse",
        )
    }


def test_an_empty_table_is_an_account_without_a_secret(sound: Any) -> None:
    assert sound('[accounts."192.0.2.9"]\n[accounts.acme]') == {
        "192.0.2.9": Account("192.0.2.9"),
        "acme": Account("acme"),
    }


def test_accounts_without_an_account_are_nobodys(sound: Any) -> None:
    assert sound("[accounts]") == {}


def test_secrets_come_from_everywhere(read: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the file itself, from others beside it or anywhere, and from the environment; as hashes too."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "old").write_text("the old one\n")
    (tmp_path / "far").write_text(hashed() + "\r\n")
    monkeypatch.setenv("MM7_SECRET", "of the environment")
    monkeypatch.setenv("MM7_HASH", hash_of_environment := hashed(method=PBKDF2))
    found = read(
        f"""
        [accounts.acme]
        secret = [
            "s3cret", {{ file = "secrets/old" }}, {{ file = '{tmp_path}/far' }}, {{ env = "MM7_SECRET" }},
            {{ env = "MM7_HASH" }}, {{ plain = "scrypt:me" }}, "{(here := hashed())}",
        ]
        [accounts.one]
        secret = {{ env = "MM7_SECRET" }}
        [accounts.none]
        """
    )
    assert found.problems == ()
    far = (tmp_path / "far").read_text().rstrip()
    assert found.accounts["acme"].secret == (
        *(SECRET, "the old one", far, "of the environment", hash_of_environment, "scrypt:me", here),
    )
    assert [isinstance(secret, Plain) for secret in found.accounts["acme"].secret] == [*[False] * 5, True, False]
    assert found.secrets == {
        "acme": (
            *("plain", "plain from a file", "scrypt from a file", "plain from the environment"),
            *("pbkdf2 from the environment", "plain", "scrypt"),
        ),
        "one": ("plain from the environment",),
    }
    assert list(found.stamps) == [
        *(str(tmp_path / "accounts.toml"), str(tmp_path / "secrets" / "old"), str(tmp_path / "far")),
    ]
    assert all(found.stamps[path] == stamp_of(path) for path in found.stamps)


@pytest.mark.parametrize(
    ("held", "secret"),
    [
        (b"s3cret", "s3cret"),
        (b"s3cret\n", "s3cret"),
        (b"s3cret\r\n", "s3cret"),
        (b" s3cret ", " s3cret "),
        (b"\xef\xbb\xbfs3cret\n", "s3cret"),
        ("p\u00e4\u20ac".encode(), "p\u00e4\u20ac"),
        (b"s3cret\n\n", None),
        (b"s3cret\r", None),
        (b"s3cret\nmore", None),
        (b"\n", None),
        (b"", None),
    ],
)
def test_a_file_with_a_secret_may_end_its_line(read: Any, tmp_path: Path, held: bytes, secret: str | None) -> None:
    """One line end is no part of the secret. More than a line is no secret."""
    (tmp_path / "secret").write_bytes(held)
    found = read('[accounts.acme]\nsecret = { file = "secret" }')
    if secret is None:
        (problem,) = found.problems
        assert problem.startswith("account 'acme': a secret ")
        assert SECRET not in problem
    else:
        assert found.accounts["acme"].secret == (secret,)


@pytest.mark.parametrize("begin", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_editors_write_as_they_like(read: Any, begin: bytes, line_end: bytes) -> None:
    found = read(begin + line_end.join([b"[accounts.acme]", b'secret = "p\xc3\xa4ss"', b""]))
    assert found.accounts == {"acme": Account("acme", ["p\u00e4ss"])}


def test_the_example_is_read() -> None:
    path = ROOT / "examples" / "mm7-accounts.toml"
    if not path.is_file():
        pytest.skip("there are no examples beside these tests")
    found = read_accounts(str(path))
    assert found.problems == ()
    assert list(found.accounts) == ["acme", "carrier", "rotating", "literal", "digest", "192.0.2.9"]
    # What is commented out is sound too, but for the secrets, which are not here.
    text = "\n".join(
        line.removeprefix("# ") if line.startswith(("# [", "# secret")) else line
        for line in path.read_text(encoding="utf-8").splitlines()
    )
    assert {"vault", "mounted"} <= set(module._parser()(text)["accounts"])


def test_the_readme_shows_what_is_read(read: Any) -> None:
    readme = ROOT / "README.md"
    if not readme.is_file():
        pytest.skip("there is no README beside these tests")
    (text,) = re.findall(r"^```toml\n(.*?)^```$", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    found = read(text)
    assert found.problems == ()
    assert list(found.accounts) == ["acme", "carrier", "rotating", "literal", "192.0.2.7"]


# What is wrong


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["there are no accounts in it; [accounts.NAME] begins one"]),
        ("# accounts", ["there are no accounts in it; [accounts.NAME] begins one"]),
        (
            "[acounts.acme]",
            [
                "there is no key 'acounts'; is accounts meant? There can be accounts",
                "there are no accounts in it; [accounts.NAME] begins one",
            ],
        ),
        ("limits = 7\n[accounts.acme]", ["there is no key 'limits'; There can be accounts"]),
        ("accounts = 7", ["accounts has to be a table, not an integer"]),
        ("[[accounts]]", ["accounts has to be a table, not an array"]),
        ("[accounts]\nacme = 's3cret'", ["account 'acme' has to be a table, not a string"]),
        ("[accounts.'']", ["the name of an account has to be text without control characters, not ''"]),
        (
            "[accounts.'192.0.2.0/24']\n[accounts.'192.0.2.*']",
            ["accounts: '192.0.2.0/24' and '192.0.2.*' are the same"],
        ),
        ("[accounts.'192.*.2.7']", ["accounts: '192.*.2.7': a * stands for an octet at the end"]),
        ("[accounts.acme]\n[accounts.acme]", ["the file is no TOML: Cannot declare"]),
        ("[accounts.acme]\nsecret = s3cret", ["the file is no TOML: Invalid value (at line 2, column 10)"]),
        ("[accounts.acme]\nsecret = " + "[" * 5000, ["the file is no TOML: "]),
        ("[accounts.acme]\nsecret = " + "1" * 5000, ["the file is no TOML: Exceeds the limit"]),
        (b"[accounts.acme]\nsecret = '\xe4s3cret'", ["the file is not UTF-8"]),
    ],
)
def test_a_file_that_is_wrong_as_a_whole(read: Any, text: str | bytes, problems: list[str]) -> None:
    found = read(text)
    assert len(found.problems) == len(problems)
    assert all(problem.startswith(expected) for problem, expected in zip(found.problems, problems, strict=True))
    assert found.table is None
    assert SECRET not in str(found.problems)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("secrets = 's3cret'", "there is no key 'secrets'; is secret meant? There can be secret, addresses, rate,"),
        ("name = 'acme'", "there is no key 'name'; There can be secret, addresses, rate, reuse, dialect,"),
        ("addresses = '192.0.2.7'", "addresses has to be an array, not a string"),
        ("addresses = [7]", "addresses has to be a list of strings, and one is int"),
        ("addresses = ['192.0.2.256']", "addresses: '192.0.2.256' does not appear"),
        ("rate = 10", "rate has to be a string, not an integer"),
        ("rate = 'fast'", "rate has to be as 10/second, "),
        ("strict = 'no'", "strict has to be a boolean, not a string"),
        ("tolerate = 'close-missing'", "tolerate has to be an array, not a string"),
        ("tolerate = ['close-mising']", "tolerate: there is no deviation 'close-mising'; is 'close-missing' meant?"),
        ("reuse = true", "reuse has to be a string, not a boolean"),
        ("reuse = 'maybe'", "reuse has to be \"accept\" or \"refuse\", not 'maybe'"),
        ("dialect = 7.5", "dialect has to be a table, not a float"),
        ("dialect = { prefx = 'a' }", "dialect: there is no key 'prefx'; is prefix meant? There can be fault_http_"),
        ("dialect = { prefix = 7 }", "dialect: Dialect.prefix has to be a string or None, not int"),
        ("dialect = { fault_http_status = 201 }", "dialect: Dialect.fault_http_status has to be 200 or from 400 to"),
        ("limits = true", "limits has to be a table, not a boolean"),
        ("limits = 2030-01-02", "limits has to be a table, not a date or a time"),
        ("limits = { bodies = 7 }", "limits: there is no key 'bodies'; is body meant? There can be body, envelope, "),
        ("limits = { body = 0 }", "limits: Limits.body has to be a positive whole number, not 0"),
        ("limits = { body = true }", "limits: Limits.body has to be a positive whole number, not True"),
        ("secret = ''", "a secret is empty; "),
        ("secret = 53", "secret has to be a string, a table or an array of these, not an integer"),
        ("secret = [['s3cret']]", "secret has to be a string, a table or an array of these, not an array"),
        ("secret = 'scrypt:s3cret'", "a secret begins as a hash does and is malformed; "),
        ("secret = \"s3cret\\n\"", "a secret holds NUL, CR or LF"),
        ("secret = {}", "secret: such a table has to have one key: plain, env or file"),
        ("secret = { plain = 's3cret', env = 'X' }", "secret: such a table has to have one key: plain, env or file"),
        ("secret = { plain = 53 }", "secret.plain has to be a string, not an integer"),
        ("secret = { plain = '' }", "a secret is empty; "),
        ("secret = { env = ['s3cret'] }", "secret.env has to be a string, not an array"),
        ("secret = { env = 'MM7_NOT_SET' }", "secret: the environment variable 'MM7_NOT_SET' is not set"),
        ("secret = { env = 'MM7_EMPTY' }", "a secret is empty; "),
        ("secret = { file = 'missing' }", "secret: the file 'missing' cannot be read: No such file or directory"),
        ("secret = { file = '.' }", "secret: the file '.' is no regular file"),
        ("secret = { file = 'pipe' }", "secret: the file 'pipe' is no regular file"),
        ("secret = { file = 'large' }", "secret: the file 'large' is larger than 65,536 octets"),
        ("secret = { file = 'latin-1' }", "secret: the file 'latin-1' is not UTF-8"),
        ("secret = { file = \"a\\u0000b\" }", "secret: the file 'a\\x00b' cannot be read: Invalid argument"),
    ],
)  # fmt: skip
def test_a_key_that_is_wrong_is_named_with_its_account(
    read: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, problem: str
) -> None:
    monkeypatch.setenv("MM7_EMPTY", "")
    monkeypatch.delenv("MM7_NOT_SET", raising=False)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"s3cret" + bytes(module.LARGEST_SECRET))
    (tmp_path / "latin-1").write_bytes(b"s3cret\xe4")
    found = read(f"[accounts.acme]\n{line}\n[accounts.other]\nsecret = 's3cret'")
    assert len(found.problems) == 1
    assert found.problems[0].startswith(f"account 'acme': {problem}")
    assert SECRET not in found.problems[0]
    assert list(found.accounts) == ["other"]
    assert found.table is None


def test_an_unknown_source_of_a_secret_is_named(read: Any) -> None:
    found = read("[accounts.acme]\nsecret = { plian = 's3cret' }")
    assert found.problems == (
        "account 'acme': secret: there is no key 'plian'; is plain meant? There can be plain, env, file",
        "account 'acme': secret: such a table has to have one key: plain, env or file",
    )


def test_all_problems_are_found_at_once(read: Any) -> None:
    """None hides the next, be it of the same account, the same key, or another one."""
    found = read(
        """
        more = 1
        [accounts.acme]
        secret = ["scrypt:s3cret", "", 7]
        addresses = ["192.0.2.256", "192.0.2.257"]
        rate = "fast"
        dialect = { prefix = 7, namespace = "", other = 1 }
        limits = { body = 0, parts = 0, other = 1 }
        other = 1
        [accounts.other]
        secret = 7
        [accounts."192.*.2.7"]
        """
    )
    assert len(found.problems) == 1 + 3 + 2 + 1 + 3 + 3 + 1 + 1 + 1
    assert all("\n" not in problem for problem in found.problems)
    assert SECRET not in str(found.problems)


def test_a_file_is_not_read_beyond_a_limit(read: Any) -> None:
    text = b"[accounts.acme]\n#"
    assert read(text + b"x" * (module.LARGEST - len(text))).problems == ()
    found = read(text + b"x" * (module.LARGEST - len(text) + 1))
    assert found.problems == ("the file is larger than 4,194,304 octets",)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = str(tmp_path / "missing.toml")
    found = read_accounts(path)
    assert found.problems == ("the file cannot be read: No such file or directory",)
    assert not found.passing
    assert found.stamps == {path: Stamp(2)}


def test_a_file_that_cannot_be_opened_may_be_later(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(module, "open", none_left, raising=False)
    found = read("[accounts.acme]")
    assert found.problems == ("the file cannot be read: Too many open files",)
    assert found.passing


@pytest.mark.skipif(os.name != "posix", reason="Windows has other permissions")
@pytest.mark.parametrize(
    ("secret", "mode", "exposed"),
    [
        ('"s3cret"', 0o644, True),
        ('"s3cret"', 0o604, True),
        ('"s3cret"', 0o640, False),
        ('{ plain = "s3cret" }', 0o644, True),
        ('{ env = "MM7_SECRET" }', 0o644, False),
        ('{ file = "secret" }', 0o644, False),
        (f'"{hashed()}"', 0o644, False),
        (f'["{hashed()}", "s3cret"]', 0o644, True),
        ("[]", 0o644, False),
    ],
)
def test_plain_secrets_that_everybody_can_read_are_noticed(
    read: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: str, mode: int, exposed: bool
) -> None:
    monkeypatch.setenv("MM7_SECRET", SECRET)
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "accounts.toml").touch()
    (tmp_path / "accounts.toml").chmod(mode)
    found = read(f"[accounts.acme]\nsecret = {secret}\n[accounts.other]")
    assert found.problems == ()
    assert found.exposed is exposed


def test_a_rate_without_its_package_is_a_problem_of_the_account(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "limits", None)
    assert read("[accounts.acme]\nrate = '1/second'").problems == (
        "account 'acme': rate needs one more package: pip install 'mm7_wsgi[throttle]'",
    )


def test_python_that_cannot_read_toml_says_what_to_install(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tomllib", None)
    monkeypatch.setitem(sys.modules, "tomli", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'mm7_wsgi\[toml\]'"):
        read("[accounts.acme]")


# Whatever is in it


KEYS = ["secret", "addresses", "rate", "reuse", "dialect", "limits", "plain", "env", "file", "prefix", "body", "acme"]
VALUES = st.recursive(
    st.sampled_from(
        ['"s3cret"', '""', "7", "true", "1.5", "2030-01-02", '"192.0.2.*"', '"1/second"', '"scrypt:s3cret"']
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=3).map(
            lambda table: "{" + ", ".join(f"{key} = {value}" for key, value in table.items()) + "}"
        ),
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4))
def test_any_file_is_read_or_has_problems(tmp_path_factory: pytest.TempPathFactory, table: dict[str, str]) -> None:
    """It is never an exception, and never both."""
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text("[accounts.acme]\n" + "".join(f"{key} = {value}\n" for key, value in table.items()))
    found = read_accounts(str(path))
    assert (found.table is None) is bool(found.problems)
    assert (list(found.accounts) == ["acme"]) is not bool(found.problems)
    for problem in found.problems:
        assert "\n" not in problem
