"""The driver processes of one host: instructions become messages to drivers, messages of drivers become stimuli."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from mist_domain.facts.logs import LogLines
from mist_driver import protocol
from mist_worker_host.core import instructions, stimuli
from mist_worker_host.core.stimuli import WorkerKey
from mist_worker_host.drivers.artifacts import ArtifactError, Artifacts
from mist_worker_host.drivers.pipe import LogFlow
from mist_worker_host.drivers.process import MARK, DriverOutput, DriverProcess, kill_marked, mark_of
from mist_worker_host.drivers.state_folder import StateFolder
from mist_worker_host.settings import WorkerHostSettings

log = structlog.get_logger("mist.host")


class Drivers:
    """`report` gets what happened to drivers; `append_log` appends lines of a job and returns when they are in the log."""

    def __init__(
        self,
        host_id: str,
        settings: WorkerHostSettings,
        folder: StateFolder,
        report: Callable[[stimuli.Stimulus], None],
        append_log: "Callable[[LogLines], asyncio.Future[Any]]",
    ) -> None:
        self.lease_until = time.monotonic() + settings.lease_seconds
        self._host_id = host_id
        self._settings = settings
        self._folder = folder
        self._artifacts = Artifacts(folder.artifacts, settings.artifacts)
        self._report = report
        self._append_log = append_log
        self._log_flow = LogFlow(settings.job_log_bytes_in_flight)
        self._running: dict[WorkerKey, DriverProcess] = {}
        self._batches: dict[WorkerKey, Counter[tuple[str, int]]] = {}
        """Batches of log lines so far, of each attempt in each driver."""
        self._tasks: set[asyncio.Task[None]] = set()

    def renew(self, until: float) -> None:
        """Every driver may live until then (`CLOCK_MONOTONIC` seconds)."""
        self.lease_until = until
        for process in self._running.values():
            process.pipe.send(protocol.RenewLease(until=until))

    def lease_is_late(self) -> bool:
        """True when Kafka has not confirmed a HostState for half of the lease."""
        return self.lease_until - time.monotonic() < self._settings.lease_seconds / 2

    def hold(self, workers: frozenset[WorkerKey]) -> None:
        """Extend the lease of these drivers alone, without Kafka's confirmation."""
        until = time.monotonic() + self._settings.lease_seconds
        for key in workers & self._running.keys():
            self._running[key].pipe.send(protocol.RenewLease(until=until))

    def launch(self, launch: instructions.Launch) -> None:
        key, settings = launch.worker, launch.settings
        try:
            process = self._start(launch)
        except OSError as error:
            log.error("driver-not-started", worker=key, reason=str(error))  # noqa: TRY400 - the reason says all
            self._report(
                stimuli.DriverExited(worker=key, reason=f"this machine gave it no process or no file: {error}")
            )
            return
        self._running[key], self._batches[key] = process, Counter()
        process.pipe.send(self._init(launch))
        log.info("driver-launched", worker=key, worker_id=settings.worker_id, pid=process.pid)
        self._report(stimuli.DriverSpawned(worker=key, pid=process.pid))

    def _init(self, launch: instructions.Launch) -> protocol.Init:
        return protocol.Init(
            worker_id=launch.settings.worker_id,
            spark_conf=dict(launch.settings.spark_conf),
            threads=launch.settings.threads,
            result_limit=self._settings.result_limit,
            cancel_grace=self._settings.cancel_grace,
            sql_rows=self._settings.sql_rows,
            warm=launch.warm,
            lease_until=self.lease_until,
        )

    def _start(self, launch: instructions.Launch) -> DriverProcess:
        key = launch.worker
        output = DriverOutput(
            self._folder.driver_log(key, launch.settings.worker_id),
            lines=self._settings.last_lines,
            limit=self._settings.driver_log_bytes,
        )
        try:
            process = DriverProcess(
                {**os.environ, MARK: mark_of(self._host_id, key)},
                self._folder.scratch(key),
                output,
                lambda lines: self._read(key, lines),
                lambda: self._exited(key),
            )
        except OSError:
            output.close()
            raise
        os.setpriority(os.PRIO_PROCESS, process.pid, os.nice(0) + self._settings.driver_nice)
        return process

    def run(self, run: instructions.RunAttempt) -> None:
        if run.leased:  # a driver that was held may believe in a longer lease
            self._send(run.worker, protocol.RenewLease(until=self.lease_until))
        path = self._artifacts.at_hand(run.job.endpoint)
        if path is None:
            self._spawn(self._fetch_and_run(run))
        else:
            self._send(run.worker, _start_run(run, str(path)))

    def cancel(self, cancel: instructions.Cancel) -> None:
        self._send(cancel.worker, protocol.CancelRun(job_id=cancel.job_id, attempt=cancel.attempt))

    def kill(self, kill: instructions.Kill) -> None:
        process = self._running.get(kill.worker)
        if process is not None:
            process.kill()

    def stop_idle(self, stop: instructions.StopIdle) -> None:
        self._send(stop.worker, protocol.Stop())
        asyncio.get_running_loop().call_later(
            self._settings.stop_seconds, self.kill, instructions.Kill(worker=stop.worker)
        )

    def kill_all(self) -> None:
        for process in self._running.values():
            process.kill()
        kill_marked(mark_of(self._host_id))

    async def _fetch_and_run(self, run: instructions.RunAttempt) -> None:
        try:
            path = await self._artifacts.fetch(run.job.endpoint)
        except ArtifactError as error:
            failure = f"ArtifactError: {error}"
            self._report(
                stimuli.RunFailed(worker=run.worker, job_id=run.job.job_id, attempt=run.attempt, error=failure)
            )
        else:
            self._send(run.worker, _start_run(run, str(path)))

    def _send(self, key: WorkerKey, message: protocol.ToDriver) -> None:
        process = self._running.get(key)
        if process is not None:
            process.pipe.send(message)

    def _read(self, key: WorkerKey, lines: list[bytes]) -> None:
        """A driver that sends anything but messages is killed: its pipe belongs to the code of its jobs, too."""
        for line in lines:
            try:
                message = protocol.decode(line, protocol.TO_HOST)
            except protocol.ProtocolError as error:
                log.warning("driver-not-understood", worker=key, reason=str(error))
                self.kill(instructions.Kill(worker=key))
                return
            self._received(key, message, len(line))

    def _received(self, key: WorkerKey, message: protocol.ToHost, size: int) -> None:
        match message:
            case protocol.Printed():
                self._append_lines(key, message, size)
            case protocol.Ready():
                self._report(stimuli.DriverReady(worker=key, spark_ui=message.spark_ui))
            case protocol.Unusable():
                last = self._running[key].last_lines() if key in self._running else ()
                self._report(stimuli.DriverUnusable(worker=key, error=message.error, lines=last))
            case protocol.Finished() | protocol.Failed() | protocol.Canceled():
                self._batches[key].pop((message.job_id, message.attempt), None)  # a job's lines come before its end
                self._report(_run_report(key, message))

    def _append_lines(self, key: WorkerKey, printed: protocol.Printed, size: int) -> None:
        batches, attempt = self._batches[key], (printed.job_id, printed.attempt)
        lines = LogLines(job_id=printed.job_id, attempt=printed.attempt, sequence=batches[attempt], lines=printed.lines)
        batches[attempt] += 1
        self._append_log(lines).add_done_callback(self._log_flow.sent(size, self._running[key].pipe))

    def _exited(self, key: WorkerKey) -> None:
        process = self._running.pop(key)
        del self._batches[key]
        log.info("driver-exited", worker=key, reason=process.reason())
        self._spawn(asyncio.to_thread(kill_marked, mark_of(self._host_id, key)))
        self._report(stimuli.DriverExited(worker=key, reason=process.reason(), lines=process.last_lines()))

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _start_run(run: instructions.RunAttempt, path: str) -> protocol.StartRun:
    job = run.job
    return protocol.StartRun(
        job_id=job.job_id,
        attempt=run.attempt,
        path=path,
        class_name=job.endpoint.class_name,
        arguments=job.parameters,
    )


def _run_report(key: WorkerKey, outcome: protocol.Outcome) -> stimuli.Report:
    job_id, attempt = outcome.job_id, outcome.attempt
    match outcome:
        case protocol.Finished():
            return stimuli.RunFinished(worker=key, job_id=job_id, attempt=attempt, result=outcome.result)
        case protocol.Failed():
            detail = outcome.traceback or None
            return stimuli.RunFailed(worker=key, job_id=job_id, attempt=attempt, error=outcome.error, detail=detail)
        case protocol.Canceled():
            return stimuli.RunCanceled(worker=key, job_id=job_id, attempt=attempt, abandoned=outcome.abandoned)
