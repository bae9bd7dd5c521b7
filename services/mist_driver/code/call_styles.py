"""The three styles of job code, reduced to one: a function of the job's context and its arguments."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from mist_domain.signatures.arguments import known_arguments
from mist_domain.signatures.reader import SPARK_NAMES, SPARK_TYPES
from mist_driver.spark.context import JobContext

Arguments = Mapping[str, Any]
Call = Callable[[JobContext, Arguments], Any]
Signature = Mapping[str, Mapping[str, Any]]

MISTPY_PARTS = {
    "sp_context": "context",
    "sp_session": "session",
    "sql_context": "sql_context",
    "hive_context": "hive_context",
    "hive_session": "hive_session",
}
"""Marks that mistpy's decorators put on a function, and the part of the context that each asks for."""


class JobCodeError(TypeError):
    """The job is written in a style that cannot be run."""


def to_call(job: Any, signature: Signature) -> Call:
    """The call of `job`; its style shows in the object itself. Raises `JobCodeError`."""
    if isinstance(job, type):
        return _class_call(job, signature)
    if hasattr(job, "type_choice"):
        return _mistpy_call(job)
    if callable(job):
        return _function_call(job, signature)
    raise JobCodeError(f"the job is a {type(job).__name__}; it must be a function or a class with execute()")


def _function_call(job: Callable[..., Any], signature: Signature) -> Call:
    parameters = list(inspect.signature(job).parameters.values())
    wanted = _wanted_part(parameters[0]) if parameters else None
    fill = _filling(parameters[1:] if wanted else parameters, signature)
    if wanted is None:
        return lambda _, arguments: _result(job(**fill(arguments)))
    part = attrgetter(wanted)
    return lambda context, arguments: _result(job(part(context), **fill(arguments)))


def _wanted_part(first: inspect.Parameter) -> str | None:
    """`session` or `context` if the first parameter is one, by its annotation or else by its name."""
    annotation = first.annotation
    named = annotation.rpartition(".")[2] if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    if named in SPARK_TYPES:
        return "session" if named == "SparkSession" else "context"
    if first.name in SPARK_NAMES:
        return "session" if first.name == "spark" else "context"
    return None


def _class_call(job: type, signature: Signature) -> Call:
    execute = getattr(job, "execute", None)
    if execute is None:
        raise JobCodeError(f'the class "{job.__name__}" has no method "execute"')
    fill = _filling(list(inspect.signature(execute).parameters.values())[1:], signature)

    def call(context: JobContext, arguments: Arguments) -> Any:
        instance = job()
        if hasattr(instance, "setup"):
            instance.setup(context)
        return _result(instance.execute(**fill(arguments)))

    return call


def _filling(parameters: list[inspect.Parameter], signature: Signature) -> Callable[[Arguments], dict[str, Any]]:
    """A function from the client's arguments to the job's: those it names, and all others if it has `**kwargs`.

    A parameter that may be null and has no default gets null.
    """
    has_kwargs = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    named = [item for item in parameters if item.kind not in (item.VAR_KEYWORD, item.VAR_POSITIONAL)]
    kinds = {item.name: signature.get(item.name, {"type": "MAny"}) for item in named}
    required = [item.name for item in named if item.default is item.empty]
    nulls = {name: None for name in required if kinds[name]["type"] == "MOption"}

    def fill(arguments: Arguments) -> dict[str, Any]:
        others = {name: value for name, value in arguments.items() if name not in kinds} if has_kwargs else {}
        return others | nulls | known_arguments(kinds, arguments)

    return fill


def _mistpy_call(job: Any) -> Call:
    wanted = MISTPY_PARTS.get(job.type_choice)
    if wanted is None:
        raise JobCodeError(f'mistpy\'s "{job.type_choice}" is not supported; use on_spark_session or on_spark_context')
    part = attrgetter(wanted)
    definitions = _mistpy_arguments(job)

    def call(context: JobContext, arguments: Arguments) -> Any:
        if definitions is None:
            return job(part(context), **arguments)
        given = {item.name: arguments.get(item.name) for item in definitions}
        defaults = {item.name: getattr(item, "default", None) for item in definitions}
        return job(part(context), **{name: defaults[name] if value is None else value for name, value in given.items()})

    return call


def _mistpy_arguments(job: Any) -> Any:
    """Mistpy's list of arguments, on this wrapper or on one inside it. mistpy 1.1.3 itself applies only the last."""
    while job is not None:
        if hasattr(job, "args_def"):
            return job.args_def
        cells = [cell.cell_contents for cell in getattr(job, "__closure__", None) or ()]
        job = next((cell for cell in cells if inspect.isfunction(cell)), None)
    return None


def _result(value: Any) -> Any:
    return asyncio.run(value) if inspect.iscoroutine(value) else value
