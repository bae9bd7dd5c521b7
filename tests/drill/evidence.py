"""Evidence of a drill: acknowledgements, the jobs' own traces, answers of gateways and feeds. No verdicts."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from drill.orders import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """A request that was acknowledged; `tries` counts how often it was sent."""

    order: Order
    job_id: str
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One run of the job's code as it wrote it down. `last` is its last sign of life; `ended` whether that is its end.

    `start` and `last` are seconds of CLOCK_MONOTONIC, `last_wall` of the wall clock.
    """

    job_id: str
    attempt: int
    pid: int
    start: float
    last: float
    last_wall: float
    ended: bool


@dataclass(frozen=True, slots=True)
class Told:
    """One event of a feed; `time` is the broker's, in ms."""

    job_id: str
    event: str
    time: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds until something served or was decided again; `None` = not within the drill's time limit."""

    what: str
    seconds: float | None


@dataclass(slots=True, kw_only=True)
class Evidence:
    """`answers`: gateway → job → status at the end. `feeds`: reader → what it heard, in that order.

    `thawed`: processes frozen whole with their host and thawed later, which Mist cannot promise anything about.
    `stormy`: faults that were not timed, since others came with them. `put_aside`: the reasons of dead letters. `facts`: job → kind and append time of each record of the log.
    """

    acks: list[Ack] = field(default_factory=list)
    cancels: dict[str, str] = field(default_factory=dict)
    runs: dict[str, list[Attempt]] = field(default_factory=dict)
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    feeds: dict[str, list[Told]] = field(default_factory=dict)
    facts: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    thawed: set[int] = field(default_factory=set)
    orphans: list[str] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)
    put_aside: list[str] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    stormy: int = 0
    memory: dict[str, float] = field(default_factory=dict)


def read_runs(folder: Path) -> dict[str, list[Attempt]]:
    return {file.name: list(read_attempts(file.name, file.read_text().splitlines())) for file in folder.iterdir()}


def read_attempts(job_id: str, lines: Iterable[str]) -> Iterable[Attempt]:
    """The attempts in a job's file, by attempt and process: the same attempt in two processes is two runs."""
    seen: list[list[list[str]]] = []
    for words in (line.split() for line in lines):
        run = next((run for run in reversed(seen) if run[0][1:3] == words[1:3]), None)
        if words[0] == "start" or run is None:
            seen.append([words])
        else:
            run.append(words)
    for run in seen:
        (_, attempt, pid, start, _), (what, _, _, last, wall) = run[0], run[-1]
        yield Attempt(
            job_id=job_id, attempt=int(attempt), pid=int(pid), start=float(start), last=float(last),
            last_wall=float(wall), ended=what == "end",
        )  # fmt: skip
