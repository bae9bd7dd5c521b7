"""Drivers that this host keeps ready before a job asks: spares for exclusive jobs, a context's own shared driver."""

from dataclasses import dataclass

from mist_domain.facts.hosts import Prepared
from mist_domain.facts.registry import Mode, context_hash
from mist_domain.facts.requests import PrepareWorkerRequest
from mist_worker_host.core.fleet import Fleet
from mist_worker_host.core.instructions import DriverSettings
from mist_worker_host.core.worker import FleetWorker, context_settings, downtime_of

LONGEST_BACK_OFF = 60.0

Key = tuple[str, Mode]


@dataclass(slots=True)
class Want:
    """The last request for a context and mode.

    `failures`: drivers in a row that ended before they were ready. `again_at`: start none before this time, in seconds.
    """

    settings: DriverSettings
    downtime: float | None
    prepared: Prepared
    failures: int = 0
    again_at: float = 0.0


class Preparations:
    """Keeps the requested drivers ready as far as there are free places; jobs that wait go first."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._wants: dict[Key, Want] = {}

    def state(self) -> tuple[Prepared, ...]:
        return tuple(want.prepared for want in self._wants.values())

    def request(self, prepare: PrepareWorkerRequest) -> None:
        """The last request for a context and mode counts, so that the same one again changes nothing."""
        context, mode = prepare.context, prepare.mode
        key: Key = (context.name, mode)
        if prepare.count <= 0:
            self._wants.pop(key, None)
            return
        settings = context_settings(context, mode, f"{context.name}-spare" if mode == "exclusive" else context.name)
        prepared = Prepared(context=context.name, mode=mode, count=prepare.count, settings=context_hash(context))
        if key not in self._wants or self._wants[key].prepared != prepared:
            self._wants[key] = Want(settings, downtime_of(context), prepared)

    def keeps(self, worker: FleetWorker) -> bool:
        """True for a worker that was requested, so that it stays though it is idle."""
        want = self._wants.get((worker.settings.context, worker.settings.mode))
        return want is not None and worker.settings.is_like(want.settings)

    def failed(self, worker: FleetWorker) -> None:
        """Back off after a driver that ended before it was ready: 2, 4, 8 … seconds, 60 at most."""
        want = self._wants.get((worker.settings.context, worker.settings.mode))
        if want is not None:
            want.failures += 1
            want.again_at = self._fleet.now + min(2.0**want.failures, LONGEST_BACK_OFF)

    def worked(self, worker: FleetWorker) -> None:
        want = self._wants.get((worker.settings.context, worker.settings.mode))
        if want is not None:
            want.failures = 0

    def keep(self) -> None:
        """Stop spares that are not requested any more, and start missing ones."""
        if self._fleet.draining:
            return
        for worker in list(self._fleet.workers.values()):
            if worker.spare and worker.open and not self.keeps(worker):
                self._fleet.stop(worker)
        for want in self._wants.values():
            self._keep_one(want)

    def _keep_one(self, want: Want) -> None:
        settings, fleet = want.settings, self._fleet
        if settings.mode == "shared":
            missing = 0 if fleet.has_shared(settings) else 1
        else:
            spares = fleet.spares_like(settings)
            for worker in spares[want.prepared.count :]:
                fleet.stop(worker)
            missing = want.prepared.count - len(spares)
        for _ in range(missing):
            if fleet.now < want.again_at or not fleet.has_place():
                return
            fleet.prepare(settings, want.downtime)
