"""The drivers of this host: a driver for each job, places for new ones, idle ones that may stop."""

from collections.abc import Callable
from dataclasses import replace

from mist_worker_host.core.instructions import DriverSettings, Instruction, Kill, Launch, StopIdle
from mist_worker_host.core.stimuli import WorkerKey
from mist_worker_host.core.worker import FleetWorker


class Fleet:
    """At most `places` driver processes, including those that are about to end. Adds to `instructions`.

    `now` is the host's clock, in seconds.
    """

    def __init__(self, places: int, instructions: list[Instruction]) -> None:
        self.workers: dict[WorkerKey, FleetWorker] = {}
        self.now = 0.0
        self.draining = False
        self._places = places
        self._instructions = instructions
        self._last_key: WorkerKey = 0

    def named(self, worker_id: str) -> list[FleetWorker]:
        """A context's driver and those of the same name that are still draining."""
        workers = self.workers.values()
        return [worker for worker in workers if worker.settings.worker_id == worker_id and not worker.stopping]

    def acquire(self, settings: DriverSettings, downtime: float | None) -> FleetWorker | None:
        """A driver for a job: the context's shared one, a spare, or a new one if there is a place."""
        worker = self._shared(settings) if settings.mode == "shared" else self._spare(settings)
        if worker is None:
            if not self.has_place():
                return None
            worker = self._launch(settings, downtime)
        worker.downtime, worker.idle_since = downtime, None
        return worker

    def has_place(self) -> bool:
        return len(self.workers) < self._places

    def has_shared(self, settings: DriverSettings) -> bool:
        """True when the context's driver is up, or about to be, with these settings."""
        return self._shared(settings) is not None

    def prepare(self, settings: DriverSettings, downtime: float | None) -> None:
        """Start a driver for which there is no job yet."""
        if settings.mode == "exclusive":
            settings = replace(settings, worker_id=f"{settings.worker_id}-{self._last_key + 1}")
        self._launch(settings, downtime, warm=True).spare = settings.mode == "exclusive"

    def spares_like(self, settings: DriverSettings) -> list[FleetWorker]:
        """Spares that a job of these settings can use."""
        workers = self.workers.values()
        return [worker for worker in workers if worker.spare and worker.open and worker.settings.is_like(settings)]

    def make_room(self, wanted: int) -> None:
        """Stop idle drivers, the one idle for longest first, until `wanted` places are free or about to be."""
        coming = sum(worker.stopping for worker in self.workers.values())
        idle = [worker for worker in self.workers.values() if worker.open and worker.idle_since is not None]
        idle.sort(key=lambda worker: (worker.idle_since or 0.0, worker.key))
        for worker in idle[: max(0, wanted - coming)]:
            self.stop(worker)

    def stop_idle(self, keeps: Callable[[FleetWorker], bool]) -> None:
        """Stop drivers that have been idle for their context's downtime, unless `keeps(worker)`."""
        for worker in self.workers.values():
            if worker.open and worker.has_idled(self.now) and not keeps(worker):
                self.stop(worker)

    def release(self, worker: FleetWorker) -> None:
        """Call when something ended in the worker: one without work becomes idle, or stops if it is of no more use."""
        if worker.busy or worker.stopping:
            return
        if worker.abandoned:
            self.kill(worker)
        elif worker.draining or self.draining or not (worker.shared or worker.spare):
            self.stop(worker)
        elif worker.ready:
            worker.idle_since = self.now

    def drain(self, worker: FleetWorker) -> None:
        """Give the worker nothing new, and stop it when its runs have ended."""
        worker.draining = True
        self.release(worker)

    def stop(self, worker: FleetWorker) -> None:
        if not worker.ready:
            self.kill(worker)
            return
        self._close(worker)
        self._instructions.append(StopIdle(worker=worker.key))

    def kill(self, worker: FleetWorker) -> None:
        self._close(worker)
        self._instructions.append(Kill(worker=worker.key))

    def _close(self, worker: FleetWorker) -> None:
        worker.stopping = True
        worker.idle_since = None
        worker.runs.clear()

    def _shared(self, settings: DriverSettings) -> FleetWorker | None:
        """The context's driver; one that was started with other settings is drained instead."""
        for worker in self.workers.values():
            if worker.shared and worker.open and worker.settings.context == settings.context:
                if worker.settings == settings:
                    return worker
                self.drain(worker)
        return None

    def _spare(self, settings: DriverSettings) -> FleetWorker | None:
        """A spare that becomes the job's own, one that is ready before one that is starting."""
        worker = min(self.spares_like(settings), key=lambda spare: (not spare.ready, spare.key), default=None)
        if worker is not None:
            worker.spare, worker.settings = False, settings
        return worker

    def _launch(self, settings: DriverSettings, downtime: float | None, *, warm: bool = False) -> FleetWorker:
        self._last_key += 1
        worker = FleetWorker(key=self._last_key, settings=settings, launched_at=self.now, downtime=downtime)
        self.workers[worker.key] = worker
        self._instructions.append(Launch(worker=worker.key, settings=settings, warm=warm))
        return worker
