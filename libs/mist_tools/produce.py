"""`python -m mist_tools.produce TOPIC [RECORD]`: a Kafka producer for the command line, to try things with."""

import asyncio
import logging
import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from mist_eventlog.address import KafkaAddress, KafkaSettings
from mist_eventlog.appender import Appender
from mist_eventlog.consumer import partitions_found
from mist_eventlog.errors import OutageError
from mist_eventlog.record import RecordMetadata


def produce(
    topic: Annotated[str, typer.Argument(help="The topic to append to.")],
    record: Annotated[
        str | None, typer.Argument(help="The record; without it each line of standard input is one.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="The records' key; without it they go to any partition.")] = None,
    bootstrap: Annotated[
        str | None, typer.Option(help="Kafka bootstrap servers, comma-separated; else those of MIST_KAFKA.")
    ] = None,
) -> None:
    """Append text to a topic and print the partition and offset of each record."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    lines = [record] if record is not None else (line.rstrip("\r\n") for line in sys.stdin)
    try:
        asyncio.run(_append(KafkaSettings().at(bootstrap), topic, key, lines))
    except OutageError as outage:
        typer.echo(f"produce: {outage}", err=True)
        raise typer.Exit(1) from None


async def _append(kafka: KafkaAddress, topic: str, key: str | None, lines: Iterable[str]) -> None:
    partitions = await partitions_found(kafka, [topic])
    if partitions[topic] == 0:
        raise OutageError(f"there is no topic {topic} on {kafka.bootstrap}")
    async with Appender(kafka, partitions=partitions) as appender:
        for line in lines:
            if line:
                _print_place(await appender.append(topic, key, line.encode()))


def _print_place(placed: RecordMetadata) -> None:
    typer.echo(f"{placed.topic}/{placed.partition} offset {placed.offset}")


if __name__ == "__main__":
    typer.run(produce)
