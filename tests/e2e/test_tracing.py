"""One trace from the client through gateway and scheduler to the end of the Spark job, as a collector sees it."""

import secrets
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from support.brokers import broker
from support.client import Client
from support.paths import ROOT
from support.stack import Stack, wait_until

EXAMPLES = ROOT / "deploy/examples/mist.yaml"


class Collector(BaseHTTPRequestHandler):
    """Takes OTLP over HTTP."""

    spans: ClassVar[list[tuple[str, Any]]] = []

    def do_POST(self) -> None:
        request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in request.resource_spans:
            (service,) = [
                attribute.value.string_value
                for attribute in resource.resource.attributes
                if attribute.key == "service.name"
            ]
            self.spans.extend((service, span) for scope in resource.scope_spans for span in scope.spans)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of its own: the schedulers of another Mist over the same log would decide, too."""
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running.bootstrap


@pytest.fixture(scope="module")
def traced(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=server.serve_forever, daemon=True).start()
    settings = {"MIST_TRACES": f"http://127.0.0.1:{server.server_port}"}
    with Stack(kafka, tmp_path_factory.mktemp("traced"), environment=settings) as stack:
        stack.load(EXAMPLES)
        yield stack
    server.shutdown()


def spans_of(trace_id: str, count: int) -> dict[str, Any]:
    """The trace's spans by service, once there are so many."""

    def found() -> dict[str, Any] | None:
        own = {service: span for service, span in Collector.spans if span.trace_id.hex() == trace_id}
        return own if len(own) >= count else None

    return wait_until(f"{count} spans of {trace_id}", found, 60)


@pytest.mark.parametrize(("endpoint", "arguments", "error"), [
    ("simple-context", {"numbers": [1]}, ""), ("failing", {"message": "oh no"}, "ValueError: oh no"),
])  # fmt: skip
def test_a_client_s_trace_goes_through_every_service_to_the_job_s_end(
    traced: Stack, endpoint: str, arguments: dict[str, Any], error: str
) -> None:
    mist, trace_id, parent = Client(traced.url), secrets.token_hex(16), secrets.token_hex(8)
    headers = {"traceparent": f"00-{trace_id}-{parent}-01"}
    answer = mist.http.post(f"/v2/api/endpoints/{endpoint}", json=arguments, headers=headers)
    assert answer.status_code == httpx.codes.OK
    job_id = answer.json()["id"]
    mist.ended(job_id)
    spans = spans_of(trace_id, 3)
    gateway, scheduler, host = (spans[f"mist-{name}"] for name in ("gateway", "scheduler", "host"))
    assert [span.name for span in (gateway, scheduler, host)] == ["start request", "decide", "run"]
    assert [span.parent_span_id.hex() for span in (gateway, scheduler, host)] == [
        parent, gateway.span_id.hex(), scheduler.span_id.hex(),
    ]  # fmt: skip
    assert host.status.message == error
    attributes = {attribute.key: attribute.value.string_value for attribute in host.attributes}
    assert (attributes["mist.job_id"], attributes["mist.attempt"]) == (job_id, "1")
    log = traced.services["host-0"].log.read_text()
    assert [line for line in log.splitlines() if job_id in line and trace_id in line]


def test_a_job_without_a_trace_begins_one(traced: Stack) -> None:
    mist = Client(traced.url)
    job_id = mist.run("simple-context", {"numbers": [1]})["jobId"]

    def trace() -> str | None:
        return next(
            (
                span.trace_id.hex()
                for _, span in Collector.spans
                if any(attribute.value.string_value == job_id for attribute in span.attributes)
            ),
            None,
        )

    assert len(spans_of(wait_until("the job has a trace", trace, 30), 3)) == 3
