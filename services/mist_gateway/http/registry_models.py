"""Endpoints and contexts as JSON, in and out, over HTTP and from files.

`EndpointFields` and `ContextFields` hold only what a client gave: `over` lays it over what is known already.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, Field, ValidationError, WithJsonSchema

from mist_domain.errors import RefusalError
from mist_domain.facts import registry
from mist_domain.signatures import languages
from mist_domain.wire.durations import format_duration
from mist_gateway.http import models, validation

_ENDPOINT: dict[str, Any] = {
    "name": "simple-context",
    "lang": "python",
    "path": "file:///srv/mist/simple_context.py",
    "className": "simple_context",
    "defaultContext": "default",
    "tags": [],
    "retries": 0,
    "startTimeout": "Inf",
    "performTimeout": "1h",
}
_SIGNATURE: dict[str, Any] = {
    "numbers": {"type": "MList", "args": [{"type": "MInt"}]},
    "multiplier": {"type": "MOption", "args": [{"type": "MInt"}]},
}
_CONTEXT: dict[str, Any] = {
    "name": "default",
    "sparkConf": {"spark.master": "local[2]"},
    "downtime": "3600s",
    "maxJobs": 20,
    "precreated": False,
    "spares": 0,
    "runOptions": "",
    "workerMode": "shared",
    "streamingDuration": "1s",
    "startTimeout": "Inf",
    "performTimeout": "Inf",
    "maxQueued": 10_000,
}
_UNUSED = "Kept and shown for clients of the original Mist; has no effect."
DurationText = Annotated[str, WithJsonSchema({"type": "string", "examples": ["500ms", "10s", "Inf"]})]
_Fields = TypeVar("_Fields", bound=BaseModel)
_BLANK = registry.Endpoint(name="", path="", class_name="")
_LANGUAGE_RULE = " or ".join(repr(language) for language in languages.LANGUAGES)


def read_endpoint(body: Mapping[str, Any]) -> registry.Endpoint:
    """A new endpoint as a file describes it, its signature not read yet. Raises `RefusalError`."""
    return parse_endpoint(body).over(None)


def read_context(body: Mapping[str, Any]) -> registry.Context:
    """A new context as a file describes it. Raises `RefusalError`."""
    return parse_context(body).over(registry.Context(name=""))


def parse_endpoint(body: Mapping[str, Any]) -> "EndpointFields":
    """Raises `RefusalError` that names every field that does not fit."""
    return _parse(EndpointFields, "endpoint", body)


def parse_context(body: Mapping[str, Any]) -> "ContextFields":
    """Raises `RefusalError` that names every field that does not fit."""
    return _parse(ContextFields, "context", body)


def _parse(model: type[_Fields], kind: str, body: Mapping[str, Any]) -> _Fields:
    try:
        return model.model_validate({str(name): value for name, value in body.items() if value is not None})
    except ValidationError as error:
        subject = f"{kind} {str(body.get('name', '(without a name)'))[:128]!r}"
        allowed = [field.alias or name for name, field in model.model_fields.items()]
        raise RefusalError("bad_field", validation.explain_fields(error.errors(), subject, allowed)) from error


class EndpointFields(BaseModel):
    """An endpoint as clients write it. POST needs `path` and `className` (not for SQL); PUT keeps what is left out."""

    model_config = models.shape(_ENDPOINT, incoming=True)
    name: validation.NameField
    lang: Annotated[str, Field(strict=True)] | None = Field(
        None,
        description="By default the language of the path's suffix; a .jar may be `scala` instead of `java`.",
        json_schema_extra={"enum": list(languages.LANGUAGES)},
    )
    path: validation.FilledText | None = Field(None, description="A path, a URL, or the name of an artifact.")
    class_name: validation.Text | None = Field(None, description="The function or class to run; unused for SQL.")
    default_context: validation.NameField | None = None
    tags: validation.Texts | None = None
    retries: validation.Count | None = Field(None, description="Further attempts of a job whose worker was lost.")
    start_timeout: validation.Duration = Field(
        None, description="A job that waits in the queue for longer fails; its driver's start does not count."
    )
    perform_timeout: validation.Duration = Field(None, description="A job that runs longer is canceled.")
    execute: Any = Field(None, description="Read from the artifact; ignored here.")
    problem: Any = Field(None, description="Found while the artifact was read; ignored here.")

    def over(self, base: registry.Endpoint | None) -> registry.Endpoint:
        """These fields over `base`, or a new endpoint; its signature is not read yet. Raises `RefusalError`."""
        given = {name: getattr(self, name) for name in self.model_fields_set - {"execute", "problem"}}
        endpoint = replace(base or _BLANK, signature="{}", artifact_sha=None, problem=None, **given)
        if not endpoint.path:
            raise self._refused("path is missing; it must be a string")
        lang = self._language(endpoint)
        if base is not None and base.lang == "sql" != lang and self.class_name is None:
            endpoint = replace(endpoint, class_name="")  # SQL has a name of ours, which no other language knows
        return replace(endpoint, lang=lang, class_name=self._class_name(endpoint.class_name, lang))

    def _language(self, endpoint: registry.Endpoint) -> str:
        """As given or known; else, or when a new path does not fit what was known, as the path's suffix says."""
        path, lang, by_suffix = endpoint.path, endpoint.lang, languages.language_of(endpoint.path)
        if lang not in languages.LANGUAGES:
            raise self._refused(f"lang is {lang[:80]!r}; it must be {_LANGUAGE_RULE}")
        if by_suffix is None or languages.fits_language(path, lang):
            return lang
        if self.lang is not None:
            raise self._refused(f"lang is {lang!r}; it must be {by_suffix} for the path {path!r}")
        return by_suffix

    def _class_name(self, given: str, lang: str) -> str:
        if given.strip() or lang == "sql":
            return given.strip() or languages.SQL_CLASS
        if self.class_name is None:
            raise self._refused("className is missing; it must be a string")
        raise self._refused(f"className is {given!r}; it must be a string that is not empty")

    def _refused(self, reason: str) -> RefusalError:
        return RefusalError("bad_field", f"endpoint {self.name!r}: {reason}.")


class ContextFields(BaseModel):
    """A context as clients write it. POST starts from `default`; PUT keeps what is left out."""

    model_config = models.shape(
        {"name": "big", "maxJobs": 4, "downtime": "600s", "sparkConf": {"spark.master": "local[4]"}}, incoming=True
    )
    name: validation.NameField
    spark_conf: validation.SparkSettings | None = None
    downtime: validation.Duration = Field(None, description="Idle time after which a driver is stopped.")
    max_jobs: validation.PositiveCount | None = Field(None, description="Jobs that run at once.")
    precreated: validation.YesNo | None = Field(None, description="Keep a driver ready before the first job.")
    spares: validation.Count | None = Field(None, description="Drivers kept ready for exclusive jobs.")
    run_options: validation.Text | None = Field(None, description=_UNUSED)
    worker_mode: validation.Mode | None = None
    streaming_duration: validation.Duration = Field(None, description=_UNUSED)
    start_timeout: validation.Duration = Field(
        None, description="A job that waits in the queue for longer fails; its driver's start does not count."
    )
    perform_timeout: validation.Duration = Field(None, description="A job that runs longer is canceled.")
    max_queued: validation.PositiveCount | None = Field(None, description="Jobs that may wait; more are refused.")
    max_parallel_jobs: validation.PositiveCount | None = Field(None, description="An older name of maxJobs.")
    max_conn_failures: Any = Field(None, description="Sent by clients of the original Mist; ignored.")

    def over(self, base: registry.Context) -> registry.Context:
        """These fields over `base`."""
        given = {name: getattr(self, name) for name in self.model_fields_set - {"max_conn_failures"}}
        max_parallel_jobs = given.pop("max_parallel_jobs", base.max_jobs)
        if given.get("streaming_duration", 1) is None:
            del given["streaming_duration"]
        return replace(base, **({"max_jobs": max_parallel_jobs} | given))


class EndpointDocument(BaseModel):
    """An endpoint: what can be started. `execute` names the arguments and their types."""

    model_config = models.shape(_ENDPOINT | {"execute": _SIGNATURE})
    name: str
    lang: Annotated[str, WithJsonSchema({"type": "string", "enum": list(languages.LANGUAGES)})]
    path: str
    class_name: str
    default_context: str
    tags: list[str]
    retries: int
    start_timeout: DurationText
    perform_timeout: DurationText
    execute: models.RawObject
    problem: str | None = Field(None, description="The reason, when its artifact cannot be read.")

    @classmethod
    def of(cls, endpoint: registry.Endpoint) -> "EndpointDocument":
        return cls(
            name=endpoint.name,
            lang=endpoint.lang,
            path=endpoint.path,
            class_name=endpoint.class_name,
            default_context=endpoint.default_context,
            tags=list(endpoint.tags),
            retries=endpoint.retries,
            start_timeout=format_duration(endpoint.start_timeout),
            perform_timeout=format_duration(endpoint.perform_timeout),
            execute=models.raw_json(endpoint.signature),
            problem=endpoint.problem,
        )


class ContextDocument(BaseModel):
    """A context: a named group of Spark settings."""

    model_config = models.shape(_CONTEXT)
    name: str
    spark_conf: dict[str, str]
    downtime: DurationText
    max_jobs: int
    precreated: bool
    spares: int
    run_options: str = Field(description=_UNUSED)
    worker_mode: models.ModeWord
    streaming_duration: DurationText = Field(description=_UNUSED)
    start_timeout: DurationText
    perform_timeout: DurationText
    max_queued: int

    @classmethod
    def of(cls, context: registry.Context) -> "ContextDocument":
        return cls(
            name=context.name,
            spark_conf=dict(context.spark_conf),
            downtime=format_duration(context.downtime),
            max_jobs=context.max_jobs,
            precreated=context.precreated,
            spares=context.spares,
            run_options=context.run_options,
            worker_mode=context.worker_mode,
            streaming_duration=format_duration(context.streaming_duration),
            start_timeout=format_duration(context.start_timeout),
            perform_timeout=format_duration(context.perform_timeout),
            max_queued=context.max_queued,
        )
