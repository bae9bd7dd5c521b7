"""The figures of a worker host for Prometheus."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from mist_runtime.metrics import Figure
from mist_worker_host.core.host import HostCore

STATES = ("starting", "idle", "spare", "busy", "draining")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SESSION, _RESIDENT = 3, 21
"""Fields of /proc/PID/stat, counted after the command's name."""


def figures_of(core: HostCore, proc: Path = Path("/proc")) -> Iterator[Figure]:
    workers = list(core.fleet.workers.values())
    yield Figure("mist_host_workers_limit", "Spark drivers at once, at most.", core.identity.max_workers)
    yield Figure("mist_host_attempts", "Attempts at jobs that the host holds.", len(core.attempts.held))
    yield Figure("mist_host_attempts_limit", "Attempts at once, at most: the slots.", core.identity.slots)
    yield Figure("mist_host_draining", "1 once the host was asked to stop.", core.draining)
    states = Counter(worker.state().state for worker in workers)
    for state in STATES:
        yield Figure("mist_host_workers", "Spark drivers by state.", states[state], {"state": state})
    contexts = {worker.pid: worker.settings.context for worker in workers if worker.pid}
    for context, size in _memory(contexts, proc).items():
        meaning = "Resident memory of Spark drivers with all their processes."
        yield Figure("mist_host_worker_memory_bytes", meaning, size, {"context": context})


def _memory(contexts: Mapping[int, str], proc: Path) -> Counter[str]:
    """Bytes by context. Each driver leads a session of its own, so that its JVM and Python workers are known by it."""
    sizes: Counter[str] = Counter(dict.fromkeys(contexts.values(), 0))
    for stat in proc.glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        session = int(fields[_SESSION])
        if session in contexts:
            sizes[contexts[session]] += int(fields[_RESIDENT]) * _PAGE
    return sizes
