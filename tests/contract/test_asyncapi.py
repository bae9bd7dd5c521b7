"""The AsyncAPI document says all there is, and nothing that is not so."""

import json
from typing import Any

import jsonschema
import pytest
import yaml

from mist_bridge.backlog import Backlog
from mist_bridge.messages import Rejected, write_rejection
from mist_domain.facts.job_events import JobEvent
from mist_domain.facts.records import RECORDS
from mist_domain.wire.start_request import read_start_request
from mist_eventlog.schema.files import schemas_folder
from mist_gateway.http.asyncapi import asyncapi
from support import facts

DOCUMENT: dict[str, Any] = json.loads(asyncapi("1"))
MESSAGES = DOCUMENT["components"]["messages"]
TOPICS = yaml.safe_load((schemas_folder() / "topics.yaml").read_text())["topics"]


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if set(node) == {"$ref"} else []
        return own + [one for value in node.values() for one in references(value)]
    return [one for value in node for one in references(value)] if isinstance(node, list) else []


def shape(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = MESSAGES[name]["payload"]["schema"]
    return schema


def test_every_topic_and_every_record_stands_there() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert set(DOCUMENT["channels"]) == {*TOPICS, "mqtt-requests", "mqtt-events"}
    assert set(MESSAGES) == {record.__name__ for record in RECORDS} | {"StartRequestJson", "EventJson"}
    for name, topic in TOPICS.items():
        assert set(topic["records"]) <= set(DOCUMENT["channels"][name]["messages"])
        assert DOCUMENT["channels"][name]["bindings"]["kafka"]["partitions"] == topic["partitions"]


def test_every_reference_leads_somewhere() -> None:
    found = references(DOCUMENT)
    assert len(found) > 30
    for reference in found:
        node: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_every_operation_and_channel_has_what_the_standard_asks_for() -> None:
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in {"send", "receive"}
    for message in MESSAGES.values():
        assert set(message["payload"]) == {"schemaFormat", "schema"}
        assert message["contentType"] in {"avro/binary", "application/json"}


@pytest.mark.parametrize("name", ["StartRequestJson", "EventJson"])
def test_json_shapes_are_schemas_and_their_examples_fit(name: str) -> None:
    jsonschema.Draft7Validator.check_schema(shape(name))
    for example in MESSAGES[name]["examples"]:
        jsonschema.validate(example["payload"], shape(name))


def test_what_the_bridge_publishes_is_as_it_is_described() -> None:
    backlog = Backlog(8, retention_ms=1000)
    backlog.restart()
    life: list[JobEvent] = [
        facts.initialized(external_id="x"),
        facts.queued(),
        facts.assigned(),
        facts.started(),
        facts.finished(),
    ]
    other: list[JobEvent] = [facts.initialized("o", external_id="x"), facts.refused(job_id="o")]
    third: list[JobEvent] = [facts.initialized("t"), facts.cancel_requested(job_id="t")]
    for offset, event in enumerate([*life, *other, *third]):
        backlog.fold(event, 3, offset, offset, offset)
    published = [json.loads(event.text) for event in backlog.submit()]
    published.append(json.loads(write_rejection(Rejected("no", "x"), b"", 0)))
    assert {event["event"] for event in published} == set(shape("EventJson")["properties"]["event"]["enum"])
    for event in published:
        jsonschema.validate(event, shape("EventJson"))
        assert set(event) <= set(shape("EventJson")["properties"])


def test_what_fits_the_shape_of_a_start_request_is_read_as_one() -> None:
    everything = {
        "functionId": "e", "parameters": {}, "externalId": "x", "requestId": "r", "startTimeout": "1s",
        "performTimeout": "Inf", "priority": 1, "runSettings": {"contextId": "c", "mode": "exlusive", "workerId": "w"},
    }  # fmt: skip
    jsonschema.validate(everything, shape("StartRequestJson"))
    assert set(everything) | {"endpointId"} == set(shape("StartRequestJson")["properties"])
    assert read_start_request(json.dumps(everything).encode(), "test").worker_id == "w"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"parameters": {}}, shape("StartRequestJson"))
