"""Back-pressure for job logs: who adds more than Kafka takes waits until half of it has arrived."""

from mist_worker_host.drivers.pipe import LogFlow


class Tap:
    def __init__(self) -> None:
        self.paused = False

    def pause(self) -> None:
        assert not self.paused
        self.paused = True

    def resume(self) -> None:
        assert self.paused
        self.paused = False


def test_only_who_adds_more_than_the_limit_waits() -> None:
    flow, chatty, quiet = LogFlow(100), Tap(), Tap()
    flow.sent(10, quiet)
    flow.sent(90, chatty)
    assert not chatty.paused
    flow.sent(1, chatty)
    flow.sent(1, chatty)
    assert (chatty.paused, quiet.paused) == (True, False)


def test_it_goes_on_when_half_has_arrived() -> None:
    flow, tap = LogFlow(100), Tap()
    arrivals = [flow.sent(size, tap) for size in (60, 41)]
    arrivals[1](None)
    assert tap.paused
    arrivals[0](None)
    assert [tap.paused] == [False]
    flow.sent(100, tap)
    assert [tap.paused] == [False]
