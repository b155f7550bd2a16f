"""`serve`, `demo` and `doctor` as processes."""

import json
import signal
import socket
import sqlite3
import tomllib
from pathlib import Path

import pytest

from solorun.client import RunClient
from solorun.errors import ServiceUnreachable
from solorun.status import Status
from tests.fakes.project_toml import project_toml
from tests.fakes.solorun_process import FAST_DEMO, run_solorun, serving, solorun

LONG = {"wait": "sleep 60"}
TOML = project_toml("long", LONG) + project_toml("glossary-*", {"extract": "true"})


async def test_serve_prints_its_address_its_projects_and_its_access(tmp_path: Path) -> None:
    (tmp_path / "solorun.toml").write_text(TOML)

    async with solorun("serve", "--port", "0", "--data-dir", "elsewhere", cwd=tmp_path) as service:
        line = await service.until_stdout_shows("http://")
        access = await service.until_stdout_shows("token")
        other = await service.until_stdout_shows("SOLORUN_URL")
        service.process.send_signal(signal.SIGTERM)
        finished = await service.finish()

    assert line.startswith("Serving long, glossary-* at http://127.0.0.1:")
    assert line.endswith(f"(data in {tmp_path}/elsewhere)\n")
    assert finished.code == 0
    assert access.startswith("No token is set: anyone on this machine can start and cancel runs, ")
    assert access.endswith("Set token_file to require a token.\n")
    assert other == f"Other commands need its address: export SOLORUN_URL={line.split(' at ')[1].split()[0]}\n"
    assert finished.out == line + access + other


async def test_serve_with_a_token_says_that_requests_need_it(tmp_path: Path) -> None:
    (tmp_path / "solorun.toml").write_text(TOML)

    env = {"SOLORUN_TOKEN": "correct-horse-battery-staple"}
    async with solorun("serve", "--port", "0", env=env, cwd=tmp_path) as service:
        await service.until_stdout_shows("http://")
        access = await service.until_stdout_shows("token")

    assert access == "Requests need the token.\n"


async def test_serve_warns_about_a_secret_that_is_not_set(tmp_path: Path) -> None:
    (tmp_path / "solorun.toml").write_text(project_toml("long", LONG, secrets=["NEVER_SET"]))

    async with solorun("serve", "--port", "0", cwd=tmp_path) as service:
        warning = await service.until_stderr_shows("NEVER_SET")

    assert "WARNING" in warning
    assert "projects.long.secrets[0]" in warning


async def test_serve_can_log_json(tmp_path: Path) -> None:
    (tmp_path / "solorun.toml").write_text(TOML + '[service]\nlog_format = "json"\n')

    async with solorun("serve", "--port", "0", cwd=tmp_path) as service:
        serving = json.loads(await service.until_stderr_shows("Serving"))
        url = serving["message"].partition(" at ")[2].split()[0]
        async with RunClient(url) as client:
            run = await client.start_run("glossary-a")
            await client.wait_for_run(run.id)
        service.process.send_signal(signal.SIGTERM)
        finished = await service.finish()

    lines = [json.loads(line) for line in finished.err.splitlines()]
    assert finished.out == ""
    assert {line["message"] for line in lines if line.get("run_id") == run.id} == {
        f"Run {run.id} of glossary-a: started by api, scope full",
        f"Run {run.id} of glossary-a: completed",
    }


async def test_an_error_that_prevents_the_start_is_json_too(tmp_path: Path) -> None:
    (tmp_path / "solorun.toml").write_text("[projects.p]")

    finished = await run_solorun("serve", "--log-format", "json", cwd=tmp_path)

    assert finished.code == 2
    assert json.loads(finished.err)["error"]["type"] == "configuration-invalid"


async def test_serve_without_a_file_suggests_init(tmp_path: Path) -> None:
    finished = await run_solorun("serve", cwd=tmp_path)

    assert finished.code == 2
    assert "solorun init" in finished.err


async def test_serve_reports_every_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "solorun.toml").write_text('[service]\nport = "x"\n[projects.A]\n[projects.b]\ntimeout = 3\n')

    finished = await run_solorun("serve", "--host", "0.0.0.0", cwd=tmp_path)

    assert finished.code == 2
    assert finished.out == ""
    assert {line.partition(":")[0] for line in finished.err.splitlines()} >= {
        "service.port",
        "projects.b.timeout",
        "projects.b.steps",
        "--host",
    }


async def test_a_second_service_is_refused_and_names_the_first(tmp_path: Path) -> None:
    async with serving(tmp_path, TOML):
        finished = await run_solorun("serve", "--port", "0", cwd=tmp_path)

    assert finished.code == 2
    assert "is in use by a running service (pid" in finished.err
    assert "worker process" not in finished.err
    assert "Traceback" not in finished.err


async def test_an_occupied_port_is_an_error(tmp_path: Path) -> None:
    async with serving(tmp_path, TOML) as service:
        port = service.url.rpartition(":")[2]
        finished = await run_solorun("serve", "--port", port, "--data-dir", "other", cwd=tmp_path)

    assert finished.code == 2
    assert port in finished.err
    assert "Traceback" not in finished.err


# -- doctor


async def test_doctor_refuses_to_run_beside_a_service(tmp_path: Path) -> None:
    async with serving(tmp_path, TOML):
        finished = await run_solorun("doctor", cwd=tmp_path)

    assert finished.code == 2
    assert "is in use by a running service (pid" in finished.err
    assert finished.err.endswith("). Stop that service first, or choose another directory.\n")


async def test_doctor_finds_and_repairs_a_damaged_run(tmp_path: Path) -> None:
    async with serving(tmp_path, TOML) as service:
        async with RunClient(service.url) as client:
            run = await client.start_run("long")
            await client.follow(run.id).batches().__anext__()
        await service.end(signal.SIGTERM)
        _damage(tmp_path / ".solorun" / "solorun.db")
        found = await run_solorun("doctor", cwd=tmp_path)
        fixed = await run_solorun("doctor", "--fix", cwd=tmp_path)
        clean = await run_solorun("doctor", cwd=tmp_path)
        await service.begin()

    assert (found.code, fixed.code, clean.code) == (1, 0, 0)
    assert "use --fix to repair it" in found.out
    assert "repaired" in fixed.out
    assert "No problems found." in clean.out


def _damage(database: Path) -> None:
    connection = sqlite3.connect(database)
    with connection:
        connection.execute("UPDATE runs SET finished_at = NULL")
    connection.close()


# -- demo


@pytest.mark.parametrize("documents", [[], ["--documents", "papers"]])
async def test_a_demo_makes_a_glossary_and_says_where_it_is(tmp_path: Path, documents: list[str]) -> None:
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "light.md").write_text(
        "# Photon\n\nA **photon** is a quantum of light.\n\nThe photon moves."
    )

    finished = await run_solorun("demo", "--exit", *documents, env={"XDG_CACHE_HOME": str(tmp_path)}, cwd=tmp_path)

    path = Path(finished.out.partition("The glossary: ")[2].split("\n")[0])
    assert finished.code == 0
    assert "✔ refine completed" in finished.out
    assert "Run 1 completed" in finished.out
    assert path.is_relative_to(tmp_path)
    assert path.read_text()
    assert finished.out.startswith("This demo makes a glossary from ")
    assert "extract → generate → review → refine" in finished.out
    assert "Traceback" not in finished.err


async def test_a_demo_stays_until_ctrl_c(tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    async with solorun("demo", program=("-c", FAST_DEMO), env=env, cwd=tmp_path) as demo:
        line = await demo.until_stdout_shows("Look at http://")
        async with RunClient(line.split()[2]) as client:
            run = await client.get_current_run("glossary")
        another = await run_solorun("demo", "--exit", env=env, cwd=tmp_path)
        demo.interrupt()
        finished = await demo.finish()

    assert run.status is Status.COMPLETED
    assert another.code == 0
    assert f"data in {tmp_path}/solorun-demo-" in another.out
    assert finished.code == 0
    assert finished.err == ""


@pytest.mark.parametrize(("options", "pace"), [((), 9), (("--exit",), 0)])
async def test_a_demo_that_stays_can_be_watched(tmp_path: Path, options: tuple[str, ...], pace: float) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path)}
    async with solorun("demo", "--port", "0", *options, env=env, cwd=tmp_path) as demo:
        await demo.until_stdout_shows("Serving at http://")
        demo.interrupt()
        await demo.finish()

    declared = tomllib.loads((tmp_path / "solorun" / "demo" / "solorun.toml").read_text())
    assert declared["projects"]["glossary"]["params"]["pace"]["default"] == pace


async def test_each_demo_begins_with_run_1(tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path)}

    await run_solorun("demo", "--exit", env=env, cwd=tmp_path)
    finished = await run_solorun("demo", "--exit", env=env, cwd=tmp_path)

    assert finished.code == 0
    assert "Run 1 completed" in finished.out


@pytest.mark.parametrize("is_free", [True, False])
async def test_a_demo_serves_at_the_default_port_if_it_is_free(
    tmp_path: Path, is_free: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        if is_free:
            sock.close()
        program = ("-c", f"from solorun import settings; settings.DEFAULT_PORT = {port}\n{SLOW_DEMO}")
        async with solorun("demo", program=program, env={"XDG_CACHE_HOME": str(tmp_path)}, cwd=tmp_path) as demo:
            line = await demo.until_stdout_shows("Serving at http://")

    assert (f"Serving at http://127.0.0.1:{port} " in line) is is_free


@pytest.mark.parametrize("command", ["serve", "demo"])
async def test_an_impossible_port_is_an_error(tmp_path: Path, command: str) -> None:
    finished = await run_solorun(command, "--port", "99999", cwd=tmp_path)

    assert finished.code == 2
    assert "99999 is greater than 65535." in finished.err


SLOW_DEMO = f"""
import sys
from solorun.cli import main
from solorun_examples import glossary

def write_slow_project(directory, documents, *, pace):
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "solorun.toml"
    path.write_text({project_toml("glossary", {"slow": "echo begun; sleep 60"})!r})
    return path

glossary.write_project = write_slow_project
sys.exit(main())
"""


async def test_ctrl_c_in_the_middle_of_a_demo_stops_everything(tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path)}
    async with solorun("demo", program=("-c", SLOW_DEMO), env=env, cwd=tmp_path) as demo:
        line = await demo.until_stdout_shows("http://")
        await demo.until_stdout_shows("begun")
        demo.interrupt()
        finished = await demo.finish()

    assert finished.code == 4
    assert finished.out.endswith("Stopped; the run was interrupted.\n")
    assert finished.err == ""
    with pytest.raises(ServiceUnreachable):
        async with RunClient(line.split(" at ")[1].split()[0]) as client:
            await client.list_projects()


async def test_a_demo_of_a_missing_directory_is_a_usage_error(tmp_path: Path) -> None:
    finished = await run_solorun("demo", "--documents", "nowhere", cwd=tmp_path)

    assert finished.code == 2
    assert "nowhere" in finished.err
