"""`python -m mist_tools.local_kafka`: fetch Kafka, or run it until told to stop."""

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from mist_runtime.java import JavaNotFoundError, find_java
from mist_tools.local_kafka.jars import kafka_jars, kafka_version
from mist_tools.local_kafka.local_kafka import LocalKafka, show_progress
from mist_tools.local_kafka.server_properties import LocalKafkaError

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def fetch() -> None:
    """Fetch Kafka's jars into this user's cache, if they are not there."""
    try:
        typer.echo(f"Kafka {kafka_version()} is in {kafka_jars(find_java(), show_progress)}")
    except (LocalKafkaError, JavaNotFoundError) as error:
        _give_up(error)


@cli.command()
def run(
    folder: Annotated[Path, typer.Option(envvar="MIST_KAFKA_FOLDER", help="Where Kafka keeps its data.")] = Path(
        ".mist/kafka"
    ),
    port: Annotated[
        int, typer.Option(envvar="MIST_KAFKA_PORT", help="Port on 127.0.0.1; further nodes take the next ones.")
    ] = 9092,
    nodes: Annotated[int, typer.Option(help="1, or 3 for tests of failure.", min=1)] = 1,
) -> None:
    """Run Kafka in the foreground until SIGTERM or Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        _serve(LocalKafka(folder, nodes=nodes, port=port), stop)
    except (LocalKafkaError, JavaNotFoundError) as error:
        _give_up(error)


def _serve(kafka: LocalKafka, stop: threading.Event) -> None:
    with kafka:
        typer.echo(f"Kafka {kafka_version()} serves on {kafka.bootstrap}")
        while not stop.wait(0.5):
            for i in kafka.node_ids:
                if kafka.exit_code(i) is not None:
                    raise LocalKafkaError(f"node {i} of Kafka ended by itself, with exit code {kafka.exit_code(i)}")


def _give_up(error: Exception) -> None:
    typer.echo(f"kafka: {error}", err=True)
    raise typer.Exit(1)


cli(prog_name="python -m mist_tools.local_kafka")
