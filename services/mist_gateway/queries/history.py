"""The history of a job, read from the log: its row says where the records are and what each led to."""

from typing import cast

from mist_domain.facts.job_events import JobEvent
from mist_eventlog import Codec, Record
from mist_eventlog.topics.names import JOB_EVENTS
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
