"""Deployment against the code: Kubernetes objects against their schemas, topics, settings, images."""

import io
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from mist_eventlog.topics import load_topics
from mist_eventlog.topics.apply import strimzi
from mist_tools.run.reference import PROCESSES
from support.paths import ROOT

K8S = ROOT / "deploy/k8s"
OVERLAYS = ("base", "overlays/dev", "overlays/production")
KUBERNETES = "1.31"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())

Objects = list[dict[str, Any]]


def render(folder: Path) -> Objects:
    """Render as `kubectl kustomize` does, for what our kustomizations use: resources, a namespace, JSON patches."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    objects: Objects = []
    for resource in kustomization["resources"]:
        place = folder / resource
        objects += render(place.resolve()) if place.is_dir() else list(yaml.safe_load_all(place.read_text()))
    for patch in kustomization.get("patches", []):
        found = [one for one in objects if fits(one, patch["target"])]
        assert found, f"{folder.name}: no object is {patch['target']}"
        for one in found:
            for operation in yaml.safe_load(patch["patch"]):
                change(one, operation)
    if "namespace" in kustomization:
        for one in objects:
            one["metadata"]["namespace"] = kustomization["namespace"]
            for subject in one.get("subjects", []):
                subject["namespace"] = kustomization["namespace"]
    return objects


def fits(one: dict[str, Any], target: dict[str, str]) -> bool:
    name = one["metadata"]["name"]
    return bool(one["kind"] == target["kind"] and target.get("name", name) == name)


def change(one: dict[str, Any], operation: dict[str, Any]) -> None:
    *path, last = operation["path"].removeprefix("/").split("/")
    node: Any = one
    for part in path:
        node = node[int(part)] if isinstance(node, list) else node[part]
    if isinstance(node, list):
        node.append(operation["value"]) if last == "-" else node.__setitem__(int(last), operation["value"])
    else:
        assert operation["op"] == "add" or last in node, f"there is no {operation['path']} to replace"
        node[last] = operation["value"]


def containers(objects: Objects) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for one in objects:
        if one["kind"] in {"Deployment", "StatefulSet"}:
            pod = one["spec"]["template"]["spec"]
            yield one["metadata"]["name"], pod, pod["containers"][0]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_is_as_kubernetes_wants_it(overlay: str) -> None:
    objects = render(K8S / overlay)
    assert len(objects) > 15
    for one in objects:
        kubernetes_validate.validate(one, KUBERNETES, strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="there is no kubectl here; the objects are checked without it"
)
def test_kubectl_renders_the_same(overlay: str) -> None:
    text = subprocess.run(["kubectl", "kustomize", str(K8S / overlay)], check=True, capture_output=True).stdout
    ours = sorted(json.dumps(one, sort_keys=True) for one in render(K8S / overlay))
    assert sorted(json.dumps(one, sort_keys=True) for one in yaml.safe_load_all(io.BytesIO(text))) == ours


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_pod_has_probes_limits_and_few_rights(overlay: str) -> None:
    found = list(containers(render(K8S / overlay)))
    assert [name for name, _, _ in found] == ["mist-gateway", "mist-scheduler", "mist-worker-host", "mist-bridge"]
    for _, pod, container in found:
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert {"livenessProbe", "readinessProbe", "startupProbe", "resources"} <= set(container)
        assert "limits" in container["resources"]


def test_everything_that_is_named_is_there() -> None:
    """Selectors, accounts, budgets and policies name pods that exist; settings are settings."""
    objects = render(K8S / "base")
    pods = {name: pod for name, pod, _ in containers(objects)}
    accounts = {one["metadata"]["name"] for one in objects if one["kind"] == "ServiceAccount"}
    assert {pod["serviceAccountName"] for pod in pods.values()} <= accounts
    for one in objects:
        if one["kind"] == "PodDisruptionBudget":
            assert one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] in pods
    settings = {f"MIST_{name.upper()}" for each in PROCESSES.values() for name in each.model_fields}
    named = {key for one in objects if one["kind"] == "ConfigMap" for key in one["data"]}
    named |= {entry["name"] for _, _, container in containers(objects) for entry in container.get("env", [])}
    assert named <= settings


def test_the_topics_for_strimzi_are_those_of_topics_yaml() -> None:
    text = (K8S / "strimzi/topics.yaml").read_text()
    assert text == strimzi(load_topics()), (
        "run: python -m mist_eventlog.topics strimzi > deploy/k8s/strimzi/topics.yaml"
    )


def test_compose_runs_what_there_is_with_settings_there_are() -> None:
    extras = re.search(
        r"\[project.optional-dependencies\]\n(.*?)\n\[", (ROOT / "pyproject.toml").read_text(), re.DOTALL
    )
    assert extras is not None
    known = set(re.findall(r"^([a-z0-9-]+) = \[", extras[1], re.MULTILINE))
    settings = {f"MIST_{name.upper()}" for each in PROCESSES.values() for name in each.model_fields}
    modules = set()
    for service in COMPOSE["services"].values():
        if "build" in service:
            arguments = service["build"]["args"]
            assert set(arguments["EXTRA"].split(",")) <= known
            modules.add(arguments.get("MODULE"))
        assert {name for name in service.get("environment", {}) if name.startswith("MIST_")} <= settings
    for module in modules - {None}:
        assert (ROOT / "services" / module / "__main__.py").is_file()


def test_compose_publishes_on_this_machine_only() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)
