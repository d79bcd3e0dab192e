"""What Prometheus is told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mm7_wsgi import AddressNotFound, MM7Endpoint, MM7Request

prometheus_client = pytest.importorskip("prometheus_client")

from mm7_wsgi.hosts.prometheus import PrometheusObserver  # noqa: E402 - where its package is


def handler(request: MM7Request) -> None:
    if request.transaction_id.startswith("refused"):
        raise AddressNotFound


def served(ask: Any, mm7: Any, **settings: Any) -> Any:
    """The registry, after some requests."""
    registry = prometheus_client.CollectorRegistry()
    endpoint = MM7Endpoint(handler, accounts={"acme": "s3cret"}, observer=PrometheusObserver(registry, **settings))
    for request in (
        mm7.request(), mm7.request(), mm7.request("DeliverReq"), mm7.request(transaction="refused-1"),
        mm7.request("CancelReq", version="1.0"), mm7.request(environ={"PATH_INFO": "/mm7/acme=wrong"}),
        mm7.request("PeersOwnReq", inner=""), mm7.request("PeersOtherReq", inner=""),
    ):  # fmt: skip
        ask(endpoint, request)
    return registry


def test_requests_are_counted_by_what_became_of_them(ask: Any, mm7: Any) -> None:
    registry = served(ask, mm7)

    def count(event: str, operation: str, status: int) -> float | None:
        labels = {"event": event, "operation": operation, "status": str(status)}
        value: float | None = registry.get_sample_value("mm7_requests_total", labels)
        return value

    assert count("accepted", "SubmitReq", 1000) == 2
    assert count("accepted", "DeliverReq", 1000) == 1
    assert count("refused", "SubmitReq", 2003) == 1
    assert count("unauthorized", "", 4001) == 1
    # Whatever a peer calls its operation, it is one label.
    assert count("refused", "other", 4003) == 2
    assert b"Peers" not in prometheus_client.generate_latest(registry)
    assert registry.get_sample_value("mm7_request_seconds_count", {"operation": "SubmitReq"}) == 3
    assert registry.get_sample_value("mm7_request_body_bytes_count", {"operation": "SubmitReq"}) == 3
    assert registry.get_sample_value("mm7_request_body_bytes_count", {"operation": ""}) is None
    assert registry.get_sample_value("mm7_request_body_bytes_sum", {"operation": "SubmitReq"}) > 1000
    assert registry.get_sample_value("mm7_deviations_total", {"deviation": "version-unlisted"}) == 1


def test_accounts_are_told_apart_only_where_asked_for(ask: Any, mm7: Any) -> None:
    assert b"acme" not in prometheus_client.generate_latest(served(ask, mm7))
    registry = served(ask, mm7, accounts=True)
    labels = {"event": "accepted", "operation": "SubmitReq", "status": "1000", "account": "acme"}
    assert registry.get_sample_value("mm7_requests_total", labels) == 2
    labels = {"event": "unauthorized", "operation": "", "status": "4001", "account": ""}
    assert registry.get_sample_value("mm7_requests_total", labels) == 1
    labels = {"deviation": "version-unlisted", "account": "acme"}
    assert registry.get_sample_value("mm7_deviations_total", labels) == 1


PROCESS = """
from mm7_wsgi import MM7Endpoint
from mm7_wsgi.hosts.prometheus import PrometheusObserver

endpoint = MM7Endpoint(print, accounts={}, observer=PrometheusObserver())
list(endpoint({"REQUEST_METHOD": "GET", "PATH_INFO": "/mm7"}, lambda *_: None))
"""
SUM = """
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

registry = CollectorRegistry()
MultiProcessCollector(registry)
print(generate_latest(registry).decode())
"""


def test_what_several_processes_count_is_added_up(tmp_path: Path) -> None:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    said = ""
    for program in (PROCESS, PROCESS, SUM):
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=120)
        said = done.stdout
    assert 'mm7_requests_total{event="refused",operation="",status="4003"} 2.0' in said.splitlines()
