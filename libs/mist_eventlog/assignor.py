"""Who reads: the member that reads already, else the first one; everybody else stands by.

Not round-robin: requests of one topic are to be decided by one scheduler at a time.
"""

from collections.abc import Callable, Iterable, Mapping

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

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
