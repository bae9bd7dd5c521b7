"""The rules of the crash drill: a world without fault has no breach, and each breach is seen by its rule alone."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from drill.evidence import Ack, Attempt, Evidence, Recovery, Told, read_attempts
from drill.kinds import FROZEN_HOST, GATEWAY
from drill.orders import Order, draw
from drill.rules import overlapping_thawed
from drill.table import breaches, print_breaches, print_table, too_slow

ONCE = Order(request_id="r", endpoint="drill-once", context="drill-a", seconds=0, way="rest", again=None, cancel=None)
AGAIN = replace(ONCE, endpoint="drill-again")
A, B = ONCE.job_id, AGAIN.job_id
GATEWAYS = ("http://one", "http://two")
LIFE = [Told(A, "initialized", 1_000), Told(A, "queued", 1_001), Told(A, "started", 1_002), Told(A, "finished", 2_000)]
RETRIED = [
    Told(B, "initialized", 1_000),
    Told(B, "queued", 1_001),
    Told(B, "started", 1_002),
    Told(B, "started", 1_500),
    Told(B, "canceled", 2_000),
]
FACTS = {
    A: [("JobInitialized", 1_000), ("JobQueued", 1_001), ("JobStarted", 1_002), ("JobFinished", 2_000)],
    B: [
        ("JobInitialized", 1_000), ("JobQueued", 1_001), ("JobStarted", 1_002), ("JobAttemptLost", 1_400),
        ("JobStarted", 1_500), ("JobCanceled", 2_000),
    ],
}  # fmt: skip


def attempt(job_id: str, number: int, start: float, last: float, *, ended: bool = True, pid: int = 7) -> Attempt:
    return Attempt(job_id=job_id, attempt=number, pid=pid, start=start, last=last, last_wall=last, ended=ended)


def world() -> Evidence:
    """A job that finished, and one that was tried twice and then canceled."""
    return Evidence(
        acks=[Ack(order=ONCE, job_id=A, tries=1), Ack(order=AGAIN, job_id=B, tries=2)],
        cancels={B: "started"},
        runs={A: [attempt(A, 1, 1.1, 1.9)], B: [attempt(B, 1, 1.1, 1.3, ended=False), attempt(B, 2, 1.6, 1.9, pid=8)]},
        answers={gateway: {A: "finished", B: "canceled"} for gateway in GATEWAYS},
        feeds={reader: [*LIFE, *RETRIED] for reader in ("reader-0", "reader-1")},
        facts=FACTS,
        recoveries=[Recovery(GATEWAY, 1.0)],
    )


def lose(seen: Evidence) -> None:
    seen.acks.append(Ack(order=replace(ONCE, request_id="other"), job_id="x", tries=1))


def stick(seen: Evidence) -> None:
    for jobs in seen.answers.values():
        jobs[A] = "queued"


def start_twice(seen: Evidence) -> None:
    seen.runs[A].append(attempt(A, 2, 1.95, 1.96))


def start_attempt_twice(seen: Evidence) -> None:
    seen.runs[B].append(attempt(B, 2, 1.95, 1.96))


def overlap(seen: Evidence) -> None:
    seen.runs[B][0] = attempt(B, 1, 1.1, 1.7, ended=False)


def run_on(seen: Evidence) -> None:
    seen.runs[A][0] = attempt(A, 1, 1.1, 2.3)


def finish_unrun(seen: Evidence) -> None:
    del seen.runs[A]


def ignore_cancel(seen: Evidence) -> None:
    seen.cancels[A] = "canceled"


def miss_start(seen: Evidence) -> None:
    for feed in seen.feeds.values():
        feed.remove(LIFE[2])


def miss_at_one_reader(seen: Evidence) -> None:
    del seen.feeds["reader-0"][-2]


def mix_order(seen: Evidence) -> None:
    for feed in seen.feeds.values():
        feed.remove(LIFE[0])
        feed.append(LIFE[0])


def repeat(seen: Evidence) -> None:
    seen.feeds["reader-1"].append(LIFE[3])


def invent(seen: Evidence) -> None:
    seen.facts = {**FACTS, A: FACTS[A][:3]}


def disagree(seen: Evidence) -> None:
    seen.answers["http://two"][A] = "failed"


def leave_orphan(seen: Evidence) -> None:
    seen.orphans.append("process 9 lives on")


def put_aside(seen: Evidence) -> None:
    seen.put_aside.append("there is no job x to cancel")


def refute(seen: Evidence) -> None:
    seen.unverified.append("BREACH mist.job-events/0@3: …")


BROKEN: dict[str, tuple[Callable[[Evidence], None], ...]] = {
    "acknowledged requests lost": (lose,),
    "jobs stuck": (stick,),
    "jobs started twice": (start_twice, start_attempt_twice),
    "attempts overlapping": (overlap,),
    "attempts running after their job's end": (run_on,),
    "jobs finished without having run": (finish_unrun,),
    "acknowledged cancels ignored": (ignore_cancel,),
    "requests put aside as dead letters": (put_aside,),
    "feed: gaps": (miss_start, miss_at_one_reader, mix_order),
    "feed: repeats": (repeat,),
    "feed: events that are not in the log": (invent,),
    "jobs on which gateways disagree": (disagree,),
    "orphan processes": (leave_orphan,),
    "breaches found by python -m mist_tools.verify": (refute,),
}


def test_a_world_without_fault_has_no_breach() -> None:
    assert not any(breaches(world()).values())


def test_every_rule_is_broken_by_a_test() -> None:
    assert BROKEN.keys() == breaches(world()).keys()


@pytest.mark.parametrize(("rule", "harm"), [(rule, harm) for rule, harms in BROKEN.items() for harm in harms])
def test_a_breach_is_seen_by_its_rule(rule: str, harm: Callable[[Evidence], None]) -> None:
    seen = world()
    harm(seen)
    assert breaches(seen)[rule]


def test_what_overlaps_on_a_machine_frozen_whole_is_told_apart() -> None:
    seen = world()
    overlap(seen)
    seen.thawed.add(7)
    assert not breaches(seen)["attempts overlapping"]
    assert list(overlapping_thawed(seen))


def test_a_recovery_too_slow_or_never_is_named_and_others_are_not() -> None:
    seen = world()
    assert list(too_slow(seen)) == []
    seen.recoveries += [Recovery(GATEWAY, 3.5), Recovery(FROZEN_HOST, None)]
    assert [sentence.split(":")[0] for sentence in too_slow(seen)] == [GATEWAY, "host frozen"]


def test_an_attempt_that_was_killed_has_a_start_and_no_end() -> None:
    lines = ["start 1 7 1.0 101.0", "beat 1 7 1.5 101.5", "start 2 8 2.0 102.0", "end 2 8 2.5 102.5"]
    killed, ended = read_attempts("j", lines)
    assert (killed.attempt, killed.start, killed.last, killed.ended) == (1, 1.0, 1.5, False)
    assert (ended.attempt, ended.last_wall, ended.ended) == (2, 102.5, True)


def test_one_attempt_in_two_processes_or_twice_in_one_is_two_runs() -> None:
    lines = ["start 1 7 1.0 1.0", "start 1 8 1.1 1.1", "end 1 7 1.2 1.2", "start 1 8 1.3 1.3"]
    assert [(one.pid, one.ended) for one in read_attempts("j", lines)] == [(7, True), (8, False), (8, False)]


def test_orders_are_drawn_again_from_the_same_seed_and_half_go_by_rest() -> None:
    orders = list(draw(1_000, 3))
    assert orders == list(draw(1_000, 3))
    assert 400 < sum(order.way == "rest" for order in orders) < 600
    assert len({order.job_id for order in orders}) == 1_000


def test_the_table_names_every_rule_and_breaches_are_named_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    seen = world()
    start_twice(seen)
    found = breaches(seen)
    print_table(seen, found)
    print_breaches(found)
    printed = capsys.readouterr().out
    assert all(rule in printed for rule in found)
    assert f"BREACH jobs started twice: job {A} with 0 retries ran 2 times" in printed
