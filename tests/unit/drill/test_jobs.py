"""The job of the crash drill and what is drawn for it: traces that can be read, names that are defined."""

from pathlib import Path

import pytest
import yaml

from drill.evidence import read_runs
from drill.jobs import RUNS, work
from drill.orders import CONTEXTS, ENDPOINTS, NAMESPACE
from mist.current import RUNNING, CurrentJob
from mist_domain.facts.requests import JOB_NAMESPACE
from support.paths import TESTS

ENTRIES = TESTS / "drill/drill.yaml"


@pytest.fixture
def traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(RUNS, str(tmp_path))
    return tmp_path


def test_a_job_writes_down_its_start_its_beats_and_its_end(traces: Path) -> None:
    for attempt in (1, 2):
        before = RUNNING.set(CurrentJob("j", attempt))
        assert work(seconds=0.01) == {"attempt": attempt}
        RUNNING.reset(before)
    words = [line.split()[0] for line in (traces / "j").read_text().splitlines()]
    assert words == ["start", "beat", "end"] * 2
    first, second = read_runs(traces)["j"]
    assert (first.attempt, first.ended, second.attempt, second.ended) == (1, True, 2, True)
    assert first.start < first.last <= second.start


def test_an_attempt_that_is_interrupted_ends_where_it_was_interrupted(
    traces: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    before = RUNNING.set(CurrentJob("j", 1))
    with pytest.raises(KeyboardInterrupt):
        work(seconds=60)
    RUNNING.reset(before)
    assert [one.ended for one in read_runs(traces)["j"]] == [True]


def test_the_orders_name_what_the_file_defines() -> None:
    entries = yaml.safe_load(ENTRIES.read_text())
    assert {one["name"]: one.get("retries", 0) for one in entries["endpoints"]} == ENDPOINTS
    assert {one["name"] for one in entries["contexts"]} == set(CONTEXTS)


def test_the_namespace_of_job_ids_is_the_one_that_was_always_used() -> None:
    assert NAMESPACE == JOB_NAMESPACE
