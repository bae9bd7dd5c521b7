"""Decisions of the client without I/O: the next try, the position of a feed, the arguments typed, the file applied."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from mist.client import ConflictError, NotFoundError, RefusedError, UnreachableError, calls
from mist.client.calls import Start
from mist.client.feed import FeedPosition
from mist.client.retry import RetryPolicy
from mist_domain.errors import RefusalError
from mist_tools.cli.__main__ import ArgumentSyntaxError, read_arguments
from mist_tools.cli.applying import apply

REQUEST = httpx.Request("GET", "http://one")
GONE, REFUSED = httpx.ReadError("cut"), httpx.ConnectError("refused")


def answer(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, headers=headers, request=REQUEST)


def patience() -> RetryPolicy:
    return RetryPolicy(("one", "two"), 10.0, began=100.0)


def test_the_next_gateway_is_asked_and_each_round_waits_longer() -> None:
    retry, waits, asked = patience(), [], []
    for _ in range(6):
        asked.append(retry.url)
        waits.append(retry.wait_after(GONE, 100.0, repeatable=True))
    assert asked == ["one", "two"] * 3
    assert waits == [0.1, 0.1, 0.2, 0.2, 0.4, 0.4]


def test_the_server_says_how_long_to_wait() -> None:
    assert patience().wait_after(answer(503, **{"Retry-After": "2"}), 100.0, repeatable=True) == 2.0
    assert patience().wait_after(answer(429, **{"Retry-After": "5"}), 100.0, repeatable=False) == 5.0


def test_patience_ends() -> None:
    assert patience().wait_after(answer(503, **{"Retry-After": "2"}), 109.0, repeatable=True) is None
    with pytest.raises(UnreachableError, match="one cannot be reached: refused"):
        patience().wait_after(REFUSED, 110.0, repeatable=True)


def test_what_may_have_been_done_is_not_done_again_unless_it_may_be() -> None:
    with pytest.raises(UnreachableError, match="cut"):
        patience().wait_after(GONE, 100.0, repeatable=False)
    assert patience().wait_after(REFUSED, 100.0, repeatable=False) == 0.1
    assert patience().wait_after(answer(503), 100.0, repeatable=False) is None


def test_every_other_answer_is_the_answer() -> None:
    assert [patience().wait_after(answer(code), 100.0, repeatable=True) for code in (200, 404, 500)] == [None] * 3


def test_a_start_carries_one_key_for_all_its_tries() -> None:
    call = calls.start("a/b", {"n": 1}, Start(context="c", key="k"))
    assert (call.path, call.query, call.headers) == (
        "/v2/api/endpoints/a%2Fb/jobs", {"context": "c"}, {"Idempotency-Key": "k"},
    )  # fmt: skip
    assert calls.start("e", {}, Start()).headers["Idempotency-Key"]


@pytest.mark.parametrize(("status", "kind"), [(404, NotFoundError), (409, ConflictError), (400, RefusedError)])
def test_an_error_is_the_servers_sentence(status: int, kind: type[RefusedError]) -> None:
    refusal = httpx.Response(status, json={"error": "code", "message": "Because."}, request=REQUEST)
    with pytest.raises(kind, match="Because") as caught:
        calls.read(calls.status(), refusal)
    assert (caught.value.status, caught.value.code) == (status, "code")
    with pytest.raises(kind, match="answered"):
        calls.read(calls.status(), httpx.Response(status, text="<html>", request=REQUEST))


def test_a_feed_goes_on_after_the_last_event_it_read() -> None:
    feed = FeedPosition(since="a", logs=True)
    assert feed.url("https://one") == "wss://one/v2/api/jobs/ws?since=a&withLogs=true"
    assert feed.read('{"event":"keep-alive"}') is None
    assert feed.read('{"event":"finished","id":"j","cursor":"b"}') is not None
    assert not feed.ended()
    assert feed.url("http://two") == "ws://two/v2/api/jobs/ws?since=b&withLogs=true"


def test_a_job_is_followed_from_its_start_to_its_end() -> None:
    feed = FeedPosition(job_id="j")
    assert feed.url("http://one") == "ws://one/v2/api/jobs/j/ws?since=start"
    feed.read('{"event":"started","id":"j","cursor":"a"}')
    assert not feed.ended()
    feed.read('{"event":"failed","id":"j","cursor":"b"}')
    assert feed.ended()


def test_only_what_can_never_be_ends_a_feed() -> None:
    feed = FeedPosition(job_id="j")
    for code in (1000, 1006, 1012, 1013, 4408):
        feed.raise_if_final(code, "x")
    with pytest.raises(NotFoundError, match="no such job"):
        feed.raise_if_final(4404, "no such job")


SIGNATURE = {"name": {"type": "MOption", "args": [{"type": "MString"}]}, "n": {"type": "MInt"}}


def test_arguments_are_json_where_they_are_and_text_where_text_is_wanted() -> None:
    words = ["n=3", "name=3", "free=[1, 2]", "other=a=b"]
    assert read_arguments(words, SIGNATURE) == {"n": 3, "name": "3", "free": [1, 2], "other": "a=b"}
    with pytest.raises(ArgumentSyntaxError, match="'n' is no argument"):
        read_arguments(["n"], SIGNATURE)


@pytest.mark.parametrize(
    "text", ["[]", "jobs: []", "contexts: 3", "contexts: [{}]", "endpoints: [{name: e}, {name: e}]", ":\n:"]
)
def test_a_file_that_cannot_be_applied_is_refused_before_anything_is_done(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mist.yaml"
    file.write_text(text)
    with pytest.raises(RefusalError):
        list(apply(None, file))  # type: ignore[arg-type]


class ContextsOnly:
    """A server of contexts; it answers the fields in `shown` alone."""

    def __init__(self, *shown: str) -> None:
        self._shown = shown
        self._contexts: dict[str, dict[str, object]] = {}

    def context(self, name: str) -> dict[str, object]:
        if name not in self._contexts:
            raise NotFoundError(404, "unknown_context", name)
        return {field: value for field, value in self._contexts[name].items() if field in self._shown}

    def put_context(self, document: dict[str, object]) -> dict[str, object]:
        self._contexts[str(document["name"])] = dict(document)
        return self.context(str(document["name"]))


@pytest.mark.parametrize("field", ["spares: 2", "maxQueued: 9", "startTimeout: 5s", "performTimeout: 5s"])
def test_applying_says_unchanged_only_when_every_field_of_the_file_is_unchanged(tmp_path: Path, field: str) -> None:
    """A field that the server shows is compared; one that it hides is never called unchanged."""
    file, name = tmp_path / "mist.yaml", field.partition(":")[0]
    server: Any
    for server, first, again in (
        (ContextsOnly("name", name), "changed", "unchanged"),
        (ContextsOnly("name"), "written", "written"),
    ):
        file.write_text("contexts: [{name: c}]")
        assert list(apply(server, file)) == ["context c: created"]
        file.write_text(f"contexts: [{{name: c, {field}}}]")
        assert list(apply(server, file)) == [f"context c: {first}"]
        assert list(apply(server, file)) == [f"context c: {again}"]


class EndpointsOnly:
    """A server with one endpoint, which keeps what a change leaves out."""

    def __init__(self, **known: Any) -> None:
        self.known = known

    def endpoint(self, _name: str) -> dict[str, Any]:
        return dict(self.known)

    def update_endpoint(self, document: dict[str, Any]) -> dict[str, Any]:
        self.known |= document
        return dict(self.known)


def test_a_field_that_leaves_the_file_goes_back_to_its_default(tmp_path: Path) -> None:
    """The file says the whole of an endpoint."""
    server: Any = EndpointsOnly(
        name="e", path="s3://b/e.py", className="e", retries=3, performTimeout="10s", tags=["a"]
    )
    file = tmp_path / "mist.yaml"
    file.write_text("endpoints: [{name: e, path: 's3://b/e.py', className: e}]")
    assert list(apply(server, file)) == ["endpoint e: changed"]
    assert (server.known["retries"], server.known["performTimeout"], server.known["tags"]) == (0, "Inf", [])
    assert list(apply(server, file)) == ["endpoint e: unchanged"]
