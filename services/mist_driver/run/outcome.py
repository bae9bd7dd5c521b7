"""How a run ended, in the words of the pipe: what a job may return, how its failure is told."""

import json
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mist_domain.facts.limits import MAX_JSON_DEPTH, cut_text
from mist_driver.code.java_error import JavaError


class ResultError(Exception):
    """The job returned what cannot be its result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    error: str
    traceback: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled:
    abandoned: bool = False


Outcome = Finished | Failed | Canceled


def to_json(value: object, limit: int) -> str:
    """The result as JSON text: an object as it is, anything else as `{"result": …}`. Raises `ResultError`."""
    try:
        text = json.dumps(
            value if isinstance(value, dict) else {"result": value},
            allow_nan=False, ensure_ascii=False, separators=(",", ":"),
        )  # fmt: skip
        size = len(text.encode())
    except RecursionError:
        raise ResultError(f"the result is nested deeper than {MAX_JSON_DEPTH} levels, or holds itself") from None
    except UnicodeEncodeError:
        raise ResultError("the result holds text that is no Unicode (a lone surrogate)") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise ResultError(_why_no_json(error)) from None
    if size > limit:
        raise ResultError(
            f"the result is {size:,} bytes of JSON, the limit is {limit:,}. Store it and return where it is"
        )
    if text.count("[") + text.count("{") > MAX_JSON_DEPTH and _depth(value) > MAX_JSON_DEPTH:
        raise ResultError(f"the result is nested deeper than {MAX_JSON_DEPTH} levels")
    return text


def _why_no_json(error: Exception) -> str:
    if "Out of range float" in str(error):
        return "the result holds NaN or Infinity, which JSON cannot; return null in its place"
    if "Circular" in str(error):
        return "the result holds itself, which JSON cannot"
    return f"the result is not JSON: {error}. Return objects, lists, text, numbers, booleans and null"


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level:
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list | tuple)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        depth += 1
    return depth - 1


def to_failed(error: BaseException, origin: str | None) -> Failed:
    """`origin` is where the job's code is: frames of other files are left out."""
    if isinstance(error, JavaError):
        return Failed(error=cut_text(f"{error.kind}: {error}"), traceback=cut_text(error.trace))
    return Failed(
        error=cut_text(f"{type(error).__name__}: {_message(error)}"), traceback=cut_text(_own_frames(error, origin))
    )


def _message(error: BaseException) -> str:
    match error:
        case SystemExit():
            return (
                f"the job called sys.exit({'' if error.code is None else repr(error.code)}); it should return instead"
            )
        case KeyboardInterrupt():
            return "the job was interrupted"
        case _:
            try:
                return str(error)
            except Exception as second:  # noqa: BLE001 (the job's own class, which may do anything)
                return f"(its text cannot be made: {type(second).__name__})"


def _own_frames(error: BaseException, origin: str | None) -> str:
    try:
        told = traceback.TracebackException.from_exception(error)
    except Exception:  # noqa: BLE001 (the job's own class, which may do anything)
        return ""
    for one in _chain(told):
        frames = [frame for frame in one.stack if origin is not None and frame.filename.startswith(origin)]
        for frame in frames:
            frame.filename = _shown(frame.filename, origin or "")
        one.stack = traceback.StackSummary.from_list(frames)
    return "".join(told.format())


def _chain(told: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    waiting: list[traceback.TracebackException | None] = [told]
    while waiting:
        if one := waiting.pop():
            yield one
            waiting += [one.__cause__, one.__context__, *(one.exceptions or [])]


def _shown(filename: str, origin: str) -> str:
    """The file's name without the folder that the driver happened to load it from."""
    return Path(origin).name + filename.removeprefix(origin)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and all it came from."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__]


Line = dict[str, Any]


def to_line(outcome: Outcome) -> Line:
    match outcome:
        case Finished():
            return {"type": "finished", "result": outcome.result}
        case Failed():
            return {"type": "failed", "error": outcome.error, "traceback": outcome.traceback}
        case Canceled():
            return {"type": "canceled", "abandoned": outcome.abandoned}
