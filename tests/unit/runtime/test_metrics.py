"""Figures for Prometheus are those of the moment in which they are asked for."""

import os
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from mist_domain.facts.job_events import JobEvent
from mist_gateway.projection.entry import Position
from mist_gateway.projection.feed import Feed
from mist_gateway.projection.jobs import JobTable
from mist_runtime.metrics import Figure, register_figures
from mist_worker_host.metrics import figures_of
from support import facts
from support.host_bench import HostBench


def test_figures_are_read_when_they_are_asked_for() -> None:
    registry, value = CollectorRegistry(), [1.0]
    register_figures(lambda: [Figure("mist_things", "Things there are.", value[0])], registry)
    value[0] = 2.0
    assert generate_latest(registry).decode().splitlines() == [
        "# HELP mist_things Things there are.",
        "# TYPE mist_things gauge",
        "mist_things 2.0",
    ]


def test_figures_of_one_name_are_one_metric_with_labels() -> None:
    registry = CollectorRegistry()
    figures = [
        Figure("mist_things", "Things.", value, {"kind": kind}, counter=True) for kind, value in (("a", 1), ("b", 2))
    ]
    register_figures(lambda: figures, registry)
    assert generate_latest(registry).decode().splitlines() == [
        "# HELP mist_things_total Things.",
        "# TYPE mist_things_total counter",
        'mist_things_total{kind="a"} 1.0',
        'mist_things_total{kind="b"} 2.0',
    ]


def test_a_host_exposes_what_it_holds(tmp_path: Path) -> None:
    """A driver's memory is that of all processes of its session."""
    bench = HostBench()
    bench.run("a")
    (worker,) = bench.core.fleet.workers.values()
    worker.pid = 700
    for pid, session, pages in ((700, 700, 10), (701, 700, 5), (702, 1, 99)):
        (tmp_path / str(pid)).mkdir()
        fields = ["S", "1", "1", str(session), *["0"] * 17, str(pages), "0"]
        (tmp_path / str(pid) / "stat").write_text(f"{pid} (a ) name) {' '.join(fields)}")
    found = {(figure.name, *figure.labels.values()): figure.value for figure in figures_of(bench.core, tmp_path)}
    assert found == {
        ("mist_host_workers", "starting"): 0,
        ("mist_host_workers", "idle"): 0,
        ("mist_host_workers", "spare"): 0,
        ("mist_host_workers", "busy"): 1,
        ("mist_host_workers", "draining"): 0,
        ("mist_host_workers_limit",): 3,
        ("mist_host_attempts",): 1,
        ("mist_host_attempts_limit",): 4,
        ("mist_host_draining",): False,
        ("mist_host_worker_memory_bytes", "default"): 15 * os.sysconf("SC_PAGE_SIZE"),
    }


def test_what_became_of_jobs_is_summed_as_the_log_has_it() -> None:
    jobs = JobTable(Feed(1))
    life: list[JobEvent] = [facts.initialized(), facts.queued(), facts.assigned(), facts.started(), facts.finished()]
    for at, event in enumerate([*life, facts.failed(), facts.initialized("b"), facts.refused(job_id="b")]):
        jobs.fold(event, Position(0, at, at * 1000))
    assert jobs.totals.outcomes == {("e", "default", "shared", "finished"): 1, ("e", "default", "shared", "failed"): 1}
    assert (jobs.totals.waited.sum, jobs.totals.ran.sum) == (3.0, 1.0)
    assert dict(jobs.totals.waited.buckets())["2.5"] == 0
    assert dict(jobs.totals.waited.buckets())["5"] == 1
    assert list(jobs.totals.ran.buckets())[-1] == ("+Inf", 1)


def test_the_first_waiting_job_shows_how_long_its_context_has_waited() -> None:
    jobs = JobTable(Feed(1))
    for at, job_id in enumerate(("a", "b"), 5):
        jobs.fold(facts.initialized(job_id), Position(0, at, at * 1000))
    assert (jobs.queues.lengths(), jobs.oldest_waiting()) == ({"default": 2}, {"default": 5000})
