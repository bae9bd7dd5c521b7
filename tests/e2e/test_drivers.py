"""Shared drivers: one dies with its own jobs only, and is left when a job is stuck in it."""

import os
import signal
from pathlib import Path

from support.client import Client
from support.stack import wait_until


def test_a_killed_driver_fails_its_own_jobs_with_its_last_lines_and_the_next_gets_another(mist: Client) -> None:
    other = mist.driver("default")
    driver = mist.driver("fragile")
    running = mist.start("sleeper", {"seconds": 600}, context="fragile")
    mist.reached(running, "started")
    os.kill(driver, signal.SIGKILL)
    job = mist.ended(running)
    assert (job["status"], job["jobResult"]) == ("failed", "the driver died: signal 9 (SIGKILL)")
    last = mist.events(running)[-1]
    assert (last["event"], last["status"], last["reason"]) == ("JobAttemptLost", "failed", job["jobResult"])
    assert "Spark" in last["detail"]
    assert mist.driver("fragile") != driver
    assert mist.driver("default") == other


def test_a_job_that_nothing_stops_is_left_behind_and_its_driver_serves_no_more(mist: Client) -> None:
    driver = mist.driver("fragile")
    stuck = mist.start("waits-for-ever", context="fragile")
    beside = mist.start("sleeper", {"seconds": 600}, context="fragile")
    mist.reached(stuck, "started")
    mist.reached(beside, "started")
    mist.cancel(stuck)
    assert mist.ended(stuck)["status"] == "canceled"
    assert mist.driver("fragile") != driver
    assert mist.job(beside)["status"] == "started"
    mist.cancel(beside)
    assert mist.ended(beside)["status"] == "canceled"
    wait_until("the driver it was stuck in is gone", lambda: not Path(f"/proc/{driver}").exists())
