"""Print how many branches of the pure packages the fast tests take, and fail where it is too few.

Reads the JSON report of coverage.py, whose path is the only argument.
"""

import json
import sys
from pathlib import Path
from typing import Any

AT_LEAST = 95.0
PURE = ("libs/mist_domain/", "services/mist_worker_host/core/", "services/mist_driver/protocol.py")


def main(report: Path) -> int:
    """Print one line for each pure package; the number of those below the limit."""
    files = json.loads(report.read_text())["files"]
    below = 0
    for prefix in PURE:
        taken, branches = branches_of({name: file for name, file in files.items() if name.startswith(prefix)})
        share = 100.0 * taken / branches if branches else 100.0
        below += share < AT_LEAST
        print(f"{prefix:<40} {taken:>5} of {branches:>5} branches {share:6.1f} %   at least {AT_LEAST:.0f} %")
    return below


def branches_of(files: dict[str, Any]) -> tuple[int, int]:
    """Branches that were taken, and all there are; files with missing ones are printed."""
    taken = branches = 0
    for name, file in sorted(files.items()):
        summary = file["summary"]
        taken += summary["covered_branches"]
        branches += summary["num_branches"]
        if missing := file["missing_branches"]:
            print(f"  {name}: {', '.join(f'{start}->{end}' for start, end in missing)}")
    return taken, branches


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
