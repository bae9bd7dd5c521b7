"""`mist.current_job`: what it says where no job runs. With jobs: the driver's tests."""

import pytest

from mist import current_job
from mist_driver.output.job_log import JobLog
from mist_driver.run.run import Run, enter


def test_outside_a_job_it_says_so() -> None:
    with pytest.raises(LookupError, match="no job of Mist runs here"):
        current_job()


def test_it_names_the_run_that_was_entered_and_nothing_after_it() -> None:
    log = JobLog(lambda _: None, lambda _: None)
    enter(Run(job_id="j", attempt=2, path="", class_name="", arguments="{}", log=log))
    try:
        assert current_job() == ("j", 2)
    finally:
        enter(None)
    with pytest.raises(LookupError):
        current_job()
