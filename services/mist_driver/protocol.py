"""The pipe between a worker host and one driver: every message of both directions, one JSON object per line.

A line holds the fields of one message; `type` names the message. Arguments and results travel as JSON text within a
JSON string, so neither end parses or writes anew what it only passes on. Both ends belong to one release, so there
are no versions. This module imports nothing heavy: the driver and the host both load it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, Final, Literal, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

import orjson

from mist_domain.facts.logs import LogLine

LONGEST_LINE: Final = 16_000_000
"""Bytes. A result has at most 4 MB of JSON, which escaping at most doubles."""


class ProtocolError(Exception):
    """A line is not a message of this protocol; the text quotes its beginning."""


# Host to driver


@dataclass(frozen=True, slots=True, kw_only=True)
class Init:
    """The first message: settings of the driver for its whole life.

    `threads`: runs at once. `result_limit`: bytes of JSON. `cancel_grace`: seconds a canceled run has to end.
    `sql_rows`: rows of a `.sql` job's result. `warm`: try Spark out before `Ready`. `lease_until`: see `RenewLease`.
    """

    worker_id: str
    spark_conf: Mapping[str, str]
    threads: int
    result_limit: int
    cancel_grace: float
    sql_rows: int
    warm: bool
    lease_until: float
    type: Literal["init"] = "init"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun:
    """Run one attempt at a job. `path` is a local file, its suffix names the language; `arguments` is JSON text."""

    job_id: str
    attempt: int
    path: str
    class_name: str
    arguments: str
    type: Literal["run"] = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRun:
    """Stop one run. A run that has ended already is no error."""

    job_id: str
    attempt: int
    type: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewLease:
    """The driver may live until this time, in seconds of CLOCK_MONOTONIC."""

    until: float
    type: Literal["lease"] = "lease"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Stop Spark in order and exit. Sent only while nothing runs."""

    type: Literal["stop"] = "stop"


# Driver to host


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Spark is up. `spark_ui`: the address of its web page, if it has one."""

    spark_ui: str | None
    type: Literal["ready"] = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """Spark could not be started; the driver exits."""

    error: str
    type: Literal["unusable"] = "unusable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run returned. `result` is JSON text of an object."""

    job_id: str
    attempt: int
    result: str
    type: Literal["finished"] = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A run raised. `traceback` has the job's own frames and may be empty."""

    job_id: str
    attempt: int
    error: str
    traceback: str
    type: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled:
    """A run was canceled. `abandoned`: its code still runs, and the driver gave up its thread."""

    job_id: str
    attempt: int
    abandoned: bool = False
    type: Literal["canceled"] = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """Lines that a run printed or logged, in order. All of a run's lines come before its end."""

    job_id: str
    attempt: int
    lines: tuple[LogLine, ...]
    type: Literal["log"] = "log"


Outcome: TypeAlias = Finished | Failed | Canceled
ToDriver: TypeAlias = Init | StartRun | CancelRun | RenewLease | Stop
ToHost: TypeAlias = Ready | Unusable | Outcome | Printed


def _by_type(messages: Any) -> dict[str, Any]:
    """The classes of a union of messages, by the word that is their `type`."""
    return {get_args(get_type_hints(kind)["type"])[0]: kind for kind in get_args(messages)}


TO_DRIVER: Final[Mapping[str, type[ToDriver]]] = _by_type(ToDriver)
TO_HOST: Final[Mapping[str, type[ToHost]]] = _by_type(ToHost)

_Expected = TypeVar("_Expected", ToDriver, ToHost)


def encode(message: ToDriver | ToHost) -> bytes:
    """The message as one line of JSON, with its line break."""
    return orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE)


def decode(line: bytes, expected: Mapping[str, type[_Expected]]) -> _Expected:
    """The message of one line; `expected` is `TO_DRIVER` or `TO_HOST`. Raises `ProtocolError`."""
    if len(line) > LONGEST_LINE:
        raise ProtocolError(f"a line has more than {LONGEST_LINE:,} bytes: {line[:200]!r}")
    try:
        content = orjson.loads(line)
        kind = expected[content["type"]]
        _check_types(content, _JSON_TYPES[kind])
        if kind is Printed:
            content["lines"] = _log_lines(content["lines"])
        return kind(**content)
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ProtocolError(f"a line is not a message: {error!r} in {line[:200]!r}") from error


def _check_types(content: object, types: Mapping[str, frozenset[type]]) -> None:
    """Raises `TypeError`, or `KeyError` for an unknown field. Missing ones are the constructor's to refuse."""
    if not isinstance(content, dict):
        raise TypeError(f"{content!r} is no object")
    for name, value in content.items():
        if type(value) not in types[name]:
            raise TypeError(f"{name} is of type {type(value).__name__}")


def _log_lines(lines: list[Any]) -> tuple[LogLine, ...]:
    for line in lines:
        _check_types(line, _LINE_TYPES)
    return tuple(LogLine(**line) for line in lines)


def _json_types(kind: type) -> dict[str, frozenset[type]]:
    """For each field of a dataclass the types that its value has once JSON is parsed."""
    return {name: frozenset(_parsed(hint)) for name, hint in get_type_hints(kind).items()}


def _parsed(hint: Any) -> list[type]:
    if isinstance(hint, UnionType):
        return [kind for part in get_args(hint) for kind in _parsed(part)]
    origin = get_origin(hint) or hint
    parsed: dict[Any, list[type]] = {Literal: [str], Mapping: [dict], tuple: [list], float: [int, float]}
    return parsed.get(origin, [origin])


_JSON_TYPES = {kind: _json_types(kind) for kind in (*TO_DRIVER.values(), *TO_HOST.values())}
_LINE_TYPES = _json_types(LogLine)
