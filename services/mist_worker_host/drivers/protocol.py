"""The words of the pipe between host and driver: JSON lines from instructions, stimuli from JSON lines."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from mist_domain.facts.logs import LogLine
from mist_worker_host.core.instructions import Cancel, Launch, RunAttempt
from mist_worker_host.core.stimuli import DriverReady, RunCanceled, RunFailed, RunFinished, WorkerKey

STOP = b'{"type":"stop"}\n'


class ProtocolError(Exception):
    """A driver said something that is not of the protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What every driver of a host keeps to. `cancel_grace` in seconds, `result_limit` in bytes."""

    result_limit: int
    cancel_grace: float
    sql_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    worker: WorkerKey
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Printout:
    """Lines that an attempt printed."""

    job_id: str
    attempt: int
    lines: tuple[LogLine, ...]
    size: int


Said = DriverReady | RunFinished | RunFailed | RunCanceled | Unusable | Printout


def init_line(launch: Launch, limits: Limits, lease_until: float) -> bytes:
    settings = launch.settings
    return _line(
        {
            "type": "init",
            "workerId": settings.worker_id,
            "context": settings.context,
            "sparkConf": dict(settings.spark_conf),
            "mode": settings.mode,
            "threads": settings.threads,
            "resultLimit": limits.result_limit,
            "cancelGrace": limits.cancel_grace,
            "sqlRows": limits.sql_rows,
            "warm": launch.warm,
            "leaseUntil": lease_until,
        }
    )


def run_line(run: RunAttempt, path: str) -> bytes:
    """The arguments go as the JSON text they are; a line break between its tokens is as good as a space."""
    arguments = run.job.parameters.replace("\n", " ").replace("\r", " ").encode()
    endpoint = run.job.endpoint
    return _line(
        {
            "type": "run",
            "jobId": run.job.job_id,
            "attempt": run.attempt,
            "path": path,
            "className": endpoint.class_name,
            "lang": endpoint.lang,
            "parameters": orjson.Fragment(arguments),
        }
    )


def cancel_line(cancel: Cancel) -> bytes:
    return _line({"type": "cancel", "jobId": cancel.job_id, "attempt": cancel.attempt})


def lease_line(until: float) -> bytes:
    return _line({"type": "lease", "until": until})


def read_line(worker: WorkerKey, line: bytes) -> Said:
    """What the driver said. Raises `ProtocolError`."""
    try:
        return _said(worker, _parse(line), len(line))
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"{error!r} in {line[:200]!r}") from error


def _parse(line: bytes) -> Mapping[str, Any]:
    """What a job prints may hold half of a surrogate pair, which is no Unicode: such become question marks."""
    try:
        parsed: Mapping[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError:
        whole = json.dumps(json.loads(line), ensure_ascii=False).encode("utf-8", "replace")
        parsed = orjson.loads(whole)
    return parsed


def _said(worker: WorkerKey, line: Mapping[str, Any], size: int) -> Said:
    match line["type"]:
        case "finished":
            return RunFinished(worker=worker, job_id=line["jobId"], attempt=line["attempt"], result=line["result"])
        case "failed":
            return RunFailed(
                worker=worker,
                job_id=line["jobId"],
                attempt=line["attempt"],
                error=line["error"],
                detail=line.get("traceback") or None,
            )
        case "canceled":
            return RunCanceled(
                worker=worker, job_id=line["jobId"], attempt=line["attempt"], abandoned=line["abandoned"]
            )
        case "log":
            lines = tuple(LogLine(time=one["time"], level=one["level"], text=one["text"]) for one in line["lines"])
            return Printout(job_id=line["jobId"], attempt=line["attempt"], lines=lines, size=size)
        case "ready":
            return DriverReady(worker=worker, spark_ui=line.get("sparkUi"))
        case "unusable":
            return Unusable(worker=worker, error=line["error"])
        case unknown:
            raise ValueError(f"unknown type {unknown!r}")


def _line(content: Mapping[str, Any]) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)
