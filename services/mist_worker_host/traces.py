"""The spans of jobs that run here, for those whose request carried a trace. Said in the log with the trace's id."""

import structlog
from opentelemetry.trace import Span

from mist_domain.facts.job_events import JobAttemptLost, JobFailed, JobStarted
from mist_runtime.tracing import Headers, TraceContexts, begin_span, end_span, trace_id_of
from mist_worker_host.core.instructions import HostEvent, RunAttempt

log = structlog.get_logger("mist.host")


class JobTraces:
    def __init__(self) -> None:
        self._contexts = TraceContexts()
        self._open: dict[tuple[str, int], Span] = {}

    def read(self, job_id: str, headers: Headers) -> None:
        """The job's first record was read."""
        self._contexts.keep(job_id, headers)

    def runs(self, run: RunAttempt) -> None:
        job, attempt = run.job, run.attempt
        attributes = {"job_id": job.job_id, "attempt": str(attempt), "endpoint": job.endpoint.name}
        span = begin_span("run", self._contexts.pop(job.job_id), attributes | {"context": job.context.name})
        self._open[job.job_id, attempt] = span
        log.info("job-runs", job_id=job.job_id, attempt=attempt, endpoint=job.endpoint.name, **_trace(span))

    def appended(self, event: HostEvent) -> None:
        """The host appended an event of an attempt; all but its start end it."""
        span = None if isinstance(event, JobStarted) else self._open.pop((event.job_id, event.attempt or 0), None)
        if span is None:
            return
        end_span(span, _error(event))
        log.info("job-ended", job_id=event.job_id, attempt=event.attempt, how=type(event).__name__, **_trace(span))


def _error(event: HostEvent) -> str | None:
    match event:
        case JobFailed():
            return event.error
        case JobAttemptLost():
            return event.reason
        case _:
            return None


def _trace(span: Span) -> dict[str, str]:
    trace_id = trace_id_of(span)
    return {} if trace_id is None else {"trace_id": trace_id}
