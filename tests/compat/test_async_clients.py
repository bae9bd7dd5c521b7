"""Clients that nobody here wrote, on Kafka and MQTT: each starts a real Spark job and sees its life."""

import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from mist_eventlog.schema.files import schemas_folder
from mist_runtime.java import find_java
from mist_tools.local_kafka.jars import kafka_jars
from support.client import Client
from support.mqtt import MqttBroker, mqtt_broker
from support.stack import Service, Stack, wait_until

LIFE = ["initialized", "queued", "started", "finished"]
EVENTS, REQUESTS = "mist.events.json", "mist.requests"
RESULT = {"result": [2, 4]}


@pytest.fixture(scope="module")
def mqtt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MqttBroker]:
    with mqtt_broker("amqtt", tmp_path_factory.mktemp("mqtt")) as broker:
        yield broker


@pytest.fixture(scope="module", autouse=True)
def bridge(stack: Stack, mqtt: MqttBroker) -> Iterator[Service]:
    environment = {"MIST_KAFKA": stack.kafka, "MIST_MQTT_HOST": "127.0.0.1", "MIST_MQTT_PORT": str(mqtt.port)}
    service = Service("bridge", "mist_bridge", environment, stack.folder / "compat-bridge.log")
    service.start()
    wait_until("the bridge has reached MQTT", lambda: "mqtt-connected" in service.log.read_text())
    yield service
    service.end()


@pytest.fixture
def label() -> str:
    return uuid.uuid4().hex


def request(label: str) -> str:
    return json.dumps({"endpointId": "simple-context", "parameters": {"numbers": [1, 2]}, "externalId": label})


def life(lines: list[str], label: str) -> list[dict[str, Any]]:
    """The events of the job with that label, in the order of the lines."""
    events = [json.loads(line) for line in lines if line.startswith("{")]
    ids = {event["id"] for event in events if event.get("externalId") == label}
    return [event for event in events if event["id"] in ids]


def tool(name: str, *arguments: str) -> list[str]:
    """Kafka's own command line tools are classes in the jars that the broker runs from."""
    java = find_java()
    jars = kafka_jars(java, lambda *_: None)
    return [str(java.program), "-Xmx128m", "-cp", f"{jars}/*", f"org.apache.kafka.tools.{name}", *arguments]


def test_kafkas_console_producer_and_consumer(stack: Stack, label: str, tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    command = tool("consumer.ConsoleConsumer", "--bootstrap-server", stack.kafka, "--topic", EVENTS, "--from-beginning")
    with heard.open("w") as output, subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL) as consumer:
        try:
            producer = tool("ConsoleProducer", "--bootstrap-server", stack.kafka, "--topic", REQUESTS)
            subprocess.run(producer, input=f"{request(label)}\n".encode(), check=True, capture_output=True, timeout=60)
            wait_until("its life is heard", lambda: len(life(heard.read_text().split("\n")[:-1], label)) == 4, 60)
        finally:
            consumer.terminate()
    events = life(heard.read_text().splitlines(), label)
    assert [event["event"] for event in events] == LIFE
    assert events[-1]["result"] == RESULT


def test_confluent_kafka(stack: Stack, label: str) -> None:
    consumer = Consumer({"bootstrap.servers": stack.kafka, "group.id": label, "auto.offset.reset": "earliest"})
    consumer.subscribe([EVENTS])
    producer = Producer({"bootstrap.servers": stack.kafka})
    producer.produce(REQUESTS, request(label), key="any key", partition=3)
    assert producer.flush(30) == 0
    lines: list[str] = []

    def over() -> bool:
        message = consumer.poll(1.0)
        if message is not None and not message.error():
            lines.append((message.value() or b"").decode())
        return len(life(lines, label)) == 4

    wait_until("its life is heard", over, 60)
    consumer.close()
    assert [event["event"] for event in life(lines, label)] == LIFE


async def test_aiokafka(stack: Stack, label: str) -> None:
    consumer = AIOKafkaConsumer(EVENTS, bootstrap_servers=stack.kafka, auto_offset_reset="earliest")
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka)
    await consumer.start()
    await producer.start()
    try:
        await producer.send_and_wait(REQUESTS, request(label).encode())
        lines: list[str] = []
        while len(life(lines, label)) < 4:
            record = await consumer.getone()
            lines.append(record.value.decode())
    finally:
        await producer.stop()
        await consumer.stop()
    assert [event["event"] for event in life(lines, label)] == LIFE


def test_confluents_avro_serializer_with_a_schema_registry(stack: Stack, mist: Client, label: str) -> None:
    registry = SchemaRegistryClient({"url": stack.environment["MIST_SCHEMA_REGISTRY"]})
    schema = (schemas_folder() / "StartRequest.v1.avsc").read_text()
    serialize = AvroSerializer(registry, schema)
    fields = {field["name"]: field.get("default") for field in json.loads(schema)["fields"]}
    record = fields | {"endpoint": "simple-context", "parameters": '{"numbers": [1, 2]}', "externalId": label}
    value = serialize(record | {"source": "Async Kafka"}, SerializationContext(REQUESTS, MessageField.VALUE))
    assert value is not None
    assert value[:1] == b"\x00"
    producer = Producer({"bootstrap.servers": stack.kafka})
    producer.produce(REQUESTS, value)
    assert producer.flush(30) == 0

    def found() -> dict[str, Any] | None:
        jobs = mist.http.get("/v2/api/endpoints/simple-context/jobs?limit=100").json()
        return next((job for job in jobs if job.get("externalId") == label and "jobResult" in job), None)

    job = wait_until("the job has ended", found, 60)
    assert (job["jobResult"], job["source"]) == (RESULT, "Async Kafka")


@pytest.mark.skipif(
    shutil.which("mosquitto_pub") is None,
    reason="there is no mosquitto_pub (Debian: apt-get install mosquitto-clients)",
)
def test_mosquitto_pub_and_sub(mqtt: MqttBroker, label: str, tmp_path: Path) -> None:
    heard, place = tmp_path / "heard", ["-h", "127.0.0.1", "-p", str(mqtt.port), "-q", "1"]
    with (
        heard.open("w") as output,
        subprocess.Popen(["stdbuf", "-oL", "mosquitto_sub", *place, "-t", "mist/events", "-d"], stdout=output) as sub,
    ):
        try:
            wait_until("mosquitto_sub has subscribed", lambda: "Subscribed" in heard.read_text())
            subprocess.run(["mosquitto_pub", *place, "-t", "mist/requests", "-m", request(label)], check=True)
            wait_until("its life is heard", lambda: len(life(heard.read_text().split("\n")[:-1], label)) == 4, 60)
        finally:
            sub.terminate()
    assert [event["event"] for event in life(heard.read_text().splitlines(), label)] == LIFE


def test_an_old_script_that_waits_for_its_label_and_then_follows_the_id(mqtt: MqttBroker, label: str) -> None:
    """As users of the original wrote them: publish, learn the id from `initialized`, wait for the end."""
    import paho.mqtt.client as paho  # noqa: PLC0415
    from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415

    job_id, seen = "", []

    def on_message(client: paho.Client, _: object, message: paho.MQTTMessage) -> None:
        nonlocal job_id
        event = json.loads(message.payload)
        if event["event"] == "initialized" and event.get("externalId") == label:
            job_id = event["id"]
        if job_id and event["id"] == job_id:
            seen.append(event)
            if event["event"] in {"finished", "failed", "canceled"}:
                client.disconnect()

    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.on_message = on_message
    client.on_connect = lambda one, *_: one.subscribe("mist/events", 1)
    client.on_subscribe = lambda one, *_: one.publish("mist/requests", request(label), 1)
    client.connect("127.0.0.1", mqtt.port)
    client.loop_start()
    wait_until("the script has seen the end", lambda: seen and seen[-1]["event"] == "finished", 60)
    client.loop_stop()
    assert [event["event"] for event in seen] == LIFE
    assert seen[-1]["result"] == RESULT
