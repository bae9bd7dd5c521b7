"""The worker hosts that live, as they last told of themselves.

Age is measured against the broker's own clock: the append time of the newest record of `mist.hosts`, moved on by
this process's monotonic clock since it was read. No two machines' clocks are compared.
"""

from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass

from mist_domain.facts.hosts import HostRecord, HostState, Tick, Worker

SILENCE_MS = 25_000


@dataclass(frozen=True, slots=True)
class HostRow:
    state: HostState
    at: int


class Hosts:
    """`rows` is the Faust table's own store; `monotonic` in seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.rows: MutableMapping[str, HostRow] = {}
        self._monotonic = monotonic
        self._newest = 0
        self._read_at = 0.0

    def fold(self, record: HostRecord, at: int) -> None:
        if at >= self._newest:
            self._newest, self._read_at = at, self._monotonic()
        if isinstance(record, Tick):
            return
        if record.stopped:
            self.rows.pop(record.host_id, None)
        else:
            self.rows[record.host_id] = HostRow(record, at)
        if record.replaces is not None and record.replaces != record.host_id:
            self.rows.pop(record.replaces, None)

    def now(self) -> float:
        """What the broker's clock shows (ms), as far as was heard."""
        return self._newest + (self._monotonic() - self._read_at) * 1000

    def living(self) -> list[HostState]:
        now = self.now()
        return [row.state for row in self.rows.values() if now - row.at < SILENCE_MS]

    def workers(self) -> Iterator[tuple[HostState, Worker]]:
        """The workers that are registered: their drivers are up."""
        for host in self.living():
            for worker in host.workers:
                if worker.state != "starting":
                    yield host, worker

    def holding(self, worker_id: str) -> list[str]:
        """Ids of the hosts that have a worker of that name, starting ones too."""
        return [host.host_id for host in self.living() if any(one.worker_id == worker_id for one in host.workers)]
