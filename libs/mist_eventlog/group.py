"""Who reads: the member that reads already, else the first one; everybody else stands by.

Not round-robin: requests of one topic are to be decided by one scheduler at a time.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Self

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from mist_eventlog.address import KafkaAddress, kafka_address
from mist_eventlog.consumer import as_records, bounds, new_consumer, refuse_reset, start_consumer, stop_consumer
from mist_eventlog.errors import OutageError
from mist_eventlog.record import Record

_READING, _STANDING_BY = b"reading", b"standing by"
_VERSION = 0


def one_member_reads_all(is_reading: Callable[[], bool]) -> type[AbstractPartitionAssignor]:
    """An assignor for one consumer; `is_reading` tells the group's leader whether this member reads at present."""

    class OneMemberReadsAll(AbstractPartitionAssignor):  # type: ignore[misc]
        name = "mist-one-member-reads-all"

        @classmethod
        def metadata(cls, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
            state = _READING if is_reading() else _STANDING_BY
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
            """Nothing to remember."""

    return OneMemberReadsAll


def chosen(states: Mapping[str, bytes]) -> str:
    """The member that is to read."""
    return min(states, key=lambda member: (states[member] != _READING, member))


Changed = Callable[[frozenset[int]], None]
_COMMIT_LIMIT = 30.0
_REBALANCE_PAUSE = 1.0


class GroupTail:
    """`owned` holds the partitions that this member reads: all of them, or none while it stands by.

    `positions`: partition → the next offset after all that had been given when `next_batch` was last called.

    A member that becomes the reader begins at the committed offsets; while it stays the reader, no record is seen
    twice. `next_batch` must be called by those who stand by, too.
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

        `instance`: a name that the member has again when it comes back, and nobody else has. It then takes the place of
        the one it was, who need not be missed for `session_timeout` first.
        `on_change(owned)` is called in the event loop after `owned` has changed.
        """
        self._kafka = kafka_address(kafka)
        self._topic = topic
        self._group = group
        self._session_ms = int(session_timeout * 1000)
        self._instance = instance
        self._on_change = on_change
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
        self._consumer = new_consumer(
            self._kafka,
            group_id=self._group,
            group_instance_id=self._instance,
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=self._session_ms // 10,
            partition_assignment_strategy=[one_member_reads_all(lambda: bool(self.owned))],
        )
        self._consumer.subscribe([self._topic], listener=_Listener(self._take))
        await start_consumer(self._kafka, self._consumer)

    async def stop(self) -> None:
        """Leave the group, so that another member takes over at once."""
        self._consumer._coordinator._group_instance_id = None  # noqa: SLF001 - aiokafka lets no named member leave
        await stop_consumer(self._consumer)

    async def next_batch(self, timeout: float) -> list[Record]:
        """What there is, waiting about `timeout` seconds; nothing while standing by. Raises `OutageError`, `LogResetError`."""
        try:
            async with asyncio.timeout(timeout + _REBALANCE_PAUSE):
                return await self._read(timeout)
        except TimeoutError:
            return []
        except (OffsetOutOfRangeError, NoOffsetForPartitionError):
            self._stale = True
            return []
        except KafkaError as error:
            raise OutageError(f"reading {self._topic} as {self._group} failed: {error!r}") from error

    async def commit(self, offsets: Mapping[int, int]) -> None:
        """Commit the next offset of each partition; does nothing when another member has taken over meanwhile."""
        committed = {TopicPartition(self._topic, partition): offset for partition, offset in offsets.items()}
        try:
            async with asyncio.timeout(_COMMIT_LIMIT):
                await self._consumer.commit(committed)
        except (CommitFailedError, IllegalStateError):
            return
        except (KafkaError, TimeoutError) as error:
            raise OutageError(f"committing {self._topic} as {self._group} failed: {error!r}") from error

    async def _read(self, timeout: float) -> list[Record]:
        if self._stale:
            await self._seek()
        self.positions = {place.partition: offset for place, offset in self._positions.items()}
        polled = await self._consumer.getmany(timeout_ms=int(timeout * 1000))
        if self._stale or not self.owned:
            return []
        for place, records in polled.items():
            self._positions[place] = records[-1].offset + 1
        return as_records(polled)

    async def present_ends(self) -> dict[int, int]:
        """Where the partitions that this member reads end now. Raises `OutageError`."""
        _, ends = await bounds(self._consumer, self._consumer.assignment())
        return {partition: end for (_, partition), end in ends.items()}

    async def _seek(self) -> None:
        """Go on where this member was, or begin at the committed offsets; at the beginning where there are none."""
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

    def _take(self, places: Iterable[TopicPartition]) -> None:
        owned = frozenset(place.partition for place in places)
        self._stale = bool(owned)
        if owned != self.owned:
            self._positions.clear()
            self.owned = owned
            if self._on_change is not None:
                self._on_change(owned)


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """While the members are being counted, the one that reads goes on as the reader: it most often stays it."""

    def __init__(self, take: Callable[[Iterable[TopicPartition]], None]) -> None:
        self._take = take

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Nothing changes before the new assignment is known."""

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._take(assigned)
