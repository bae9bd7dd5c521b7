"""What the gateway knows: jobs, hosts and the registry, each folded from its topic. No I/O; one event loop."""

import time
from collections.abc import Callable
from typing import Any, get_args

from mist_domain.facts.hosts import HostState, Tick
from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.registry import RegistryEvent
from mist_domain.registry import Registry, fold_registry
from mist_gateway.projection.entry import Position, asked_context
from mist_gateway.projection.feed import Feed
from mist_gateway.projection.hosts import Hosts
from mist_gateway.projection.jobs import Jobs

_JOB_EVENTS = frozenset(get_args(JobEvent))
_REGISTRY_EVENTS = frozenset(get_args(RegistryEvent))
_HOST_RECORDS = frozenset((HostState, Tick))


class MisplacedError(ValueError):
    """A record of a kind that does not belong on its topic."""


class Projection:
    """`decode` turns a record's bytes into a fact or raises."""

    def __init__(self, decode: Callable[[bytes], Any], offsets: Callable[[], list[int]]) -> None:
        self.feed = Feed(offsets)
        self.jobs = Jobs(self.feed, lambda request: asked_context(request, self.registry))
        self.hosts = Hosts(time.monotonic)
        self.registry = Registry()
        self.registry_offset = -1
        self._decode = decode

    def fold_job(self, value: bytes, place: Position) -> None:
        event = self._decode(value)
        if type(event) not in _JOB_EVENTS:
            raise MisplacedError(f"a {type(event).__name__} is no fact of a job")
        self.jobs.fold(event, place)

    def fold_host(self, value: bytes, place: Position) -> None:
        record = self._decode(value)
        if type(record) not in _HOST_RECORDS:
            raise MisplacedError(f"a {type(record).__name__} says nothing of a host")
        self.hosts.fold(record, place.at)

    def fold_registry(self, value: bytes, place: Position) -> None:
        self.registry_offset = place.offset
        event = self._decode(value)
        if type(event) not in _REGISTRY_EVENTS:
            raise MisplacedError(f"a {type(event).__name__} does not belong in the registry")
        fold_registry(self.registry, event)
