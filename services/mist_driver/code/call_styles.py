"""The three styles of job code, made one: a function of the job's context and its arguments."""

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

MISTPY_TAKES = {
    "sp_context": "context",
    "sp_session": "session",
    "sql_context": "sql_context",
    "hive_context": "hive_context",
    "hive_session": "hive_session",
}
"""What mistpy's decorators note on a function, and the part of the context it stands for."""


class JobCodeError(TypeError):
    """The job is written in a way that cannot be run."""


def to_call(job: Any, signature: Signature) -> Call:
    """How to run `job`; what style it is shows in the object itself."""
    if isinstance(job, type):
        return _class_call(job, signature)
    if hasattr(job, "type_choice"):
        return _mistpy_call(job)
    if callable(job):
        return _function_call(job, signature)
    raise JobCodeError(f"the job is a {type(job).__name__}; it must be a function or a class with execute()")


def _function_call(job: Callable[..., Any], signature: Signature) -> Call:
    parameters = list(inspect.signature(job).parameters.values())
    takes = _taken_part(parameters[0]) if parameters else None
    fill = _filling(parameters[1:] if takes else parameters, signature)
    if takes is None:
        return lambda _, arguments: _result(job(**fill(arguments)))
    part = attrgetter(takes)
    return lambda context, arguments: _result(job(part(context), **fill(arguments)))


def _taken_part(first: inspect.Parameter) -> str | None:
    """Say "session" or "context" if the first parameter is one by its annotation or else its name."""
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
    """Which of the client's arguments the job gets: those it names, all others too if it takes `**kwargs`.

    A parameter that may be null and has no default is given null.
    """
    takes_all = any(one.kind is one.VAR_KEYWORD for one in parameters)
    named = [one for one in parameters if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)]
    kinds = {one.name: signature.get(one.name, {"type": "MAny"}) for one in named}
    nulls = {one.name: None for one in named if one.default is one.empty and kinds[one.name]["type"] == "MOption"}

    def fill(arguments: Arguments) -> dict[str, Any]:
        others = {name: value for name, value in arguments.items() if name not in kinds} if takes_all else {}
        return others | nulls | known_arguments(kinds, arguments)

    return fill


def _mistpy_call(job: Any) -> Call:
    takes = MISTPY_TAKES.get(job.type_choice)
    if takes is None:
        raise JobCodeError(f'mistpy\'s "{job.type_choice}" is not supported; use on_spark_session or on_spark_context')
    part = attrgetter(takes)
    arguments_taken = _mistpy_arguments(job)

    def call(context: JobContext, arguments: Arguments) -> Any:
        if arguments_taken is None:
            return job(part(context), **arguments)
        given = {one.name: arguments.get(one.name) for one in arguments_taken}
        defaults = {one.name: getattr(one, "default", None) for one in arguments_taken}
        return job(part(context), **{name: defaults[name] if given[name] is None else given[name] for name in given})

    return call


def _mistpy_arguments(job: Any) -> Any:
    """The list that mistpy keeps of the arguments, on this wrapper or on one inside it. Version 1.1.3 applies only its last."""
    while job is not None:
        if hasattr(job, "args_def"):
            return job.args_def
        cells = [cell.cell_contents for cell in getattr(job, "__closure__", None) or ()]
        job = next((one for one in cells if inspect.isfunction(one)), None)
    return None


def _result(value: Any) -> Any:
    return asyncio.run(value) if inspect.iscoroutine(value) else value
