"""The Kubernetes manifests refer to each other, and use commands and settings that exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from solorun.api.routes import OPERATIONS
from solorun.http.event_stream import COMMENT_INTERVAL_SECONDS
from solorun.projects import Catalog, read_service_table
from tests.unit.docs.deployments import VARIABLES, parse_command
from tests.unit.docs.pages import DOCS, SAMPLES

MANIFESTS: dict[tuple[str, str], Any] = {
    (manifest["kind"], manifest["metadata"]["name"]): manifest
    for manifest in yaml.safe_load_all((SAMPLES / "kubernetes.yaml").read_text(encoding="utf-8"))
}
PAGE = (DOCS / "operations" / "kubernetes.md").read_text(encoding="utf-8")
DEPLOYMENTS = {name: manifest["spec"] for (kind, name), manifest in MANIFESTS.items() if kind == "Deployment"}
API, WORKER = DEPLOYMENTS["solorun-api"]["template"]["spec"], DEPLOYMENTS["solorun-worker"]["template"]["spec"]
SHUTDOWN_LIMIT_SECONDS = 30

each_pod = pytest.mark.parametrize("pod", [API, WORKER], ids=["api", "worker"])


def container(pod: Any) -> Any:
    (only,) = pod["containers"]
    return only


def find(value: Any, key: str) -> Iterator[Any]:
    """The values of a key, at any depth."""
    if isinstance(value, dict):
        yield from ([value[key]] if key in value else [])
        for inner in value.values():
            yield from find(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from find(inner, key)


def test_there_are_two_replicas_of_services_and_of_workers() -> None:
    assert {name: spec["replicas"] for name, spec in DEPLOYMENTS.items()} == {"solorun-api": 2, "solorun-worker": 2}


@each_pod
def test_a_pod_uses_commands_and_variables_that_exist(pod: Any) -> None:
    assert parse_command(container(pod)["args"])
    assert {variable["name"] for variable in container(pod)["env"]} <= VARIABLES


def test_the_configuration_is_valid_and_leaves_the_runs_to_workers(tmp_path: Path) -> None:
    path = tmp_path / "solorun.toml"
    path.write_text(MANIFESTS["ConfigMap", "solorun"]["data"][path.name])

    assert set(Catalog.open(path).configuration.projects) == {"nightly"}
    assert read_service_table(path)["execute_runs"] is False


@each_pod
def test_a_pod_mounts_volumes_that_it_declares_and_finds_its_configuration(pod: Any) -> None:
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in container(pod)["volumeMounts"]}
    values = {variable["name"]: variable.get("value") for variable in container(pod)["env"]}
    directory, _, file = values["SOLORUN_CONFIG"].rpartition("/")

    assert file in MANIFESTS["ConfigMap", mounts[directory]["configMap"]["name"]]["data"]
    assert Path(values["SOLORUN_DATA_DIR"]).parent == Path("/data")
    assert mounts["/data"]["emptyDir"] == {}
    assert set(volumes) == {mount["name"] for mount in container(pod)["volumeMounts"]}


def test_the_page_creates_every_secret_that_is_used() -> None:
    references = list(find(list(DEPLOYMENTS.values()), "secretKeyRef"))
    created = set(re.findall(r"--from-literal=([\w-]+)=", PAGE))

    assert {reference["name"] for reference in references} == {"solorun"}
    assert {reference["key"] for reference in references} == created
    assert "kubectl create secret generic solorun " in PAGE


def test_selectors_match_the_labels_of_pods() -> None:
    pods = {name: spec["template"]["metadata"]["labels"] for name, spec in DEPLOYMENTS.items()}

    assert {name: spec["selector"]["matchLabels"] for name, spec in DEPLOYMENTS.items()} == pods
    assert MANIFESTS["Service", "solorun"]["spec"]["selector"] == pods["solorun-api"]
    assert {
        name: manifest["spec"]["selector"]["matchLabels"]
        for (kind, name), manifest in MANIFESTS.items()
        if kind == "PodDisruptionBudget"
    } == pods


def test_the_probes_ask_for_paths_that_exist_as_a_host_that_is_allowed() -> None:
    probes = {name: container(API)[name]["httpGet"] for name in ("readinessProbe", "livenessProbe")}
    routes = {operation.route for operation in OPERATIONS if operation.public}

    assert {name: probe["path"] for name, probe in probes.items()} == {
        "readinessProbe": "/readyz",
        "livenessProbe": "/livez",
    }
    assert {f"GET {probe['path']}" for probe in probes.values()} <= routes
    assert all(probe["httpHeaders"] == [{"name": "Host", "value": "localhost"}] for probe in probes.values())
    assert {probe["port"] for probe in probes.values()} == {port["name"] for port in container(API)["ports"]}


def test_a_service_has_time_to_shut_down_and_a_worker_to_finish_runs() -> None:
    pause = int(container(API)["lifecycle"]["preStop"]["exec"]["command"][1])

    assert API["terminationGracePeriodSeconds"] > SHUTDOWN_LIMIT_SECONDS + pause
    assert WORKER["terminationGracePeriodSeconds"] >= 3600
    assert f"terminationGracePeriodSeconds: {WORKER['terminationGracePeriodSeconds']}" in PAGE


def test_the_ingress_leads_to_the_service_and_does_not_buffer_streams() -> None:
    ingress = MANIFESTS["Ingress", "solorun"]
    ((rule,), annotations) = ingress["spec"]["rules"], ingress["metadata"]["annotations"]
    (backend,) = find(rule, "service")
    configuration = MANIFESTS["ConfigMap", "solorun"]["data"]["solorun.toml"]

    assert ("Service", backend["name"]) in MANIFESTS
    assert backend["port"]["name"] in {port["name"] for port in MANIFESTS["Service", backend["name"]]["spec"]["ports"]}
    assert f'public_url = "https://{rule["host"]}"' in configuration
    assert annotations["nginx.ingress.kubernetes.io/proxy-buffering"] == "off"
    assert int(annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"]) > 2 * COMMENT_INTERVAL_SECONDS


@each_pod
def test_a_pod_is_unprivileged(pod: Any) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container(pod)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
