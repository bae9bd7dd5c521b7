"""What a worker host tells Prometheus of itself."""

from collections.abc import Iterator

from mist_runtime.figures import Figure
from mist_worker_host.host import HostCore


def figures_of(core: HostCore) -> Iterator[Figure]:
    yield Figure("mist_host_workers", "Spark drivers.", len(core.fleet.workers))
    yield Figure("mist_host_workers_limit", "Spark drivers at once, at most.", core.identity.max_workers)
    yield Figure("mist_host_attempts", "Attempts at jobs that the host holds.", len(core.attempts.held))
    yield Figure("mist_host_attempts_limit", "Attempts at once, at most: the slots.", core.identity.slots)
    yield Figure("mist_host_draining", "1 once the host was told to stop.", core.draining)
