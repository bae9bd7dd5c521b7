"""The dashboard and the alerts ask for what a running Mist really tells, by the labels it has.

No Prometheus runs here: each query's metrics and labels are looked up in what the services answer at /metrics.
"""

import json
import re
import uuid
from collections.abc import Iterator, Mapping

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from support.brokers import broker
from support.client import Client, produce
from support.mqtt import MqttClient, mqtt_broker
from support.paths import ROOT
from support.stack import Stack, free_port, wait_until

MONITORING = ROOT / "deploy/monitoring"
BY_PROMETHEUS = {"job", "instance"}

Samples = Mapping[str, set[str]]


def queries() -> dict[str, str]:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    alerts = yaml.safe_load((MONITORING / "alerts.yaml").read_text())
    panels = {
        f"panel {panel['title']} {target['refId']}": target["expr"]
        for panel in dashboard["panels"]
        for target in panel["targets"]
    }
    return panels | {f"alert {rule['alert']}": rule["expr"] for group in alerts["groups"] for rule in group["rules"]}


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of its own: the schedulers of another Mist over the same log would decide, too."""
    with broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running.bootstrap


@pytest.fixture(scope="module")
def told(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Samples]:
    """Every sample's name and labels, of one of each service after jobs that ended well and badly and a bad record."""
    folder = tmp_path_factory.mktemp("monitored")
    ports = {name: free_port() for name in ("scheduler-0", "host-0", "bridge-0")}
    with mqtt_broker("amqtt", folder) as mqtt:
        stack = Stack(kafka, folder / "mist", bridges=1, health_ports=ports)
        stack.environment = {"MIST_MQTT_HOST": "127.0.0.1", "MIST_MQTT_PORT": str(mqtt.port)}
        with stack:
            stack.load(ROOT / "deploy/examples/mist.yaml")
            _live(Client(stack.url), kafka, mqtt.port)
            urls = [f"{stack.url}/metrics", *(f"http://127.0.0.1:{port}/metrics" for port in ports.values())]
            yield wait_until("all is told", lambda: _complete(_scrape(urls)))


def _live(mist: Client, kafka: str, mqtt: int) -> None:
    assert mist.run("simple-context", {"numbers": [1]})["status"] == "finished"
    assert mist.run("failing", {"message": "no"})["status"] == "failed"
    produce(kafka, b"no request")
    label = uuid.uuid4().hex
    with MqttClient(mqtt) as client:
        wait_until(
            "MQTT tells of it", lambda: _asked(client, label) and label.encode() in b"".join(client.received), 60
        )


def _asked(client: MqttClient, label: str) -> bool:
    client.publish(json.dumps({"endpointId": "nobody", "externalId": label, "requestId": label}))
    return True


def _complete(samples: Samples) -> Samples | None:
    return samples if "mist_dead_letters_total" in samples and "mist_host_worker_memory_bytes" in samples else None


def _scrape(urls: list[str]) -> Samples:
    found: dict[str, set[str]] = {}
    for url in urls:
        for family in text_string_to_metric_families(httpx.get(url).text):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("name", queries())
def test_a_query_asks_for_what_there_is(told: Samples, name: str) -> None:
    query = queries()[name]
    metrics = set(re.findall(r"\bmist_[a-z_]+", query))
    assert metrics
    assert metrics <= set(told), f"{name} asks for {metrics - set(told)}, which nobody tells"
    labels = {label.strip() for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", query) for label in group.split(",")}
    labels |= set(re.findall(r"([a-z_]+)=[~\"]", query))
    known = set.union(BY_PROMETHEUS, *(told[metric] for metric in metrics))
    assert labels <= known, f"{name} asks for the labels {labels - known}, which those metrics lack"
    assert query.count("(") == query.count(")")


def test_every_panel_and_alert_says_what_it_is() -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]) > 10
    for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"]:
        for rule in group["rules"]:
            assert {"summary", "description"} <= set(rule["annotations"])
