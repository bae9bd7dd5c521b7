"""`make drill`: kill anything, any time, and count what was lost. Exits 1 at any breach, and names it."""

import argparse
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from drill.cluster import Cluster, leftovers
from drill.course import Course
from drill.evidence import Evidence
from drill.rounds import KINDS
from drill.table import breaches, print_breaches, print_table, too_slow


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make drill ARGS=…", description=__doc__)
    parser.add_argument("--jobs", type=int, default=int(os.environ.get("JOBS") or 5_000), help="how many (JOBS=…)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="draws the jobs and the faults")
    parser.add_argument("--faults", default="", help="kinds, comma-separated, of: " + ", ".join(KINDS))
    parser.add_argument("--keep", action="store_true", help="keep the folder with all logs")
    return parser.parse_args()


async def drill(arguments: argparse.Namespace, folder: Path, mark: str, seen: Evidence) -> None:
    cluster = Cluster(folder, mark)
    async with cluster.running():
        await Course(cluster, seen, arguments.jobs, arguments.seed, arguments.faults).run()


def main() -> None:
    arguments = read_arguments()
    random.seed(arguments.seed)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    folder, mark, seen = Path(tempfile.mkdtemp(prefix="mist-drill-")), f"{os.getpid()}-{time.time_ns()}", Evidence()
    machine = f"{os.cpu_count()} cores that {os.getloadavg()[0]:.1f} processes want already"
    print(f"Drill with {arguments.jobs} jobs, seed {arguments.seed}, in {folder}, on {machine}", flush=True)
    failed = True
    try:
        uvloop.run(drill(arguments, folder, mark, seen))
        seen.orphans = leftovers(mark)
        found = {**breaches(seen), "recoveries too slow": list(too_slow(seen))}
        print_table(seen, found)
        print_breaches(found)
        failed = any(found.values())
    except KeyboardInterrupt:
        print("Stopped; nothing is left behind.")
    finally:
        leftovers(mark, limit=0.0)
        if failed or arguments.keep:
            print(f"All logs are in {folder}")
        else:
            shutil.rmtree(folder)
    sys.exit(failed)


if __name__ == "__main__":
    main()
