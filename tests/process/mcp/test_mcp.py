"""`solorun mcp`, driven by the client of the MCP SDK, over stdio or in memory."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from solorun import Command, Project, Solorun
from solorun.cli import main
from solorun.client import RunClient
from solorun.mcp import create_server
from solorun.status import Status
from tests.fakes.project_toml import project_toml
from tests.fakes.solorun_process import serving_here

BUILD = 'echo "::progress current=1,total=2::one"; echo built'
FAIL = "for n in 1 2 3; do echo before $n; done; echo 'error: no space' >&2; echo after; exit 3"
TOML = (
    project_toml("docs", {"build": BUILD, "check": "echo checked"})
    + project_toml("broken", {"fail": FAIL})
    + project_toml("long", {"wait": "echo waiting; sleep 600"})
)


@asynccontextmanager
async def agent(url: str, **environ: str) -> AsyncGenerator[Client]:
    """A client connected to `solorun mcp` for the service at `url`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOLORUN_")}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "solorun", "mcp", "--url", url], env={**kept, **environ}
    )
    async with asyncio.timeout(120), Client(server) as client:
        yield client


async def test_an_agent_lists_starts_and_follows_a_run_to_its_end(tmp_path: Path) -> None:
    noted: list[tuple[float, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        noted.append((progress, message))

    token = "correct-horse-battery-staple"
    async with serving_here(tmp_path, TOML, token=token) as url, agent(url, SOLORUN_TOKEN=token) as client:
        hints = {tool.name: tool.annotations for tool in (await client.list_tools()).tools}
        projects = data(await client.call_tool("list_projects"))["projects"]
        started = data(await client.call_tool("start_run", {"project": "docs"}))
        followed = data(await client.call_tool("follow_run", {"run": started["id"], "tail": 1}, progress_callback=note))
        listed = data(await client.call_tool("list_runs", {"project": "docs", "statuses": ["completed"]}))
        shown = data(await client.call_tool("show_run", {"run": "docs"}))

    read_only = {name for name, hint in hints.items() if hint and hint.read_only_hint}
    destructive = {name for name, hint in hints.items() if hint and hint.destructive_hint}
    assert read_only == {"list_projects", "list_runs", "show_run", "follow_run", "read_log", "read_failure"}
    assert destructive == {"start_run", "rerun", "cancel_run"}
    assert [project["name"] for project in projects] == ["docs", "broken", "long"]
    assert projects[0]["scopes"] == ["full", "build", "check", "from:build", "from:check"]
    assert started["triggered_by"] == "mcp"
    assert (followed["run"]["status"], followed["run"]["has_ended"]) == ("completed", True)
    assert len(followed["lines"]) == 1
    assert noted == sorted(noted)
    assert {message for _, message in noted} <= {
        *("build: running", "build: 1/2 one", "build: completed", "check: running", "check: completed")
    }
    assert [run["id"] for run in listed["runs"]] == [started["id"]]
    assert [step["status"] for step in shown["run"]["steps"]] == ["completed", "completed"]
    assert shown["run"]["url"] == f"{url}/p/docs/runs/{started['id']}"


async def test_an_agent_without_the_token_learns_where_to_set_it(tmp_path: Path) -> None:
    async with serving_here(tmp_path, TOML, token="correct-horse-battery-staple") as url, agent(url) as client:
        refused = await client.call_tool("start_run", {"project": "docs"})

    assert refused.is_error
    assert "Set SOLORUN_TOKEN or --token-file where this MCP server is configured." in text(refused)


async def test_an_agent_that_may_only_view_learns_which_right_it_lacks(tmp_path: Path) -> None:
    solo = Solorun(
        tmp_path / "data",
        [Project("docs", [Command("build", BUILD)]), Project("long", [Command("wait", "sleep 600")])],
        authorize=lambda request, right, project: right == "view",
    )
    async with (
        asyncio.timeout(120),
        solo,
        RunClient("http://host", transport=httpx.ASGITransport(solo.app)) as service,
        Client(create_server(service)) as client,
    ):
        ended, active = [(await solo.manager.start_run(project)).id for project in ("docs", "long")]
        refused = [
            text(await client.call_tool(tool, arguments))
            for tool, arguments in (
                ("start_run", {"project": "docs"}),
                ("cancel_run", {"run": active}),
                ("rerun", {"run": ended}),
            )
        ]
        followed = data(await client.call_tool("follow_run", {"run": ended}))
        lines = data(await client.call_tool("read_log", {"run": ended}))["lines"]
        status = data(await client.call_tool("show_run", {"run": "long"}))["run"]["status"]

    assert refused == [
        'Error executing tool start_run: This requires the right "start" for the project docs.',
        'Error executing tool cancel_run: This requires the right "cancel" for the project long.',
        'Error executing tool rerun: This requires the right "start" for the project docs.',
    ]
    assert followed["run"]["status"] == "completed"
    assert "built" in {line["text"] for line in lines}
    assert status in {"pending", "running"}


async def test_an_agent_reads_the_failing_lines_and_searches_the_log(tmp_path: Path) -> None:
    async with serving_here(tmp_path, TOML) as url, RunClient(url) as service, Client(create_server(service)) as client:
        run = data(await client.call_tool("start_run", {"project": "broken"}))["id"]
        await client.call_tool("follow_run", {"run": run})
        failure = data(await client.call_tool("read_failure", {"run": run}))
        found = data(await client.call_tool("read_log", {"run": run, "text": "BEFORE", "limit": 2}))
        older = data(await client.call_tool("read_log", {"run": run, "text": "before", "before": found["next"]}))
        again = data(await client.call_tool("rerun", {"run": run}))

    assert (failure["run"]["status"], failure["run"]["steps"][0]["exit_code"]) == ("failed", 3)
    assert "error: no space" in [line["text"] for line in failure["errors"]]
    assert {"before 3", "error: no space", "after"} <= {line["text"] for line in failure["lines"]}
    assert [line["text"] for line in found["lines"]] == ["before 2", "before 3"]
    assert found["matches"] == 3
    assert [line["text"] for line in older["lines"]] == ["before 1"]
    assert failure["command"] == FAIL
    assert (again["rerun_of"], again["warning"]) == (run, None)


async def test_the_errors_of_earlier_steps_are_not_taken_for_the_failure(tmp_path: Path) -> None:
    toml = project_toml("second", {"warm": "echo 'error: no cache' >&2; seq 99", "fail": FAIL})
    async with serving_here(tmp_path, toml) as url, RunClient(url) as service, Client(create_server(service)) as client:
        run = (await ended(client, "start_run", {"project": "second"}))["id"]
        failure = data(await client.call_tool("read_failure", {"run": run}))

    assert "error: no space" in [line["text"] for line in failure["lines"]]


async def test_an_agent_learns_that_a_newer_run_may_have_changed_what_its_rerun_builds_on(tmp_path: Path) -> None:
    async with serving_here(tmp_path, TOML) as url, RunClient(url) as service, Client(create_server(service)) as client:
        old, newer = [await ended(client, "start_run", {"project": "docs"}) for _ in range(2)]
        partial = await ended(client, "rerun", {"run": old["id"], "from_step": "check"})
        whole = await ended(client, "rerun", {"run": old["id"], "from_step": "start"})

    assert partial["warning"] == (
        f"The results of skipped steps are in the project's workspace. Run {newer['id']} is newer and may have changed "
        "them."
    )
    assert whole["warning"] is None


async def ended(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What the tool returned, once its run has ended."""
    started: dict[str, Any] = data(await client.call_tool(tool, arguments))
    await client.call_tool("follow_run", {"run": started["id"]})
    return started


async def test_an_agent_cancels_a_run_and_a_cancelled_call_cancels_none(tmp_path: Path) -> None:
    following = asyncio.Event()

    async def note(progress: float, total: float | None, message: str | None) -> None:
        following.set()

    async with serving_here(tmp_path, TOML) as url, agent(url) as client:
        run = data(await client.call_tool("start_run", {"project": "long"}))["id"]
        refused = await client.call_tool("start_run", {"project": "long"})
        brief = data(await client.call_tool("follow_run", {"run": run, "wait_seconds": 0}))
        call = asyncio.create_task(client.call_tool("follow_run", {"run": run}, progress_callback=note))
        await following.wait()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        async with RunClient(url) as other:
            status = (await other.get_run(run)).status
        cancelled = data(await client.call_tool("cancel_run", {"run": "long", "reason": "enough", "now": True}))

    assert refused.is_error
    assert f"Run {run} is " in text(refused)
    assert not brief["run"]["has_ended"]
    assert status is Status.RUNNING
    assert (cancelled["status"], cancelled["has_ended"]) == ("cancelled", True)
    assert (cancelled["cancel_requested_by"], cancelled["cancel_reason"]) == ("mcp", "enough")


def test_without_the_package_the_command_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server.mcpserver", None)
    monkeypatch.delitem(sys.modules, "solorun.mcp", raising=False)
    monkeypatch.delitem(sys.modules, "solorun.mcp.server", raising=False)

    code = main(["mcp"])

    assert code == 2
    assert "pip install 'solorun[mcp]'" in capsys.readouterr().err


def data(result: CallToolResult) -> Any:
    assert not result.is_error, text(result)
    return result.structured_content


def text(result: CallToolResult) -> str:
    return "".join(part.text for part in result.content if isinstance(part, TextContent))
