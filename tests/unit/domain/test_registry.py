"""The registry as the fold of its facts, and the keys of its records."""

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
from mist_domain.registry import Registry, find_context, fold_registry, is_in_effect, resolve_endpoint

ENDPOINT = Endpoint(name="x", path="x", class_name="f")
CONTEXT = Context(name="x", max_jobs=3)
ARTIFACT = ArtifactStored(name="x", sha="s", sha1="1", size=1)


def folded(*events: RegistryEvent) -> Registry:
    registry = Registry()
    for event in events:
        fold_registry(registry, event)
    return registry


def test_an_endpoint_a_context_and_an_artifact_of_one_name_do_not_touch_each_other() -> None:
    """Each kind has its own table and its own record key."""
    events = (EndpointDefined(endpoint=ENDPOINT), ContextDefined(context=CONTEXT), ARTIFACT)
    assert [registry_key(event) for event in events] == ["endpoint/x", "context/x", "artifact/x"]
    assert folded(*events) == Registry(endpoints={"x": ENDPOINT}, contexts={"x": CONTEXT}, artifacts={"x": ARTIFACT})
    removals = (EndpointRemoved(name="x"), ContextRemoved(name="x"), ArtifactRemoved(name="x"))
    assert folded(*events, removals[0]) == Registry(contexts={"x": CONTEXT}, artifacts={"x": ARTIFACT})
    assert folded(*events, *removals) == Registry()


def test_the_last_definition_counts_and_of_creating_ones_the_first() -> None:
    """Two clients that create one name at once: the first in the log wins."""
    other = Endpoint(name="x", path="y", class_name="g")
    assert folded(EndpointDefined(endpoint=ENDPOINT), EndpointDefined(endpoint=other)).endpoints["x"] == other
    created = folded(EndpointDefined(endpoint=ENDPOINT, creates=True), EndpointDefined(endpoint=other, creates=True))
    assert created.endpoints["x"] == ENDPOINT
    late = ArtifactStored(name="x", sha="t", sha1="2", size=2, creates=True)
    assert folded(ARTIFACT, late).artifacts["x"] == ARTIFACT


def test_an_event_in_effect_need_not_be_written_again() -> None:
    """True for a definition only while its very content is in the table, for a removal once the name is gone."""
    events = (EndpointDefined(endpoint=ENDPOINT), ContextDefined(context=CONTEXT), ARTIFACT)
    registry = folded(*events)
    assert all(is_in_effect(registry, event) for event in events)
    assert not any(is_in_effect(Registry(), event) for event in events)
    assert not is_in_effect(registry, ContextDefined(context=Context(name="x", max_jobs=4)))
    removals = (EndpointRemoved(name="x"), ContextRemoved(name="x"), ArtifactRemoved(name="x"))
    assert not any(is_in_effect(registry, event) for event in removals)
    assert all(is_in_effect(Registry(), event) for event in removals)


def test_an_unknown_context_has_the_settings_of_the_default_under_its_own_name() -> None:
    """A start may name a context that nobody has defined."""
    assert find_context(Registry(), "y") == Context(name="y")
    default = Context(name="default", max_jobs=7)
    assert find_context(folded(ContextDefined(context=default)), "y") == Context(name="y", max_jobs=7)


def test_a_resolved_endpoint_has_the_content_of_its_artifact_now() -> None:
    """A job runs the content that its endpoint named when it was asked for."""
    registry = folded(EndpointDefined(endpoint=ENDPOINT), ARTIFACT)
    resolved = resolve_endpoint(registry, "x")
    assert resolved is not None
    assert resolved.artifact_sha == "s"
    without = resolve_endpoint(folded(EndpointDefined(endpoint=ENDPOINT)), "x")
    assert without is not None
    assert without.artifact_sha is None


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
