"""A step runs as the service's user, yet it cannot read the service's token or its memory."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.postgres import SECRET_KEY
from tests.fakes.project_toml import Call, project_toml
from tests.fakes.running_service import ServedService, served
from tests.process.service.clients import open_client

TOKEN = "f3b1c7d29e8a40566b17c2d8e94fa035"
UNPRIVILEGED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
"""Without capabilities, root is a user like any other."""

SPY = """
: > environ
shim=$PPID
service=$(awk '/^PPid/ { print $2 }' /proc/$shim/status)
for pid in $shim $service; do
  tr '\\0' '\\n' < /proc/$pid/environ >> environ
  ls -l /proc/$pid/fd/ 2> /dev/null | grep -c -- '->' >> descriptors
  python3 -c "open('/proc/$pid/mem', 'rb')" && echo $pid >> memory
done
env > inherited
"""
COROUTINE = """
import os

async def work(step):
    (step.workspace / "variables").write_text("\\n".join(f"{name}={value}" for name, value in os.environ.items()))
"""
TOML = "".join(
    (
        project_toml("spy", {"spy": ["sh", "spy.sh"]}),
        project_toml("coroutine", {"work": Call("reading_steps:work")}),
        project_toml("printing", {"print": "cat printed"}),
    )
)

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux closes /proc/<pid>"),
    pytest.mark.skipif(shutil.which("setpriv") is None, reason="requires setpriv: apt-get install util-linux"),
]


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {" ".join(UNPRIVILEGED)} {sys.executable} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    directory = tmp_path / "work"
    directory.mkdir()
    (directory / "spy.sh").write_text(SPY)
    (directory / "reading_steps.py").write_text(COROUTINE)
    (directory / "printed").write_text(f"the token is {TOKEN}\n")
    return directory


@pytest.fixture
def guarded(directory: Path) -> Iterator[ServedService]:
    with served(directory, TOML, SOLORUN_TOKEN=TOKEN) as service:
        yield service


def run(service: ServedService, project: str) -> str:
    """Run a project to its end, and return its log."""
    with open_client(service, token=TOKEN) as client:
        started = client.post(f"/projects/{project}/runs")
        assert started.status_code == 201, started.text
        run_id = started.json()["id"]
        with client.stream("GET", f"/runs/{run_id}/events") as stream:
            stream.read()
        return client.get(f"/runs/{run_id}/log.txt").text


def test_a_step_cannot_read_the_processes_above_it(guarded: ServedService, directory: Path) -> None:
    log = run(guarded, "spy")

    assert (directory / "environ").read_text() == "", log
    assert (directory / "descriptors").read_text().split() == ["0", "0"]
    assert not (directory / "memory").exists()
    inherited = (directory / "inherited").read_text().splitlines()
    assert TOKEN not in str(inherited)
    assert f"SOLORUN_URL={guarded.url}" in inherited


def test_the_token_is_erased_from_the_environment_even_for_root(guarded: ServedService) -> None:
    environ = Path(f"/proc/{guarded.pid}/environ").read_bytes()

    assert b"PATH=" in environ
    assert TOKEN.encode() not in environ


def test_a_coroutine_finds_no_token_in_the_environment(guarded: ServedService) -> None:
    run(guarded, "coroutine")

    variables = (guarded.data_dir / "workspaces" / "coroutine" / "variables").read_text()
    assert "PATH=" in variables
    assert "SOLORUN_TOKEN" not in variables


def test_the_database_url_and_the_secret_key_are_erased_from_the_environment(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "reading_steps.py").write_text(COROUTINE)
    with served(
        tmp_path, TOML, SOLORUN_TOKEN=TOKEN, SOLORUN_DATABASE_URL=database_url, SOLORUN_SECRET_KEY=SECRET_KEY
    ) as service:
        run(service, "coroutine")
        environ = Path(f"/proc/{service.pid}/environ").read_text()

    seen = (service.data_dir / "workspaces" / "coroutine" / "variables").read_text()
    assert "SOLORUN_DATABASE_URL" not in seen
    assert "postgresql://" not in seen + environ
    assert "SOLORUN_SECRET_KEY" not in seen
    assert SECRET_KEY not in seen + environ


def test_a_coroutine_finds_no_systemd_variables_in_the_environment(directory: Path) -> None:
    (directory / "token").write_text(TOKEN)
    (directory / "token").chmod(0o600)
    variables = "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"
    file = str(directory / "token")

    with served(
        directory, TOML, SOLORUN_TOKEN_FILE=file, CREDENTIALS_DIRECTORY=str(directory), NOTIFY_SOCKET="@x"
    ) as service:
        run(service, "coroutine")
        environ = Path(f"/proc/{service.pid}/environ").read_text()

    seen = (service.data_dir / "workspaces" / "coroutine" / "variables").read_text()
    assert "PATH=" in seen
    assert not [name for name in variables if name in seen]
    assert "NOTIFY_SOCKET=@x" not in environ


def test_a_token_from_a_file_is_masked(directory: Path) -> None:
    (directory / "token").write_text(TOKEN)
    (directory / "token").chmod(0o600)

    with served(directory, TOML, SOLORUN_TOKEN_FILE="token") as service:
        log = run(service, "printing")

    assert "the token is ***" in log
    assert TOKEN not in log
