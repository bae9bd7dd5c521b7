"""Durations as clients write them (`"500ms"`, `"10s"`, `"5m"`, `"2h"`, `"1d"`, `"Inf"`), in milliseconds."""

import re

from mist_domain.facts.limits import MAX_DURATION

_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(
    r"(\d+(?:\.\d+)?)\s*(ms|millis(?:econds?)?|s|seconds?|m|minutes?|h|hours?|d|days?)", re.IGNORECASE
)
ALLOWED = 'a duration such as "500ms", "10s", "5m", "2h", "1d" or "Inf"'


def parse_duration(text: str) -> int | None:
    """Milliseconds; `None` for "Inf" (no limit). Raises `ValueError` that says what is allowed."""
    if text.strip().lower() in {"inf", "infinite", "duration.inf"}:
        return None
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:80]!r} is not {ALLOWED}")
    amount, unit = found.group(1), found.group(2).lower()
    duration = float(amount) * _UNITS["ms" if unit.startswith(("ms", "milli")) else unit[0]]
    if duration > MAX_DURATION:
        raise ValueError(f'{text[:40]!r} is longer than {MAX_DURATION} ms; write "Inf" for no limit')
    return round(duration)


def format_duration(duration: int | None) -> str:
    """The shortest form clients of the original know: whole seconds as `"3600s"`, else `"500ms"`; `"Inf"` for none."""
    if duration is None:
        return "Inf"
    return f"{duration // 1_000}s" if duration % 1_000 == 0 else f"{duration}ms"
