"""Metrics of the gateway, read when Prometheus scrapes."""

from collections.abc import Iterator

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import REGISTRY, Collector

from mist_gateway.projection.totals import Times
from mist_gateway.service import Gateway
from mist_runtime.metrics import Figure, lag_figures
from mist_runtime.metrics import register_figures as register

_LABELS = ("endpoint", "context", "mode", "outcome")


def figures_of(gateway: Gateway) -> Iterator[Figure]:
    state = gateway.projection
    yield Figure("mist_gateway_ready", "1 when the API can be used.", gateway.not_ready() is None)
    for status, count in state.jobs.all.counts().items():
        yield Figure("mist_gateway_jobs", "Jobs by status.", count, {"status": status})
    for labels, count in state.jobs.totals.outcomes.items():
        named = dict(zip(_LABELS, labels, strict=True))
        yield Figure("mist_jobs_ended", "Jobs that have ended since the log began.", count, named, counter=True)
    yield from _queues(gateway)
    yield Figure("mist_gateway_hosts", "Worker hosts that live.", len(state.hosts.living()))
    yield Figure("mist_gateway_sockets", "WebSockets that listen.", len(state.feed))
    yield from _tables(gateway)
    if gateway.follower is not None:
        yield from lag_figures({topic: lag.records for topic, lag in gateway.follower.lags.items()})


def _queues(gateway: Gateway) -> Iterator[Figure]:
    jobs, now = gateway.projection.jobs, gateway.projection.hosts.now()
    for context, length in (jobs.queues.lengths() or {"default": 0}).items():
        yield Figure("mist_queue_jobs", "Jobs that wait, by context.", length, {"context": context})
    for context, since in (jobs.oldest_waiting() or {"default": int(now)}).items():
        age = max(0.0, (now - since) / 1000)
        yield Figure("mist_queue_age_seconds", "How long the first of them has waited.", age, {"context": context})


def _tables(gateway: Gateway) -> Iterator[Figure]:
    tables = gateway.follower.tables.all if gateway.follower is not None else ()
    for table in tables:
        read = sum(table.offsets()) + len(table.offsets())
        meaning = "Records folded since the log began."
        yield Figure("mist_gateway_records", meaning, read, {"topic": table.topic}, counter=True)
    for table in tables:
        yield Figure("mist_gateway_poison", "Records passed over.", table.poison, {"topic": table.topic}, counter=True)
    for table in tables:
        yield Figure(
            "mist_gateway_refetches", "Gaps read again.", table.refetches, {"topic": table.topic}, counter=True
        )


class _JobTimes(Collector):
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterator[Metric]:
        totals = self._gateway.projection.jobs.totals
        yield _histogram("mist_job_wait_seconds", "From a job's request to its start.", totals.waited)
        yield _histogram("mist_job_run_seconds", "From a job's start to its end.", totals.ran)


def _histogram(name: str, meaning: str, times: Times) -> Metric:
    return HistogramMetricFamily(name, meaning, buckets=list(times.buckets()), sum_value=times.sum)


def register_figures(gateway: Gateway) -> None:
    register(lambda: figures_of(gateway))
    REGISTRY.register(_JobTimes(gateway))
