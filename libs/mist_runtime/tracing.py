"""Traces by OpenTelemetry: the SDK's exporter when it is asked for, and the trace context in Kafka's record headers.

Without an exporter the API's spans record nothing; they only pass on the context that a client sent.
Headers are W3C `traceparent` and `tracestate`, so that spans of other systems join.
"""

import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

Headers = Sequence[tuple[str, bytes]]

CONTEXT_LIMIT = 10_000
ERROR_LENGTH = 1_000
_PROPAGATOR = TraceContextTextMapPropagator()
_TRACER = trace.get_tracer("mist")


def configure_tracing(service: str, collector: str) -> None:
    """Export spans to `collector`, the base URL of OTLP over HTTP. The SDK reads `OTEL_…` variables for the rest.

    Does nothing without a collector. Exits with a sentence when the SDK is not installed.
    """
    if not collector:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        sys.exit(f"MIST_TRACES needs OpenTelemetry's SDK ({error}): install mist-server[tracing], or unset it.")
    provider = TracerProvider(resource=Resource.create({"service.name": f"mist-{service}"}))
    exporter = OTLPSpanExporter(endpoint=f"{collector.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def begin_span(name: str, parent: Headers, attributes: Mapping[str, str]) -> trace.Span:
    """Begin a span below the one in `parent`, the headers of a record or request; a root span without one."""
    carrier = {key: value.decode(errors="replace") for key, value in trace_headers(parent)}
    context = _PROPAGATOR.extract(carrier)
    return _TRACER.start_span(name, context, attributes={f"mist.{key}": value for key, value in attributes.items()})


def end_span(span: trace.Span, error: str | None = None) -> None:
    """End the span, as failed when there is an error."""
    if error is not None:
        span.set_status(trace.Status(trace.StatusCode.ERROR, error[:ERROR_LENGTH]))
    span.end()


def headers_of(span: trace.Span) -> Headers:
    """Headers that make whoever reads them a child of the span; none when there is no trace."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, trace.set_span_in_context(span))
    return [(key, value.encode()) for key, value in carrier.items()]


def trace_id_of(span: trace.Span) -> str | None:
    """The trace's id in hex, as collectors show it; `None` for a span that nobody records."""
    if isinstance(span, trace.NonRecordingSpan):
        return None
    return trace.format_trace_id(span.get_span_context().trace_id)


def trace_headers(headers: Headers) -> Headers:
    """The trace context among a record's headers."""
    return [(key, value) for key, value in headers if key in _PROPAGATOR.fields]


class TraceContexts:
    """Trace headers by job, for the next span of that job; beyond `CONTEXT_LIMIT` jobs the oldest are forgotten."""

    def __init__(self) -> None:
        self._headers: OrderedDict[str, Headers] = OrderedDict()

    def keep(self, job_id: str, headers: Headers) -> None:
        """Keep the trace context of a record's headers, if they carry one."""
        found = trace_headers(headers)
        if found:
            self._headers[job_id] = found
            if len(self._headers) > CONTEXT_LIMIT:
                self._headers.popitem(last=False)

    def pop(self, job_id: str) -> Headers:
        """The job's trace context, once; empty when there is none."""
        return self._headers.pop(job_id, ())
