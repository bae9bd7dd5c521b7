"""Figures for Prometheus, read from the gateway when they are asked for."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import REGISTRY, Collector

from mist_gateway.gateway import Gateway


class GatewayFigures(Collector):
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterator[Metric]:
        gateway = self._gateway
        state = gateway.state
        ready = GaugeMetricFamily("mist_gateway_ready", "1 when the API can be used.")
        ready.add_metric([], float(gateway.not_ready() is None))
        yield ready
        jobs = GaugeMetricFamily("mist_gateway_jobs", "Jobs by status.", labels=["status"])
        for status, count in state.jobs.all.counts().items():
            jobs.add_metric([status], count)
        yield jobs
        listeners = GaugeMetricFamily("mist_gateway_sockets", "WebSockets that listen.")
        listeners.add_metric([], len(state.feed))
        yield listeners
        yield from self._tables()

    def _tables(self) -> Iterator[Metric]:
        records = CounterMetricFamily("mist_gateway_records", "Records folded since the log began.", labels=["topic"])
        poison = CounterMetricFamily("mist_gateway_poison", "Records passed over.", labels=["topic"])
        refetches = CounterMetricFamily("mist_gateway_refetches", "Gaps read again.", labels=["topic"])
        for table in self._gateway.folding():
            records.add_metric([table.topic], sum(table.offsets()) + len(table.offsets()))
            poison.add_metric([table.topic], table.poison)
            refetches.add_metric([table.topic], table.refetches)
        yield from (records, poison, refetches)


def register_figures(gateway: Gateway) -> None:
    REGISTRY.register(GatewayFigures(gateway))
