"""Figures of a service for Prometheus, read from it when they are asked for."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import REGISTRY, Collector, CollectorRegistry


class Figure(NamedTuple):
    """`counter`: it only grows, and is told as `NAME_total`. Those of one name stand together."""

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
    """`read` is called from the thread that answers, once for each answer: it must not change anything."""
    registry.register(_Figures(read))


def lag_figures(lag: Mapping[str, int]) -> Iterator[Figure]:
    """How far behind each topic a process is."""
    for topic, records in lag.items():
        yield Figure(
            "mist_lag_records", "Records that stand in Kafka and were not read yet.", records, {"topic": topic}
        )
