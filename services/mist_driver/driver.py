"""The driver: what the host says becomes runs, and how each run ends is told to the host."""

import threading
from collections.abc import Iterator

from mist_domain.signatures.arguments import check_arguments
from mist_driver.code.call_styles import Arguments
from mist_driver.code.load import JobCode, JobCodes, origin_of
from mist_driver.lifeline import Lease
from mist_driver.output.job_log import JobLog, LogSender
from mist_driver.pipe import HostPipe, Line
from mist_driver.run.cancel import stop_run
from mist_driver.run.interrupt import JobInterrupted
from mist_driver.run.outcome import Canceled, Failed, Finished, Outcome, causes, to_failed, to_json, to_line
from mist_driver.run.pool import JobThread, Pool
from mist_driver.run.run import Run
from mist_driver.spark.context import JobContext
from mist_driver.spark.spark import CONTEXT_STOPPED, UNUSABLE, Spark, leave


class ArgumentsError(ValueError):
    """The arguments do not fit the job's signature."""


class Driver:
    """Built from the host's `init`. One per process: it patches pyspark and Python's output."""

    def __init__(self, pipe: HostPipe, init: Line) -> None:
        self._pipe = pipe
        self._init = init
        self._lease = Lease(init["leaseUntil"])
        self._spark = Spark()
        self._codes = JobCodes(init["sqlRows"])
        self._logs = LogSender()
        self._runs: dict[tuple[str, int], Run] = {}
        self._pool = Pool(init["threads"], self._perform, self._report)
        threading.Thread(target=self._start_spark, name="spark", daemon=True).start()

    def serve(self, lines: Iterator[Line]) -> bool:
        """Whether the host said `stop`; else its end of the pipe is gone."""
        for line in lines:
            match line["type"]:
                case "run":
                    self._run(line)
                case "cancel":
                    self._cancel(line["jobId"], line["attempt"])
                case "lease":
                    self._lease.renew(line["until"])
                case "stop":
                    self._spark.stop()
                    return True
                case unknown:
                    raise ValueError(f"the host sent a line of the unknown type {unknown!r}")
        return False

    def _start_spark(self) -> None:
        try:
            self._spark.start(self._init["sparkConf"], self._init["workerId"])
            if self._init["warm"]:
                self._spark.warm()
        except Exception as error:  # noqa: BLE001 (the process ends, and the host tells the reason)
            self._pipe.send(type="unusable", error=to_failed(error, None).error)
            leave(UNUSABLE, "The driver could not start Spark and ends.")
        context = self._spark.context
        self._pipe.send(type="ready", sparkVersion=context.version, sparkUi=context.uiWebUrl)

    def _run(self, line: Line) -> None:
        names = {"jobId": line["jobId"], "attempt": line["attempt"]}
        run = Run(
            job_id=line["jobId"],
            attempt=line["attempt"],
            path=line["path"],
            class_name=line["className"],
            parameters=line["parameters"],
            log=JobLog(lambda lines: self._pipe.send(type="log", **names, lines=lines), self._logs.wake),
        )
        self._runs[run.job_id, run.attempt] = run
        self._pool.submit(run)

    def _cancel(self, job_id: str, attempt: int) -> None:
        """Unknown: it has ended, and the host will read so."""
        run = self._runs.get((job_id, attempt))
        if run is None or run.cancel_requested:
            return
        run.cancel_requested = True
        if self._pool.withdraw(run):
            self._report(run, Canceled())
        else:
            stop_run(run, self._spark, self._init["cancelGrace"], self._abandon)

    def _abandon(self, run: Run) -> None:
        """The thread is left to the job, which may never end; the host decides what becomes of the driver."""
        self._pool.retire()
        self._report(run, Canceled(abandoned=True))

    def _perform(self, run: Run, worker: JobThread) -> Outcome:
        """Run the job's code. `JobInterrupted` may come out at any point."""
        run.origin = origin_of(run.path)
        try:
            self._spark.ready.wait()
            code = self._codes.get(run.path, run.class_name)
            _check(code, run.parameters)
            run.context = self._context(run, worker)
            result = to_json(code.call(run.context, run.parameters), self._init["resultLimit"])
            return Canceled() if run.disturbed else Finished(result=result)
        except JobInterrupted:
            return Canceled()
        except BaseException as error:  # noqa: BLE001 (whatever a job raises ends that job only)
            return self._failure(run, error)

    def _context(self, run: Run, worker: JobThread) -> JobContext:
        return JobContext(
            self._spark,
            worker.tag,
            begin=lambda: worker.begin_spark(self._spark, f"job {run.job_id}, attempt {run.attempt}"),
            publish=lambda text: run.log.add("INFO", text.split("\n")),
        )

    def _failure(self, run: Run, error: BaseException) -> Outcome:
        if _is_lost_connection(error) and self._spark.gone.wait(1.0):
            threading.Event().wait()  # the driver ends with its JVM, and the run with the driver
        if any(isinstance(one, JobInterrupted) for one in causes(error)):
            return Canceled()
        failed = to_failed(error, run.origin)
        if failed.traceback:
            run.log.add("ERROR", failed.traceback.rstrip("\n").split("\n"))
        return failed

    def _report(self, run: Run, outcome: Outcome) -> None:
        run.log.close()
        del self._runs[run.job_id, run.attempt]
        self._pipe.send(**run.names, **to_line(outcome))
        may_have_stopped = isinstance(outcome, Failed) or run.path.endswith(".jar")
        if may_have_stopped and run.context and run.context.uses_spark and self._spark.is_stopped():
            leave(CONTEXT_STOPPED, "The driver's Spark context has stopped; the driver ends with it.")


def _check(code: JobCode, parameters: Arguments) -> None:
    problems = check_arguments(code.signature, parameters)
    if problems:
        raise ArgumentsError("; ".join(problems))


def _is_lost_connection(error: BaseException) -> bool:
    """Whether the JVM may not have answered: py4j's errors, known by name so that pyspark need not be loaded.

    A `Py4JError` proper comes of a call that found no JVM, and of a wrong call, too.
    """
    return any(type(one).__name__ in {"Py4JError", "Py4JNetworkError"} for one in causes(error))
