"""A session made ahead: nobody gets one twice, and an error in the making reaches who asks."""

import threading
from collections.abc import Callable
from itertools import count
from typing import Any, cast

import pytest

from mist_driver.spark.spark import SpareSession


def numbered(made: threading.Semaphore) -> Callable[[], Any]:
    numbers = count()

    def make() -> int:
        number = next(numbers)
        made.release()
        return number

    return make


def test_every_taker_gets_a_session_of_its_own() -> None:
    spare = SpareSession(numbered(threading.Semaphore(0)))
    sessions = [cast("int", spare.get()) for _ in range(100)]
    assert len(set(sessions)) == 100


def test_one_is_made_ahead_and_no_more() -> None:
    made = threading.Semaphore(0)
    spare = SpareSession(numbered(made))
    assert made.acquire(timeout=10)
    assert not made.acquire(blocking=False)
    spare.get()
    assert made.acquire(timeout=10)


def test_an_error_in_the_making_reaches_who_asks() -> None:
    def make() -> Any:
        raise RuntimeError("the context has stopped")

    spare = SpareSession(make)
    with pytest.raises(RuntimeError, match="the context has stopped"):
        spare.get()
