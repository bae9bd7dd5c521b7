"""Whether a table keeps up with its log: a consumer that has silently stopped looks alive in every other way."""

from collections.abc import Mapping, Sequence


class Lag:
    """Of one topic. Judged against where the log ended at the check before: that much must have been read by now."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._ends: Mapping[int, int] = {}
        self._read: tuple[int, ...] = ()
        self.behind = 0
        self.frozen = False

    def check(self, read: Sequence[int], ends: Mapping[int, int]) -> None:
        """`read[p]`: the last offset taken of partition `p`, -1 for none; `ends`: the next to be written, now.

        No `ends` (Kafka does not answer) leave nothing to judge by.
        """
        self.behind = sum(max(0, end - 1 - read[partition]) for partition, end in self._ends.items())
        self.frozen = self.behind > 0 and tuple(read) == self._read
        self._ends, self._read = ends, tuple(read)

    @property
    def sentence(self) -> str | None:
        """Why what the gateway shows is old, or `None`."""
        return f"Mist is {self.behind} records of {self._topic} behind." if self.behind else None
