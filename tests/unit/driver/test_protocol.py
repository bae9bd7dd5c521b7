"""The protocol of host and driver: every message survives its line, and nothing else is accepted."""

import json
import subprocess
import sys
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mist_domain.facts.logs import LogLine
from mist_driver import protocol
from mist_driver.protocol import TO_DRIVER, TO_HOST, ProtocolError, decode, encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SECONDS = st.floats(allow_nan=False, allow_infinity=False)
NUMBER = st.integers(0, 2**31)
RUN = {"job_id": TEXT, "attempt": NUMBER}
LINES = st.lists(st.builds(LogLine, time=NUMBER, level=TEXT, text=TEXT)).map(tuple)

TO_DRIVER_MESSAGES = st.one_of(
    st.builds(
        protocol.Init,
        worker_id=TEXT, spark_conf=st.dictionaries(TEXT, TEXT), threads=NUMBER, result_limit=NUMBER,
        cancel_grace=SECONDS, sql_rows=NUMBER, warm=st.booleans(), lease_until=SECONDS,
    ),
    st.builds(protocol.StartRun, **RUN, path=TEXT, class_name=TEXT, arguments=TEXT),
    st.builds(protocol.CancelRun, **RUN),
    st.builds(protocol.RenewLease, until=SECONDS),
    st.builds(protocol.Stop),
)  # fmt: skip
TO_HOST_MESSAGES = st.one_of(
    st.builds(protocol.Ready, spark_ui=st.none() | TEXT),
    st.builds(protocol.Unusable, error=TEXT),
    st.builds(protocol.Finished, **RUN, result=TEXT),
    st.builds(protocol.Failed, **RUN, error=TEXT, traceback=TEXT),
    st.builds(protocol.Canceled, **RUN, abandoned=st.booleans()),
    st.builds(protocol.Printed, **RUN, lines=LINES),
)


@given(TO_DRIVER_MESSAGES)
def test_every_message_to_the_driver_survives_its_line(message: protocol.ToDriver) -> None:
    assert decode(encode(message), TO_DRIVER) == message


@given(TO_HOST_MESSAGES)
def test_every_message_to_the_host_survives_its_line(message: protocol.ToHost) -> None:
    assert decode(encode(message), TO_HOST) == message


@given(TO_DRIVER_MESSAGES | TO_HOST_MESSAGES)
def test_a_message_is_one_line_of_json_that_names_its_type(message: Any) -> None:
    line = encode(message)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert json.loads(line)["type"] == message.type


def test_each_direction_has_a_table_of_all_its_messages() -> None:
    assert set(TO_DRIVER.values()) == set(get_args(protocol.ToDriver))
    assert set(TO_HOST.values()) == set(get_args(protocol.ToHost))
    for name, kind in [*TO_DRIVER.items(), *TO_HOST.items()]:
        assert kind.__dataclass_fields__["type"].default == name


def test_arguments_and_results_are_passed_on_as_the_text_they_are() -> None:
    """Also text that another parser would change: spaces, line breaks, big numbers, half of a surrogate pair."""
    text = '{ "a":\n 1.0, "b": 123456789012345678901234567890, "c": "\\ud800" }'
    run = protocol.StartRun(job_id="j", attempt=1, path="p.py", class_name="f", arguments=text)
    assert decode(encode(run), TO_DRIVER) == run
    finished = protocol.Finished(job_id="j", attempt=1, result=text)
    assert decode(encode(finished), TO_HOST) == finished


GOOD = {"type": "canceled", "job_id": "j", "attempt": 1, "abandoned": False}
PRINTED = {"type": "log", "job_id": "j", "attempt": 1}
LINE = {"time": 1, "level": "INFO", "text": "x"}


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        "finished",
        {},
        {"type": []},
        {"type": "unknown"},
        {"type": "stop"},
        GOOD | {"attempt": "1"},
        GOOD | {"attempt": True},
        GOOD | {"attempt": 1.0},
        GOOD | {"job_id": None},
        GOOD | {"more": 1},
        {"type": "canceled", "attempt": 1},
        {"type": "ready", "spark_ui": 1},
        PRINTED,
        PRINTED | {"lines": {}},
        PRINTED | {"lines": ["x"]},
        PRINTED | {"lines": [LINE | {"text": 1}]},
        PRINTED | {"lines": [LINE | {"more": 1}]},
        PRINTED | {"lines": [{"time": 1}]},
    ],
)
def test_anything_but_a_message_is_refused(content: Any) -> None:
    """The pipe belongs to the code of jobs, too, so the host must expect anything."""
    line = orjson.dumps(content)
    with pytest.raises(ProtocolError) as refused:
        decode(line, TO_HOST)
    assert repr(line)[2:30] in str(refused.value)


@pytest.mark.parametrize("line", [b"", b"\n", b"{", b"\xff", b'{"type":"unusable","error":"\\ud800"}'])
def test_what_is_no_json_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError, match="a line is not a message"):
        decode(line, TO_HOST)


@given(st.binary())
def test_no_bytes_raise_anything_else(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode(line, TO_HOST)


def test_a_line_over_the_limit_is_refused_and_quoted_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    message = protocol.Finished(job_id="j", attempt=1, result="x" * 1000)
    monkeypatch.setattr(protocol, "LONGEST_LINE", 500)
    with pytest.raises(ProtocolError) as refused:
        decode(encode(message), TO_HOST)
    assert "more than 500 bytes" in str(refused.value)
    assert len(str(refused.value)) < 300


def test_a_driver_does_not_accept_the_hosts_own_answers() -> None:
    with pytest.raises(ProtocolError):
        decode(encode(protocol.Ready(spark_ui=None)), TO_DRIVER)


def test_the_protocol_loads_nothing_heavy() -> None:
    """A driver loads it at its start, before Spark: of libraries only the JSON parser."""
    code = "import sys; import mist_driver.protocol; print(*sys.modules)"
    loaded = {name.partition(".")[0] for name in _python(code).split()}
    assert "orjson" in loaded
    heavy = {"pydantic", "aiokafka", "structlog", "pyspark", "py4j", "asyncio", "mist_runtime", "mist_eventlog"}
    assert loaded & heavy == set()


def _python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
