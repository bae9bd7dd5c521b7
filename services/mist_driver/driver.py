"""The driver: messages of the host become runs, and the outcome of each run is sent to the host."""

import json
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, assert_never

from mist_domain.signatures.arguments import check_arguments
from mist_driver import protocol
from mist_driver.code.call_styles import Arguments
from mist_driver.code.load import JobCode, JobCodes, origin_of
from mist_driver.lifeline import CONTEXT_STOPPED, UNUSABLE, Lease, leave
from mist_driver.output.job_log import JobLog, LogSender
from mist_driver.pipe import HostPipe
from mist_driver.run.cancel import stop_run
from mist_driver.run.outcome import causes, to_failure, to_json
from mist_driver.run.pool import Pool
from mist_driver.run.run import Run, current_session, is_canceled_call
from mist_driver.spark import patches
from mist_driver.spark.context import JobContext, begin_job
from mist_driver.spark.spark import Spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class ArgumentsError(ValueError):
    """The arguments do not fit the job's signature."""


class Driver:
    """Built from the host's `Init`. One per process: it patches pyspark."""

    def __init__(self, pipe: HostPipe, init: protocol.Init) -> None:
        self._pipe = pipe
        self._init = init
        self._lease = Lease(init.lease_until)
        self._spark = Spark(_patch_spark)
        self._codes = JobCodes(init.sql_rows)
        self._logs = LogSender()
        self._runs: dict[tuple[str, int], Run] = {}
        self._pool = Pool(init.threads, self._perform, self._report)
        threading.Thread(target=self._start_spark, name="spark", daemon=True).start()

    def serve(self, messages: Iterator[protocol.ToDriver]) -> bool:
        """Serve the host. True when it sent `Stop`, False when its end of the pipe is gone."""
        for message in messages:
            match message:
                case protocol.StartRun():
                    self._start_run(message)
                case protocol.CancelRun():
                    self._cancel(message)
                case protocol.RenewLease():
                    self._lease.renew(message.until)
                case protocol.Stop():
                    self._spark.stop()
                    return True
                case protocol.Init():
                    raise protocol.ProtocolError("a driver is initialized once")
                case _:
                    assert_never(message)
        return False

    def _start_spark(self) -> None:
        try:
            self._spark.start(self._init.spark_conf, self._init.worker_id)
            if self._init.warm:
                self._spark.warm()
        except Exception as error:  # noqa: BLE001 (the process ends, and the host reports the reason)
            self._pipe.send(protocol.Unusable(error=to_failure(error, None).error))
            leave(UNUSABLE, "The driver could not start Spark and ends.")
        self._pipe.send(protocol.Ready(spark_ui=self._spark.context.uiWebUrl))

    def _start_run(self, start: protocol.StartRun) -> None:
        run = Run(
            job_id=start.job_id,
            attempt=start.attempt,
            path=start.path,
            class_name=start.class_name,
            arguments=start.arguments,
            log=JobLog(
                lambda lines: self._pipe.send(
                    protocol.Printed(job_id=start.job_id, attempt=start.attempt, lines=tuple(lines))
                ),
                self._logs.wake,
            ),
        )
        self._runs[run.key] = run
        self._pool.submit(run)

    def _cancel(self, cancel: protocol.CancelRun) -> None:
        """A run that is unknown has ended, and its outcome is on its way to the host."""
        run = self._runs.get((cancel.job_id, cancel.attempt))
        if run is None or run.cancel_requested:
            return
        run.cancel_requested = True
        if run.withdraw():
            self._report(run, _canceled(run))
        else:
            stop_run(run, self._spark.cancel, self._init.cancel_grace, self._abandoned)

    def _abandoned(self, run: Run) -> None:
        """The thread is left to the job, which may never end; the host decides what becomes of the driver."""
        self._pool.retire()
        self._report(run, protocol.Canceled(job_id=run.job_id, attempt=run.attempt, abandoned=True))

    def _perform(self, run: Run) -> protocol.Outcome:
        """Run the job's code. `JobInterrupted` may come out at any point."""
        run.origin = origin_of(run.path)
        try:
            self._spark.ready.wait()
            code = self._codes.get(run.path, run.class_name)
            arguments = json.loads(run.arguments)
            _check(code, arguments)
            result = to_json(code.call(self._context(run), arguments), self._init.result_limit)
            if run.disturbed:
                return _canceled(run)
            return protocol.Finished(job_id=run.job_id, attempt=run.attempt, result=result)
        except patches.JobInterrupted:
            return _canceled(run)
        except BaseException as error:  # noqa: BLE001 (whatever a job raises ends that job only)
            return self._failure(run, error)

    def _context(self, run: Run) -> JobContext:
        context = JobContext(
            self._spark,
            run.tag,
            begin=lambda: begin_job(self._spark, run.tag, f"job {run.job_id}, attempt {run.attempt}"),
            publish=lambda text: run.log.add("INFO", text.split("\n")),
        )
        run.uses_spark, run.adopt_thread = context.uses_spark, context.adopt_thread
        run.session = lambda: context.session
        return context

    def _failure(self, run: Run, error: BaseException) -> protocol.Outcome:
        if _is_lost_connection(error) and self._spark.gone.wait(1.0):
            threading.Event().wait()  # the driver ends with its JVM, and the run with the driver
        if any(isinstance(cause, patches.JobInterrupted) for cause in causes(error)):
            return _canceled(run)
        failure = to_failure(error, run.origin)
        if failure.traceback:
            run.log.add("ERROR", failure.traceback.rstrip("\n").split("\n"))
        return protocol.Failed(job_id=run.job_id, attempt=run.attempt, error=failure.error, traceback=failure.traceback)

    def _report(self, run: Run, outcome: protocol.Outcome) -> None:
        run.log.close()
        del self._runs[run.key]
        self._pipe.send(outcome)
        may_have_stopped = isinstance(outcome, protocol.Failed) or run.path.endswith(".jar")
        if may_have_stopped and run.uses_spark() and self._spark.is_stopped():
            leave(CONTEXT_STOPPED, "The driver's Spark context has stopped; the driver ends with it.")


def _patch_spark(root: "SparkSession") -> None:
    patches.show_each_job_its_own(root, current_session)
    patches.raise_cancels(is_canceled_call)


def _canceled(run: Run) -> protocol.Canceled:
    return protocol.Canceled(job_id=run.job_id, attempt=run.attempt)


def _check(code: JobCode, arguments: Arguments) -> None:
    problems = check_arguments(code.signature, arguments)
    if problems:
        raise ArgumentsError("; ".join(problems))


def _is_lost_connection(error: BaseException) -> bool:
    """True when the JVM may not have answered: py4j's errors, known by name so that pyspark need not be loaded.

    A plain `Py4JError` comes of a call that found no JVM, and of a wrong call, too.
    """
    return any(type(cause).__name__ in {"Py4JError", "Py4JNetworkError"} for cause in causes(error))
