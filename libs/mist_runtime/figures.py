"""Figures of a service for Prometheus, read from it when they are asked for."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import REGISTRY, Collector, CollectorRegistry


class Figure(NamedTuple):
    name: str
    meaning: str
    value: float


class _Figures(Collector):
    def __init__(self, read: Callable[[], Iterable[Figure]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        for figure in self._read():
            gauge = GaugeMetricFamily(figure.name, figure.meaning)
            gauge.add_metric([], figure.value)
            yield gauge


def register_figures(read: Callable[[], Iterable[Figure]], registry: CollectorRegistry = REGISTRY) -> None:
    """`read` is called from the thread that answers, once for each answer: it must not change anything."""
    registry.register(_Figures(read))
