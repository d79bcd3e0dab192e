"""PasteDeploy, which reads ini files and asks the installed package for what they name."""

from __future__ import annotations

import pkgutil
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import MM7Endpoint, MM7Handler, MM7Middleware, MM7Request

deploy: Any = pytest.importorskip("paste.deploy")

HOST = """
[app:shop]
paste.app_factory = shop:make_app
"""
SETTINGS = """
use = egg:mm7_wsgi
handler = shop:Inbox
accounts = shop:accounts
"""
FILES = {
    "filter-with": "[app:main]\npaste.app_factory = shop:make_app\nfilter-with = mm7\n[filter:mm7]" + SETTINGS,
    "pipeline": "[pipeline:main]\npipeline = mm7 shop\n[filter:mm7]" + SETTINGS + HOST,
    "filter-app": "[filter-app:main]\nnext = shop" + SETTINGS + HOST,
    "app": "[app:main]" + SETTINGS,
    "composite": "[composite:main]\nuse = egg:Paste#urlmap\n/ = shop\n/mm7 = mm7\n[app:mm7]" + SETTINGS + HOST,
}


class Inbox(MM7Handler):
    """Says who sent."""

    served: list[str]

    def submit(self, request: MM7Request, message: object) -> None:
        self.served.append(request.account.name)


def make_app(global_conf: dict[str, str]) -> Any:
    """A service from before, as ini files name it."""

    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"the old service"]

    return application


@pytest.fixture(autouse=True)
def shop(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the host's that the ini files name."""
    shop: Any = types.ModuleType("shop")
    shop.Inbox = type("Inbox", (Inbox,), {"served": []})
    shop.accounts, shop.make_app = {"acme": "s3cret"}, make_app
    monkeypatch.setitem(sys.modules, "shop", shop)
    return shop


@pytest.fixture
def load(tmp_path: Path) -> Any:
    """The application that an ini file says."""

    def load(text: str) -> Any:
        (tmp_path / "service.ini").write_text(text)
        return deploy.loadapp(f"config:{tmp_path / 'service.ini'}")

    return load


@pytest.mark.parametrize("way", FILES)
def test_an_ini_file_is_all_that_it_takes(ask: Any, mm7: Any, load: Any, shop: Any, way: str) -> None:
    application = load(FILES[way])
    assert ask(application, mm7.request()).code == 1000
    assert shop.Inbox.served == ["acme"]
    answer = ask(application, mm7.request("SubmitReq", {"PATH_INFO": "/mm7/acme=wrong"}))
    assert (answer.status, answer.code) == (401, 4001)


@pytest.mark.parametrize("way", ["filter-with", "pipeline", "filter-app", "composite"])
@pytest.mark.parametrize("path", ["/", "/mm7x", "/MM7"])
def test_all_else_is_the_old_service_still(call: Any, load: Any, make_environ: Any, way: str, path: str) -> None:
    environ = make_environ(PATH_INFO=path, REQUEST_METHOD="GET", CONTENT_TYPE="", CONTENT_LENGTH="")
    assert call(load(FILES[way]), environ).body == b"the old service"


def test_every_setting_is_text(ask: Any, mm7: Any, load: Any) -> None:
    more = "path = /mms\nstrict = yes\nallow_chunked = no\nlimits.body = 1_00\nthrottle = none\n"
    application = load(FILES["filter-with"].replace("[filter:mm7]", f"[filter:mm7]\n{more}"))
    if isinstance(application, MM7Middleware):
        assert ask(application, mm7.request("SubmitReq", {"PATH_INFO": "/mms/acme=s3cret"})).status == 413


@pytest.mark.parametrize("way", FILES)
def test_digest_is_offered_where_it_is_set(ask: Any, mm7: Any, load: Any, way: str) -> None:
    more = "schemes = digest, basic\ndigest.algorithms = MD5\n"
    application = load(FILES[way].replace("use = egg:mm7_wsgi\n", f"use = egg:mm7_wsgi\n{more}"))
    answer = ask(application, mm7.request("SubmitReq", {"PATH_INFO": "/mm7"}))
    found = [value.split()[0] for name, value in answer.headers if name == "WWW-Authenticate"]
    assert (answer.status, found) == (401, ["Digest", "Basic"])


@pytest.mark.parametrize("way", FILES)
def test_a_spool_can_be_named_as_the_handler(
    ask: Any, mm7: Any, load: Any, shop: Any, require: Any, tmp_path: Path, way: str
) -> None:
    require("sqlalchemy")
    shop.spool = pkgutil.resolve_name("mm7_wsgi.spool:Spool")(tmp_path / "mm7.db")
    application = load(FILES[way].replace("shop:Inbox", "shop:spool"))
    answers = [ask(application, mm7.request()) for _ in range(2)]
    assert answers[0].code == 1000
    assert answers[0].body == answers[1].body
    (delivery,) = [(each.account, each.operation) for each in shop.spool.claim(10)]
    assert delivery == ("acme", "SubmitReq")
    shop.spool.close()


@pytest.mark.parametrize("way", FILES)
def test_a_log_of_transactions_can_be_beside_the_ini_file(
    ask: Any, mm7: Any, load: Any, shop: Any, logs: list[Any], tmp_path: Path, way: str
) -> None:
    settings = SETTINGS + "transactions = sqlite:///%(here)s/mm7.db\n"
    for _ in range(2):  # it is in the file, and not in the process
        application = load(FILES[way].replace(SETTINGS, settings))
        assert ask(application, mm7.request()).code == 1000
    assert shop.Inbox.served == ["acme"]
    assert {repr(log) for log in logs} == {f"<TransactionLog sqlite:///{tmp_path}/mm7.db>"}


def test_what_it_makes_is_the_middleware_and_the_endpoint(load: Any) -> None:
    assert isinstance(load(FILES["pipeline"]), MM7Middleware)
    assert isinstance(load(FILES["app"]), MM7Endpoint)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("limits.boddy = 5", "limits.boddy is no setting of mm7_wsgi; limits.body is one"),
        ("strict = maybe", "strict has to be true or false"),
        ("accounts = acme=s3cret", "accounts: accounts: a string has to be a dotted name"),
    ],
)
def test_a_setting_that_cannot_work_is_named(load: Any, line: str, message: str) -> None:
    text = FILES["app"].replace("accounts = shop:accounts\n", "") if line.startswith("accounts") else FILES["app"]
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        load(f"{text}{line}\n")
    assert "s3cret" not in str(caught.value)


def test_somebody_has_to_take_the_messages(load: Any) -> None:
    with pytest.raises(ValueError, match=r"^handler is missing: it is the dotted name"):
        load(FILES["app"].replace("handler = shop:Inbox\n", ""))
