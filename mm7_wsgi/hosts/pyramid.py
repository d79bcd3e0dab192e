"""MM7 in a Pyramid application.

::

    config.include("mm7_wsgi.hosts.pyramid")
    config.add_mm7_endpoint(Inbox(), accounts="mm7-accounts.toml")

The settings are those of an endpoint (:func:`mm7_wsgi.hosts.settings.keywords`), under names as ``mm7.path`` and
``mm7.limits.body``; what is given in code stands above them. Where ``mm7.handler`` names the handler, to include this
module is enough, and an ini file can do that too: ``pyramid.includes = mm7_wsgi.hosts.pyramid``.

A tween takes the requests of MM7, above pyramid_tm, the exception views and all tweens that were there when this
module was included. The endpoint reads and judges them there, and its handler is the rest of Pyramid: the tweens
below, the route, the view, and in it the host's handler. So a message is answered when Pyramid is done with it, its
transaction included; and whatever is answered or raised on that way instead is a failure of the handler, which the
endpoint answers 3000. Pyramid itself meets a request for the bare path, without credentials and without a body:
neither is in the notes of a transaction, in a debug log or in what a tween reports.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pyramid.exceptions import ConfigurationError
from pyramid.httpexceptions import HTTPNotFound
from pyramid.interfaces import ITweens
from pyramid.registry import Registry
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.tweens import EXCVIEW, INGRESS, MAIN

from ..credentials import owned
from ..endpoint import Handler, MM7Endpoint
from ..protocol.errors import MM7Error
from ..redaction import redacted
from ..request import MM7Request, WrittenAnswer
from .settings import keywords

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

__all__ = ["add_mm7_endpoint", "includeme", "tween_factory"]

_TWEEN: Final = "mm7_wsgi.hosts.pyramid.tween_factory"
_Configurator: TypeAlias = Any  # pyramid.config.Configurator, whose methods have no types
_Downstream: TypeAlias = Callable[[Request], Response]


def includeme(config: _Configurator) -> None:
    """Add the directive ``config.add_mm7_endpoint``, and an endpoint where ``mm7.handler`` names its handler."""
    config.add_directive("add_mm7_endpoint", add_mm7_endpoint)
    config.add_tween(_TWEEN, under=INGRESS, over=("pyramid_tm.tm_tween_factory", EXCVIEW, MAIN))
    config.action((_TWEEN, "explicit"), _check_tweens, args=(config.registry,), order=1)
    if "mm7.handler" in config.registry.settings:
        config.add_mm7_endpoint()


def _check_tweens(registry: Registry) -> None:
    explicit = [name for name, _ in registry.queryUtility(ITweens).explicit]
    if explicit and _TWEEN not in explicit:
        raise ConfigurationError(f"pyramid.tweens has to name {_TWEEN} too, above pyramid_tm and excview")


def add_mm7_endpoint(
    config: _Configurator, handler: Handler | str | None = None, *, name: str = "mm7", **given: Any
) -> None:
    """Serve MM7 below the ``route_prefix`` of ``config``: at ``path``, ``path/`` and ``path/account=password``.

    ``handler`` is a handler, or the dotted name of one (a class is called without arguments); without it,
    ``mm7.handler`` says which. It runs in the view of the route ``name``, which asks for no permission and no CSRF
    token, and finds Pyramid's request as ``request.host_request``. Under pyramid_tm it runs in the transaction of the
    request, which is committed for what is accepted and aborted for all else; where it cannot be committed, the peer is
    told 3000. The other keywords are those of :class:`~mm7_wsgi.MM7Endpoint`.

    Raises ``ValueError`` or ``TypeError`` that names the setting for one that cannot work. Two endpoints with one name,
    or at one path, are a ``ConfigurationConflictError``.
    """
    settings = config.registry.settings
    if handler is not None:
        given["handler"] = handler
    found = keywords(settings, "mm7.", root=settings.get("here", os.curdir), given=given, handler=True)
    made: Any = found.pop("handler", None)
    if made is None:
        raise ConfigurationError("add_mm7_endpoint needs a handler, as its argument or named by mm7.handler")
    if isinstance(made, str):
        made = config.maybe_dotted(made)
        made = made() if isinstance(made, type) else made
    MM7Endpoint(made, accounts={})  # says what is wrong with the handler, if anything
    path = found.pop("path", "/mm7")
    whole = f"/{config.route_prefix.strip('/')}{path}" if config.route_prefix else path
    if not {*"{}*:"}.isdisjoint(whole):
        raise ConfigurationError(f"the path of MM7 has to be plain segments, without placeholders, unlike {whole!r}")
    endpoint = MM7Endpoint(lambda request: request.host_request.mm7_way.go(made, request), path=whole, **found)

    def register() -> None:
        config.registry.setdefault(_TWEEN, {})[name] = endpoint

    config.action((_TWEEN, "name", name), register)
    config.action((_TWEEN, "path", endpoint.path))
    config.add_route(name, path)
    config.add_view(_view, route_name=name, require_csrf=False, permission=NO_PERMISSION_REQUIRED)


def tween_factory(downstream: _Downstream, registry: Registry) -> _Downstream:
    """The tween that takes the requests of the endpoints of ``registry``, and hands ``downstream`` all others."""
    endpoints = tuple(registry.get(_TWEEN, {}).values())

    def tween(request: Request) -> Response:
        path_info = request.environ.get("PATH_INFO", "")
        for endpoint in endpoints:
            if owned(path_info, endpoint.path):
                return _answer(endpoint, request, downstream)
        return downstream(request)

    return tween


def _answer(endpoint: MM7Endpoint, request: Request, downstream: _Downstream) -> Response:
    environ = request.environ
    if request.is_body_seekable:  # somebody may have read it
        request.body_file_raw.seek(0)
    sent = dict(environ)
    index = len(sent.get("SCRIPT_NAME", "")) + len(endpoint.path)
    _hide(environ, index)
    request.mm7_way = _Way(downstream)
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Callable[[bytes], Any]:
        started.append((status, headers))
        return _never_called

    try:
        answer = endpoint.answer(sent, start_response, index, request)
    finally:
        del request.mm7_way
        if "retry.attempts" in environ:  # pyramid_retry makes the next request of the same environ
            environ.update(sent)
    ((status, headers),) = started
    return Response(app_iter=answer, status=status, headerlist=headers)  # which may read on when it was sent


def _never_called(octets: bytes) -> None:
    raise NotImplementedError


def _hide(environ: WSGIEnvironment, index: int) -> None:
    """Leave of a request what Pyramid is to meet."""
    clean = redacted(environ, index)
    for key in environ.keys() - clean.keys():
        if not key.startswith("webob."):
            del environ[key]
    environ.update(clean)
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(), "0"


def _view(context: object, request: Request) -> Response:
    way: _Way | None = getattr(request, "mm7_way", None)
    if way is None:  # a subrequest that left the tweens out
        raise HTTPNotFound
    return way.arrive(request)


class _Way:
    """One message on its way through Pyramid: down to the view, and back when the transaction has ended."""

    def __init__(self, downstream: _Downstream) -> None:
        self._downstream = downstream
        self._response = Response()
        self._call: Callable[[], Any]
        self._accepted: Callable[[Any], bool]
        self._outcome: Any = None
        self._uncommitted = False

    def go(self, handler: Handler, message_request: MM7Request) -> Any:
        """What the handler returned, if all around it went well; raises what it raised, or what went wrong."""
        request: Any = message_request.host_request
        self._call = lambda: handler(message_request)
        self._accepted = lambda outcome: (
            outcome is None
            or (isinstance(outcome, WrittenAnswer) and outcome.code in (1000, 1100))
            or (isinstance(outcome, message_request.message.response) and outcome.status.status_code in (1000, 1100))
        )
        try:
            response = self._downstream(request)
            if response is not self._response:
                # Of an exception view, or of something on the way that answers for the view.
                raise getattr(request, "exception", None) or RuntimeError(
                    f"the view of MM7 was not reached, or not heard: {response.status} was answered in its place"
                )
            if self._uncommitted:
                raise RuntimeError("the handler accepted, and its transaction was not committed")
        except Exception as error:
            request.exception = error  # where pyramid_retry looks for a reason to try again
            raise
        return self._outcome

    def arrive(self, request: Request) -> Response:
        """Call the handler, inside of all that Pyramid has around a view."""
        try:
            self._outcome = self._call()
        except MM7Error as refusal:
            self._outcome = refusal
        manager = request.environ.get("tm.manager")
        if manager is not None:
            if self._accepted(self._outcome):
                # Doomed, vetoed or failed: there are many ways not to be committed, and only this is to be.
                self._uncommitted = True
                manager.get().addAfterCommitHook(self._note)
            else:
                _doom(manager)
        return self._response

    def _note(self, committed: bool) -> None:
        self._uncommitted = not committed


def _doom(manager: Any) -> None:
    try:
        manager.doom()
    except ValueError:  # it has failed already, and can only be aborted
        manager.abort()
        manager.begin()
        manager.doom()
