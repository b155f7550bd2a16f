"""The service under a plain uvicorn, alone and mounted in another application: no class of our own server is used."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.asgi_server import UVICORN, asgi_server
from tests.fakes.project_toml import project_toml

TOML = project_toml("report", {"write": "echo hello; echo done > $SOLORUN_ARTIFACTS/report.txt"}) + project_toml(
    "long", {"wait": "echo waiting; exec sleep 60"}
)

SAMPLE = Path(__file__).parents[3] / "docs" / "samples" / "host.py"
ALONE = (["--factory", "solorun.asgi:solorun_app"], "/")
MOUNTED = (["host:app"], "/tools/runs/")


@pytest.mark.parametrize(("application", "path"), [ALONE, MOUNTED], ids=["alone", "mounted"])
@pytest.mark.parametrize("http", ["httptools", "h11"])
def test_a_plain_uvicorn_serves_runs_streams_and_downloads_and_stops(
    tmp_path: Path, application: list[str], path: str, http: str
) -> None:
    (tmp_path / "solorun.toml").write_text(TOML)
    shutil.copy(SAMPLE, tmp_path)

    with asgi_server([*UVICORN, "--http", http], application, tmp_path, path) as server:
        report = server.start("report")
        events = server.follow(report, until="end{")
        text = server.client.get(f"{report}/log.txt").text
        artifact = server.client.get(f"{report}/artifacts/report.txt").text
        long = server.start("long")
        server.follow(long, until='"waiting"')
        cancelled = server.client.post(f"{long}/cancel")
        ending = server.follow(long, until="end{")[-1]
        server.start("long")
        with server.client.stream("GET", "api/v1/events") as stream:
            lines = stream.iter_lines()
            next(lines)
            log = server.stop()
            rest = list(lines)

    assert [event.event for event in events] == ["step", "log", "artifact", "step", "end"]
    assert "hello" in text
    assert artifact == "done\n"
    assert cancelled.status_code == 202
    assert ending.json()["status"] == "cancelled"
    assert "event: shutdown" in rest
    assert "Application shutdown complete." in log
    assert server.status_of(3) == "interrupted"


def test_the_application_serves_requests_only_within_its_lifespan(tmp_path: Path) -> None:
    (tmp_path / "solorun.toml").write_text(TOML)
    program = "import asyncio, solorun.asgi; asyncio.run(solorun.asgi.solorun_app()({'type': 'http'}, None, None))"

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=60)

    assert "enter its `lifespan`" in ended.stderr
