"""`python -m mist_driver --fd N`: started by a worker host, never by hand."""

import argparse
import os
import sys

from mist_driver.driver import Driver
from mist_driver.lifeline import end_group, tie_together
from mist_driver.output.streams import route_output
from mist_driver.pipe import HostPipe
from mist_driver.protocol import Init
from mist_driver.run.run import current_log, leave_run_in_children, within_current_run
from mist_driver.spark.patches import wrap_new_threads


def main() -> None:
    parser = argparse.ArgumentParser(prog="mist_driver", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="file descriptor of the socket to the host")
    pipe = HostPipe(parser.parse_args().fd)
    tie_together()
    route_output(current_log)
    leave_run_in_children()
    wrap_new_threads(within_current_run)
    messages = pipe.messages()
    init = next(messages, None)
    if isinstance(init, Init) and Driver(pipe, init).serve(messages):
        sys.stdout.flush()
        os._exit(0)
    end_group()


if __name__ == "__main__":
    main()
