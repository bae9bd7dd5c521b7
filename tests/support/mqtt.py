"""Real MQTT brokers for tests: Mosquitto where it is installed, amqtt from PyPI everywhere; and a client that receives all."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from support.stack import free_port, wait_until

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


@dataclass
class MqttBroker:
    """One broker process on a free port; `restart` keeps the port."""

    kind: str
    folder: Path
    port: int = field(default_factory=free_port)
    lines: tuple[str, ...] = ("allow_anonymous true",)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = (self.folder / "mqtt.log").open("ab")
        self.process = subprocess.Popen(self._command(), env=self._environment(), stdout=log, stderr=log)
        wait_until("the MQTT broker listens", self._listens)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)

    def _command(self) -> list[str]:
        if self.kind == "amqtt":
            return [sys.executable, "-m", "mist_tools.run.mqtt"]
        assert MOSQUITTO is not None
        settings = self.folder / "mosquitto.conf"
        own = (
            f"listener {self.port} 127.0.0.1",
            "persistence true",
            f"persistence_location {self.folder}/",
            "user root",
        )
        settings.write_text("\n".join([*own, *self.lines]) + "\n")
        return [MOSQUITTO, "-c", str(settings)]

    def _environment(self) -> dict[str, str]:
        return os.environ | {"MIST_MQTT_PORT": str(self.port)}

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False


@contextmanager
def mqtt_broker(kind: str, folder: Path, *lines: str) -> Iterator[MqttBroker]:
    broker = MqttBroker(kind, folder, lines=lines or ("allow_anonymous true",))
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


class MqttClient:
    """Subscribes to a topic and publishes, as any other program would."""

    def __init__(self, port: int, topic: str = "mist/events", **more: Any) -> None:
        self.received: list[bytes] = []
        self._arrived = threading.Condition()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"test-{time.monotonic_ns()}")
        if "user" in more:
            self._client.username_pw_set(more["user"], more["password"])
        if "ca" in more:
            self._client.tls_set(str(more["ca"]), more.get("certificate"), more.get("key"))
        self._client.on_message = self._receive
        self._client.on_connect = lambda client, *_: client.subscribe(topic, qos=1)
        subscribed = threading.Event()
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert subscribed.wait(20), "the MQTT broker did not accept the subscription"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, payload: bytes | str, topic: str = "mist/requests", *, retain: bool = False) -> None:
        """Publish, and return once the broker has it."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(30)

    def _receive(self, _: object, __: object, message: paho.MQTTMessage) -> None:
        with self._arrived:
            self.received.append(bytes(message.payload))
            self._arrived.notify_all()
