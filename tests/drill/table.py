"""The table that the drill prints, and whether all of it is as it must be."""

import statistics
from collections import defaultdict
from collections.abc import Iterator

from drill.evidence import Evidence
from drill.kinds import TARGETS
from drill.rules import RULES, overlapping_thawed

NAMED = 20


def breaches(seen: Evidence) -> dict[str, list[str]]:
    return {name: list(rule(seen)) for name, rule in RULES.items()}


def print_table(seen: Evidence, found: dict[str, list[str]]) -> None:
    print()
    for name, sentences in found.items():
        _row(name, str(len(sentences)), "0")
    _row("attempts overlapping on a machine frozen whole", str(len(list(overlapping_thawed(seen)))), "not promised")
    _row("", "", "")
    _row("recovery, seconds", "median / worst (times)", "at most")
    for what, took in _by_kind(seen).items():
        target = TARGETS.get(what)
        _row(what, _spread(took), f"{target:.0f}" if target else "")
    _row("faults in storms, one upon the other, not timed", str(seen.stormy), "")
    _row("", "", "")
    for name, grown in seen.memory.items():
        _row(f"memory a job: {name}", f"{grown:+.0f} bytes", "")


def print_breaches(found: dict[str, list[str]]) -> None:
    for name, sentences in found.items():
        for sentence in sentences[:NAMED]:
            print(f"BREACH {name}: {sentence}")
        if len(sentences) > NAMED:
            print(f"BREACH {name}: and {len(sentences) - NAMED} more")


def too_slow(seen: Evidence) -> Iterator[str]:
    """Recoveries that took longer than they may, or did not come."""
    for what, took in _by_kind(seen).items():
        target = TARGETS.get(what)
        if any(one is None for one in took):
            yield f"{what}: not within the drill's patience"
        elif target is not None and max(one or 0.0 for one in took) > target:
            yield f"{what}: {_spread(took)} s, where {target:.0f} s are the most"


def _by_kind(seen: Evidence) -> dict[str, list[float | None]]:
    kinds: dict[str, list[float | None]] = defaultdict(list)
    for recovery in sorted(seen.recoveries, key=lambda one: one.what.strip(" …")):
        kinds[recovery.what].append(recovery.seconds)
    return kinds


def _spread(took: list[float | None]) -> str:
    known = [one for one in took if one is not None]
    never = f", {len(took) - len(known)} never" if len(known) < len(took) else ""
    return (
        f"{statistics.median(known):.1f} / {max(known):.1f} ({len(took)}{never})" if known else f"never ({len(took)})"
    )


def _row(what: str, measured: str, wanted: str) -> None:
    print(f"| {what:<60} | {measured:>22} | {wanted:>12} |")
