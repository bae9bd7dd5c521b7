"""`python -m mist_worker_host.driver --fd N`: started by a worker host, never by hand."""

import argparse
import os
import sys

from mist_worker_host.driver.driver import Driver
from mist_worker_host.driver.group import end_group, tie_together
from mist_worker_host.driver.inheritance import let_threads_inherit
from mist_worker_host.driver.pipe import Pipe
from mist_worker_host.driver.streams import route_output


def main() -> None:
    parser = argparse.ArgumentParser(prog="mist_worker_host.driver", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="file descriptor of the socket to the host")
    pipe = Pipe(parser.parse_args().fd)
    tie_together()
    route_output()
    let_threads_inherit()
    lines = pipe.lines()
    init = next(lines, None)
    if init is not None and Driver(pipe, init).serve(lines):
        sys.stdout.flush()
        os._exit(0)
    end_group()


if __name__ == "__main__":
    main()
