"""The driver processes of one host: instructions become lines on their pipes, what they say becomes stimuli."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from mist_eventlog import RecordMetadata
from mist_worker_host.core.instructions import Cancel, Kill, Launch, RunAttempt, StopIdle
from mist_worker_host.core.stimuli import (
    DriverExited,
    DriverSpawned,
    DriverUnusable,
    RunCanceled,
    RunFailed,
    RunFinished,
    Stimulus,
    WorkerKey,
)
from mist_worker_host.drivers.artifacts import ArtifactError, Artifacts
from mist_worker_host.drivers.log_flow import LogFlow
from mist_worker_host.drivers.output import Printed
from mist_worker_host.drivers.process import MARK, DriverProcess, kill_marked, mark_of
from mist_worker_host.drivers.protocol import (
    STOP,
    Limits,
    Printout,
    ProtocolError,
    Unusable,
    cancel_line,
    init_line,
    lease_line,
    read_line,
    run_line,
)
from mist_worker_host.drivers.state_folder import StateFolder
from mist_worker_host.settings import WorkerHostSettings

log = structlog.get_logger("mist.host")


class Drivers:
    """`tell` gets what happened; `print_lines` appends what jobs printed, with the number of that attempt's batch."""

    def __init__(
        self,
        host_id: str,
        settings: WorkerHostSettings,
        folder: StateFolder,
        tell: Callable[[Stimulus], None],
        print_lines: "Callable[[Printout, int], asyncio.Future[list[RecordMetadata]]]",
    ) -> None:
        self.lease_until = time.monotonic() + settings.lease_seconds
        self._host_id = host_id
        self._settings = settings
        self._limits = Limits(
            result_limit=settings.result_limit, cancel_grace=settings.cancel_grace, sql_rows=settings.sql_rows
        )
        self._folder = folder
        self._artifacts = Artifacts(folder.artifacts, settings.artifacts)
        self._tell = tell
        self._print_lines = print_lines
        self._log_flow = LogFlow(settings.job_log_bytes_in_flight)
        self._running: dict[WorkerKey, DriverProcess] = {}
        self._batches: dict[WorkerKey, Counter[tuple[str, int]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def renew(self, until: float) -> None:
        """Every driver may live until then (`CLOCK_MONOTONIC` seconds)."""
        self.lease_until = until
        for process in self._running.values():
            process.pipe.send(lease_line(until))

    def lease_is_late(self) -> bool:
        """Whether Kafka has not confirmed a sign of life for half of the lease."""
        return self.lease_until - time.monotonic() < self._settings.lease_seconds / 2

    def hold(self, workers: frozenset[WorkerKey]) -> None:
        """These live on by this host's word, for as long as it gives it."""
        until = time.monotonic() + self._settings.lease_seconds
        for key in workers & self._running.keys():
            self._running[key].pipe.send(lease_line(until))

    def launch(self, launch: Launch) -> None:
        key, settings = launch.worker, launch.settings
        try:
            process = self._start(launch)
        except OSError as error:
            log.error("driver-not-started", worker=key, reason=str(error))  # noqa: TRY400 - the reason says all
            self._tell(DriverExited(worker=key, reason=f"this machine gave it no process or no file: {error}"))
            return
        self._running[key], self._batches[key] = process, Counter()
        process.pipe.send(init_line(launch, self._limits, self.lease_until))
        log.info("driver-launched", worker=key, worker_id=settings.worker_id, pid=process.pid)
        self._tell(DriverSpawned(worker=key, pid=process.pid))

    def _start(self, launch: Launch) -> DriverProcess:
        key = launch.worker
        printed = Printed(
            self._folder.driver_log(key, launch.settings.worker_id),
            lines=self._settings.last_lines,
            limit=self._settings.driver_log_bytes,
        )
        try:
            process = DriverProcess(
                {**os.environ, MARK: mark_of(self._host_id, key)},
                self._folder.scratch(key),
                printed,
                lambda lines: self._heard(key, lines),
                lambda: self._exited(key),
            )
        except OSError:
            printed.close()
            raise
        os.setpriority(os.PRIO_PROCESS, process.pid, os.nice(0) + self._settings.driver_nice)
        return process

    def run(self, run: RunAttempt) -> None:
        if run.leased:  # a driver that was held may believe in a longer lease
            self._send(run.worker, lease_line(self.lease_until))
        path = self._artifacts.at_hand(run.job.endpoint)
        if path is None:
            self._spawn(self._fetch_and_run(run))
        else:
            self._send(run.worker, run_line(run, str(path)))

    def cancel(self, cancel: Cancel) -> None:
        self._send(cancel.worker, cancel_line(cancel))

    def kill(self, kill: Kill) -> None:
        process = self._running.get(kill.worker)
        if process is not None:
            process.kill()

    def stop_idle(self, stop: StopIdle) -> None:
        self._send(stop.worker, STOP)
        asyncio.get_running_loop().call_later(self._settings.stop_seconds, self.kill, Kill(worker=stop.worker))

    def kill_all(self) -> None:
        for process in self._running.values():
            process.kill()
        kill_marked(mark_of(self._host_id))

    async def _fetch_and_run(self, run: RunAttempt) -> None:
        try:
            path = await self._artifacts.fetch(run.job.endpoint)
        except ArtifactError as error:
            self._tell(
                RunFailed(
                    worker=run.worker, job_id=run.job.job_id, attempt=run.attempt, error=f"ArtifactError: {error}"
                )
            )
        else:
            self._send(run.worker, run_line(run, str(path)))

    def _send(self, key: WorkerKey, line: bytes) -> None:
        process = self._running.get(key)
        if process is not None:
            process.pipe.send(line)

    def _heard(self, key: WorkerKey, lines: list[bytes]) -> None:
        for line in lines:
            try:
                said = read_line(key, line)
            except ProtocolError as error:
                log.warning("driver-not-understood", worker=key, reason=str(error))
                self.kill(Kill(worker=key))
                return
            match said:
                case Printout():
                    self._append_lines(key, said)
                case Unusable():
                    last = self._running[key].last_lines() if key in self._running else ()
                    self._tell(DriverUnusable(worker=key, error=said.error, lines=last))
                case RunFinished() | RunFailed() | RunCanceled():
                    self._batches[key].pop((said.job_id, said.attempt), None)  # a job's lines come before its end
                    self._tell(said)
                case _:
                    self._tell(said)

    def _append_lines(self, key: WorkerKey, printout: Printout) -> None:
        batches, attempt = self._batches[key], (printout.job_id, printout.attempt)
        appended = self._print_lines(printout, batches[attempt])
        batches[attempt] += 1
        appended.add_done_callback(self._log_flow.sent(printout.size, self._running[key].pipe))

    def _exited(self, key: WorkerKey) -> None:
        process = self._running.pop(key)
        del self._batches[key]
        log.info("driver-exited", worker=key, reason=process.reason())
        self._spawn(asyncio.to_thread(kill_marked, mark_of(self._host_id, key)))
        self._tell(DriverExited(worker=key, reason=process.reason(), lines=process.last_lines()))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
