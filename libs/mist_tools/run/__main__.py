"""`python -m mist_tools.run`: Kafka, every service and an example job on this machine, until Ctrl-C."""

import asyncio
import sys
from typing import Annotated

import typer

from mist_runtime.java import JavaNotFoundError, find_java
from mist_runtime.settings import read_settings
from mist_tools.local_kafka import LocalKafkaError
from mist_tools.local_kafka.jars import kafka_jars
from mist_tools.local_kafka.local_kafka import show_progress
from mist_tools.run.checks import check_disk, check_files, check_ports, sole_use
from mist_tools.run.live import live
from mist_tools.run.settings import CannotRunError, RunSettings


def main(
    once: Annotated[bool, typer.Option("--once", help="End when the example jobs have finished.")] = False,  # noqa: FBT002
) -> None:
    """Run Mist on this machine."""
    settings = read_settings(RunSettings)
    try:
        check_files(settings)
        with sole_use(settings.folder):
            check_ports(settings)
            check_disk(settings.folder)
            kafka_jars(find_java(), show_progress)
            asyncio.run(live(settings, once=once, say=say))
    except (CannotRunError, LocalKafkaError, JavaNotFoundError) as error:
        sys.exit(f"Mist cannot run: {error}")


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    typer.run(main)
