"""HTTP Digest: challenges and their nonces, responses, what is stored, and what a refusal tells."""

from __future__ import annotations

import hashlib
import logging
import pickle
import re
import runpy
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.datastructures import WWWAuthenticate

from mm7_wsgi import (
    Account,
    AccountTable,
    Credentials,
    Digest,
    MM7Endpoint,
    MM7Middleware,
    MM7Request,
    Plain,
    Unauthorized,
)
from mm7_wsgi import digest as digest_module
from mm7_wsgi.credentials import find_credentials
from mm7_wsgi.digest import ALGORITHMS, DigestResponse, parse_ha1, write_ha1
from mm7_wsgi.redaction import secrets_in
from mm7_wsgi.throttle import Throttle

TESTS = Path(__file__).parent
basic = runpy.run_path(str(TESTS / "environs.py"))["basic"]
hashed, Clock = (runpy.run_path(str(TESTS / "known.py"))[name] for name in ("hashed", "Clock"))

SECRET = "s3cret"
BASIC = 'Basic realm="MM7", charset="UTF-8"'
KEY = "the key of all workers"
HA1 = {name: write_ha1(name, "acme", SECRET) for name in ALGORITHMS}
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs the boot id of Linux")


def accept(request: MM7Request) -> None:
    return None


class Recorder:
    def __init__(self) -> None:
        self.requests: list[MM7Request] = []

    def __call__(self, request: MM7Request) -> None:
        self.requests.append(request)


def endpoint(accounts: Any = None, handler: Any = accept, **settings: Any) -> MM7Endpoint:
    settings = {"schemes": ("digest",), **settings}
    return MM7Endpoint(handler, accounts={"acme": SECRET} if accounts is None else accounts, **settings)


def challenges(answer: Any) -> list[str]:
    return [value for name, value in answer.headers if name == "WWW-Authenticate"]


def challenge(answer: Any, algorithm: str = "SHA-256") -> Any:
    """The challenge of one algorithm, as werkzeug reads it."""
    found = [WWWAuthenticate.from_header(value) for value in challenges(answer)]
    (chosen,) = [one for one in found if one is not None and one.get("algorithm") == algorithm]
    return chosen


def written(parameters: dict[str, str | None]) -> str:
    """The header, with quotes where RFC 7616 has them (3.4)."""
    bare = ("algorithm", "qop", "nc", "userhash")
    pairs = [
        f"{name}={value}" if name in bare else f'{name}="{value}"'
        for name, value in parameters.items()
        if value is not None
    ]
    return f"Digest {', '.join(pairs)}"


def response(
    nonce: str,
    algorithm: str = "SHA-256",
    *,
    name: str = "acme",
    secret: str = SECRET,
    method: str = "POST",
    encoding: str = "utf-8",
    uri: str = "/mm7",
    **changed: str | None,
) -> str:
    """What a client answers to a challenge (RFC 7616, 3.4.1), by other means than the package's."""

    def digest(text: str, encoding: str = "latin-1") -> str:
        return hashlib.new(algorithm.replace("-", "").lower(), text.encode(encoding)).hexdigest()

    given = {"realm": "MM7", "nc": "00000001", "cnonce": "0a4f113b", "qop": "auth", **changed}
    ha1 = digest(f"{name}:{given['realm']}:{secret}", encoding)
    proof = digest(f"{ha1}:{nonce}:{given['nc']}:{given['cnonce']}:{given['qop']}:{digest(f'{method}:{uri}')}")
    user = name.encode(encoding).decode("latin-1")
    return written(
        {"username": user, "nonce": nonce, "uri": uri, "algorithm": algorithm, "response": proof, **given, **changed}
    )


@pytest.fixture
def answered(ask: Any, mm7: Any) -> Callable[..., Any]:
    """Sends a request by Digest: ``answered(endpoint, algorithm)``, which answers the challenge that it gets first."""

    def answered(app: Any, algorithm: str = "SHA-256", environ: Any = (), **changed: Any) -> Any:
        request = {"PATH_INFO": "/mm7", **dict(environ)}
        header, nonce = changed.pop("header", None), changed.pop("nonce", None)
        if header is None:
            nonce = nonce or challenge(ask(app, mm7.request(environ={"PATH_INFO": "/mm7"}))).nonce
            header = response(nonce, algorithm, **changed)
        return ask(app, mm7.request(environ={"HTTP_AUTHORIZATION": header, **request}))

    return answered


# -- the challenge


DIGEST = (
    r'Digest realm="MM7", qop="auth", algorithm={}, nonce="[\w-]{{44}}", opaque="[0-9a-f]{{32}}", charset=UTF-8, '
    "userhash=false"
)
SHA_256, MD5 = DIGEST.format("SHA-256"), DIGEST.format("MD5")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"schemes": ("basic",)}, [re.escape(BASIC)]),
        ({"schemes": ("digest",)}, [SHA_256, MD5]),
        ({"schemes": ("basic", "digest")}, [re.escape(BASIC), SHA_256, MD5]),
        ({"schemes": ["digest", "basic"]}, [SHA_256, MD5, re.escape(BASIC)]),
        ({"digest": Digest(algorithms=["MD5"])}, [MD5]),
        ({"digest": Digest(algorithms=["MD5", "SHA-256"])}, [MD5, SHA_256]),
    ],
)
@pytest.mark.parametrize("wrap", [False, True])
def test_the_challenges_are_those_of_the_schemes_in_their_order(
    ask: Any, mm7: Any, settings: dict[str, Any], expected: list[str], wrap: bool
) -> None:
    settings = {"schemes": ("digest",), "accounts": {"acme": SECRET}, **settings}
    app: Any = MM7Middleware(accept, accept, **settings) if wrap else MM7Endpoint(accept, **settings)
    answer = ask(app, mm7.request(environ={"PATH_INFO": "/mm7"}))
    assert answer.status == 401
    found = challenges(answer)
    assert len(found) == len(expected)
    assert all(map(re.fullmatch, expected, found))


def test_without_the_setting_there_is_basic_alone(ask: Any, mm7: Any) -> None:
    app = MM7Endpoint(accept, accounts={"acme": SECRET})
    assert challenges(ask(app, mm7.request(environ={"PATH_INFO": "/mm7"}))) == [BASIC]
    header = response(Digest().challenges()[0].split('"')[5])
    assert ask(app, mm7.request(environ={"PATH_INFO": "/mm7", "HTTP_AUTHORIZATION": header})).status == 401


def test_each_challenge_has_a_nonce_of_its_own(ask: Any, mm7: Any) -> None:
    app = endpoint(digest=Digest(clock=lambda: 1e9))
    nonces = {challenge(ask(app, mm7.request(environ={"PATH_INFO": "/mm7"}))).nonce for _ in range(9)}
    assert len(nonces) == 9


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"schemes": "digest"}, TypeError, "schemes has to be a list with 'basic' or 'digest' or both, not str"),
        ({"schemes": None}, TypeError, "schemes has to be a list"),
        ({"schemes": ()}, ValueError, "each of them once"),
        ({"schemes": ("basic", "basic")}, ValueError, "each of them once"),
        ({"schemes": ("basic", "bearer")}, ValueError, "'bearer' is neither"),
        ({"schemes": ("basic", ["x"])}, ValueError, "is neither"),
        ({"schemes": ("basic",), "digest": Digest()}, ValueError, 'schemes does not have "digest"'),
        ({"digest": KEY}, TypeError, "digest has to be a Digest, not str"),
    ],
)
def test_schemes_that_cannot_work_are_refused(settings: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        endpoint(**settings)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"secret": "fifteen letters"}, ValueError, "secret has to have at least 16"),
        ({"secret": b""}, ValueError, "secret has to have at least 16"),
        ({"secret": 7}, TypeError, "secret has to be text or bytes, not int"),
        ({"lifetime": 0}, ValueError, "lifetime has to be a positive number"),
        ({"lifetime": float("nan")}, ValueError, "lifetime has to be a positive number"),
        ({"lifetime": float("inf")}, ValueError, "lifetime has to be a positive number"),
        ({"lifetime": "300"}, TypeError, "lifetime has to be a number of seconds, not str"),
        ({"lifetime": True}, TypeError, "lifetime has to be a number of seconds, not bool"),
        ({"algorithms": "MD5"}, TypeError, "algorithms has to be a list"),
        ({"algorithms": 5}, TypeError, "algorithms has to be a list"),
        ({"algorithms": []}, ValueError, "algorithms has to be a list with 'SHA-256' or 'MD5'"),
        ({"algorithms": ["MD5", "MD5"]}, ValueError, "each of them once"),
        ({"algorithms": ["MD5-sess"]}, ValueError, "not .'MD5-sess',."),
    ],
)
def test_a_digest_that_cannot_work_is_refused(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as refusal:
        Digest(**arguments)
    assert "fifteen letters" not in str(refusal.value)


def test_the_key_does_not_show() -> None:
    digest = Digest(secret=KEY, lifetime=60)
    assert repr(digest) == "<Digest, nonces of 60 s>"
    assert KEY not in "".join(digest.challenges())


# -- the response


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    "accounts",
    [
        {"acme": SECRET},
        {"acme": ["other", SECRET]},
        {"acme": [hashed("other"), Plain(SECRET)]},
        {"acme": list(HA1.values())},
        {"acme": Account("acme", ["other", *HA1.values()])},
        {"acme": SECRET, "longer": ["a", "b", "c", write_ha1("MD5", "longer", "d")]},
    ],
    ids=["plain", "rotating", "beside a hash", "stored", "account", "beside another"],
)
def test_a_right_response_is_accepted(answered: Any, algorithm: str, accounts: Any) -> None:
    handler = Recorder()
    app = endpoint(accounts, handler)
    assert answered(app, algorithm).status == 200
    assert answered(app, algorithm, secret="other one").status == 401
    assert [request.account.name for request in handler.requests] == ["acme"]


def test_an_account_file_can_hold_an_ha1(answered: Any, tmp_path: Path) -> None:
    path = tmp_path / "accounts.toml"
    path.write_text(f'[accounts.acme]\nsecret = ["{HA1["SHA-256"]}", "{HA1["MD5"]}"]\n')
    path.chmod(0o600)
    for algorithm in ALGORITHMS:
        assert answered(endpoint(path), algorithm).status == 200


def test_a_nonce_can_be_used_again(answered: Any, ask: Any, mm7: Any) -> None:
    """Clients count (nc) and keep the nonce; nothing is counted here."""
    app = endpoint()
    nonce = challenge(ask(app, mm7.request(environ={"PATH_INFO": "/mm7"}))).nonce
    for nc in ("00000001", "00000002", "00000010", "0000000a"):
        assert answered(app, nonce=nonce, nc=nc).status == 200


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_name_and_a_secret_are_the_same_in_utf_8_and_latin_1(answered: Any, algorithm: str, encoding: str) -> None:
    """The challenge asks for UTF-8, and older clients do not know that."""
    app = endpoint({"m\u00fcller": "p\u00e4ss"})
    for secret, status in (("p\u00e4ss", 200), ("p\u00e4s", 401)):
        assert answered(app, algorithm, name="m\u00fcller", secret=secret, encoding=encoding).status == status


def test_a_name_may_be_written_as_rfc_5987_has_it(answered: Any) -> None:
    app = endpoint({"J\u00e4s\u00f8n \u20ac": SECRET})
    header = response(_nonce(app), name="J\u00e4s\u00f8n \u20ac", username="x")
    header = header.replace('username="x"', "username*=UTF-8''J%C3%A4s%C3%B8n%20%E2%82%AC")
    assert answered(app, header=header).status == 200


def _nonce(app: MM7Endpoint) -> str:
    assert app._digest is not None
    return str(WWWAuthenticate.from_header(app._digest.challenges()[0]).nonce)  # type: ignore[union-attr]


OTHERWISE: dict[str, Callable[[str], str]] = {
    "the scheme": lambda header: header.replace("Digest ", "dIGEST\t "),
    "names in capitals": lambda header: header.replace("username", "UserName").replace("uri", "URI"),
    "no blanks": lambda header: header.replace(", ", ","),
    "more quotes": lambda header: header.replace("qop=auth", 'qop="auth"').replace("SHA-256", '"SHA-256"'),
    "more parameters": lambda header: header + ', opaque="x", extra=1',
    "a name that is said not to be hashed": lambda header: header + ", userhash=false",
    "a response in capitals": lambda header: re.sub('(?<=response=")[0-9a-f]+', lambda one: one[0].upper(), header),
}


@pytest.mark.parametrize("case", OTHERWISE)
def test_it_may_be_written_otherwise(answered: Any, case: str) -> None:
    app = endpoint()
    assert answered(app, header=OTHERWISE[case](response(_nonce(app)))).status == 200


def test_without_an_algorithm_it_is_md5(answered: Any) -> None:
    """RFC 7616, 3.4: the default, for clients of RFC 2617."""
    app = endpoint()
    assert answered(app, header=response(_nonce(app), "MD5").replace("algorithm=MD5, ", "")).status == 200
    assert answered(app, header=response(_nonce(app)).replace("algorithm=SHA-256, ", "")).status == 401


BROKEN: dict[str, Callable[[str], str]] = {
    "another response": lambda nonce: response(nonce, secret="wrong"),
    "an unknown account": lambda nonce: response(nonce, name="nobody"),
    "another method": lambda nonce: response(nonce, method="GET"),
    "another name in it": lambda nonce: response(nonce).replace('"acme"', '"other"'),
    "another uri": lambda nonce: response(nonce, uri="/mm7x"),
    "the uri changed": lambda nonce: response(nonce, uri="/mm7x").replace('"/mm7x"', '"/mm7"'),
    "another nonce": lambda nonce: response(nonce).replace(nonce, _nonce(endpoint())),
    "another count": lambda nonce: response(nonce).replace("00000001", "00000002"),
    "another cnonce": lambda nonce: response(nonce).replace("0a4f113b", "0a4f113c"),
    "no qop (RFC 2069)": lambda nonce: response(nonce).replace(", qop=auth", ""),
    "auth-int": lambda nonce: response(nonce, qop="auth-int"),
    "a session": lambda nonce: response(nonce).replace("SHA-256", "SHA-256-sess"),
    "an algorithm that was not offered": lambda nonce: response(nonce).replace("SHA-256", "SHA-512-256"),
    "MD5 in name only": lambda nonce: response(nonce).replace("SHA-256", "MD5"),
    "another realm": lambda nonce: response(nonce, realm="other"),
    "a hashed name": lambda nonce: response(nonce) + ", userhash=true",
    "a count that is none": lambda nonce: response(nonce, nc="1:2"),
    "an empty count": lambda nonce: response(nonce, nc=""),
    "an endless count": lambda nonce: response(nonce, nc="0" * 17),
    "a response that is no hash": lambda nonce: re.sub('(?<=response=").', "g", response(nonce)),
    "half a response": lambda nonce: re.sub('(response="[0-9a-f]{32})[0-9a-f]*', r"\1", response(nonce)),
    "an empty response": lambda nonce: re.sub('(?<=response=")[0-9a-f]*', "", response(nonce)),
    "letters beyond ASCII": lambda nonce: re.sub('(?<=response=").', "\xe9", response(nonce)),
    "a line end in the name": lambda nonce: response(nonce, name="ac\rme"),
    "nothing": lambda _: "Digest",
    "nothing but a blank": lambda _: "Digest ",
    "a token": lambda _: "Digest YWNtZTpzM2NyZXQ=",
    "a parameter without a name": lambda nonce: response(nonce) + ', ="x"',
    "one name twice": lambda nonce: response(nonce) + ', Username="acme"',
    "Basic behind it": lambda nonce: f"{response(nonce)}, {basic(f'acme:{SECRET}')}",
    "twice": lambda nonce: f"{response(nonce)}, {response(nonce)}",
    "Bearer behind it": lambda nonce: f"{response(nonce)}, Bearer x",
    **{
        f"no {name}": lambda nonce, name=name: re.sub(f'(?<![a-z]){name}=("[^"]*"|[^,]*)(, )?', "", response(nonce))  # type: ignore[misc]
        for name in ("username", "realm", "nonce", "uri", "response", "nc", "cnonce")
    },
}


@pytest.mark.parametrize("case", [case for case in BROKEN if case != "a parameter without a name"])
def test_what_is_not_right_is_refused_and_passes_for_no_other(answered: Any, case: str) -> None:
    """Neither for the account that has the address of the peer."""
    app = endpoint({"acme": SECRET, "192.0.2.7": None})
    answer = answered(app, header=BROKEN[case](_nonce(app)))
    assert (answer.status, answer.code, answer.text) == (401, 4001, "Improper identification")
    assert not any("stale" in value for value in challenges(answer))


def test_a_parameter_without_a_name_breaks_nothing(answered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Newer releases of werkzeug leave it out, and 3.0 raises IndexError."""
    app = endpoint()
    header = BROKEN["a parameter without a name"](_nonce(app))
    assert answered(app, header=header).status in (200, 401)

    def from_header(value: str) -> Any:
        raise IndexError

    monkeypatch.setattr(digest_module, "Authorization", types.SimpleNamespace(from_header=from_header))
    assert answered(app, header=header).status == 401


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_it_is_for_post_alone(answered: Any, method: str) -> None:
    app = endpoint()
    assert answered(app, environ={"REQUEST_METHOD": method}, method=method).status == 405


def test_hashes_cannot_be_checked(answered: Any, ask: Any, mm7: Any) -> None:
    """HA1 cannot be made of a salted hash; the other ways to show the account stay."""
    app = endpoint({"acme": hashed(SECRET)}, schemes=("basic", "digest"))
    assert answered(app).status == 401
    header = basic(f"acme:{SECRET}")
    assert ask(app, mm7.request(environ={"PATH_INFO": "/mm7", "HTTP_AUTHORIZATION": header})).status == 200


def test_an_algorithm_needs_its_own_ha1(answered: Any) -> None:
    for stored in ALGORITHMS:
        for algorithm in ALGORITHMS:
            status = 200 if algorithm == stored else 401
            assert answered(endpoint({"acme": HA1[stored]}), algorithm).status == status


def test_an_algorithm_that_is_left_out_is_refused(answered: Any) -> None:
    app = endpoint(digest=Digest(secret=KEY, algorithms=["MD5"]))
    nonce = _nonce(app)
    assert answered(app, "MD5", nonce=nonce).status == 200
    assert answered(app, "SHA-256", nonce=nonce).status == 401


def test_an_account_may_send_from_its_addresses_only(answered: Any) -> None:
    app = endpoint({"acme": Account("acme", SECRET, addresses=["192.0.2.7"])})
    assert answered(app, environ={"REMOTE_ADDR": "192.0.2.7"}).status == 200
    assert answered(app, environ={"REMOTE_ADDR": "192.0.2.8"}).status == 401


# -- Basic and URI, beside it


@pytest.mark.parametrize("stored", HA1.values(), ids=HA1)
@pytest.mark.parametrize(("secret", "status"), [(SECRET, 200), ("wrong", 401), ("", 401)])
def test_an_ha1_is_checked_by_basic_and_uri_too(ask: Any, mm7: Any, stored: str, secret: str, status: int) -> None:
    app = endpoint({"acme": stored}, schemes=("basic",))
    shown = basic(f"acme:{secret}")
    assert ask(app, mm7.request(environ={"PATH_INFO": "/mm7", "HTTP_AUTHORIZATION": shown})).status == status
    assert ask(app, mm7.request(environ={"PATH_INFO": f"/mm7/acme={secret}"})).status == status


def test_an_ha1_is_that_of_its_account(ask: Any, mm7: Any) -> None:
    """Under another name it is matched by nothing, and what is stored is no password."""
    app = endpoint({"other": HA1["MD5"], "acme": HA1["SHA-256"]}, schemes=("basic",))
    for pair in (f"other:{SECRET}", f"acme:{HA1['SHA-256']}", f"other:{HA1['MD5']}"):
        header = basic(pair)
        assert ask(app, mm7.request(environ={"PATH_INFO": "/mm7", "HTTP_AUTHORIZATION": header})).status == 401


def test_basic_is_refused_where_it_is_not_offered(ask: Any, mm7: Any) -> None:
    """And passes for no account by its address."""
    app = endpoint({"acme": SECRET, "192.0.2.7": None})
    header = basic(f"acme:{SECRET}")
    assert ask(app, mm7.request(environ={"PATH_INFO": "/mm7", "HTTP_AUTHORIZATION": header})).status == 401
    assert ask(app, mm7.request(environ={"PATH_INFO": "/mm7"})).status == 200
    assert ask(app, mm7.request()).status == 200


def test_uri_and_digest_name_one_account(answered: Any) -> None:
    app = endpoint({"acme": SECRET, "other": "0ther"})
    nonce = _nonce(app)
    for path, status in (("/mm7/acme=s3cret", 200), ("/mm7/other=0ther", 401), ("/mm7/acme=wrong", 401)):
        assert answered(app, nonce=nonce, uri=path, environ={"PATH_INFO": path}).status == status


# -- the URI that a response is for


@pytest.mark.parametrize(
    ("uri", "environ", "status"),
    [
        ("/mm7", {}, 200),
        ("/mm7", {"RAW_URI": "/mm7"}, 200),
        ("/mm7?a=1", {"QUERY_STRING": "a=1"}, 200),
        ("/mm7?a=1", {"QUERY_STRING": "a=1", "REQUEST_URI": "/mm7?a=1"}, 200),
        ("/mm7", {"QUERY_STRING": "a=1"}, 401),
        ("/mm7?a=2", {"QUERY_STRING": "a=1"}, 401),
        ("/mm7?", {}, 200),
        ("/m%6D7", {}, 200),
        ("/m%6D7", {"RAW_URI": "/m%6D7"}, 200),
        ("/api/mm7", {"SCRIPT_NAME": "/api"}, 200),
        ("/mm7", {"SCRIPT_NAME": "/api"}, 401),
        # A proxy has taken a prefix off or put one on: what the server was asked for, or what middleware says of it.
        ("/mm7", {"SCRIPT_NAME": "/api", "RAW_URI": "/mm7"}, 200),
        ("/api/mm7", {"SCRIPT_NAME": "/api", "RAW_URI": "/mm7"}, 200),
        ("/old/mm7", {"RAW_URI": "/mm7"}, 401),
        ("http://mms.example/mm7", {"HTTP_HOST": "mms.example"}, 200),
        ("http://mms.example:80/mm7", {"HTTP_HOST": "MMS.example"}, 200),
        ("http://mms.example/mm7", {"HTTP_HOST": "mms.example", "RAW_URI": "http://mms.example/mm7"}, 200),
        ("/mm7", {"HTTP_HOST": "mms.example", "RAW_URI": "http://mms.example/mm7"}, 200),
        ("http://other.example/mm7", {"HTTP_HOST": "mms.example"}, 401),
        ("*", {}, 401),
        ("mm7", {}, 401),
        ("//mm7", {}, 401),
        ("/mm7/", {}, 401),
        ("/mm7/acme=s3cret", {}, 401),
        ("/MM7", {}, 401),
    ],
)
def test_a_response_is_for_one_uri(answered: Any, uri: str, environ: dict[str, str], status: int) -> None:
    """One that was caught cannot be used for another (RFC 7616, 3.4.6)."""
    assert answered(endpoint(), uri=uri, environ=environ).status == status


# -- nonces


@pytest.fixture
def clock() -> Any:
    return Clock()


def is_stale(answer: Any) -> bool:
    assert answer.status == 401
    found = [value.endswith(", stale=true") for value in challenges(answer) if value != BASIC]
    assert len(set(found)) == 1
    return found[0]


def test_workers_with_one_secret_accept_each_others_nonces(answered: Any) -> None:
    apps = [endpoint(digest=Digest(secret=KEY)), endpoint(digest=Digest(secret=KEY.encode()))]
    for app, other in (apps, apps[::-1]):
        assert answered(app, nonce=_nonce(other)).status == 200


def test_another_secret_makes_a_nonce_stale_and_its_repetition_is_accepted(answered: Any) -> None:
    app = endpoint(digest=Digest(secret=KEY))
    answer = answered(app, nonce=_nonce(endpoint(digest=Digest(secret=KEY[::-1]))))
    assert is_stale(answer)
    assert answered(app, nonce=challenge(answer).nonce).status == 200


def test_a_nonce_expires(answered: Any, clock: Any) -> None:
    app = endpoint(digest=Digest(lifetime=60, clock=clock))
    nonce = _nonce(app)
    clock.now += 60
    assert answered(app, nonce=nonce).status == 200
    clock.now += 0.01
    assert is_stale(answered(app, nonce=nonce))
    assert answered(app).status == 200


def test_a_nonce_of_a_machine_whose_clock_is_ahead_is_accepted(answered: Any, clock: Any) -> None:
    app = endpoint(digest=Digest(lifetime=60, clock=clock))
    clock.now += 60
    nonce = _nonce(app)
    clock.now -= 60
    assert answered(app, nonce=nonce).status == 200
    clock.now -= 0.01
    assert is_stale(answered(app, nonce=nonce))


@pytest.mark.parametrize("place", range(44))
def test_a_nonce_cannot_be_changed(answered: Any, place: int) -> None:
    """Not a character of it: neither the time, nor what is random, nor the signature."""
    app = endpoint()
    nonce = _nonce(app)
    other = "A" if nonce[place] != "A" else "B"
    assert is_stale(answered(app, nonce=nonce[:place] + other + nonce[place + 1 :]))


@pytest.mark.parametrize("nonce", ["x", "A" * 43, "A" * 44, "A" * 45, "\xe9" * 44, "=" * 44, "A" * 43 + "="])
def test_a_nonce_of_another_maker_is_stale(answered: Any, nonce: str) -> None:
    assert is_stale(answered(endpoint(), nonce=nonce))


def test_only_who_knows_the_secret_is_told_that_a_nonce_is_stale(answered: Any) -> None:
    """So it tells nothing of who has an account."""
    app = endpoint({"acme": SECRET, "hashed": hashed(), "restricted": Account("restricted", SECRET, ["198.51.100.1"])})
    for name, secret in (("acme", "wrong"), ("nobody", SECRET), ("hashed", SECRET), ("restricted", SECRET)):
        assert not is_stale(answered(app, nonce="x", name=name, secret=secret))


@on_linux
def test_processes_of_one_machine_share_the_default(answered: Any) -> None:
    """As the workers of a server that does not load the application before it forks."""
    program = "from mm7_wsgi import Digest; print(Digest().challenges()[0])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    nonce = WWWAuthenticate.from_header(done.stdout.strip()).nonce  # type: ignore[union-attr]
    assert answered(endpoint(), nonce=nonce).status == 200


def test_without_a_boot_id_the_default_is_random(answered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(path: Path) -> bytes:
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_bytes", missing)
    app, other = endpoint(), endpoint()
    assert answered(app, nonce=_nonce(app)).status == 200
    assert is_stale(answered(app, nonce=_nonce(other)))


# -- what a refusal costs and tells


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_refusals_cost_the_same(answered: Any, monkeypatch: pytest.MonkeyPatch, algorithm: str) -> None:
    """As many HA1s are compared, whoever is named and whatever is wrong."""
    compared = 0
    matches = DigestResponse.matches

    def count(self: DigestResponse, ha1: bytes) -> bool:
        nonlocal compared
        compared += 1
        return matches(self, ha1)

    monkeypatch.setattr(DigestResponse, "matches", count)
    accounts = {
        "acme": SECRET,
        "none": None,
        "hashed": hashed(),
        "stored": write_ha1(algorithm, "stored", SECRET),
        "most": ["a", "b", write_ha1("MD5", "most", "c"), write_ha1("SHA-256", "most", "d")],
        "restricted": Account("restricted", SECRET, ["198.51.100.1"]),
    }
    costs, bodies = set(), set()
    app = endpoint(accounts)
    for name in [*accounts, "nobody"]:
        for nonce in (_nonce(app), "x"):
            compared = 0
            answer = answered(app, algorithm, name=name, secret="wrong", nonce=nonce)
            costs.add(compared)
            bodies.add((answer.status, answer.body, len(challenges(answer)[0])))
    assert costs == {3}
    assert len(bodies) == 1


def test_the_table_keeps_no_ha1() -> None:
    """What it holds is masked, and otherwise for each table."""
    table, other = AccountTable({"acme": SECRET}), AccountTable({"acme": SECRET})
    held = [ha1 for one in (table, other) for ha1s in one._entries["acme"].ha1s.values() for ha1 in ha1s]
    assert len(set(held)) == len(held) == 4
    assert not {parse_ha1(stored).ha1 for stored in HA1.values()} & set(held)


def test_wrong_responses_are_counted_as_guesses_and_nothing_else_is(answered: Any, ask: Any, mm7: Any) -> None:
    app = endpoint(throttle=Throttle(failures="2/minute"))
    bare = mm7.request(environ={"PATH_INFO": "/mm7", "REMOTE_ADDR": "192.0.2.7"})
    for _ in range(5):
        assert ask(app, dict(bare, **{"wsgi.input": mm7.request()["wsgi.input"]})).status == 401
        assert is_stale(answered(app, nonce="x"))
    assert answered(app, nonce=_nonce(app), secret="wrong").status == 401
    assert not is_stale(answered(app, nonce="x", secret="wrong"))
    assert answered(app, nonce=_nonce(app), secret="wrong").code == 4006


# -- resolvers of a host


def test_a_resolver_of_the_hosts_checks_all_ways_alike(answered: Any, ask: Any, mm7: Any) -> None:
    """One line of it compares, whichever way the account was shown."""
    shown: list[Credentials] = []

    def resolve(credentials: Credentials) -> Account | None:
        shown.append(credentials)
        return Account("acme") if credentials.name == "acme" and credentials.matches(SECRET) else None

    app = endpoint(resolve, schemes=("basic", "digest"))
    nonce = _nonce(app)
    assert answered(app, nonce=nonce).status == 200
    assert answered(app, "MD5", nonce=nonce).status == 200
    assert answered(app, nonce=nonce, secret="wrong").status == 401
    assert is_stale(answered(app, nonce="x"))
    for secret, status in ((SECRET, 200), ("wrong", 401)):
        assert ask(app, mm7.request(environ={"PATH_INFO": f"/mm7/acme={secret}"})).status == status
        header = basic(f"acme:{secret}")
        assert ask(app, mm7.request(environ={"PATH_INFO": "/mm7", "HTTP_AUTHORIZATION": header})).status == status
    assert ask(app, mm7.request(environ={"PATH_INFO": "/mm7"})).status == 401
    assert [one.source for one in shown] == ["digest"] * 4 + ["uri", "basic"] * 2 + ["address"]
    assert all(one.secret is None for one in shown[:4])
    assert not shown[-1].matches(SECRET)


@pytest.mark.parametrize("stored", ALGORITHMS)
def test_a_resolver_of_the_hosts_may_have_ha1s(answered: Any, ask: Any, mm7: Any, stored: str) -> None:
    def resolve(credentials: Credentials) -> Account | None:
        return Account("acme") if credentials.matches_ha1(HA1[stored]) else None

    app = endpoint(resolve, schemes=("basic", "digest"))
    nonce = _nonce(app)
    for algorithm in ALGORITHMS:
        assert answered(app, algorithm, nonce=nonce).status == (200 if algorithm == stored else 401)
    for secret, status in ((SECRET, 200), ("wrong", 401)):
        assert ask(app, mm7.request(environ={"PATH_INFO": f"/mm7/acme={secret}"})).status == status
    assert ask(app, mm7.request(environ={"PATH_INFO": "/mm7"})).status == 401


def test_half_a_pair_matches_nothing() -> None:
    for credentials in (Credentials("basic", "acme", None, None, {}), Credentials("basic", None, SECRET, None, {})):
        assert not credentials.matches(SECRET)
        assert not credentials.matches_ha1(HA1["MD5"])


def test_credentials_of_digest_show_no_response() -> None:
    app = endpoint()
    header = response(_nonce(app))
    environ = {"PATH_INFO": "/mm7", "REQUEST_METHOD": "POST", "HTTP_AUTHORIZATION": header}
    (found,) = find_credentials(environ, 4, digest=app._digest)
    assert found.digest is not None
    text = f"{found!r} {found.digest!r}"
    assert "acme" in text
    assert not [proof for proof in re.findall(r'(?:nonce|response)="([^"]{8,})"', header) if proof in text]


@pytest.mark.parametrize(
    "given",
    [
        ['Bearer realm="MM7"'],
        [WWWAuthenticate("digest", {"realm": "of the host", "nonce": "1", "algorithm": "MD5"}), BASIC],
    ],
)
@pytest.mark.parametrize("schemes", [("basic",), ("digest", "basic")])
def test_a_resolver_can_refuse_with_challenges_of_its_own(
    ask: Any, mm7: Any, given: list[Any], schemes: tuple[str, ...]
) -> None:
    def resolve(credentials: Credentials) -> Account | None:
        raise Unauthorized(challenges=given)

    answer = ask(endpoint(resolve, schemes=schemes), mm7.request(environ={"PATH_INFO": "/mm7"}))
    assert (answer.status, answer.code) == (401, 4001)
    assert challenges(answer) == [str(one) for one in given]


def test_a_resolver_can_speak_digest_by_itself(ask: Any, mm7: Any) -> None:
    """Where the endpoint does not, it finds the header in the environ, and gives out nonces of its own."""

    def resolve(credentials: Credentials) -> Account | None:
        header = credentials.environ.get("HTTP_AUTHORIZATION", "")
        if 'nonce="of the host"' in header:
            return Account("acme")
        raise Unauthorized(challenges=[WWWAuthenticate("digest", {"realm": "MM7", "nonce": "of the host"})])

    app = MM7Endpoint(accept, accounts=resolve)
    (found,) = challenges(ask(app, mm7.request(environ={"PATH_INFO": "/mm7"})))
    assert found == 'Digest realm="MM7", nonce="of the host"'
    header = response("of the host")
    assert ask(app, mm7.request(environ={"PATH_INFO": "/mm7", "HTTP_AUTHORIZATION": header})).status == 200


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("Basic", TypeError),
        (b"Bearer", TypeError),
        ([], ValueError),
        ([""], ValueError),
        (["Basic\r\nSet-Cookie: x=1"], ValueError),
        (["Basic\n"], ValueError),
        (["Basic realm=\u20ac"], ValueError),
        (["Basic", " "], ValueError),
    ],
)
def test_challenges_that_cannot_be_headers_are_refused(given: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="challenges"):
        Unauthorized(challenges=given)


def test_a_refusal_with_challenges_can_be_pickled() -> None:
    refusal = pickle.loads(pickle.dumps(Unauthorized(details="no", challenges=["Bearer"])))
    assert (refusal.challenges, refusal.details, refusal.http_status) == (("Bearer",), "no", 401)


# -- what is stored


@pytest.mark.parametrize(
    ("secret", "message"),
    [
        ("digest:", "written as digest:ALGORITHM:REALM:HA1"),
        ("digest:MD5:MM7", "written as digest:ALGORITHM:REALM:HA1"),
        (f"digest:MD5:MM7:{'g' * 32}", "written as digest:ALGORITHM:REALM:HA1"),
        (f"digest:md5:MM7:{'0' * 32}", "the algorithm of an HA1 has to be one of SHA-256, MD5"),
        (f"digest:MD5-sess:MM7:{'0' * 32}", "the algorithm of an HA1 has to be one of SHA-256, MD5"),
        (f"digest:MD5:other:{'0' * 32}", "the realm of an HA1 has to be MM7"),
        (f"digest:MD5:MM7:{'0' * 31}", "another number of digits than MD5 gives"),
        (f"digest:SHA-256:MM7:{'0' * 32}", "another number of digits than SHA-256 gives"),
    ],
)
def test_a_malformed_ha1_is_refused(secret: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"account 'acme': .* {message}.*Plain") as refusal:
        Account("acme", secret)
    assert secret[11:] == "" or secret[11:] not in str(refusal.value)
    assert Account("acme", Plain(secret)).secret == secret


def test_a_plain_secret_may_look_like_an_ha1(ask: Any, mm7: Any, answered: Any) -> None:
    app = endpoint({"acme": Plain(HA1["MD5"])}, schemes=("basic", "digest"))
    assert ask(app, mm7.request(environ={"PATH_INFO": f"/mm7/acme={HA1['MD5']}"})).status == 200
    assert answered(app, "MD5", secret=HA1["MD5"]).status == 200
    assert answered(app, "MD5").status == 401


def test_an_ha1_is_that_of_other_programs() -> None:
    """As openssl has it: printf 'Mufasa:MM7:Circle Of Life' | openssl md5."""
    assert write_ha1("MD5", "Mufasa", "Circle Of Life") == "digest:MD5:MM7:ac3cb56bb07cb5e9c6bad22ebbc696f9"


# -- what others see


@pytest.mark.parametrize(
    ("header", "hidden", "shown"),
    [
        ('Digest response="0123456789abcdef", nonce="tell no one", cnonce="also not"',
         ["0123456789abcdef", "tell no one", "also not"], []),
        ('Digest cnonce="1", response="0123456789abcdef", username="acme", uri="/mm7"', ["0123456789abcdef"],
         ["1", "acme", "/mm7"]),
        ('Digest response="0123456789abcdef", Basic x', ['response="0123456789abcdef", Basic x'], []),
    ],
    ids=["all", "a short one", "two schemes"],
)  # fmt: skip
def test_what_proves_something_is_a_secret(header: str, hidden: list[str], shown: list[str]) -> None:
    """And else nothing is: the account and the path stay readable in a traceback."""
    found = secrets_in({"PATH_INFO": "/mm7", "HTTP_AUTHORIZATION": header}, 4)
    assert set(hidden) <= set(found)
    assert not set(shown) & set(found)


def test_the_handler_and_the_log_see_nothing_of_it(answered: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    found: list[MM7Request] = []
    proofs: list[str] = []

    def fail(request: MM7Request) -> None:
        found.append(request)
        raise LookupError(f"of {proofs}, {proofs[0]!r}, {dict(enumerate(proofs))}")

    app = endpoint(handler=fail)
    nonce = _nonce(app)
    header = response(nonce)
    proofs += [header, nonce, "0a4f113b", re.findall('response="([^"]*)"', header)[0]]
    assert answered(app, header=header, environ={"HTTP_X_COPY": f"copied {proofs[3]}"}).status == 500
    assert not [key for key in found[0].environ if key.endswith("AUTHORIZATION") or key == "HTTP_X_COPY"]
    assert "LookupError" in caplog.text
    for proof in proofs:
        assert proof not in caplog.text
        assert proof not in repr(dict(found[0].environ))
