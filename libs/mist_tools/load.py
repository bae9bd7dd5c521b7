"""`python -m mist_tools.load FILE.yaml`: endpoints and contexts of a file into the registry.

All of the file is checked before anything is written; what stands in the registry already is not written again.
"""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer
import yaml

from mist_domain.errors import RefusalError
from mist_domain.facts.records import RECORDS
from mist_domain.facts.registry import (
    ContextDefined,
    Endpoint,
    EndpointDefined,
    RegistryEvent,
    registry_key,
)
from mist_domain.registry import Registry, fold_registry, is_in_effect
from mist_eventlog import Appender, Codec, KafkaAddress, OutageError, PoisonError, Tail
from mist_eventlog.address import KafkaSettings
from mist_eventlog.topics import TopicsMismatchError, check
from mist_eventlog.topics.names import REGISTRY
from mist_gateway.commands.signatures import UnreadableError, with_signature
from mist_gateway.http.registry_models import read_context, read_endpoint

BROKER_WAIT = 5.0


def read_file(path: Path) -> list[RegistryEvent]:
    """Read the definitions of a file, contexts first. Raises `RefusalError` or `UnreadableError`."""
    content = _content(path)
    unknown = set(content) - {"contexts", "endpoints"}
    if unknown:
        raise RefusalError("bad_file", f"{path}: {min(unknown)!r} is unknown; a file has 'contexts' and 'endpoints'.")
    contexts = [ContextDefined(context=read_context(entry)) for entry in _entries(content, "contexts")]
    endpoints = [EndpointDefined(endpoint=_endpoint(entry, path.parent)) for entry in _entries(content, "endpoints")]
    events: list[RegistryEvent] = [*contexts, *endpoints]
    _refuse_twice(events)
    return events


def locate(path: str, folder: Path) -> str:
    """A URL as it is; a path as a `file://` URL, relative ones from `folder`."""
    return path if "://" in path else f"file://{(folder / path).resolve()}"


async def load(kafka: KafkaAddress, events: list[RegistryEvent]) -> Iterator[str]:
    """Append what is not in the registry as it is; a line for each entry. Raises `OutageError` or `TopicsMismatchError`."""
    await check(kafka, [REGISTRY], wait=BROKER_WAIT)
    codec = Codec(RECORDS)
    registry = await _read_registry(kafka, codec)
    new = [event for event in events if not is_in_effect(registry, event)]
    async with Appender(kafka) as appender:
        await appender.append_all([(REGISTRY, registry_key(event), codec.encode(event)) for event in new])
    return (f"{registry_key(event)} {'written' if event in new else 'is there already'}" for event in events)


async def _read_registry(kafka: KafkaAddress, codec: Codec) -> Registry:
    registry = Registry()
    async with Tail(kafka, [REGISTRY]) as tail:
        async for records in tail.replay():
            for record in records:
                try:
                    event = codec.decode(record.value)
                except PoisonError:
                    continue
                if isinstance(event, get_args(RegistryEvent)):
                    fold_registry(registry, cast("RegistryEvent", event))
    return registry


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise RefusalError("bad_file", f"{path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RefusalError("bad_file", f"{path} is no YAML: {error}") from error
    if not isinstance(content, dict):
        raise RefusalError("bad_file", f"{path} must hold 'contexts' and 'endpoints', each a list.")
    return content


def _entries(content: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    entries = content.get(kind) or []
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise RefusalError("bad_file", f"{kind} must be a list of objects, each with a name.")
    return entries


def _endpoint(entry: Mapping[str, Any], folder: Path) -> Endpoint:
    located = {**entry, "path": locate(entry["path"], folder)} if _has_path(entry) else entry
    endpoint = read_endpoint(located)
    try:
        return with_signature(endpoint)
    except UnreadableError as error:
        raise RefusalError("bad_field", f"endpoint {endpoint.name!r}: {error}.") from error


def _has_path(entry: Mapping[str, Any]) -> bool:
    return isinstance(entry.get("path"), str) and entry["path"].strip() != ""


def _refuse_twice(events: list[RegistryEvent]) -> None:
    seen: set[str] = set()
    for event in events:
        key = registry_key(event)
        if key in seen:
            raise RefusalError("bad_file", f"{key} is there twice; name each once.")
        seen.add(key)


def main(
    file: Annotated[Path, typer.Argument(help="YAML with `contexts` and `endpoints`.")],
    kafka: Annotated[str | None, typer.Option(help="Kafka bootstrap servers; else those of MIST_KAFKA.")] = None,
) -> None:
    """Load endpoints and contexts of FILE into the registry; safe to run again."""
    try:
        lines = asyncio.run(load(KafkaSettings().at(kafka), read_file(file)))
    except RefusalError as refusal:
        sys.exit(refusal.message)
    except (OutageError, TopicsMismatchError) as error:
        sys.exit(str(error))
    for line in lines:
        typer.echo(line)


if __name__ == "__main__":
    typer.run(main)
