"""Reads the topics to their present end and puts every record to the audit."""

from collections.abc import AsyncIterator
from typing import get_args

from mist_domain.errors import RefusalError
from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.requests import Origin, StartRequest
from mist_domain.wire.start_request import read_request
from mist_eventlog import Codec, KafkaAddress, PoisonError, Record, Tail, committed
from mist_eventlog.dead_letters import dead_letters
from mist_eventlog.topics.names import HOSTS, JOB_EVENTS, JOB_LOGS, REGISTRY, REQUESTS
from mist_tools.verify.audit import Audit, BreachError

OTHERS = (REGISTRY, HOSTS, JOB_LOGS)


async def audit_log(kafka: KafkaAddress, codec: Codec, group: str) -> tuple[Audit, int, int]:
    """The audit of the whole log, the requests checked and those still undecided. Raises `BreachError`."""
    audit = Audit()
    async for record in _all(kafka, JOB_EVENTS):
        event = _decoded(codec, record)
        if not isinstance(event, get_args(JobEvent)):
            raise BreachError(f"{_place(record)}: a {type(event).__name__} is no fact of a job")
        audit.take(event, record.time, _place(record))
    for topic in OTHERS:
        async for record in _all(kafka, topic):
            _decoded(codec, record)
    checked, undecided = await _audit_requests(kafka, codec, group, audit)
    return audit, checked, undecided


async def _audit_requests(kafka: KafkaAddress, codec: Codec, group: str, audit: Audit) -> tuple[int, int]:
    """Every decided start request has its job; those from the committed offset on may still wait."""
    decided = await committed(kafka, group, REQUESTS)
    buried = await _dead_letter_places(kafka)
    checked = undecided = 0
    async for record in _all(kafka, REQUESTS):
        place = (REQUESTS, record.partition, record.offset)
        request = _start_request(codec, record)
        if request is None or place in buried:
            continue
        if record.offset >= decided.get(record.partition, 0):
            undecided += 1
            continue
        origin = Origin(topic=REQUESTS, partition=record.partition, offset=record.offset, time=record.time)
        audit.check_request(request, origin)
        checked += 1
    return checked, undecided


async def _dead_letter_places(kafka: KafkaAddress) -> set[tuple[str, int, int]]:
    return {letter.place async for letter in dead_letters(kafka)}


async def _all(kafka: KafkaAddress, topic: str) -> AsyncIterator[Record]:
    async with Tail(kafka, [topic]) as tail:
        ends = tail.ends
        async for records in tail.replay():
            for record in records:
                if record.offset < ends[record.topic, record.partition]:
                    yield record


def _decoded(codec: Codec, record: Record) -> object:
    try:
        return codec.decode(record.value)
    except PoisonError as poison:
        raise BreachError(f"{_place(record)}: {poison.reason}") from poison


def _start_request(codec: Codec, record: Record) -> StartRequest | None:
    """The start request in a record; `None` for other requests and for what is none, whose place is the dead letters."""
    try:
        request = read_request(record.value, codec.decode)
    except (PoisonError, RefusalError):
        return None
    return request if isinstance(request, StartRequest) else None


def _place(record: Record) -> str:
    return f"{record.topic}/{record.partition}@{record.offset}"
