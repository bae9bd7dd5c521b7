"""Figures for Prometheus are those of the moment in which they are asked for."""

from prometheus_client import CollectorRegistry, generate_latest

from host_bench import HostBench
from mist_runtime.figures import Figure, register_figures
from mist_worker_host.figures import figures_of


def test_figures_are_read_when_they_are_asked_for() -> None:
    registry, value = CollectorRegistry(), [1.0]
    register_figures(lambda: [Figure("mist_things", "Things there are.", value[0])], registry)
    value[0] = 2.0
    assert generate_latest(registry).decode().splitlines() == [
        "# HELP mist_things Things there are.",
        "# TYPE mist_things gauge",
        "mist_things 2.0",
    ]


def test_a_host_tells_what_it_holds() -> None:
    bench = HostBench()
    bench.run("a")
    told = {figure.name: figure.value for figure in figures_of(bench.core)}
    assert told == {
        "mist_host_workers": 1,
        "mist_host_workers_limit": 3,
        "mist_host_attempts": 1,
        "mist_host_attempts_limit": 4,
        "mist_host_draining": False,
    }
