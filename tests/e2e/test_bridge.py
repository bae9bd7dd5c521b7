"""The asynchronous interfaces on real brokers: requests from MQTT and Kafka in, the life of each job out, once."""

import json
import os
import subprocess
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from support.client import Client
from support.mqtt import MOSQUITTO, MqttBroker, MqttClient, mqtt_broker
from support.stack import Service, Stack, wait_until
from support.tls import make_certificates

LIFE = ["initialized", "queued", "started", "finished"]
NO_MOSQUITTO = pytest.mark.skipif(
    MOSQUITTO is None, reason="there is no Mosquitto here (Debian: apt-get install mosquitto)"
)


@pytest.fixture(scope="module", params=["amqtt", pytest.param("mosquitto", marks=NO_MOSQUITTO)])
def mqtt(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MqttBroker]:
    with mqtt_broker(request.param, tmp_path_factory.mktemp("mqtt")) as broker:
        yield broker


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MqttBroker]:
    """For what amqtt cannot do: it forgets what it has not delivered when a client is gone."""
    with mqtt_broker("mosquitto", tmp_path_factory.mktemp("mosquitto")) as broker:
        yield broker


@contextmanager
def bridge(stack: Stack, port: int, **settings: str) -> Iterator[Service]:
    """A bridge of its own, with its process under this test's hand."""
    environment = {"MIST_KAFKA": stack.kafka, "MIST_MQTT_HOST": "127.0.0.1", "MIST_MQTT_PORT": str(port), **settings}
    service = Service("bridge", "mist_bridge", environment, stack.folder / "bridge.log")
    before = connections(service)
    service.start()
    try:
        wait_until("the bridge has reached MQTT", lambda: connections(service) > before)
        yield service
    finally:
        service.end()


def connections(service: Service) -> int:
    return service.log.read_text().count("mqtt-connected") if service.log.exists() else 0


def request(external_id: str, endpoint: str = "noop", **more: Any) -> str:
    return json.dumps({"endpointId": endpoint, "externalId": external_id, **more})


def life(client: MqttClient, external_id: str, last: str = "finished") -> list[dict[str, Any]]:
    """All events of the job with that label, once its `last` event came."""

    def whole() -> list[dict[str, Any]] | None:
        events = [json.loads(payload) for payload in list(client.received)]
        events = [event for event in events if "event" in event]
        ids = {event["id"] for event in events if event.get("externalId") == external_id}
        own = [event for event in events if event["id"] in ids]
        return own if any(event["event"] == last for event in own) else None

    return wait_until(f"{external_id} is {last} on MQTT", whole, 60)


def words(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


def test_a_job_started_by_mqtt_is_published_on_mqtt_and_kafka(stack: Stack, mist: Client, mqtt: MqttBroker) -> None:
    label = uuid.uuid4().hex
    with bridge(stack, mqtt.port), MqttClient(mqtt.port) as client:
        client.publish(request(label, "simple-context", parameters={"numbers": [1, 2]}))
        events = life(client, label)
    assert words(events) == LIFE
    assert events[-1]["result"] == {"result": [2, 4]}
    job = mist.job(events[0]["id"])
    assert (job["source"], job["externalId"]) == ("Async Mqtt", label)
    by_kafka = [event for event in events_json(stack.kafka) if event["id"] == job["jobId"]]
    assert by_kafka == events


def test_requests_and_events_may_share_a_topic(stack: Stack, mqtt: MqttBroker) -> None:
    label, letters = uuid.uuid4().hex, dead_letters(stack.kafka)
    settings = {"MIST_MQTT_REQUESTS": "shared", "MIST_MQTT_EVENTS": "shared", "MIST_MQTT_CLIENT_ID": "sharing"}
    with bridge(stack, mqtt.port, **settings), MqttClient(mqtt.port, "shared") as client:
        client.publish(request(label), "shared")
        assert words(life(client, label)) == LIFE
        client.publish(request(f"{label}2"), "shared")
        assert words(life(client, f"{label}2")) == LIFE
    assert dead_letters(stack.kafka) == letters


def test_what_is_no_request_is_answered_kept_and_stops_nothing(stack: Stack, mqtt: MqttBroker) -> None:
    label, before = uuid.uuid4().hex, len(dead_letters(stack.kafka))
    with bridge(stack, mqtt.port), MqttClient(mqtt.port) as client:
        client.publish(b"\xff\x00")
        client.publish(json.dumps({"externalId": f"{label}-none"}))
        client.publish(request(f"{label}-retained"), retain=True)
        client.publish(request(f"{label}-unknown", "nobody"))
        client.publish(request(f"{label}-missing", "simple-context"))
        client.publish(request(f"{label}-good"))
        assert words(life(client, f"{label}-good")) == LIFE
        (none,) = life(client, f"{label}-none", "failed")
        assert "needs 'endpointId'" in none["error"]
        for name, reason in (("unknown", "nobody"), ("missing", "numbers")):
            rejected = life(client, f"{label}-{name}", "failed")
            assert words(rejected) == ["initialized", "failed"]
            assert reason in rejected[1]["error"]
            assert rejected[1]["externalId"] == f"{label}-{name}"
        assert words(life(client, f"{label}-retained")) == LIFE  # it was published live; only its echo is refused
        client.publish(b"", retain=True)
    assert len(dead_letters(stack.kafka)) >= before + 2


def test_a_retained_request_starts_nothing_at_the_next_connection(stack: Stack, mist: Client, mqtt: MqttBroker) -> None:
    label = uuid.uuid4().hex
    with MqttClient(mqtt.port) as client:
        client.publish(request(label), retain=True)
        with bridge(stack, mqtt.port, MIST_MQTT_CLIENT_ID=f"new-{label}"):
            (answer,) = life(client, label, "failed")
        client.publish(b"", retain=True)
    assert "retained" in answer["error"]
    assert mist.http.get(f"/v2/api/jobs/{answer['id']}").status_code == 404


@NO_MOSQUITTO
def test_a_bridge_killed_amid_a_thousand_requests_loses_none(stack: Stack, mosquitto: MqttBroker) -> None:
    """Each with a request id, so that one given twice is one job; an event published twice carries the same cursor."""
    label = uuid.uuid4().hex
    with bridge(stack, mosquitto.port) as service, MqttClient(mosquitto.port) as client:
        for number in range(1000):
            name = f"{label}-{number}"
            client.publish(request(name, requestId=name, runSettings={"contextId": "bench"}))
            if number in {300, 600}:
                service.kill()
            if number in {400, 700}:
                service.start()

        def finished() -> bool:
            return len(ends(client, label)) == 1000

        wait_until("all thousand have finished on MQTT", finished, 120)
        events = [json.loads(payload) for payload in client.received]
    own = {event["id"] for event in events if str(event.get("externalId", "")).startswith(label)}
    assert len(own) == 1000
    seen: dict[tuple[str, str], set[str]] = {}
    for event in events:
        if event["id"] in own:
            seen.setdefault((event["id"], event["event"]), set()).add(event["cursor"])
    assert Counter(word for _, word in seen) == dict.fromkeys(LIFE, 1000)
    assert all(len(cursors) == 1 for cursors in seen.values())
    by_kafka = Counter(event["event"] for event in events_json(stack.kafka) if event["id"] in own)
    assert by_kafka == dict.fromkeys(LIFE, 1000)


@NO_MOSQUITTO
def test_requests_sent_while_no_bridge_was_there_arrive(stack: Stack, mosquitto: MqttBroker) -> None:
    label = uuid.uuid4().hex
    with MqttClient(mosquitto.port) as client:
        with bridge(stack, mosquitto.port):
            client.publish(request(f"{label}-0"))
            life(client, f"{label}-0")
        client.publish(request(f"{label}-1"))
        with bridge(stack, mosquitto.port):
            assert words(life(client, f"{label}-1")) == LIFE


@NO_MOSQUITTO
def test_an_mqtt_broker_that_goes_and_comes_is_reached_again(stack: Stack, tmp_path: Path) -> None:
    label = uuid.uuid4().hex
    with mqtt_broker("mosquitto", tmp_path) as broker, bridge(stack, broker.port):
        with MqttClient(broker.port) as client:
            client.publish(request(f"{label}-0"))
            life(client, f"{label}-0")
        broker.stop()
        broker.start()
        with MqttClient(broker.port) as client:
            client.publish(request(f"{label}-1"))
            assert words(life(client, f"{label}-1")) == LIFE


@NO_MOSQUITTO
def test_tls_with_user_and_password(stack: Stack, tmp_path: Path) -> None:
    label = uuid.uuid4().hex
    made = make_certificates(tmp_path)
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "mist", "secret"], check=True)
    lines = (
        "allow_anonymous false", f"password_file {passwords}", f"cafile {made.authority}", f"certfile {made.certificate}",
        f"keyfile {made.key}",
    )  # fmt: skip
    (tmp_path / "password").write_text("secret\n")
    settings = {
        "MIST_MQTT_HOST": "localhost",
        "MIST_MQTT_USER": "mist",
        "MIST_MQTT_PASSWORD_FILE": str(tmp_path / "password"),
        "MIST_MQTT_TLS": "true",
        "MIST_MQTT_CA": str(made.authority),
    }
    with mqtt_broker("mosquitto", tmp_path, *lines) as broker, bridge(stack, broker.port, **settings) as service:
        with MqttClient(broker.port, user="mist", password="secret", ca=made.authority) as client:
            client.publish(request(label))
            assert words(life(client, label)) == LIFE
        assert "secret" not in service.log.read_text()


@NO_MOSQUITTO
def test_mutual_tls_in_place_of_a_password(stack: Stack, tmp_path: Path) -> None:
    label, made = uuid.uuid4().hex, make_certificates(tmp_path)
    own = {"certificate": str(made.certificate), "key": str(made.key)}
    lines = (
        "allow_anonymous false", "require_certificate true", "use_identity_as_username true",
        f"cafile {made.authority}", f"certfile {made.certificate}", f"keyfile {made.key}",
    )  # fmt: skip
    settings = {
        "MIST_MQTT_HOST": "localhost",
        "MIST_MQTT_TLS": "true",
        "MIST_MQTT_CA": str(made.authority),
        "MIST_MQTT_CERTIFICATE": own["certificate"],
        "MIST_MQTT_KEY": own["key"],
    }
    with (
        mqtt_broker("mosquitto", tmp_path, *lines) as broker,
        bridge(stack, broker.port, **settings),
        MqttClient(broker.port, ca=made.authority, **own) as client,
    ):
        client.publish(request(label))
        assert words(life(client, label)) == LIFE


def ends(client: MqttClient, label: str) -> set[str]:
    events = [json.loads(payload) for payload in list(client.received)]
    own = {event["id"] for event in events if str(event.get("externalId", "")).startswith(label)}
    return {event["id"] for event in events if event["event"] == "finished"} & own


def events_json(kafka: str) -> list[dict[str, Any]]:
    """All of `mist.events.json`."""
    return [json.loads(value) for value in records(kafka, "mist.events.json")]


def dead_letters(kafka: str) -> list[bytes]:
    return records(kafka, "mist.dead-letters")


def records(kafka: str, topic: str) -> list[bytes]:
    """Every value of the topic up to its present ends, each partition in its order."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": f"test-{os.getpid()}", "enable.auto.commit": False})
    try:
        found = []
        for partition in consumer.list_topics(topic, 30).topics[topic].partitions:
            place = TopicPartition(topic, partition, 0)
            begin, end = consumer.get_watermark_offsets(place, 30)
            consumer.assign([TopicPartition(topic, partition, begin)])
            while begin < end:
                message = consumer.poll(30)
                assert message is not None, f"{topic} ends at {begin}, expected {end}"
                assert not message.error(), message.error()
                found.append(message.value() or b"")
                begin += 1
        return found
    finally:
        consumer.close()
