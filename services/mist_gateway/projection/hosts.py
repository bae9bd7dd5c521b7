"""Worker hosts that are alive, by their last `HostState`.

Age is measured by the broker's clock: the append time of the newest record of `mist.hosts`, advanced by this process's
monotonic clock since it was read. No two machines' clocks are compared.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mist_domain.facts.hosts import HostRecord, HostState, Tick, Worker


@dataclass(frozen=True, slots=True)
class HostRow:
    """Last state of a host; `at` is its append time (ms)."""

    state: HostState
    at: int


class HostTable:
    """`rows` is a plain dict, which the Faust table uses as its store.

    `monotonic`: a clock in seconds; `lost_after_ms`: the silence after which the scheduler, too, calls a host lost.
    """

    def __init__(self, monotonic: Callable[[], float], lost_after_ms: int) -> None:
        self.rows: dict[str, HostRow] = {}
        self._lost_after_ms = lost_after_ms
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
        """Estimate the broker's clock (ms)."""
        return self._newest + (self._monotonic() - self._read_at) * 1000

    def living(self) -> list[HostState]:
        now = self.now()
        return [row.state for row in self.rows.values() if now - row.at < self._lost_after_ms]

    def workers(self) -> Iterator[tuple[HostState, Worker]]:
        """List the workers whose drivers are up, with their hosts."""
        for host in self.living():
            for worker in host.workers:
                if worker.state != "starting":
                    yield host, worker

    def holding(self, worker_id: str) -> list[str]:
        """List the ids of the hosts that have a worker of that name, starting ones too."""
        return [host.host_id for host in self.living() if any(worker.worker_id == worker_id for worker in host.workers)]
