"""The service's projects, and a client of its API, so that tests can compare pages with the data behind them."""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from tests.fakes.project_toml import Call, project_toml

_WORK: Final = Path(__file__).parent / "work.py"
_LIMIT_SECONDS: Final = 120.0


def _work(kind: str) -> list[str]:
    """The command of a step that does this kind of work."""
    return [sys.executable, str(_WORK), kind]


_FLAKY: Final = 'echo "error: busy in attempt $SOLORUN_ATTEMPT"; test "$SOLORUN_ATTEMPT" = "$SOLORUN_PARAM_LUCKY"'

COROUTINE: Final = """
import asyncio, pathlib

async def listen(step):
    while not pathlib.Path(step.params["gates"], "40").exists():
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            pass
"""
"""The module `deaf`, whose coroutine ignores its cancellation."""
DEAF: Final = project_toml("deaf-*", {"listen": Call("deaf:listen")}, cancel_grace="1s", params=["gates", "shares"])

CONFIGURATION: Final = (
    project_toml(
        "novel",
        {"fetch": "echo fetched", "translate": _work("translate"), "render": "echo rendered"},
        title="Novel",
        params=["book"],
    )
    + project_toml("ticker", {"tick": _work("tick")}, cancel_grace="1s")
    + project_toml("unkillable", {"hold": f"trap '' TERM; {sys.executable} {_WORK} unkillable"}, cancel_grace="1s")
    + project_toml(
        "crash",
        {"parse": _work("crash")},
        notify=["ops"],
        title="A project whose title is much longer than its card is wide, in any window and any language",
    )
    + project_toml("a-name-that-is-much-longer-than-its-card-is-wide", {"work": "true"})
    + project_toml("limited", {"think": "exec sleep 600"})
    + 'timeout = "1s"\n'
    + project_toml("bounded", {"work": "exec sleep 600"}, timeout="1s")
    + project_toml("terminal", {"print": _work("terminal")})
    + project_toml("report", {"write": _work("files")})
    + '[[projects.report.schedules]]\ncron = "0 0 29 2 *"\nlate = "07:00"\n'
    + project_toml("results", {"write": _work("results")})
    + project_toml("covered", {"write": _work("covered")})
    + project_toml("survey", {"walk": _work("walk")}, cancel_grace="1s", params=["stops"])
    + project_toml(
        "flood",
        {
            "lines": "seq -f 'line %.0f of the flood, as long as lines of logs usually are'"
            " 1 ${SOLORUN_PARAM_LINES:-1000000}"
        },
        params=["lines"],
    )
    + project_toml(
        "vault",
        {"open": "echo opened"},
        params=["key", "text"],
        secrets=["VAULT_KEY"],
        env={"VAULT_KEY": "correct-horse-battery"},
    )
    + project_toml(
        "release",
        {"deploy": 'echo "$SOLORUN_PARAMS"; echo "token $SOLORUN_PARAM_TOKEN"'},
        params={
            "environment": {"type": "choice", "choices": ["staging", "production"], "default": "staging"},
            "version": {"required": True, "pattern": "v[0-9]+", "description": "The tag to deploy, such as v12"},
            "replicas": {"type": "integer", "default": 2, "min": 1, "max": 9},
            "ratio": {"type": "number"},
            "dry_run": {"type": "boolean"},
            "regions": {"type": "list"},
            "token": {"secret": True},
        },
    )
    + project_toml(
        "notes",
        {
            "write": 'cd "$SOLORUN_ARTIFACTS"; echo same > same.txt; echo "$SOLORUN_PARAM_TEXT" | tee note.txt;'
            ' test -z "$SOLORUN_PARAM_TEXT" || touch extra.bin'
        },
        params=["text"],
    )
    + project_toml("paced-*", {"work": _work("paced")}, cancel_grace="60s", params=["gates", "shares"])
    + project_toml("glossary-*", {"extract": "echo extracted"})
    + "[resources.gpu]\nslots = 2\n[resources.licence]\n"
    + '[notify.ops]\napprise = "$OPS_URL"\n'
    + project_toml("train-*", {"work": _work("paced")}, params=["gates", "shares"], resources={"gpu": 2})
    + project_toml("line-*", {"work": _work("paced")}, params=["gates", "shares"], on_conflict="queue")
    + project_toml("edit-*", {"work": _work("paced")}, params=["gates", "shares"])
    + 'resources = ["licence"]\n'
    + project_toml("flaky", {"load": _FLAKY}, params=["lucky"])
    + 'retries = 2\nretry_delay = "0s"\n'
    + project_toml("patient", {"load": _FLAKY}, cancel_grace="1s")
    + 'retries = 1\nretry_delay = "1h"\n'
)

STREET_LENGTH: Final = 14
STREET: Final = "".join(
    project_toml(f"project-{number:02}", {"work": command})
    for number, command in enumerate(["echo done"] * (STREET_LENGTH - 2) + ["exit 3", "sleep 600"])
) + project_toml("team-*", {"work": "echo done"}, title="A glossary per team")
"""The projects of `street`."""


class Api:
    """A client of the public API."""

    def __init__(self, url: str, token: str | None = None) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=f"{url}/api/v1", headers=headers, trust_env=False, timeout=60)

    def close(self) -> None:
        self._client.close()

    def start(
        self,
        project: str,
        scope: str = "full",
        params: Mapping[str, object] | None = None,
        on_conflict: str | None = None,
    ) -> int:
        body = {"scope": scope, "params": params or {}, "on_conflict": on_conflict}
        response = self._client.post(f"/projects/{project}/runs", json=body)
        assert response.status_code in (201, 202), response.text
        run_id: int = response.json()["id"]
        return run_id

    def rerun(self, run_id: int, from_step: str) -> int:
        """Repeat it to its end. Returns the rerun's id."""
        response = self._client.post(f"/runs/{run_id}/rerun", json={"from": from_step})
        assert response.status_code == 201, response.text
        rerun_id: int = response.json()["id"]
        self.wait_until(lambda: self.run(rerun_id)["finished_at"] is not None)
        return rerun_id

    def run(self, run_id: int) -> Any:
        return self._client.get(f"/runs/{run_id}").json()

    def runs(self, project: str) -> Any:
        """Its latest runs, newest first."""
        return self._client.get(f"/projects/{project}/runs", params={"limit": 1000}).json()["runs"]

    def log(self, run_id: int, **query: str | int) -> Any:
        """The records on one page of its log."""
        return self._client.get(f"/runs/{run_id}/log", params=query).json()["records"]

    def complete(self, project: str, scope: str = "full", params: Mapping[str, object] | None = None) -> int:
        """Run it to its end."""
        run_id = self.start(project, scope, params)
        self.wait_until(lambda: self.run(run_id)["finished_at"] is not None)
        return run_id

    def request_cancel(self, run_id: int, **body: object) -> None:
        self._client.post(f"/runs/{run_id}/cancel", json=body)

    def cancel(self, run_id: int, **body: object) -> None:
        self.request_cancel(run_id, **body)
        self.wait_until(lambda: self.run(run_id)["finished_at"] is not None)

    def cancel_all(self) -> None:
        for status in ("queued", "pending", "running"):
            for run in self._client.get("/runs", params={"status": status}).json()["runs"]:
                self.cancel(run["id"])

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _LIMIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "the condition did not become true in time"
            time.sleep(0.02)
