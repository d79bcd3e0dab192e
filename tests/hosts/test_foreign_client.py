"""A client of other people's make, live: SOAP::Lite with MIME-tools sends a picture, and reads what is answered."""

from __future__ import annotations

import runpy
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
LIVE = runpy.run_path(str(HERE.parent / "live.py"))

# Each callback leaves a line in the file "calls", and the picture in a file that is named as its transaction.
APPLICATION = """
import json, pathlib
from mm7_wsgi import AddressNotFound, MM7Endpoint, MM7Handler

HERE = pathlib.Path(__file__).parent

class Inbox(MM7Handler):
    def submit(self, request, message):
        line = {
            "account": request.account.name,
            "transaction": request.transaction_id,
            "vasp": message.sender_identification.vasp_id,
            "to": [address.value for address in message.recipients.to],
            "subject": message.subject,
            "parts": [(part.content_type, part.filename, part.content_id) for part in request.leaves()],
            "deviations": [deviation.name for deviation in request.deviations],
            "message_id": request.message_id,
        }
        with open(HERE / "calls", "a") as calls:
            calls.write(json.dumps(line) + "\\n")
        request.content.save(HERE / f"{request.transaction_id}.png")
        if "+12025550404" in line["to"]:
            raise AddressNotFound(details="+12025550404 \\u2014 nobody")

endpoint = MM7Endpoint(Inbox(), accounts={"acme": "s3cret"})

def application(environ, start_response):
    if environ["REQUEST_METHOD"] == "GET":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"ready"]
    return endpoint(environ, start_response)
"""


@pytest.fixture(scope="module")
def server(require: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    require("soap-lite")
    require("gunicorn")
    folder = tmp_path_factory.mktemp("perl")
    (folder / "served.py").write_text(APPLICATION)
    with LIVE["gunicorn"](folder, "served:application") as running:
        yield running
    assert "Traceback" not in running.log


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real one, as the examples draw it."""
    drawn = runpy.run_path(str(HERE.parents[1] / "examples" / "messages" / "pictures.py"))
    path = tmp_path_factory.mktemp("picture") / "saturn.png"
    path.write_bytes(drawn["png"](drawn["draw"](drawn["saturn"], 17)))
    return path


@pytest.fixture
def submit(require: Any, server: Any, picture: Path) -> Any:
    """What the client prints of the answer: ``submit("t-1", "+12025550101", tail="acme=s3cret")``."""
    server.forget()

    def submit(transaction: str, *recipients: str, tail: str = "acme=s3cret") -> dict[str, str]:
        command = [require("soap-lite"), str(HERE / "client.pl"), server.url(f"/mm7/{tail}"), transaction]
        done = subprocess.run(
            [*command, str(picture), *recipients], capture_output=True, timeout=LIVE["TIMEOUT"], check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        return dict(line.split("=", 1) for line in done.stdout.decode().splitlines())

    return submit


def test_a_picture_gets_there_as_it_is_and_the_answer_is_read(submit: Any, server: Any, picture: Path) -> None:
    answer = submit("perl-1", "+12025550101", "+12025550102")
    (call,) = server.calls
    assert call["account"] == "acme"
    assert call["to"] == ["+12025550101", "+12025550102"]
    assert (call["vasp"], call["subject"]) == ("perl", "A picture")
    assert call["parts"] == [["image/png", "picture.png", "picture"]]
    assert (server.folder / "perl-1.png").read_bytes() == picture.read_bytes()
    # It puts a text before the first delimiter, a charset behind the boundary, an encodingStyle and types of XML Schema
    # into the envelope, and sends a Content-Location that is none: all of which the rules allow, or do not speak of.
    assert call["deviations"] == []
    assert answer == {
        "http": "200",
        "StatusCode": "1000",
        "StatusText": "Success",
        "MessageID": call["message_id"],
        "TransactionID": "perl-1",
    }


def test_a_wrong_password_is_a_fault_that_is_read(submit: Any, server: Any) -> None:
    answer = submit("perl-2", "+12025550101", tail="acme=wrong")
    assert answer["http"] == "401"
    assert answer["faultcode"].partition(":")[2] == "Client"
    assert answer["StatusCode"] == "4001"
    assert "MessageID" not in answer
    assert server.calls == []


def test_a_refusal_is_a_fault_that_is_read(submit: Any, server: Any) -> None:
    answer = submit("perl-3", "+12025550404")
    assert [call["transaction"] for call in server.calls] == ["perl-3"]
    assert answer["http"] == "500"
    assert answer["faultcode"].partition(":")[2] == "Client"
    assert answer["faultstring"].endswith("nobody")
    assert (answer["StatusCode"], answer["Details"]) == ("2003", "+12025550404 \u2014 nobody")
    assert answer["TransactionID"] == "perl-3"
