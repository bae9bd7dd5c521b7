"""`python -m mist_eventlog.topics apply`: create Mist's topics and correct their settings."""

from typing import Annotated

import typer

from mist_eventlog.address import KafkaSettings
from mist_eventlog.errors import OutageError
from mist_eventlog.topics.apply import apply, strimzi
from mist_eventlog.topics.catalogue import load_topics
from mist_eventlog.topics.check import TopicsMismatchError

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.callback()
def topics() -> None:
    """The topics of Mist, as schemas/topics.yaml defines them."""


@cli.command("apply")
def apply_topics(
    bootstrap: Annotated[
        str | None, typer.Option(help="Kafka bootstrap servers, comma-separated; MIST_KAFKA by default.")
    ] = None,
    replication: Annotated[
        int,
        typer.Option(
            envvar="MIST_REPLICATION", min=1, help="Replicas of each partition: 1 on a single broker, else 3."
        ),
    ] = 1,
    wait: Annotated[float, typer.Option(help="Seconds to wait for a broker.")] = 30.0,
) -> None:
    """Create missing topics and correct settings that differ. Safe to run again."""
    kafka = KafkaSettings().at(bootstrap)
    try:
        applied = apply(kafka, load_topics(), replication=replication, wait=wait)
    except (OutageError, TopicsMismatchError) as error:
        typer.echo(f"topics: {error}", err=True)
        raise typer.Exit(1) from None
    for name in applied.created:
        typer.echo(f"created {name}")
    for name in applied.changed:
        typer.echo(f"changed the settings of {name}")
    typer.echo(f"the topics on {kafka.bootstrap} match topics.yaml")


@cli.command("strimzi")
def strimzi_topics() -> None:
    """Print the topics as KafkaTopic objects for Strimzi's operator (deploy/k8s/strimzi/topics.yaml)."""
    typer.echo(strimzi(load_topics()), nl=False)


cli()
