"""A consumer group of which one member reads all partitions; the others are standbys.

The reader stays the reader at a rebalance, else the first member becomes it. Not round-robin, since one scheduler at a
time decides the requests of all partitions.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Self

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition, errors
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from mist_eventlog.address import KafkaAddress, kafka_address
from mist_eventlog.consumer import (
    as_records,
    bounds,
    new_consumer,
    refuse_reset,
    start_consumer,
    started,
    stop_consumer,
)
from mist_eventlog.errors import OutageError
from mist_eventlog.record import Record

_READING, _STANDBY = b"reading", b"standing by"
_VERSION = 0


def one_member_reads_all(is_reading: Callable[[], bool]) -> type[AbstractPartitionAssignor]:
    """An assignor class for one consumer; `is_reading` is true while this member owns the partitions."""

    class OneMemberReadsAll(AbstractPartitionAssignor):
        name = "mist-one-member-reads-all"

        @classmethod
        def metadata(cls, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
            state = _READING if is_reading() else _STANDBY
            return ConsumerProtocolMemberMetadata(_VERSION, list(topics), state)

        @classmethod
        def assign(
            cls, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
        ) -> dict[str, ConsumerProtocolMemberAssignment]:
            reader = chosen({member: metadata.user_data for member, metadata in members.items()})
            topics = sorted({topic for metadata in members.values() for topic in metadata.subscription})
            everything = [(topic, sorted(cluster.partitions_for_topic(topic) or ())) for topic in topics]
            return {
                member: ConsumerProtocolMemberAssignment(_VERSION, everything if member == reader else [], b"")
                for member in members
            }

        @classmethod
        def on_assignment(cls, assignment: ConsumerProtocolMemberAssignment) -> None:
            """No-op: the listener learns the assignment."""

    return OneMemberReadsAll


def chosen(states: Mapping[str, bytes]) -> str:
    """The member that reads from now on."""
    return min(states, key=lambda member: (states[member] != _READING, member))


Changed = Callable[[frozenset[int]], None]
_COMMIT_LIMIT = 30.0
_REBALANCE_PAUSE = 1.0


class GroupTail:
    """A member of the group. `owned` holds the partitions that it reads: all of them, or none for a standby.

    `positions`: partition → the next offset after every record returned before the last call of `next_batch`.

    A member that becomes the reader starts at the committed offsets; while it stays the reader it reads no record
    twice. Standbys must call `next_batch`, too.
    """

    def __init__(
        self,
        kafka: str | KafkaAddress,
        topic: str,
        group: str,
        *,
        session_timeout: float = 10.0,
        instance: str | None = None,
        on_change: Changed | None = None,
    ) -> None:
        """`session_timeout`: seconds of silence after which a member counts as gone.

        `instance`: a unique name that the member keeps across restarts. It then resumes its membership at once, without
        waiting for `session_timeout`.
        `on_change(owned)` is called in the event loop after `owned` has changed.
        """
        self._kafka = kafka_address(kafka)
        self._topic = topic
        self._group = group
        self._session_ms = int(session_timeout * 1000)
        self._instance = instance
        self._on_change = on_change
        self._opened: AIOKafkaConsumer | None = None
        self._stale = False
        self._positions: dict[TopicPartition, int] = {}
        self.owned: frozenset[int] = frozenset()
        self.positions: dict[int, int] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Join the group. Raises `OutageError`."""
        consumer = self._opened = new_consumer(
            self._kafka,
            group_id=self._group,
            group_instance_id=self._instance,
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=self._session_ms // 10,
            partition_assignment_strategy=[one_member_reads_all(lambda: bool(self.owned))],
        )
        consumer.subscribe([self._topic], listener=_Listener(self._assigned))
        await start_consumer(self._kafka, consumer)

    async def stop(self) -> None:
        """Leave the group, so that another member takes over at once."""
        if self._opened is None:
            return
        # aiokafka (0.14) sends no LeaveGroup for a member with an instance id, as Kafka's own client does: the
        # group would wait for `session_timeout`. tests/contract/test_aiokafka.py holds the attribute.
        self._opened._coordinator._group_instance_id = None  # noqa: SLF001
        await stop_consumer(self._opened)

    @property
    def _consumer(self) -> AIOKafkaConsumer:
        return started(self._opened)

    async def next_batch(self, timeout: float) -> list[Record]:
        """The next records, after about `timeout` seconds; none for a standby. Raises `OutageError`, `LogResetError`."""
        try:
            async with asyncio.timeout(timeout + _REBALANCE_PAUSE):
                return await self._read(timeout)
        except TimeoutError:
            return []
        except (errors.OffsetOutOfRangeError, errors.NoOffsetForPartitionError):
            self._stale = True
            return []
        except errors.KafkaError as error:
            raise OutageError(f"reading {self._topic} as {self._group} failed: {error!r}") from error

    async def commit(self, offsets: Mapping[int, int]) -> None:
        """Commit the next offset of each partition; no-op once another member is the reader. Raises `OutageError`."""
        committed = {TopicPartition(self._topic, partition): offset for partition, offset in offsets.items()}
        try:
            async with asyncio.timeout(_COMMIT_LIMIT):
                await self._consumer.commit(committed)
        except (errors.CommitFailedError, errors.IllegalStateError):
            return
        except (errors.KafkaError, TimeoutError) as error:
            raise OutageError(f"committing {self._topic} as {self._group} failed: {error!r}") from error

    async def _read(self, timeout: float) -> list[Record]:
        if self._stale:
            await self._seek()
        self.positions = {place.partition: position for place, position in self._positions.items()}
        polled = await self._consumer.getmany(timeout_ms=int(timeout * 1000))
        if self._stale or not self.owned:
            return []
        for place, records in polled.items():
            self._positions[place] = records[-1].offset + 1
        return as_records(polled)

    async def present_ends(self) -> dict[int, int]:
        """The end offsets of this member's partitions now. Raises `OutageError`."""
        _, ends = await bounds(self._consumer, self._consumer.assignment())
        return {partition: end for (_, partition), end in ends.items()}

    async def _seek(self) -> None:
        """Seek this member's own positions, else the committed offsets, else the beginning."""
        self._stale = False
        try:
            places = sorted(self._consumer.assignment())
            begins, ends = await bounds(self._consumer, places)
            starts = {place: await self._start(place) for place in places}
        except BaseException:
            self._stale = True
            raise
        refuse_reset(starts, ends)
        for place in self._consumer.assignment() & set(places):
            self._positions[place] = max(starts[place], begins[place])
            self._consumer.seek(place, self._positions[place])

    async def _start(self, place: TopicPartition) -> int:
        if place in self._positions:
            return self._positions[place]
        return await self._consumer.committed(place) or 0

    def _assigned(self, places: Iterable[TopicPartition]) -> None:
        owned = frozenset(place.partition for place in places)
        self._stale = bool(owned)
        if owned != self.owned:
            self._positions.clear()
            self.owned = owned
            if self._on_change is not None:
                self._on_change(owned)


class _Listener(ConsumerRebalanceListener):
    """During a rebalance the reader goes on as the reader: it most often stays it."""

    def __init__(self, assigned: Callable[[Iterable[TopicPartition]], None]) -> None:
        self._assigned = assigned

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """No-op: nothing changes before the new assignment is known."""

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._assigned(assigned)
