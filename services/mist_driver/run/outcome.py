"""The end of a run as text: a job's result as JSON, its failure as an error and a traceback."""

import json
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mist_driver.code.jar import JavaError

DEPTH_LIMIT = 100
TEXT_LIMIT = 64_000
CUT = " … (cut here)"


class ResultError(Exception):
    """The job returned something that cannot be its result."""


class Failure(NamedTuple):
    """At most 64 kB of UTF-8 each. `traceback` holds the job's own frames and may be empty."""

    error: str
    traceback: str


def to_json(value: object, limit: int) -> str:
    """The result as JSON text: an object as it is, anything else as `{"result": …}`. Raises `ResultError`."""
    try:
        text = json.dumps(
            value if isinstance(value, dict) else {"result": value},
            allow_nan=False, ensure_ascii=False, separators=(",", ":"),
        )  # fmt: skip
        size = len(text.encode())
    except RecursionError:
        raise ResultError(f"the result is nested deeper than {DEPTH_LIMIT} levels, or holds itself") from None
    except UnicodeEncodeError:
        raise ResultError("the result holds text that is no Unicode (a lone surrogate)") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise ResultError(_why_no_json(error)) from None
    if size > limit:
        raise ResultError(
            f"the result is {size:,} bytes of JSON, the limit is {limit:,}. Store it and return where it is"
        )
    if text.count("[") + text.count("{") > DEPTH_LIMIT and _depth(value) > DEPTH_LIMIT:
        raise ResultError(f"the result is nested deeper than {DEPTH_LIMIT} levels")
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


def to_failure(error: BaseException, origin: str | None) -> Failure:
    """`origin` is the beginning of the file names of the job's code: frames of other files are left out."""
    if isinstance(error, JavaError):
        return Failure(_cut(f"{error.kind}: {error}"), _cut(error.trace))
    return Failure(_cut(f"{type(error).__name__}: {_message(error)}"), _cut(_own_frames(error, origin)))


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
        trace = traceback.TracebackException.from_exception(error)
    except Exception:  # noqa: BLE001 (the job's own class, which may do anything)
        return ""
    for link in _chain(trace):
        frames = [frame for frame in link.stack if origin is not None and frame.filename.startswith(origin)]
        for frame in frames:
            frame.filename = _shown(frame.filename, origin or "")
        link.stack = traceback.StackSummary.from_list(frames)
    return "".join(trace.format())


def _chain(trace: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    waiting: list[traceback.TracebackException | None] = [trace]
    while waiting:
        if link := waiting.pop():
            yield link
            waiting += [link.__cause__, link.__context__, *(link.exceptions or [])]


def _shown(filename: str, origin: str) -> str:
    """The file's name without the folder that the driver loaded it from."""
    return Path(origin).name + filename.removeprefix(origin)


def _cut(text: str) -> str:
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= TEXT_LIMIT:
        return encoded.decode()
    return encoded[: TEXT_LIMIT - len(CUT.encode())].decode("utf-8", "ignore") + CUT


def causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and every exception in its chain."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        link = waiting.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            yield link
            waiting += [link.__cause__, link.__context__]
