"""`make bench`: what Mist costs, beside the raw floor and Spark itself measured in the same run.

Everything is warm first: a Java process, broker or Spark, takes hundreds of rounds to reach its pace.
"""

import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop

from bench import floor, load
from support.brokers import broker
from support.paths import TESTS
from support.stack import Stack

WARM_UP, TRIPS, REST_JOBS, KAFKA_JOBS, CLIENTS = 6_000, 1_000, 4_000, 20_000, 32
SPARK_WARM_UP, SPARK_TRIPS, EXCLUSIVE_TRIPS = 600, 200, 5
SELECT = "/v2/api/endpoints/select-one"
ENTRIES = TESTS / "e2e/mist.yaml"


def quantile(took: Sequence[float], percent: int) -> float:
    return statistics.quantiles(took, n=100)[percent - 1]


def row(what: str, measured: str, target: str = "") -> None:
    print(f"| {what:<58} | {measured:>24} | {target:<20} |", flush=True)


def spread(took: Sequence[float]) -> str:
    return " / ".join(f"{quantile(took, percent):.1f}" for percent in (50, 95, 99)) + " ms"


def resident(pid: int) -> float:
    """Resident memory in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


async def measure(kafka: str, stack: Stack) -> None:
    for name, target in (("gateway-0", "≤ 150"), ("scheduler-0", "≤ 80"), ("host-0", "≤ 80")):
        row(f"idle memory of the {name.split('-')[0]}", f"{resident(stack.services[name].pid):.0f} MB", f"{target} MB")
    await load.jobs_per_second_by_kafka(kafka, stack.url, WARM_UP)
    floor_trips = await floor.measure(kafka, TRIPS)
    row("floor: 3 relays, 4 topics (p50 / p95 / p99)", spread(floor_trips))
    posts, trips, _ = await load.round_trips(stack.url, load.START, TRIPS)
    row("POST → answered, durable and visible (p50 / p95 / p99)", spread(posts))
    row("no-op: POST → finished on the WebSocket (p50 / p95 / p99)", spread(trips), "p50 ≤ 9, p99 ≤ 40 ms")
    row("  … p50 against the floor's", f"{quantile(trips, 50) / quantile(floor_trips, 50):.2f} times", "≤ 2.5 times")
    rest = await load.jobs_per_second_by_rest(stack.url, REST_JOBS, CLIENTS)
    row(f"no-op jobs through REST, {CLIENTS} clients", f"{rest:.0f} jobs/s")
    through_kafka = await load.jobs_per_second_by_kafka(kafka, stack.url, KAFKA_JOBS)
    row("no-op jobs through Kafka, all visible in the gateway", f"{through_kafka:.0f} jobs/s", "≥ 1,500 jobs/s")
    await load.round_trips(stack.url, SELECT, SPARK_WARM_UP)
    _, spark_trips, events = await load.round_trips(stack.url, SELECT, SPARK_TRIPS)
    added = [trip - event["result"]["ms"] for trip, event in zip(spark_trips, events, strict=True)]
    row(
        "warm Spark `select 1`, seen from inside the job (p50)",
        f"{statistics.median(spark_trips) - statistics.median(added):.1f} ms",
    )
    row("  … what Mist adds to it (p50)", f"{statistics.median(added):.1f} ms", "≤ 10 ms")


async def measure_exclusive(stack: Stack) -> None:
    """An exclusive job on a spare, beside a cold `spark-submit` of the same work."""
    submits = [await asyncio.to_thread(load.spark_submit) for _ in range(EXCLUSIVE_TRIPS)]
    trips = await load.exclusive_trips(stack.url, EXCLUSIVE_TRIPS)
    cold, spare = statistics.median(submits), statistics.median(trips)
    row("`select 1` by a cold spark-submit (p50)", f"{cold:.0f} ms")
    row("  … as an exclusive job on a spare (p50)", f"{spare:.0f} ms")
    row("  … how many times faster", f"{cold / spare:.1f} times", "≥ 20 times")


def main() -> None:
    """Start a broker and one of each service, measure, print the table, end everything."""
    print("Starting Kafka and Mist; the whole takes about two minutes.", flush=True)
    environment = {"MIST_SLOTS": "512", "MIST_LOG_LEVEL": "WARNING"}
    with (
        tempfile.TemporaryDirectory(prefix="mist-bench-") as folder,
        broker(Path(folder) / "kafka") as kafka,
        Stack(kafka.bootstrap, Path(folder), environment=environment) as stack,
    ):
        stack.load(ENTRIES)
        row("", "measured", "to reach")
        row("-" * 58, "-" * 24, "-" * 20)
        uvloop.run(measure(kafka.bootstrap, stack))
        uvloop.run(measure_exclusive(stack))


if __name__ == "__main__":
    main()
