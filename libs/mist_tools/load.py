"""`python -m mist_tools.load FILE.yaml`: append the endpoints and contexts of a file to the registry.

It needs Kafka and no gateway. The whole file is checked first; a definition that is in effect already is not repeated.
"""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from mist_domain.errors import RefusalError
from mist_domain.facts import registry
from mist_domain.facts.records import RECORDS
from mist_domain.registry import Registry, fold_registry, is_in_effect
from mist_eventlog import Appender, Codec, OutageError, PoisonError, Tail, address, topics
from mist_eventlog.topics.names import REGISTRY
from mist_gateway.commands.signatures import UnreadableError, with_signature
from mist_gateway.http.registry_models import read_context, read_endpoint
from mist_tools.registry_file import Entry, read_registry_file

BROKER_WAIT = 5.0


def read_file(path: Path) -> list[registry.RegistryEvent]:
    """The file's definitions, contexts first. Raises `RefusalError`, which names the file or the entry and the fault."""
    file = read_registry_file(path)
    contexts = [registry.ContextDefined(context=read_context(entry)) for entry in file.contexts]
    endpoints = [registry.EndpointDefined(endpoint=_endpoint(entry, file.folder)) for entry in file.endpoints]
    return [*contexts, *endpoints]


def locate(path: str, folder: Path) -> str:
    """`path` as a URL: unchanged if it is one, else as `file://`; a relative path starts at `folder`."""
    return path if "://" in path else f"file://{(folder / path).resolve()}"


async def load(kafka: address.KafkaAddress, events: list[registry.RegistryEvent]) -> Iterator[str]:
    """Append the definitions that are not in effect yet; returns a line for each. Raises `OutageError` or `TopicsMismatchError`."""
    await topics.check(kafka, [REGISTRY], wait=BROKER_WAIT)
    codec = Codec(RECORDS)
    known = await _read_registry(kafka, codec)
    new = [event for event in events if not is_in_effect(known, event)]
    async with Appender(kafka) as appender:
        await appender.append_all([(REGISTRY, registry.registry_key(event), codec.encode(event)) for event in new])
    return (f"{registry.registry_key(event)} {'written' if event in new else 'is there already'}" for event in events)


async def _read_registry(kafka: address.KafkaAddress, codec: Codec) -> Registry:
    known = Registry()
    async with Tail(kafka, [REGISTRY]) as tail:
        async for records in tail.replay():
            for record in records:
                try:
                    event = codec.decode(record.value)
                except PoisonError:
                    continue
                if isinstance(event, get_args(registry.RegistryEvent)):
                    fold_registry(known, cast("registry.RegistryEvent", event))
    return known


def _endpoint(entry: Entry, folder: Path) -> registry.Endpoint:
    located = {**entry, "path": locate(entry["path"], folder)} if _has_path(entry) else entry
    endpoint = read_endpoint(located)
    try:
        return with_signature(endpoint)
    except UnreadableError as error:
        raise RefusalError("bad_field", f"endpoint {endpoint.name!r}: {error}.") from error


def _has_path(entry: Entry) -> bool:
    return isinstance(entry.get("path"), str) and entry["path"].strip() != ""


def main(
    file: Annotated[Path, typer.Argument(help="A YAML file with contexts and endpoints, such as mist.yaml.")],
    kafka: Annotated[str | None, typer.Option(help="Kafka bootstrap servers; the default is MIST_KAFKA.")] = None,
) -> None:
    """Append the endpoints and contexts of FILE to the registry. It is safe to repeat."""
    try:
        lines = asyncio.run(load(address.KafkaSettings().at(kafka), read_file(file)))
    except RefusalError as refusal:
        sys.exit(refusal.message)
    except (OutageError, topics.TopicsMismatchError) as error:
        sys.exit(str(error))
    for line in lines:
        typer.echo(line)


if __name__ == "__main__":
    typer.run(main)
