"""The history of a job, read from the log: its row says where the records are and what each led to."""

from dataclasses import asdict
from typing import Any, cast

from mist_domain.facts.job_events import JobEvent, JobInitialized
from mist_eventlog import Codec, Record
from mist_eventlog.topics.names import JOB_EVENTS
from mist_gateway.http.responses import raw_json
from mist_gateway.projection.entry import HistoryStep, JobRow
from mist_gateway.service import Gateway

RecordedStep = tuple[Record, HistoryStep, JobEvent]


async def read_history(gateway: Gateway, row: JobRow, *, after: int = -1) -> list[RecordedStep]:
    """Read the job's records beyond offset `after`, in order, each with its step."""
    steps = {step.offset: step for step in row.history() if step.offset > after}
    if not steps:
        return []
    records = await gateway.reader.fetch(JOB_EVENTS, row.partition, list(steps))
    return [(record, steps[record.offset], decode_event(gateway.codec, record)) for record in records]


def decode_event(codec: Codec, record: Record) -> JobEvent:
    """Decode a record of some row's history, which was decoded before."""
    return cast("JobEvent", codec.decode(record.value))


async def read_facts(gateway: Gateway, row: JobRow) -> list[dict[str, Any]]:
    """Every record of the job as clients see it on `/events`."""
    return [view_fact(*told) for told in await read_history(gateway, row)]


def view_fact(record: Record, step: HistoryStep, event: JobEvent) -> dict[str, Any]:
    """One record: what it is, when and where, whether it counted, and what it says."""
    view: dict[str, Any] = {
        "event": type(event).__name__,
        "time": record.time,
        "offset": record.offset,
        "accepted": step.status is not None,
    }
    if step.status is not None:
        view["status"] = step.status.word
    return view | _said(event)


def _said(event: JobEvent) -> dict[str, Any]:
    """The fact's own fields, as the wire names them."""
    if isinstance(event, JobInitialized):
        return _initialized(event)
    fields = {name: value for name, value in asdict(event).items() if name != "job_id" and value is not None}
    if "result" in fields:
        fields["result"] = raw_json(fields["result"])
    return {_camel(name): value for name, value in fields.items()}


def _initialized(event: JobInitialized) -> dict[str, Any]:
    said = {
        "writer": event.writer,
        "endpoint": event.endpoint.name,
        "context": event.context.name,
        "mode": event.mode,
        "parameters": raw_json(event.parameters),
        "source": event.source,
        "requestId": event.request_id,
        "requestedAt": event.requested_at,
        "retries": event.retries,
    }
    optional = {
        "externalId": event.external_id,
        "artifactSha": event.endpoint.artifact_sha,
        "workerIdPrefix": event.worker_id_prefix,
        "startTimeout": event.start_timeout,
        "performTimeout": event.perform_timeout,
    }
    return said | {name: value for name, value in optional.items() if value is not None}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
