"""The client's types name the fields that the OpenAPI and AsyncAPI documents name, with the same JSON types."""

import json
from typing import Any, Literal, NotRequired, get_args, get_origin, get_type_hints

import pytest
from fastapi import FastAPI

from mist.client import documents
from mist_gateway.http import asyncapi, contexts, endpoints, jobs, workers
from mist_gateway.http.registry_models import EndpointFields, parse_endpoint
from mist_tools.cli.applying import ENDPOINT_DEFAULTS

JSON_TYPES = {str: "string", int: "integer", bool: "boolean", list: "array", dict: "object"}
ANSWERS = [
    (jobs, "/{job_id}", documents.JobInfo),
    (endpoints, "/{name}", documents.EndpointInfo),
    (contexts, "/{name}", documents.ContextInfo),
    (workers, "", documents.WorkerInfo),
]


def answer_schema(module: Any, path: str) -> dict[str, Any]:
    """The schema of what `GET path` answers, or of each entry where it answers a list."""
    app = FastAPI()
    app.include_router(module.router, prefix="/here")
    document = app.openapi()
    answer = document["paths"][f"/here{path}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    return resolved(answer.get("items", answer), document)


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: dict[str, Any] = document["components"]["schemas"][name] if name else schema
    references = {name: resolved(field, document) for name, field in found.get("properties", {}).items()}
    return found | {"properties": references}


def json_type(annotation: Any) -> str | None:
    """The JSON type of a field; `None` for any."""
    if get_origin(annotation) is NotRequired:
        return json_type(get_args(annotation)[0])
    if get_origin(annotation) is Literal:
        return "string"
    return JSON_TYPES.get(get_origin(annotation) or annotation)


def schema_type(field: dict[str, Any]) -> str | None:
    """The type of a schema's field without its null."""
    types = [choice.get("type") for choice in field.get("anyOf", [field])]
    return next((found for found in types if found != "null"), None)


@pytest.mark.parametrize(("module", "path", "typed"), ANSWERS)
def test_a_clients_type_has_the_fields_of_the_servers_answer(module: Any, path: str, typed: Any) -> None:
    """Type and answer have the same fields, the same of them are always there, and JSON types agree."""
    schema = answer_schema(module, path)
    hints = get_type_hints(typed)
    assert set(schema["properties"]) == set(hints)
    assert set(schema["required"]) == typed.__required_keys__
    for name, field in schema["properties"].items():
        if schema_type(field) is not None and json_type(hints[name]) is not None:
            assert json_type(hints[name]) == schema_type(field), name


def test_the_type_of_an_event_has_the_fields_of_the_events_document() -> None:
    """`attempt` and `events` belong to phases and to `logs`, which only WebSockets carry."""
    messages = json.loads(asyncapi.asyncapi("1"))["components"]["messages"]
    properties = set(messages["EventJson"]["payload"]["schema"]["properties"])
    assert set(get_type_hints(documents.Event)) - {"attempt", "events"} == properties
    assert documents.Event.__required_keys__ <= set(messages["EventJson"]["payload"]["schema"]["required"])


def test_a_file_that_leaves_a_field_out_means_the_server_s_default() -> None:
    """`mist apply` sends the defaults with each change, since the server keeps what a change leaves out."""
    least = {"name": "e", "path": "e.py", "className": "e"}
    assert parse_endpoint(least | dict(ENDPOINT_DEFAULTS)).over(None) == parse_endpoint(least).over(None)
    writable = {field.alias or name for name, field in EndpointFields.model_fields.items()}
    assert writable - ENDPOINT_DEFAULTS.keys() == {*least, "lang", "execute", "problem"}
