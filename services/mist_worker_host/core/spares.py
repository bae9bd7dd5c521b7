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
    """What was asked for last. `failures`: drivers in a row that ended before they were ready; none before `again_at`."""

    settings: DriverSettings
    downtime: float | None
    told: Prepared
    failures: int = 0
    again_at: float = 0.0


class Preparations:
    """Keeps the fleet as it was asked to, as far as there are free places: a job that waits goes first."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._wants: dict[Key, Want] = {}

    def told(self) -> tuple[Prepared, ...]:
        return tuple(want.told for want in self._wants.values())

    def ask(self, request: PrepareWorkerRequest) -> None:
        """The last request for a context and mode counts, so that the same one again changes nothing."""
        context, mode = request.context, request.mode
        key: Key = (context.name, mode)
        if request.count <= 0:
            self._wants.pop(key, None)
            return
        settings = context_settings(context, mode, f"{context.name}-spare" if mode == "exclusive" else context.name)
        prepared = Prepared(context=context.name, mode=mode, count=request.count, settings=context_hash(context))
        if key not in self._wants or self._wants[key].told != prepared:
            self._wants[key] = Want(settings, downtime_of(context), prepared)

    def keeps(self, worker: FleetWorker) -> bool:
        """Whether the worker is one that is to stay though it is idle."""
        want = self._wants.get((worker.settings.context, worker.settings.mode))
        return want is not None and worker.settings.is_like(want.settings)

    def failed(self, worker: FleetWorker) -> None:
        """A driver ended before it was ready: the next is started later each time."""
        want = self._wants.get((worker.settings.context, worker.settings.mode))
        if want is not None:
            want.failures += 1
            want.again_at = self._fleet.now + min(2.0**want.failures, LONGEST_BACK_OFF)

    def worked(self, worker: FleetWorker) -> None:
        want = self._wants.get((worker.settings.context, worker.settings.mode))
        if want is not None:
            want.failures = 0

    def keep(self) -> None:
        """Stop spares that nobody wants, and start what is missing."""
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
            here = [one for one in fleet.workers.values() if one.spare and one.open and one.settings.is_like(settings)]
            for worker in here[want.told.count :]:
                fleet.stop(worker)
            missing = want.told.count - len(here)
        for _ in range(missing):
            if fleet.now < want.again_at or not fleet.has_place():
                return
            fleet.prepare(settings, want.downtime)
