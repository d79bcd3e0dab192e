"""HTTP Digest with clients that are not ours, and two workers that share nothing but the machine."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from xml.etree import ElementTree

import pytest

LIVE = runpy.run_path(str(Path(__file__).with_name("live.py")))
TIMEOUT = LIVE["TIMEOUT"]
MESSAGES = Path(__file__).resolve().parents[1] / "examples" / "messages"

# Each worker imports it for itself, and leaves a line for each message.
APPLICATION = """
import json, os, pathlib
from mm7_wsgi import Digest, MM7Middleware

HERE = pathlib.Path(__file__).parent

def handler(request):
    with open(HERE / "calls", "a") as calls:
        line = {"account": request.account.name, "worker": os.getpid(), "octets": request.raw.size}
        calls.write(json.dumps(line) + "\\n")

def rest(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b""]

accounts = {"acme": "s3cret", "m\\xfcller": "p\\xe4ss", "hashed": "scrypt:2:1:1$salt$" + "0" * 128}
application = MM7Middleware(rest, handler, accounts=accounts, schemes=("basic", "digest"))
only_md5 = MM7Middleware(rest, handler, accounts=accounts, schemes=("digest",), digest=Digest(algorithms=("MD5",)))
"""


@pytest.fixture(scope="module", params=["application", "only_md5"])
def served(request: pytest.FixtureRequest, require: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    require("gunicorn")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "served.py").write_text(APPLICATION)
    options = ["--workers", "2", "--logger-class", "mm7_wsgi.hosts.gunicorn.Logger", "--access-logfile", "-"]
    options += ["--access-logformat", '%(r)s %(s)s "%({authorization}i)s"']
    with LIVE["gunicorn"](folder, f"served:{request.param}", *options) as running:
        yield running
    assert "Traceback" not in running.log
    assert "response=" not in running.log
    assert "cnonce" not in running.log


@pytest.fixture(autouse=True)
def _from_the_beginning(served: Any) -> None:
    served.forget()


def example() -> tuple[dict[str, str], bytes]:
    lines = (MESSAGES / "submit.headers").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines), (MESSAGES / "submit.body").read_bytes()


def code_in(answer: bytes) -> str | None:
    return ElementTree.fromstring(answer).findtext(".//{*}StatusCode")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("way", ["--digest", "--anyauth"])
@pytest.mark.parametrize(
    ("user", "code"),
    [("acme:s3cret", "1000"), ("m\u00fcller:p\u00e4ss", "1000"), ("acme:wrong", "4001"), ("hashed:s3cret", "4001")],
)
def test_curl(served: Any, way: str, user: str, code: str) -> None:
    command = ["curl", "--silent", "--show-error", "--max-time", str(TIMEOUT), "--noproxy", "*", way, "--user", user]
    command += ["-H", "@submit.headers", "--data-binary", "@submit.body", "-w", "\n%{http_code}"]
    for _ in range(4):
        url = served.url("/mm7?x=a%20b")
        done = subprocess.run([*command, url], cwd=MESSAGES, capture_output=True, timeout=2 * TIMEOUT, check=True)
        answer, _, status = done.stdout.rpartition(b"\n")
        assert (status, code_in(answer)) == (b"200" if code == "1000" else b"401", code)
    expected = [(user.partition(":")[0], len(example()[1]))] * 4 if code == "1000" else []
    assert [(call["account"], call["octets"]) for call in served.calls] == expected


@pytest.mark.parametrize(("user", "secret", "status"), [("acme", "s3cret", 200), ("acme", "wrong", 401)])
def test_requests(served: Any, require: Any, user: str, secret: str, status: int) -> None:
    """It keeps the nonce, and shows it to whichever worker comes next."""
    require("requests")
    import requests
    from requests.auth import HTTPDigestAuth

    headers, body = example()
    auth = HTTPDigestAuth(user, secret)
    with requests.Session() as session:
        session.trust_env = False
        answers = [session.post(served.url("/mm7"), body, headers=headers, auth=auth) for _ in range(9)]
    assert {answer.status_code for answer in answers} == {status}
    if status == 200:
        assert [len(answer.history) for answer in answers] == [1] + [0] * 8
        assert len(served.calls) == 9
    else:
        assert served.calls == []


@pytest.mark.parametrize("served", ["only_md5"], indirect=True)
@pytest.mark.parametrize(("secret", "status"), [("s3cret", 200), ("wrong", 401)])
def test_urllib(served: Any, secret: str, status: int) -> None:
    """It reads the first challenge alone, and of Digest knows MD5: as clients of RFC 2617 do."""
    headers, body = example()
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, served.url("/"), "acme", secret)
    handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPDigestAuthHandler(passwords))
    request = urllib.request.Request(served.url("/mm7"), body, headers)
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=TIMEOUT) as answer:
            found = answer.status
    except HTTPError as error:
        found = error.code
        error.close()
    assert found == status
    assert len(served.calls) == (status == 200)
