"""Endpoints and contexts from the JSON or YAML that describes them. Knows no files and no log."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mist_domain.facts.registry import DEFAULT_CONTEXT, MODE_WORDS, Context, Endpoint
from mist_domain.signatures.languages import LANGUAGES, SQL_CLASS, fits_language, language_of
from mist_gateway.http.fields import Fields

ENDPOINT_FIELDS = (
    "name", "lang", "path", "className", "defaultContext", "tags", "retries", "startTimeout", "performTimeout",
)  # fmt: skip
CONTEXT_FIELDS = (
    "name", "sparkConf", "downtime", "maxJobs", "precreated", "spares", "runOptions", "workerMode",
    "streamingDuration", "startTimeout", "performTimeout", "maxQueued",
)  # fmt: skip
OLD_CONTEXT_FIELDS = ("maxParallelJobs", "maxConnFailures")
"""What clients of the original send: an older name of `maxJobs`, and what has no meaning here."""


def endpoint_fields(body: Mapping[str, Any]) -> Fields:
    return Fields(f"endpoint {str(body.get('name', '(without a name)'))[:128]!r}", body)


def context_fields(body: Mapping[str, Any]) -> Fields:
    return Fields(f"context {str(body.get('name', '(without a name)'))[:128]!r}", body)


def read_endpoint(fields: Fields) -> Endpoint:
    """The endpoint as described, its signature not read yet. Raises `RefusalError`."""
    path = fields.filled_text("path")
    lang = _language(fields, path)
    return Endpoint(
        name=fields.name("name"),
        lang=lang,
        path=path,
        class_name=fields.text("className", SQL_CLASS) if lang == "sql" else fields.filled_text("className"),
        default_context=fields.name("defaultContext", DEFAULT_CONTEXT),
        tags=fields.texts("tags", ()),
        retries=fields.count("retries", 0, least=0),
        start_timeout=fields.duration("startTimeout", None),
        perform_timeout=fields.duration("performTimeout", None),
    )


def _language(fields: Fields, path: str) -> str:
    """As its suffix says, unless the field says more: a `.jar` may be Scala."""
    lang: str = fields.choice("lang", {one: one for one in LANGUAGES}, language_of(path) or "python")
    if language_of(path) and not fits_language(path, lang):
        raise fields.refused("lang", f"{language_of(path)} for the path {path!r}")
    return lang


def read_context(fields: Fields, base: Context) -> Context:
    """The context as described; what is not said is as in `base`. Raises `RefusalError`."""
    return replace(
        base,
        name=fields.name("name"),
        spark_conf=fields.settings("sparkConf", base.spark_conf),
        downtime=fields.duration("downtime", base.downtime),
        max_jobs=fields.count("maxJobs", fields.count("maxParallelJobs", base.max_jobs, least=1), least=1),
        precreated=fields.flag("precreated", default=base.precreated),
        spares=fields.count("spares", base.spares, least=0),
        run_options=fields.text("runOptions", base.run_options),
        worker_mode=fields.choice("workerMode", MODE_WORDS, base.worker_mode),
        streaming_duration=fields.duration("streamingDuration", base.streaming_duration) or base.streaming_duration,
        start_timeout=fields.duration("startTimeout", base.start_timeout),
        perform_timeout=fields.duration("performTimeout", base.perform_timeout),
        max_queued=fields.count("maxQueued", base.max_queued, least=1),
    )
