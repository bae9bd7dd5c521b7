"""Print how many branches of the pure packages the fast tests take, and fail where it is too few.

Reads the JSON report of coverage.py, whose path is the only argument. The way past the last `case` of a `match` is no
branch when there is no `case _`: mypy (exhaustive-match) proves that nothing goes there.
"""

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

AT_LEAST = 95.0
PURE = ("libs/mist_domain/", "services/mist_worker_host/core/", "services/mist_driver/protocol.py")


def main(report: Path) -> int:
    """Print one line for each pure package; returns how many are below the limit. One without any branch traced is."""
    files = json.loads(report.read_text())["files"]
    below = 0
    for prefix in PURE:
        taken, branches = branches_of({name: file for name, file in files.items() if name.startswith(prefix)})
        share = 100.0 * taken / branches if branches else 0.0
        below += share < AT_LEAST
        print(f"{prefix:<40} {taken:>5} of {branches:>5} branches {share:6.1f} %   at least {AT_LEAST:.0f} %")
    return below


def branches_of(files: dict[str, Any]) -> tuple[int, int]:
    """Branches that were taken, and all there are; files with missing ones are printed."""
    taken = branches = 0
    for name, file in sorted(files.items()):
        summary, missing = file["summary"], possible(file["missing_branches"], Path(name))
        taken += summary["covered_branches"]
        branches += summary["covered_branches"] + len(missing)
        if missing:
            print(f"  {name}: {', '.join(f'{start}->{end}' for start, end in missing)}")
    return taken, branches


def possible(missing: list[list[int]], file: Path) -> list[list[int]]:
    """The missing branches without the ways past an exhaustive `match`."""
    last_cases = dict(last_cases_of(file))
    return [arc for arc in missing if arc[0] not in last_cases or arc[1] == last_cases[arc[0]]]


def last_cases_of(file: Path) -> Iterator[tuple[int, int]]:
    """The line of each last `case` that has a pattern, and the first line of its body."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Match):
            case = node.cases[-1]
            yield case.pattern.lineno, case.body[0].lineno


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
