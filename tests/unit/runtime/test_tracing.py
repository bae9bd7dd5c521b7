"""Traces cost nothing while nobody collects them, and a client's own trace is passed on all the same."""

import builtins
import subprocess
import sys
from typing import Any

import pytest

from mist_runtime.tracing import (
    CONTEXT_LIMIT,
    TraceContexts,
    begin_span,
    configure_tracing,
    end_span,
    headers_of,
    trace_headers,
    trace_id_of,
)

PARENT = ("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
STATE = ("tracestate", b"vendor=1")
RECORDED = """
from opentelemetry import trace
from mist_runtime.tracing import begin_span, configure_tracing, end_span, headers_of, trace_id_of

configure_tracing("gateway", "http://127.0.0.1:1")
span = begin_span("start request", [("traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")], {"job_id": "j"})
assert span.resource.attributes["service.name"] == "mist-gateway", span.resource
assert dict(span.attributes) == {"mist.job_id": "j"}, span.attributes
((name, value),) = headers_of(span)
assert value.decode().split("-")[1:3] == ["0af7651916cd43dd8448eb211c80319c", trace.format_span_id(span.context.span_id)]
end_span(span, "x" * 2_000)
assert span.status.description == "x" * 1_000
assert trace_id_of(span) == "0af7651916cd43dd8448eb211c80319c"
import os
os._exit(0)
"""


def test_without_a_collector_a_client_s_trace_is_passed_on_as_it_came() -> None:
    span = begin_span("decide", [("other", b"1"), PARENT, STATE], {"job_id": "j"})
    assert sorted(headers_of(span)) == [PARENT, STATE]
    assert trace_id_of(span) is None
    end_span(span, "an error")


def test_without_a_collector_and_a_parent_there_is_no_trace() -> None:
    span = begin_span("decide", [], {})
    assert headers_of(span) == []
    assert trace_id_of(span) is None


@pytest.mark.parametrize("value", [b"", b"rubbish", b"\xff\xfe", b"00-0-0-01"])
def test_a_trace_context_that_cannot_be_read_is_dropped(value: bytes) -> None:
    assert headers_of(begin_span("decide", [("traceparent", value)], {})) == []


def test_with_a_collector_spans_join_the_client_s_trace() -> None:
    """In a process of its own: OpenTelemetry's provider is set once for a whole process."""
    ended = subprocess.run([sys.executable, "-c", RECORDED], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr


def test_a_collector_without_the_sdk_ends_the_service_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without_sdk(name: str, *arguments: Any, **more: Any) -> Any:
        if name.startswith("opentelemetry.sdk"):
            raise ImportError(name)
        return original(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without_sdk)
    configure_tracing("gateway", "")
    with pytest.raises(SystemExit, match=r"install mist-server\[tracing\]"):
        configure_tracing("gateway", "http://127.0.0.1:4318")


def test_contexts_are_given_once_and_the_oldest_are_forgotten() -> None:
    contexts = TraceContexts()
    contexts.keep("without", [("other", b"1")])
    for number in range(CONTEXT_LIMIT + 1):
        contexts.keep(str(number), [("other", b"1"), PARENT])
    assert contexts.pop("without") == ()
    assert contexts.pop("0") == ()
    assert contexts.pop("1") == trace_headers([PARENT])
    assert contexts.pop("1") == ()
