"""Internals of aiomqtt that the bridge relies on: each test fails when a new release changes one."""

import inspect

import aiomqtt
import paho.mqtt.client as paho
import pytest

from mist_bridge.mqtt import paho_of


async def test_aiomqtt_stands_on_a_paho_client_that_is_within_reach() -> None:
    assert type(paho_of(aiomqtt.Client("127.0.0.1"))) is paho.Client


def test_aiomqtt_still_has_no_manual_acknowledgement_of_its_own() -> None:
    """Once it has one, `paho_of` can go."""
    assert "manual_ack" not in inspect.getsource(aiomqtt.Client)
    assert not hasattr(aiomqtt.Client, "ack")


@pytest.mark.parametrize("qos", [1, 2])
async def test_with_manual_acknowledgement_paho_sends_none_before_ack_is_called(
    monkeypatch: pytest.MonkeyPatch, qos: int
) -> None:
    """Else a bridge that is killed loses requests which Kafka does not have yet."""
    client = paho_of(aiomqtt.Client("127.0.0.1"))
    sent: list[int] = []
    monkeypatch.setattr(client, "_send_puback", sent.append)
    monkeypatch.setattr(client, "_send_pubcomp", sent.append)
    client.ack(1, qos)
    assert sent == []
    client.manual_ack_set(on=True)
    client.ack(2, qos)
    assert sent == [2]


async def test_a_message_carries_the_id_and_the_quality_that_its_acknowledgement_needs() -> None:
    parameters = inspect.signature(aiomqtt.Message).parameters
    assert {"mid", "qos", "retain", "topic", "payload"} <= set(parameters)


async def test_the_limit_of_pending_calls_is_an_attribute() -> None:
    """Raised by the bridge, else aiomqtt warns of each burst of events."""
    assert aiomqtt.Client("127.0.0.1").pending_calls_threshold == 10
