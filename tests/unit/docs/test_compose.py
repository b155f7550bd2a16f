"""The profile `cluster` of docker-compose.yml starts what its page says, and leaves the single service as it is."""

from typing import Any

import pytest
import yaml

from tests.unit.docs.deployments import VARIABLES, parse_command
from tests.unit.docs.pages import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CLUSTER = {name: service for name, service in SERVICES.items() if service.get("profiles") == ["cluster"]}
PROCESSES = {name: service for name, service in CLUSTER.items() if service["image"].startswith("solorun:")}


def test_only_the_single_service_starts_by_default() -> None:
    assert {name for name in SERVICES if name not in CLUSTER} == {"solorun"}


def test_the_cluster_has_two_services_two_workers_a_database_and_a_proxy() -> None:
    assert set(CLUSTER) == {"api", "worker", "postgres", "proxy"}
    assert [PROCESSES[name]["deploy"]["replicas"] for name in ("api", "worker")] == [2, 2]


def test_the_name_of_the_proxy_is_enough_to_start_the_cluster() -> None:
    started, found = {"proxy"}, {"proxy"}
    while found:
        found = {needed for name in found for needed in SERVICES[name].get("depends_on", {})} - started
        started |= found

    assert started == set(CLUSTER)


def test_only_the_proxy_publishes_a_port_on_loopback() -> None:
    assert {name: service["ports"] for name, service in CLUSTER.items() if "ports" in service} == {
        "proxy": ["127.0.0.1:8700:8700"]
    }


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_uses_commands_and_variables_that_exist(name: str) -> None:
    process = PROCESSES[name]

    assert parse_command(process["command"])
    assert set(process["environment"]) <= VARIABLES


def test_services_leave_the_runs_to_the_workers() -> None:
    assert PROCESSES["api"]["environment"]["SOLORUN_EXECUTE_RUNS"] == "false"
    assert PROCESSES["api"]["environment"]["SOLORUN_REQUIRE_TOKEN"] == "true"


def test_all_processes_share_their_secrets_and_directories() -> None:
    shared = [
        (process["secrets"], process["volumes"], process["environment"]["SOLORUN_SHARED_DIR"])
        for process in PROCESSES.values()
    ]

    assert shared[0] == shared[1]
    assert any(volume.endswith(":/shared") for volume in shared[0][1])
    assert "/data" not in {volume.partition(":")[2] for volume in shared[0][1]}


@pytest.mark.parametrize("kind", ["secrets", "volumes", "configs"])
def test_every_reference_is_declared(kind: str) -> None:
    used = [entry for service in SERVICES.values() for entry in service.get(kind, [])]
    names = {entry["source"] if isinstance(entry, dict) else entry.partition(":")[0] for entry in used}

    assert {name for name in names if not name.startswith(("$", "."))} == set(COMPOSE[kind])


def test_no_secret_is_in_the_file() -> None:
    variables = {name for service in SERVICES.values() for name in service.get("environment", {})}

    assert [name for name in variables if name.endswith(("TOKEN", "PASSWORD", "KEY", "URL"))] == [
        name for name in variables if name == "SOLORUN_REQUIRE_TOKEN"
    ]
    assert all(secret.keys() == {"file"} for secret in COMPOSE["secrets"].values())


def test_the_proxy_takes_turns_and_does_not_buffer_streams() -> None:
    caddyfile = COMPOSE["configs"]["caddyfile"]["content"]

    assert "dynamic a api 8700" in caddyfile
    assert "lb_policy round_robin" in caddyfile
    assert "flush_interval -1" in caddyfile
