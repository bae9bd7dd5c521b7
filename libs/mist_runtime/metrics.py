"""Figures of a service for Prometheus, read from the service at each scrape."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import REGISTRY, Collector, CollectorRegistry


class Figure(NamedTuple):
    """One sample. `counter`: it only grows, and is exposed as `NAME_total`. Samples of one name must be adjacent."""

    name: str
    meaning: str
    value: float
    labels: Mapping[str, str] = MappingProxyType({})
    counter: bool = False


class _Figures(Collector):
    def __init__(self, read: Callable[[], Iterable[Figure]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        for _, group in groupby(self._read(), key=lambda figure: figure.name):
            figures = list(group)
            first = figures[0]
            family = CounterMetricFamily if first.counter else GaugeMetricFamily
            metric = family(first.name, first.meaning, labels=list(first.labels))
            for figure in figures:
                metric.add_metric(list(figure.labels.values()), figure.value)
            yield metric


def register_figures(read: Callable[[], Iterable[Figure]], registry: CollectorRegistry = REGISTRY) -> None:
    """Register `read`, called at each scrape from the thread that answers: it must not change anything."""
    registry.register(_Figures(read))


def lag_figures(lag: Mapping[str, int]) -> Iterator[Figure]:
    """The lag of a process on each topic, in records."""
    for topic, records in lag.items():
        yield Figure("mist_lag_records", "Records in Kafka that were not read yet.", records, {"topic": topic})
