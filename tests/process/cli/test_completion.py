"""Completion in a shell: what it offers, and that it is silent if it has nothing to offer."""

import os
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from solorun.cli import completion
from solorun.parameter import Parameter
from solorun.run import Artifact, RunStep
from solorun.status import StepStatus
from solorun.wire.projects import ProjectList, ProjectSummary
from solorun.wire.runs import ArtifactList, RunPage
from tests.fakes.command_line import Solorun, answer, problem
from tests.fakes.patience import PATIENCE_SECONDS
from tests.fakes.scripted_service import Response, make_run

Complete = Callable[..., Awaitable[list[str]]]

HANDBOOK = ProjectSummary(
    name="handbook",
    title="The handbook",
    steps=(),
    scopes=("full", "extract", "from:extract"),
    params=(Parameter("edition", description="Which edition"), Parameter("draft")),
    current_run=None,
    last_run=None,
)
PROJECTS = answer(ProjectList((HANDBOOK,), ()))
RUN = msgspec.structs.replace(make_run(17), steps=(RunStep("extract", StepStatus.COMPLETED),))
ARTIFACTS = ArtifactList((Artifact("a.txt", 1, "text/plain", datetime(2026, 1, 1, tzinfo=UTC)),), None, truncated=False)


@pytest.fixture
def complete(solorun: Solorun, monkeypatch: pytest.MonkeyPatch) -> Complete:
    """The values that fish shows for a line, with their help. Nothing is written to stderr."""
    monkeypatch.setattr(completion, "LIMIT_SECONDS", PATIENCE_SECONDS)

    async def complete(line: str, *answers: Response) -> list[str]:
        monkeypatch.setenv("_SOLORUN_COMPLETE", "complete_fish")
        monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
        monkeypatch.setenv("_TYPER_COMPLETE_ARGS", line)
        ended = await solorun(answers=answers)
        assert ended.err == ""
        return list(filter(None, ended.out.splitlines()))

    return complete


@pytest.mark.parametrize(
    ("line", "answers", "expected"),
    [
        ("solorun ru", (), ["runs\tList runs, newest first."]),
        ("solorun serve --log-format ", (), ["text", "json"]),
        ("solorun runs --status int", (), ["interrupted"]),
        ("solorun log 17 --level w", (), ["warning"]),
        ("solorun start --on-conflict re", (), ["reject", "replace"]),
        ("solorun start ", (PROJECTS,), ["handbook\tThe handbook"]),
        ("solorun start x", (PROJECTS,), []),
        ("solorun start handbook --scope f", (answer(HANDBOOK),), ["full", "from:extract"]),
        ("solorun start handbook -p e", (answer(HANDBOOK),), ["edition=\tWhich edition"]),
        (
            "solorun follow ",
            (answer(RunPage((RUN,), None)), PROJECTS),
            ["17\thandbook full, running", "handbook\tits current run"],
        ),
        ("solorun log 17 --step ", (answer(RUN),), ["extract\tcompleted"]),
        (
            "solorun rerun 17 --from ",
            (answer(RUN),),
            ["start\tall steps", "failed\tthe step that stopped the run", "extract\tcompleted"],
        ),
        ("solorun download 17 ", (answer(RUN), answer(ARTIFACTS)), ["a.txt"]),
    ],
)
async def test_a_shell_gets_the_values_that_fit(
    complete: Complete, line: str, answers: tuple[Response, ...], expected: list[str]
) -> None:
    assert await complete(line, *answers) == expected


@pytest.mark.parametrize(
    "line",
    [
        "solorun start ",
        "solorun start --scope ",
        "solorun start 'un",
        "solorun follow --url nonsense ",
        "solorun follow --token-file /nowhere ",
    ],
)
async def test_a_failure_completes_nothing_and_prints_nothing(complete: Complete, line: str) -> None:
    assert await complete(line, problem("unauthorized", 401)) == []


async def test_a_name_server_that_does_not_answer_delays_nothing(
    complete: Complete, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    monkeypatch.setattr(completion, "LIMIT_SECONDS", 0.05)
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answered.wait())

    completed = await complete("solorun start --url http://runs.example.org ")

    assert completed == []
    assert not answered.is_set()
    answered.set()


def test_bash_completes_with_the_script(tmp_path: Path) -> None:
    program = tmp_path / "solorun"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m solorun "$@"\n')
    program.chmod(0o755)
    script = """
        eval "$(solorun --show-completion bash)"
        COMP_WORDS=(solorun rer) COMP_CWORD=1
        _solorun_completion solorun rer solorun
        echo "${COMPREPLY[@]}"
    """

    finished = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert (finished.stdout, finished.stderr) == ("rerun\n", "")
