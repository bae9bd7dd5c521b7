"""A consumer group in which one member reads every partition of a topic and the others stand by."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Self

from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from mist_eventlog.assignor import one_member_reads_all
from mist_eventlog.consumer import as_records, bounds, new_consumer, refuse_reset, start_consumer, stop_consumer
from mist_eventlog.errors import Outage
from mist_eventlog.kafka import KafkaAddress, kafka_address
from mist_eventlog.record import Record

Changed = Callable[[frozenset[int]], None]
_COMMIT_LIMIT = 30.0


class GroupTail:
    """`owned` holds the partitions that this member reads: all of them, or none while it stands by.

    Whenever the members of the group change, reading goes back to the committed offsets: records are seen again.
    `next_batch` must be called by those who stand by, too.
    """

    def __init__(
        self,
        kafka: str | KafkaAddress,
        topic: str,
        group: str,
        *,
        session_timeout: float = 10.0,
        on_change: Changed | None = None,
    ) -> None:
        """`session_timeout`: seconds of silence after which a member counts as gone.

        `on_change(owned)` is called in the event loop after `owned` has changed.
        """
        self._kafka = kafka_address(kafka)
        self._topic = topic
        self._group = group
        self._session_ms = int(session_timeout * 1000)
        self._on_change = on_change
        self._stale = False
        self.owned: frozenset[int] = frozenset()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Join the group. Raises `Outage`."""
        self._consumer = new_consumer(
            self._kafka,
            group_id=self._group,
            session_timeout_ms=self._session_ms,
            heartbeat_interval_ms=self._session_ms // 4,
            partition_assignment_strategy=[one_member_reads_all(lambda: bool(self.owned))],
        )
        self._consumer.subscribe([self._topic], listener=_Listener(self._take))
        await start_consumer(self._kafka, self._consumer)

    async def stop(self) -> None:
        """Leave the group, so that another member takes over at once."""
        await stop_consumer(self._consumer)

    async def next_batch(self, timeout: float) -> list[Record]:
        """What there is, waiting at most `timeout` seconds; nothing while standing by. Raises `Outage`, `LogReset`."""
        try:
            async with asyncio.timeout(timeout + 1.0):
                if self._stale:
                    await self._begin()
                return as_records(await self._consumer.getmany(timeout_ms=int(timeout * 1000)))
        except (OffsetOutOfRangeError, NoOffsetForPartitionError):
            self._stale = True
        except TimeoutError:
            pass
        except KafkaError as error:
            raise Outage(f"reading {self._topic} as {self._group} failed: {error!r}") from error
        return []

    async def commit(self, offsets: Mapping[int, int]) -> None:
        """Commit the next offset of each partition; does nothing when another member has taken over meanwhile."""
        committed = {TopicPartition(self._topic, partition): offset for partition, offset in offsets.items()}
        try:
            async with asyncio.timeout(_COMMIT_LIMIT):
                await self._consumer.commit(committed)
        except (CommitFailedError, IllegalStateError):
            return
        except (KafkaError, TimeoutError) as error:
            raise Outage(f"committing {self._topic} as {self._group} failed: {error!r}") from error

    async def _begin(self) -> None:
        """Go to the committed offset of each partition, or to its beginning where there is none to go to."""
        places = sorted(self._consumer.assignment())
        begins, ends = await bounds(self._consumer, places)
        committed = {place: await self._consumer.committed(place) or 0 for place in places}
        refuse_reset(committed, ends)
        self._stale = False
        for place in self._consumer.assignment() & set(places):
            self._consumer.seek(place, max(committed[place], begins[place]))

    def _take(self, places: Iterable[TopicPartition]) -> None:
        owned = frozenset(place.partition for place in places)
        self._stale = bool(owned)
        if owned != self.owned:
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
