"""The sample applications under servers that are not ours: what they mount keeps its promises there."""

import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.fakes.asgi_server import GUNICORN, HYPERCORN, UVICORN, asgi_server
from tests.process.steps.processes import survivors

SAMPLES = Path(__file__).parents[3] / "docs" / "samples" / "library"
ANN, BOB = ("ann", "owl"), ("bob", "fox")


# Hypercorn serves in a process that gets no signal: a stream is cut off after its graceful timeout.
@pytest.mark.parametrize(
    ("server", "farewells"),
    [(UVICORN, ["event: shutdown"]), (HYPERCORN, []), (GUNICORN, ["event: shutdown"])],
    ids=["uvicorn", "hypercorn", "gunicorn"],
)
def test_a_fastapi_application_runs_its_projects(server: Sequence[str], farewells: list[str], tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "fastapi_app.py", tmp_path)

    with asgi_server(server, ["fastapi_app:app"], tmp_path, "/tools/runs/") as running:
        client = running.client
        redirect = client.get(str(client.base_url).rstrip("/"))
        stranger = client.get("api/v1/runs")
        client.auth = httpx.BasicAuth(*BOB)
        refused = client.post("api/v1/projects/handbook/runs")
        client.auth = httpx.BasicAuth(*ANN)
        published = client.post(client.base_url.join("/publish"))
        handbook = client.base_url.join("api/v1/runs/1")
        events = running.follow(handbook, until="end{")
        backup = running.start("backup")
        running.follow(backup, until='"copying"')
        conflict = client.post("api/v1/projects/backup/runs")
        client.post(f"{backup}/cancel")
        ending = running.follow(backup, until="end{")[-1]
        left = _sleeping(tmp_path)
        running.start("backup")
        with client.stream("GET", "api/v1/events") as stream:
            lines = stream.iter_lines()
            next(lines)
            log = running.stop()
            rest = _read_rest(lines)

    assert redirect.headers["location"] == str(client.base_url)
    assert (stranger.status_code, stranger.headers["www-authenticate"]) == (401, "Basic")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forbidden")
    assert (published.status_code, published.json()) == (202, {"run": 1})
    assert [event.event for event in events][-1] == "end"
    assert "extracted 3 pages" in "".join(event.data for event in events)
    assert (conflict.status_code, conflict.json()["active_run"]["id"]) == (409, 2)
    assert (ending.json()["status"], left) == ("cancelled", [])
    assert (ending.json()["triggered_by"], ending.json()["cancel"]["requested_by"]) == ("ann", "ann")
    assert ([line for line in rest if line == "event: shutdown"], log) == (farewells, log)
    assert running.status_of(3, "runs") == "interrupted"


@pytest.mark.parametrize("server", [UVICORN, HYPERCORN, GUNICORN], ids=["uvicorn", "hypercorn", "gunicorn"])
def test_a_starlette_application_adds_projects_and_limits_their_owners(server: Sequence[str], tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "starlette_app.py", tmp_path)

    with asgi_server(server, ["starlette_app:app"], tmp_path, "/runs/") as running:
        client = running.client
        client.headers["x-token"] = "token-of-acme"
        unknown = client.get("api/v1/projects/acme")
        for customer in ("acme", "tyrell"):
            client.put(client.base_url.join(f"/customers/{customer}"))
        bill = running.start("acme")
        events = running.follow(bill, until="end{")
        listed = client.get("api/v1/projects").json()["projects"]
        cancelled = client.post(f"{bill}/cancel")
        other = client.post("api/v1/projects/tyrell/runs")
        running.stop()

    assert unknown.status_code == 404
    assert "billed acme" in "".join(event.data for event in events)
    assert (events[-1].json()["status"], events[-1].json()["triggered_by"]) == ("completed", "acme")
    assert [project["name"] for project in listed] == ["acme"]
    assert (cancelled.status_code, other.status_code) == (403, 403)


def test_a_killed_host_application_recovers_and_keeps_the_log(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "fastapi_app.py", tmp_path)

    with asgi_server(UVICORN, ["fastapi_app:app"], tmp_path, "/tools/runs/") as running:
        running.client.auth = httpx.BasicAuth(*ANN)
        running.follow(running.start("backup"), until='"copying"')
        running.stop(signal.SIGKILL)
    with asgi_server(UVICORN, ["fastapi_app:app"], tmp_path, "/tools/runs/") as running:
        running.client.auth = httpx.BasicAuth(*ANN)
        recovered = running.client.get("api/v1/runs/1").json()
        left = _sleeping(tmp_path)
        log = running.client.get("api/v1/runs/1/log.txt").text
        running.start("backup")

    assert (recovered["status"], left) == ("interrupted", [])
    assert "copying" in log


def test_a_second_worker_process_is_refused_with_the_reason(tmp_path: Path) -> None:
    shutil.copy(SAMPLES / "fastapi_app.py", tmp_path)

    with asgi_server([*GUNICORN, "--workers", "2"], ["fastapi_app:app"], tmp_path, "/tools/runs/") as running:
        running.process.wait(60)
        log = running.log.read_text()

    assert "is in use by a running service" in log
    assert "A web server with several worker processes needs a database that they share" in log


def _sleeping(directory: Path) -> list[str]:
    return [process for process in survivors(directory) if "sleep" in process]


def _read_rest(lines: Iterator[str]) -> list[str]:
    """What is left of a stream, even if it was cut off."""
    rest: list[str] = []
    with suppress(httpx.RemoteProtocolError):
        rest.extend(lines)
    return rest
