"""The one place where a request becomes an answer."""

from __future__ import annotations

import dataclasses
import logging
import re
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from werkzeug.http import HTTP_STATUS_CODES

from .accounts import Account, Dialect
from .body import Progress, announced_length, discard, read_body, unread
from .credentials import Credentials, address_of, find_credentials, find_tail, string_of
from .digest import REALM, Digest
from .observer import Event, MM7Observer, Outcome, log_outcome, loggable, printable
from .protocol.errors import (
    EnvelopeError,
    MethodNotAllowed,
    MM7Error,
    ServerError,
    StaleNonce,
    Throttled,
    Unauthorized,
)
from .protocol.limits import Limits
from .protocol.messages import (
    REQUESTS,
    Fault,
    Response,
    RSErrorRsp,
    Status,
    VASPErrorRsp,
    request_named,
    write_fault,
    write_message,
)
from .protocol.mime import Part, delimiter_line
from .protocol.package import Package, check_content_type
from .protocol.soap import MM7, Node, Transaction, child_of, is_mm7, split_name, text_of, tidy, write_envelope
from .protocol.values import is_version, newest_version
from .redaction import redacted, secrets_in
from .request import MM7Request, RawBody, WrittenAnswer
from .resolvers import as_resolver, identify, kind_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from .throttle import Throttle

_log = logging.getLogger("mm7_wsgi")

Handler: TypeAlias = Callable[[MM7Request], "Response | WrittenAnswer | MM7Error | None"]


class Transactions(Protocol):
    """What recognises a request that comes again: a :class:`mm7_wsgi.spool.TransactionLog`."""

    def once(
        self, request: MM7Request, handle: Callable[[MM7Request], Response | WrittenAnswer]
    ) -> Response | WrittenAnswer:
        """Ask ``handle``, which raises its refusal, or hand out what it answered to the same request before."""
        ...


# Spoken before a peer has spoken.
# werkzeug's WWWAuthenticate leaves out the quotes around a realm of Basic, which RFC 7617 asks for.
_BASIC_CHALLENGE: Final = f'Basic realm="{REALM}", charset="UTF-8"'
_SCHEMES: Final = ("basic", "digest")
# Distinct deviations that are remembered as logged.
_LOGGED_MOST: Final = 10_000
# Characters of a prefix that is echoed.
_LONGEST_PREFIX: Final = 200
_PATH: Final = re.compile("(?:/[^/%?#]+)+")
# What a client of HTTP acts on by itself, whatever the dialect: the challenge, and the allowed methods.
_UNALTERABLE: Final = (401, 405)


class MM7Endpoint:
    """MM7 as a whole WSGI application: a server, a dispatcher or a view of a framework can call it.

    ``handler`` is called once for each whole, valid, authenticated request, with an :class:`MM7Request`. It returns
    None for "accepted", or what :meth:`MM7Request.success`, ``partial`` or ``failure`` make, or raises an
    :class:`MM7Error`. Anything else that it raises is logged and answered 3000, so that the peer sends again. A
    :class:`MM7Handler` is such a handler; a plain function that returns None for everything accepts all eight
    operations.

    ``accounts``
        Who may send: a mapping of names to secrets, a function, an object with ``resolve``, the dotted name of one, or
        the path of an account file; see :func:`mm7_wsgi.resolvers.as_resolver`.
    ``path``
        Where in the URL the tail ``/account=password`` begins. The endpoint answers under any path; this is how it
        finds the credentials.
    ``limits``
        How much a peer may send.
    ``strict``
        Refuse what departs from the specification, instead of reading it and saying so in ``request.deviations``. An
        :class:`Account` can say otherwise, for all of it (``strict``) or by name (``tolerate``).
    ``allow_chunked``
        Take bodies without Content-Length from servers that mark the end of ``wsgi.input``; multipart ones only with
        their close delimiter.
    ``observer``
        Is told what became of each request: an :class:`MM7Observer`.
    ``throttle``
        Counts requests and wrong credentials, and holds up those who send too many: a
        :class:`mm7_wsgi.throttle.Throttle`. Without one, wrong credentials are not counted, and accounts that have a
        ``rate`` are held to it by each process for itself.
    ``transactions``
        Recognises a request that comes again, and answers it as before without calling the handler: a
        :class:`mm7_wsgi.spool.TransactionLog`.
    ``schemes``
        The schemes of HTTP that are accepted and challenged for, in the order of the challenges: ``"basic"``,
        ``"digest"`` or both.
    ``digest``
        How ``"digest"`` challenges: a :class:`.Digest`.

    Raises ``TypeError`` and ``ValueError`` for settings that cannot work. It keeps no state of a request: any number of
    threads may call it.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        accounts: object,
        path: str = "/mm7",
        limits: Limits = Limits(),  # noqa: B008 - frozen
        strict: bool = False,
        allow_chunked: bool = False,
        observer: MM7Observer | None = None,
        throttle: Throttle | None = None,
        transactions: Transactions | None = None,
        schemes: Sequence[str] = ("basic",),
        digest: Digest | None = None,
    ) -> None:
        if isinstance(handler, type) or not callable(handler):
            raise TypeError(f"handler has to be a function or an instance of MM7Handler, not {kind_of(handler)}")
        if not _PATH.fullmatch(path):
            raise ValueError(f"path has to be segments with a slash before each, not escaped, unlike {path!r}")
        if observer is not None and not isinstance(observer, MM7Observer):
            raise TypeError(f"observer has to be an instance of MM7Observer, not {kind_of(observer)}")
        # Not by its class: that can be imported only where the package is that it needs.
        if throttle is not None and (isinstance(throttle, type) or not callable(getattr(throttle, "admit", None))):
            raise TypeError(f"throttle has to be a Throttle, not {kind_of(throttle)}")
        if transactions is not None and (
            isinstance(transactions, type) or not callable(getattr(transactions, "once", 0))
        ):
            raise TypeError(f"transactions has to be a TransactionLog, not {kind_of(transactions)}")
        self._schemes = _checked_schemes(schemes)
        if digest is not None and not isinstance(digest, Digest):
            raise TypeError(f"digest has to be a Digest, not {kind_of(digest)}")
        if digest is not None and "digest" not in self._schemes:
            raise ValueError('digest is set, and schemes does not have "digest"')
        self._digest = (digest or Digest()) if "digest" in self._schemes else None
        self._handler = handler
        self._resolver = as_resolver(accounts)
        self.path = path.encode().decode("latin-1")  # as PATH_INFO has it (PEP 3333)
        self._limits = limits
        self._strict = strict
        self._allow_chunked = allow_chunked
        self._observer = observer
        self._throttle = throttle
        self._transactions = transactions
        self._own_throttle: Throttle | None = None
        self._logged: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, whose credentials are where ``path`` is in ``SCRIPT_NAME`` and ``PATH_INFO``."""
        return self.answer(environ, start_response, find_tail(environ, self.path))

    def answer(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        index: int | None,
        host_request: object | None = None,
    ) -> Iterable[bytes]:
        """Answer one request, whose credentials are behind ``index`` in ``SCRIPT_NAME`` + ``PATH_INFO``.

        ``host_request`` is what a framework makes of the same request; the handler finds it there. The whole answer is
        the first item of what is returned; to ask for another one drops what is unread of the body of a known account,
        up to ``Limits.discard``.
        """
        exchange = _Exchange(self, environ, index, host_request)
        try:
            try:
                exchange.run()
            except MM7Error as refusal:
                exchange.refuse(refusal)
        except Exception as error:  # a bug: of ours, of the host's resolver, or in what the host would have us write
            exchange.log_failure("the endpoint", error)
            exchange.refuse(ServerError())
        finally:
            exchange.close()
        exchange.report()
        start_response(*exchange.head())
        return [] if environ["REQUEST_METHOD"] == "HEAD" else exchange.answer()

    def _challenges(self, refusal: Unauthorized) -> list[str]:
        """The values of ``WWW-Authenticate``: the refusal's own, else one or two for each scheme."""
        if refusal.challenges is not None:
            return list(refusal.challenges)
        values: list[str] = []
        for scheme in self._schemes:
            if scheme == "basic":
                values.append(_BASIC_CHALLENGE)
            else:
                assert self._digest is not None
                values += self._digest.challenges(stale=refusal.stale)
        return values

    @property
    def _rates(self) -> Throttle:
        """What counts the requests of accounts that have a rate."""
        if self._throttle is not None:
            return self._throttle
        with self._lock:
            if self._own_throttle is None:
                from .throttle import Throttle

                self._own_throttle = Throttle(failures=None)
            return self._own_throttle

    def _first_time(self, account: str, deviation: str) -> bool:
        """Whether this deviation of this account was not logged yet."""
        with self._lock:
            key = (account, deviation)
            if key in self._logged or len(self._logged) >= _LOGGED_MOST:
                return False
            self._logged.add(key)
            return True


class _Exchange:
    """One request on its way to its answer: what is known of it so far, for the answer and for the log."""

    def __init__(
        self, endpoint: MM7Endpoint, environ: WSGIEnvironment, index: int | None, host_request: object | None
    ) -> None:
        self._endpoint = endpoint
        self._environ = environ
        self._index = index
        self._host_request = host_request
        self._started = time.perf_counter()
        self._account: Account | None = None
        self._package = Package(endpoint._limits, strict=endpoint._strict)
        self._close: list[Callable[[], None]] = []
        self._progress = Progress()
        self._received: int | None = None
        self._event: Event = "refused"
        self._error_of_host: Exception | None = None
        self._code = 0
        self._message_id: str | None = None
        self._http_status = 200
        self._headers: list[tuple[str, str]] = []
        self.octets = b""

    def run(self) -> None:
        """From the request line to the answer; raises the refusal."""
        environ, endpoint = self._environ, self._endpoint
        if environ["REQUEST_METHOD"] != "POST":
            raise MethodNotAllowed(details="MM7 is POST only")
        shown = find_credentials(environ, self._index, basic="basic" in endpoint._schemes, digest=endpoint._digest)
        self._account = account = self._identify(shown)
        limits = self._limits
        if account.limits or account.strict is not None or account.tolerate:
            strict = endpoint._strict if account.strict is None else account.strict
            self._package = Package(limits, strict=strict, tolerated=account.tolerate)
        content_type = check_content_type(environ.get("CONTENT_TYPE") or "", limits)
        length = announced_length(environ, limits, allow_chunked=endpoint._allow_chunked)
        watched = delimiter_line(content_type.boundary)
        body = read_body(environ, length, limits, watched=watched, progress=self._progress)
        self._close.append(body.close)
        self._received = body.size
        message = self._package.read(content_type, body, is_counted=length is not None)
        envelope = self._package.envelope
        assert envelope is not None and envelope.transaction_id is not None  # noqa: PT018 - the package was read
        address = shown[0].address
        request = MM7Request(
            message=message,
            account=account,
            transaction_id=envelope.transaction_id,
            element=envelope.operation,
            content=self._package.content,
            attachments=self._package.attachments,
            deviations=tuple(self._package.deviations),
            remote_addr=None if address is None else str(address),
            environ=lambda: redacted(environ, self._index),
            host_request=self._host_request,
            raw=RawBody(environ.get("CONTENT_TYPE") or "", body),
            write=self._write,
        )
        self._message_id = request.message_id
        self._accept(self._call(request))

    def _identify(self, shown: tuple[Credentials, ...]) -> Account:
        """Whose the credentials are; raises the refusal also of those who have shown wrong ones, or sent, too often."""
        endpoint, throttle = self._endpoint, self._endpoint._throttle
        if throttle is None:
            account = identify(endpoint._resolver, shown)
        else:
            throttle.check(shown)
            try:
                account = identify(endpoint._resolver, shown)
            except StaleNonce:  # no guess: the secret was right
                raise
            except Unauthorized:
                throttle.failed(shown)
                raise
            throttle.succeeded(shown)
        if account.rate is not None:
            # The answer is written as this account wants it.
            self._account = account
            endpoint._rates.admit(account)
        return account

    def _call(self, request: MM7Request) -> Response | WrittenAnswer:
        """The host's answer, new or from before; raises its refusal."""
        transactions = self._endpoint._transactions
        try:
            return self._ask(request) if transactions is None else transactions.once(request, self._ask)
        except MM7Error:
            raise
        except Exception as error:
            self.log_failure("the handler", error)
            raise ServerError from None

    def _ask(self, request: MM7Request) -> Response | WrittenAnswer:
        """Ask the host; raises its refusal, and what the handler raises besides."""
        outcome: Any = self._endpoint._handler(request)
        if outcome is None:
            return request.success()
        if isinstance(outcome, MM7Error):
            raise outcome
        if not isinstance(outcome, (request.message.response, WrittenAnswer)):
            raise TypeError(
                f"the handler returned {type(outcome).__name__} for a {request.message.element_name}; "
                "it returns None, or what success(), partial() or failure() of the request make"
            )
        return outcome

    def close(self) -> None:
        """Give back the body and all that was made of it."""
        self._package.close()
        for close in reversed(self._close):
            close()

    # -- the answer

    def _accept(self, outcome: Response | WrittenAnswer) -> None:
        answer = outcome if isinstance(outcome, WrittenAnswer) else self._write(outcome)
        self._event = "duplicate" if answer.repeated else "accepted"
        self._code = answer.code
        self._message_id = answer.message_id
        self.octets = answer.octets

    def _write(self, response: Response) -> WrittenAnswer:
        namespace, prefix = self._dress()
        if not response.mm7_version:  # nor did the request have one
            response = dataclasses.replace(response, mm7_version=newest_version(namespace))  # type: ignore[type-var]
        return WrittenAnswer(
            write_envelope(write_message(response, namespace, prefix), self._transaction(), prefix),
            code=int(response.status.status_code),
            message_id=getattr(response, "message_id", None),
        )

    def refuse(self, refusal: MM7Error) -> None:
        """Make the answer a Fault."""
        self._event = "refused"
        self._code = int(refusal.code)
        self._message_id = None
        namespace, prefix = self._dress()
        error = None if isinstance(refusal, EnvelopeError) else self._error(refusal, namespace)
        fault = Fault(
            faultcode=refusal.faultcode,
            faultstring=f"{refusal.text}: {refusal.details}" if refusal.details else refusal.text,
            error=error,
        )
        self.octets = write_envelope(write_fault(fault, namespace, prefix), self._transaction(), prefix)
        self._http_status = self._http_status_of(refusal)
        if refusal.retry_after is not None:
            self._headers.append(("Retry-After", str(refusal.retry_after)))
        if self._error_of_host is not None:
            self._event = "failed"
        elif isinstance(refusal, Throttled):
            self._event = "throttled"
        elif isinstance(refusal, Unauthorized):
            self._event = "unauthorized"
            self._headers += [("WWW-Authenticate", value) for value in self._endpoint._challenges(refusal)]
        elif isinstance(refusal, MethodNotAllowed):
            self._headers.append(("Allow", "POST"))

    def _http_status_of(self, refusal: MM7Error) -> int:
        """Return the HTTP status of a fault, as :attr:`.Dialect.fault_http_status` says."""
        wanted = self._dialect.fault_http_status
        if wanted == 200 and not refusal.temporary and refusal.http_status not in _UNALTERABLE:
            return 200
        return refusal.http_status or (500 if refusal.temporary else wanted)

    def head(self) -> tuple[str, list[tuple[str, str]]]:
        """Status line and headers."""
        headers = [("Content-Type", 'text/xml; charset="utf-8"'), ("Content-Length", str(len(self.octets)))]
        return f"{self._http_status} {HTTP_STATUS_CODES.get(self._http_status, 'Unknown')}", headers + self._headers

    def answer(self) -> Iterable[bytes]:
        """Return the body of the answer.

        Where the body of the request was not read, it is dropped when the server has sent the answer and asks for more,
        since a client that writes the whole request first sees the answer only then. Of a stranger not a byte is read.
        """
        if self._account is None or self._progress.is_over:
            return [self.octets]
        size = unread(self._environ, self._progress, self._limits)
        return self._answer_and_discard(size) if size else [self.octets]

    def _answer_and_discard(self, size: int) -> Iterator[bytes]:
        yield self.octets
        discard(self._environ, size, self._limits)

    @property
    def _limits(self) -> Limits:
        """The limits of the account, where it is known, else those of the endpoint."""
        limits, account = self._endpoint._limits, self._account
        return limits if account is None or not account.limits else replace(limits, **account.limits)

    @property
    def _dialect(self) -> Dialect:
        return _DEFAULT if self._account is None else self._account.dialect

    @property
    def _operation(self) -> Node | None:
        envelope = self._package.envelope
        return None if envelope is None else envelope.operation

    @property
    def _operation_name(self) -> str | None:
        if self._operation is None:
            return None
        name = split_name(self._operation.tag)[0]
        request = request_named(name)
        return name if request is None else request.element_name

    def _dress(self) -> tuple[str, str]:
        """Namespace and prefix of the answer: the dialect's, else those of the request, else ours."""
        dialect, envelope, operation = self._dialect, self._package.envelope, self._operation
        _, namespace, written = ("", None, "") if operation is None else split_name(operation.tag)
        prefix = dialect.prefix
        if prefix is None:
            # XML keeps "xml" for a namespace of its own. One without end would be in the answer two dozen times.
            prefix = "" if written == "xml" or len(written) > _LONGEST_PREFIX else written
        found = (
            dialect.namespace,
            tidy(namespace),
            None if envelope is None else envelope.transaction_namespace,
        )
        return next((name for name in found if name and (name == dialect.namespace or is_mm7(name))), MM7), prefix

    def _transaction(self) -> Transaction | None:
        envelope = self._package.envelope
        if envelope is None or envelope.transaction_id is None:
            return None
        return Transaction(envelope.transaction_id, self._dialect.namespace or envelope.transaction_namespace)

    def _error(self, refusal: MM7Error, namespace: str) -> RSErrorRsp | VASPErrorRsp:
        """What goes into the detail: the R/S answers a VASP, and a VASP answers the R/S."""
        operation = self._operation
        request = REQUESTS.get(self._operation_name or "")
        written = None if operation is None else child_of(operation, "MM7Version")
        version = "" if written is None else text_of(written).strip()
        error = RSErrorRsp if request is None or request.from_vasp else VASPErrorRsp
        return error(
            mm7_version=self._dialect.mm7_version or (version if is_version(version) else newest_version(namespace)),
            status=Status(status_code=refusal.code, status_text=refusal.text, details=refusal.details),
        )

    # -- what is told of it

    def report(self) -> None:
        """Tell the log and the observer: what deviated, the first time that it does, and what became of the request."""
        account = None if self._account is None else self._account.name
        for deviation in self._package.deviations:
            if account is not None and self._endpoint._first_time(account, deviation.name):
                fields = {"event": "deviation", "account": loggable(account), "deviation": deviation.name}
                _log.warning("account %a deviates: %s", account, ascii(str(deviation)), extra=fields)
        observer = self._endpoint._observer
        if observer is None and not _log.isEnabledFor(logging.INFO):
            return
        outcome = self._outcome()
        log_outcome(outcome)
        if observer is not None:
            try:
                getattr(observer, outcome.event)(outcome)
            except Exception as error:
                self._log_error("the observer failed", error)

    def _outcome(self) -> Outcome:
        envelope = self._package.envelope
        address = address_of(self._environ)
        return Outcome(
            event=self._event,
            account=None if self._account is None else self._account.name,
            operation=self._operation_name,
            transaction_id=None if envelope is None else envelope.transaction_id,
            message_id=self._message_id,
            status=self._code,
            http_status=self._http_status,
            bytes=self._received,
            parts=_count(self._package.parts),
            ms=round((time.perf_counter() - self._started) * 1000, 3),
            deviations=tuple(dict.fromkeys([deviation.name for deviation in self._package.deviations])),
            remote_addr=None if address is None else str(address),
            unparsed_addr=None if address is not None else string_of(self._environ, "REMOTE_ADDR") or None,
            error=self._error_of_host,
        )

    def log_failure(self, where: str, error: Exception) -> None:
        """Log that the endpoint or the handler broke; the answer is to be 3000."""
        self._error_of_host = error
        self._log_error(f"{where} failed; the peer is asked to send again", error)

    def _log_error(self, what: str, error: Exception) -> None:
        """A traceback, with what the request shows of secrets taken out of it.

        The words of an exception may be the peer's, with line ends of its own. So every line is indented, that none can
        pass for the beginning of another record.
        """
        text = "".join(traceback.format_exception(error))
        for secret in secrets_in(self._environ, self._index):
            text = text.replace(secret, "***")
        lines = "".join([f"\n  {printable(line)}" for line in text.rstrip("\n").split("\n")])
        _log.error("%s%s", what, lines, extra={"event": "error"})


def _checked_schemes(schemes: object) -> tuple[str, ...]:
    known = f"has to be a list with {' or '.join(map(repr, _SCHEMES))} or both"
    if isinstance(schemes, (str, bytes)) or not isinstance(schemes, Iterable):
        raise TypeError(f"schemes {known}, not {kind_of(schemes)}")
    listed = tuple(schemes)
    for scheme in listed:
        if scheme not in _SCHEMES:
            raise ValueError(f"schemes {known}, and {scheme!r} is neither")
    if not listed or len(set(listed)) != len(listed):
        raise ValueError(f"schemes {known}, each of them once")
    return listed


def _count(parts: tuple[Part, ...]) -> int:
    return len(parts) + sum([_count(part.parts) for part in parts if part.parts])


_DEFAULT: Final = Dialect()
