"""Runs commands in this process against a scripted service."""

import asyncio
from pathlib import Path

import pytest

from solorun.cli import main
from tests.fakes.command_line import Ended, Solorun
from tests.fakes.scripted_service import Response, scripted_service


@pytest.fixture
def solorun(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Solorun:
    """Runs a command against a service with these scripted responses."""
    monkeypatch.chdir(tmp_path)

    async def run(*arguments: str, answers: tuple[Response, ...] = ()) -> Ended:
        async with scripted_service(answers) as service:
            monkeypatch.setenv("SOLORUN_URL", service.url)
            code = await asyncio.to_thread(main, arguments)
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err, service.requests)

    return run
