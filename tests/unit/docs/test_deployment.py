"""The deployment files match the operations guide."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from solorun.http.event_stream import COMMENT_INTERVAL_SECONDS
from solorun.settings import parse_duration
from tests.unit.docs.deployments import VARIABLES, parse_command
from tests.unit.docs.pages import ROOT, SAMPLES

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
NGINX = (SAMPLES / "nginx.conf").read_text(encoding="utf-8")
WORKER_UNIT = (SAMPLES / "solorun-worker.service").read_text(encoding="utf-8")
UNIT = (SAMPLES / "solorun.service").read_text(encoding="utf-8")
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

SHUTDOWN_LIMIT_SECONDS = 30.0


def test_compose_publishes_on_loopback_only() -> None:
    assert re.findall(r"^ +- \"?([\d.:]+:8700)\"?$", COMPOSE, re.M) == ["127.0.0.1:8700:8700"] * 2


@pytest.mark.parametrize(
    "line", ["init: true", "SOLORUN_TOKEN_FILE: /run/secrets/solorun_token", "- solorun-data:/data"]
)
def test_compose_has_an_init_process_a_token_and_a_volume(line: str) -> None:
    assert line in (one.strip() for one in COMPOSE.splitlines())


@pytest.mark.parametrize("text", [DOCKERFILE, COMPOSE, UNIT], ids=["docker", "compose", "systemd"])
def test_a_deployed_service_requires_a_token(text: str) -> None:
    assert re.search(r"SOLORUN_REQUIRE_TOKEN(=|: )\"?true", text)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [(COMPOSE, r"stop_grace_period: (\w+)"), (UNIT, r"TimeoutStopSec=(\d+)")],
    ids=["compose", "systemd"],
)
def test_the_process_manager_waits_longer_than_the_shutdown_limit(text: str, pattern: str) -> None:
    found = re.search(pattern, text)

    assert found is not None
    assert parse_duration(found[1].removesuffix("s") + "s") > SHUTDOWN_LIMIT_SECONDS


@pytest.mark.parametrize("unit", [UNIT, WORKER_UNIT], ids=["service", "worker"])
def test_systemd_signals_only_the_process_itself_and_starts_a_command_that_exists(unit: str) -> None:
    command = re.search(r"^ExecStart=/opt/solorun/bin/solorun (.+)$", unit, re.M)
    variables = re.findall(r"^Environment=(\w+)=", unit, re.M)

    assert "KillMode=mixed" in unit.splitlines()
    assert command is not None
    assert parse_command(command[1].split())
    assert set(variables) <= VARIABLES


def test_systemd_lets_a_worker_finish_its_runs() -> None:
    found = re.search(r"TimeoutStopSec=(\w+)", WORKER_UNIT)

    assert found is not None
    assert parse_duration(found[1]) >= 3600


def test_nginx_does_not_buffer_streams_and_waits_longer_than_the_comment_interval() -> None:
    found = re.search(r"proxy_read_timeout (\w+);", NGINX)

    assert "proxy_buffering off;" in NGINX
    assert "proxy_http_version 1.1;" in NGINX
    assert found is not None
    assert parse_duration(found[1]) > 2 * COMMENT_INTERVAL_SECONDS


def test_the_image_runs_as_an_unprivileged_user_and_contains_no_token() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]

    assert re.findall(r"^USER (\S+)$", final, re.M) == ["solorun"]
    assert "TOKEN" not in DOCKERFILE.replace("SOLORUN_REQUIRE_TOKEN=true", "")


@pytest.mark.parametrize("path", re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.M))
def test_every_path_in_the_build_context_exists(path: str) -> None:
    assert list(ROOT.glob(path))


def test_bash_can_parse_the_ci_script() -> None:
    checked = subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_workflow_only_runs_the_ci_script() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")

    assert re.findall(r"^ +- run: (.+)$", workflow, re.M) == [".ci/run"]


def test_every_dependency_is_pinned() -> None:
    pins = {canonicalize_name(Requirement(pin).name) for pin in PYPROJECT["tool"]["uv"]["constraint-dependencies"]}
    ours = [*PYPROJECT["project"]["dependencies"], *PYPROJECT["dependency-groups"]["dev"]]

    assert set(_needed(ours, seen=set())) - pins == set()


@pytest.mark.parametrize("pin", PYPROJECT.get("tool", {}).get("uv", {}).get("constraint-dependencies", []))
def test_a_pin_names_one_version(pin: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]+==[\w.]+", pin)


def _needed(requirements: list[str], *, seen: set[str]) -> Iterator[str]:
    """The names of all direct and indirect dependencies on this platform."""
    for requirement in map(Requirement, requirements):
        name = canonicalize_name(requirement.name)
        extras = [{"extra": extra} for extra in requirement.extras] or [{"extra": ""}]
        if name in seen or (requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})):
            continue
        seen.add(name)
        yield name
        deeper = [Requirement(text) for text in requires(name) or []]
        yield from _needed(
            [
                f"{one.name}{'[' + ','.join(one.extras) + ']' if one.extras else ''}"
                for one in deeper
                if one.marker is None or any(one.marker.evaluate(extra) for extra in extras)
            ],
            seen=seen,
        )
