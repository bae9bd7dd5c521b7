"""Keys of records on the registry's topic: one for each endpoint, context and artifact."""

import pytest

from mist_domain.facts.registry import (
    ArtifactRemoved,
    ArtifactStored,
    Context,
    ContextDefined,
    ContextRemoved,
    Endpoint,
    EndpointDefined,
    EndpointRemoved,
    RegistryEvent,
    registry_key,
)


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (EndpointDefined(endpoint=Endpoint(name="a", path="a.py", class_name="a")), "endpoint/a"),
        (EndpointRemoved(name="a"), "endpoint/a"),
        (ContextDefined(context=Context(name="a")), "context/a"),
        (ContextRemoved(name="a"), "context/a"),
        (ArtifactStored(name="a.py", sha="0", sha1="0", size=1), "artifact/a.py"),
        (ArtifactRemoved(name="a.py"), "artifact/a.py"),
    ],
)
def test_a_definition_and_its_removal_have_one_key(event: RegistryEvent, key: str) -> None:
    assert registry_key(event) == key
