"""The asynchronous interfaces as an AsyncAPI 3 document, made from `schemas/`: topics, Avro records, JSON shapes."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mist_eventlog.schema.files import schemas_folder
from mist_eventlog.topics.names import EVENTS_JSON, REQUESTS

AVRO = "application/vnd.apache.avro;version=1.9.0"
JSON_SCHEMA = "application/schema+json;version=draft-07"
JSON_OF = {REQUESTS: ["StartRequestJson"], EVENTS_JSON: ["EventJson"]}
"""Topics that carry JSON messages, alone or beside Avro."""

Document = dict[str, Any]


@cache
def asyncapi(version: str) -> str:
    """The document as JSON text; `version` is Mist's."""
    folder = schemas_folder()
    topics: Mapping[str, Any] = yaml.safe_load((folder / "topics.yaml").read_text())["topics"]
    channels = {name: _channel(name, topic) for name, topic in topics.items()} | _mqtt_channels()
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Mist",
            "version": version,
            "description": "Spark jobs as a service: its messages on Kafka and MQTT. Avro records are in single-object "
            "encoding (C3 01, the fingerprint of the schema, the body), so no schema registry is needed.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": _operations(topics),
        "components": {"messages": _messages(folder, topics)},
    }
    return json.dumps(document, indent=1)


def _channel(name: str, topic: Mapping[str, Any]) -> Document:
    messages = [*topic.get("records", []), *JSON_OF.get(name, [])]
    return {
        "address": name,
        "description": f"{topic['doc']} Key: {topic['key']}. Kept: {topic['retention']}.",
        "messages": {message: {"$ref": f"#/components/messages/{message}"} for message in messages},
        "bindings": {"kafka": {"topic": name, "partitions": topic["partitions"], "bindingVersion": "0.5.0"}},
    }


def _mqtt_channels() -> Document:
    """The MQTT topics by their default names; both names are settings of the bridge."""
    return {
        "mqtt-requests": _mqtt("mist/requests", "StartRequestJson", "Start requests, QoS 1, not retained."),
        "mqtt-events": _mqtt("mist/events", "EventJson", "Every accepted step of every job, QoS 1."),
    }


def _mqtt(address: str, message: str, description: str) -> Document:
    messages = {message: {"$ref": f"#/components/messages/{message}"}}
    return {"address": address, "description": description, "messages": messages}


def _operations(topics: Mapping[str, Any]) -> Document:
    """Operations from a client's point of view: sending and receiving."""
    return {
        "startByKafka": _operation("send", REQUESTS, "Start a job; Avro or JSON, any key, any partition."),
        "startByMqtt": _operation("send", "mqtt-requests", "Start a job."),
        "hearByMqtt": _operation("receive", "mqtt-events", "Follow all jobs."),
        **{
            f"read_{name.replace('.', '_').replace('-', '_')}": _operation("receive", name, topic["doc"])
            for name, topic in topics.items()
        },
    }


def _operation(action: str, channel: str, summary: str) -> Document:
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}


def _messages(folder: Path, topics: Mapping[str, Any]) -> Document:
    records = dict.fromkeys(record for topic in topics.values() for record in topic.get("records", []))
    avro = {record: _avro(folder, record) for record in records}
    return avro | {f"{name}Json": _json(folder, name) for name in ("StartRequest", "Event")}


def _avro(folder: Path, record: str) -> Document:
    newest = max(folder.glob(f"{record}.v*.avsc"), key=lambda file: int(file.name.split(".")[1][1:]))
    schema = json.loads(newest.read_text())
    return {
        "name": record,
        "contentType": "avro/binary",
        "summary": schema.get("doc", record),
        "payload": {"schemaFormat": AVRO, "schema": schema},
    }


def _json(folder: Path, name: str) -> Document:
    schema = json.loads((folder / "json" / f"{name}.schema.json").read_text())
    return {
        "name": f"{name}Json",
        "contentType": "application/json",
        "summary": schema["description"],
        "payload": {"schemaFormat": JSON_SCHEMA, "schema": schema},
        "examples": [{"payload": example} for example in schema["examples"]],
    }
