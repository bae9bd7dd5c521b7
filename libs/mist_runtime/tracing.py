"""Traces for OpenTelemetry, off unless asked for: a job's way from its request to its end, over Kafka's record headers.

The context travels as W3C `traceparent`, so that clients' and other systems' spans join. Nothing of OpenTelemetry is
loaded while it is off.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

Headers = Sequence[tuple[str, bytes]]

TRACEPARENT = "traceparent"
MOST_KEPT = 10_000


class Span(Protocol):
    """Something that takes time. `headers` make what follows from it its children."""

    @property
    def headers(self) -> Headers: ...

    @property
    def trace_id(self) -> str | None: ...

    def end(self, error: str | None = None) -> None: ...


class Tracing(Protocol):
    """`parent` is the headers of the record or request that led to the span."""

    def begin(self, name: str, parent: Headers, attributes: Mapping[str, str], /) -> Span: ...


class NoTracing:
    """What came with a request is passed on, so that others' traces are not cut here."""

    def begin(self, _name: str, parent: Headers, _attributes: Mapping[str, str], /) -> Span:
        return _NoSpan(context_of(parent))


class _NoSpan:
    trace_id = None

    def __init__(self, headers: Headers) -> None:
        self.headers = headers

    def end(self, error: str | None = None) -> None:
        """Nobody asks."""


class OpenTelemetry:
    """Spans to a collector by OTLP over HTTP, in batches from a thread of their own."""

    def __init__(self, service: str, collector: str) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        provider = TracerProvider(resource=Resource.create({"service.name": f"mist-{service}"}))
        exporter = OTLPSpanExporter(endpoint=f"{collector.rstrip('/')}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1_000))
        self._tracer: Tracer = provider.get_tracer("mist")

    def begin(self, name: str, parent: Headers, attributes: Mapping[str, str], /) -> Span:
        from opentelemetry.propagators.textmap import DefaultGetter  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        carrier = {key: value.decode(errors="replace") for key, value in context_of(parent)}
        context = TraceContextTextMapPropagator().extract(carrier, getter=DefaultGetter())
        span = self._tracer.start_span(
            name, context, attributes={f"mist.{key}": one for key, one in attributes.items()}
        )
        return _OpenSpan(span)


class _OpenSpan:
    def __init__(self, span: "object") -> None:
        from opentelemetry import trace  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        assert isinstance(span, trace.Span)  # noqa: S101 - what the tracer gives
        self._span = span
        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier, trace.set_span_in_context(span))
        self.headers: Headers = [(key, value.encode()) for key, value in carrier.items()]
        self.trace_id: str | None = trace.format_trace_id(span.get_span_context().trace_id)

    def end(self, error: str | None = None) -> None:
        from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415

        if error is not None:
            self._span.set_status(Status(StatusCode.ERROR, error[:1_000]))
        self._span.end()


class Contexts:
    """By job, the headers that its next span is to follow from; the oldest are forgotten."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Headers] = OrderedDict()

    def keep(self, job_id: str, headers: Headers) -> None:
        found = context_of(headers)
        if found:
            self._kept[job_id] = found
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)

    def take(self, job_id: str) -> Headers:
        return self._kept.pop(job_id, ())


def context_of(headers: Headers) -> Headers:
    """Of a record's headers those that carry a trace."""
    return [(key, value) for key, value in headers if key in {TRACEPARENT, "tracestate"}]


def tracing_of(service: str, collector: str) -> Tracing:
    """`collector` is its URL, or nothing."""
    return OpenTelemetry(service, collector) if collector else NoTracing()
