"""Counts what became of the requests, for Prometheus (the extra ``prometheus``).

::

    from prometheus_client import make_wsgi_app
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    from mm7_wsgi.hosts.prometheus import PrometheusObserver

    application = MM7Middleware(application, Inbox(), accounts=…, observer=PrometheusObserver())
    application = DispatcherMiddleware(application, {"/metrics": make_wsgi_app()})

Who can reach ``/metrics`` is for the host to say. With several processes, ``prometheus_client`` adds up what they count
where the environment variable ``PROMETHEUS_MULTIPROC_DIR`` says.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

from ..observer import MM7Observer, Outcome
from ..protocol.messages import REQUESTS

__all__ = ["PrometheusObserver"]

# From what an empty message takes to what a slow database does; from a text to the largest that is allowed.
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_OCTETS: Final = tuple(1024 * 4**power for power in range(8))


class PrometheusObserver(MM7Observer):
    """Counts into ``registry``, which is that of the process by default.

    ``mm7_requests_total``
        Requests by ``event``, ``operation`` and ``status`` (the StatusCode).
    ``mm7_request_seconds``
        How long they took, by ``operation``.
    ``mm7_request_body_bytes``
        How large their bodies were, by ``operation``.
    ``mm7_deviations_total``
        Messages that deviated, by ``deviation``.

    With ``accounts=True`` the first and the last have a label ``account`` too; it is empty where none was recognised.
    All labels have few values, whatever peers send: an operation that MM7 does not have is ``other``.
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY, *, accounts: bool = False) -> None:
        of_account = ["account"] if accounts else []
        self._accounts = accounts
        self._requests = Counter(
            "mm7_requests_total", "MM7 requests.", ["event", "operation", "status", *of_account], registry=registry
        )
        self._seconds = Histogram(
            "mm7_request_seconds", "Seconds until an MM7 request was answered.", ["operation"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._octets = Histogram(
            "mm7_request_body_bytes", "Octets of the body of an MM7 request.", ["operation"],
            buckets=_OCTETS, registry=registry,
        )  # fmt: skip
        self._deviations = Counter(
            "mm7_deviations_total", "MM7 messages with an irregularity.", ["deviation", *of_account], registry=registry
        )

    def accepted(self, outcome: Outcome) -> None:
        """Count it."""
        self._count(outcome)

    duplicate = refused = unauthorized = throttled = failed = accepted

    def _count(self, outcome: Outcome) -> None:
        written = outcome.operation or ""
        operation = written if written in REQUESTS or not written else "other"
        of_account = [outcome.account or ""] if self._accounts else []
        self._requests.labels(outcome.event, operation, outcome.status, *of_account).inc()
        self._seconds.labels(operation).observe(outcome.ms / 1000)
        if outcome.bytes is not None:
            self._octets.labels(operation).observe(outcome.bytes)
        for deviation in outcome.deviations:
            self._deviations.labels(deviation, *of_account).inc()
