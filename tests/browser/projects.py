"""The service's projects, and a client of its API, so that tests can compare pages with the data behind them."""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import httpx

_WORK: Final = Path(__file__).parent / "work.py"
_LIMIT_SECONDS: Final = 120.0

CONFIGURATION: Final = f"""
[projects.novel]
title = "Novel"
params = ["book"]
[[projects.novel.steps]]
name = "fetch"
run = "echo fetched"
[[projects.novel.steps]]
name = "translate"
run = ["{sys.executable}", "{_WORK}", "translate"]
[[projects.novel.steps]]
name = "render"
run = "echo rendered"

[projects.ticker]
cancel_grace = "1s"
[[projects.ticker.steps]]
name = "tick"
run = ["{sys.executable}", "{_WORK}", "tick"]

[projects.unkillable]
cancel_grace = "1s"
[[projects.unkillable.steps]]
name = "hold"
run = "trap '' TERM; {sys.executable} {_WORK} unkillable"

[projects.crash]
title = "A project whose title is much longer than its card is wide, in any window and any language"
[[projects.crash.steps]]
name = "parse"
run = ["{sys.executable}", "{_WORK}", "crash"]

[projects.a-name-that-is-much-longer-than-its-card-is-wide]
[[projects.a-name-that-is-much-longer-than-its-card-is-wide.steps]]
name = "work"
run = "true"

[projects.terminal]
[[projects.terminal.steps]]
name = "print"
run = ["{sys.executable}", "{_WORK}", "terminal"]

[projects.report]
[[projects.report.steps]]
name = "write"
run = ["{sys.executable}", "{_WORK}", "files"]

[projects.survey]
cancel_grace = "1s"
params = ["stops"]
[[projects.survey.steps]]
name = "walk"
run = ["{sys.executable}", "{_WORK}", "walk"]

[projects.flood]
params = ["lines"]
[[projects.flood.steps]]
name = "lines"
run = "seq -f 'line %.0f of the flood, as long as lines of logs usually are' 1 ${{SOLORUN_PARAM_LINES:-1000000}}"

[projects.vault]
params = ["key", "text"]
secrets = ["VAULT_KEY"]
env = {{ VAULT_KEY = "correct-horse-battery" }}
[[projects.vault.steps]]
name = "open"
run = "echo opened"

[projects."paced-*"]
cancel_grace = "60s"
params = ["gates", "shares"]
[[projects."paced-*".steps]]
name = "work"
run = ["{sys.executable}", "{_WORK}", "paced"]

[projects."glossary-*"]
[[projects."glossary-*".steps]]
name = "extract"
run = "echo extracted"
"""


class Api:
    """A client of the public API."""

    def __init__(self, url: str, token: str | None = None) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=f"{url}/api/v1", headers=headers, trust_env=False, timeout=60)

    def close(self) -> None:
        self._client.close()

    def start(self, project: str, scope: str = "full", params: Mapping[str, str] | None = None) -> int:
        response = self._client.post(f"/projects/{project}/runs", json={"scope": scope, "params": params or {}})
        assert response.status_code == 201, response.text
        run_id: int = response.json()["id"]
        return run_id

    def run(self, run_id: int) -> Any:
        return self._client.get(f"/runs/{run_id}").json()

    def log(self, run_id: int, **query: str | int) -> Any:
        """The records on one page of its log."""
        return self._client.get(f"/runs/{run_id}/log", params=query).json()["records"]

    def complete(self, project: str, scope: str = "full", params: Mapping[str, str] | None = None) -> int:
        """Run it to its end."""
        run_id = self.start(project, scope, params)
        self.wait_until(lambda: self.run(run_id)["finished_at"] is not None)
        return run_id

    def cancel(self, run_id: int) -> None:
        self._client.post(f"/runs/{run_id}/cancel", json={})
        self.wait_until(lambda: self.run(run_id)["finished_at"] is not None)

    def cancel_all(self) -> None:
        for status in ("pending", "running"):
            for run in self._client.get("/runs", params={"status": status}).json()["runs"]:
                self.cancel(run["id"])

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _LIMIT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, "the condition did not become true in time"
            time.sleep(0.02)
