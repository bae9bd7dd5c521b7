"""The gateway's projection: jobs, hosts and the registry, each folded from its topic. No I/O; one event loop."""

import time
from collections.abc import Callable
from typing import Any, get_args

from mist_domain.facts.hosts import HostState, Tick
from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.registry import RegistryEvent
from mist_domain.registry import Registry, fold_registry
from mist_eventlog.topics import partition_counts
from mist_eventlog.topics.names import JOB_EVENTS
from mist_gateway.projection.entry import Position, requested_context
from mist_gateway.projection.feed import Feed
from mist_gateway.projection.hosts import HostTable
from mist_gateway.projection.jobs import JobTable

_JOB_EVENTS = frozenset(get_args(JobEvent))
_REGISTRY_EVENTS = frozenset(get_args(RegistryEvent))
_HOST_RECORDS = frozenset((HostState, Tick))


class MisplacedError(ValueError):
    """A record of a kind that does not belong on its topic."""


class Projection:
    """All read models. `decode` turns a record's bytes into a fact or raises; a silent host is lost after `lost_after_ms`."""

    def __init__(self, decode: Callable[[bytes], Any], *, lost_after_ms: int) -> None:
        self.feed = Feed(partition_counts()[JOB_EVENTS])
        self.jobs = JobTable(self.feed, lambda request: requested_context(request, self.registry))
        self.hosts = HostTable(time.monotonic, lost_after_ms)
        self.registry = Registry()
        self.registry_offset = -1
        self._decode = decode

    def fold_job(self, value: bytes, position: Position) -> None:
        event = self._decode(value)
        if type(event) not in _JOB_EVENTS:
            raise MisplacedError(f"a {type(event).__name__} is no event of a job")
        self.jobs.fold(event, position)

    def fold_host(self, value: bytes, position: Position) -> None:
        record = self._decode(value)
        if type(record) not in _HOST_RECORDS:
            raise MisplacedError(f"a {type(record).__name__} is no record of a host")
        self.hosts.fold(record, position.at)

    def fold_registry(self, value: bytes, position: Position) -> None:
        self.registry_offset = position.offset
        event = self._decode(value)
        if type(event) not in _REGISTRY_EVENTS:
            raise MisplacedError(f"a {type(event).__name__} does not belong in the registry")
        fold_registry(self.registry, event)
