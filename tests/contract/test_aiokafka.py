"""Internals of aiokafka that Mist relies on: each test fails when a new release changes one."""

import inspect
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.producer.message_accumulator import BatchBuilder

from mist_eventlog import Appender, GroupTail

NOWHERE = "127.0.0.1:1"


async def test_a_batch_lives_as_long_as_the_accumulator_says_when_it_is_made() -> None:
    """`Appender.start` sets it: an election of a leader may take longer than a request."""
    producer = AIOKafkaProducer(bootstrap_servers=NOWHERE, request_timeout_ms=10_000)
    accumulator = producer._message_accumulator
    assert accumulator._batch_ttl == 10  # by default a request's time: once there is a setting for it, use that
    accumulator._batch_ttl = 77.0
    batch = accumulator._append_batch(producer.create_batch(), TopicPartition("t", 0))
    assert batch._ttl == 77.0
    batch.failure(exception=RuntimeError())
    batch.future.exception()


async def test_the_appender_sets_the_life_of_a_batch_to_its_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    async def note(producer: Any) -> None:
        made.append(producer)

    monkeypatch.setattr(AIOKafkaProducer, "start", note)
    appender = Appender(NOWHERE, time_limit=42.0)
    await appender.start()
    assert made[0]._message_accumulator._batch_ttl == 42.0


def test_a_batch_builder_refuses_what_does_not_fit_and_accepts_one_record_of_any_size() -> None:
    builder = BatchBuilder(1_000, 0, is_transactional=0, key_serializer=None, value_serializer=None)
    assert builder.append(timestamp=None, key=b"k", value=b"x" * 5_000, headers=[]) is not None
    assert builder.append(timestamp=None, key=b"k", value=b"x", headers=[]) is None


@pytest.mark.parametrize(("instance", "leaves"), [("named", False), (None, True)])
async def test_a_member_with_an_instance_id_never_leaves_its_group(instance: str | None, leaves: bool) -> None:  # noqa: FBT001
    """So `GroupTail.stop` takes the id away first; once aiokafka lets named members leave, it need not."""
    sent: list[object] = []

    async def send(request: object) -> None:
        sent.append(request)

    coordinator = SimpleNamespace(
        generation=3, group_id="g", member_id="m", _group_instance_id=instance, _send_req=send, reset_generation=list
    )
    await GroupCoordinator._maybe_leave_group(coordinator)
    assert bool(sent) is leaves


async def test_a_group_tail_takes_the_instance_id_from_the_coordinator_that_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    coordinator = SimpleNamespace(_group_instance_id="named")
    left: list[object] = []

    async def start(consumer: Any) -> None:
        consumer._coordinator = coordinator

    async def stop(consumer: Any) -> None:
        left.append(coordinator._group_instance_id)
        consumer._closed = True

    monkeypatch.setattr(AIOKafkaConsumer, "start", start)
    monkeypatch.setattr(AIOKafkaConsumer, "stop", stop)
    tail = GroupTail(NOWHERE, "t", "g", instance="named")
    await tail.start()
    await tail.stop()
    assert left == [None]


def test_the_consumer_makes_its_coordinator_under_the_name_that_is_used() -> None:
    assert "self._coordinator = GroupCoordinator(" in inspect.getsource(AIOKafkaConsumer.start)
