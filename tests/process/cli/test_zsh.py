"""Completion in zsh, as a user at a terminal sees it: a Tab, and what the shell makes of the line."""

import os
import pty
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import served

LIMIT_SECONDS = 60
SILENCE_SECONDS = 5
MAX_TABS = 20
TOML = project_toml(
    "handbook", {"extract": ["true"], "generate": ["true"]}, title='The "$HOME" of `it`'
) + project_toml("deploy", {"deploy": ["true"]})
SET_UP = (
    "PROMPT=; setopt no_auto_menu; autoload -Uz compinit; compinit -u -D;"
    ' eval "$(solorun --show-completion)"; print ready$((1 + 1))\n'
)


class Zsh:
    """An interactive shell without the user's configuration."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal

    def complete(self, text: str, *, until: str) -> str:
        """What the terminal shows after this text and a Tab, until it has shown `until`.

        On a busy machine, the service may answer too late, and nothing is completed: a user presses the key again.
        """
        os.write(self._terminal, text.encode())
        shown = ""
        for _ in range(MAX_TABS):
            os.write(self._terminal, b"\t")
            shown += self._read(until, SILENCE_SECONDS)
            if until in shown:
                return shown
        raise AssertionError(shown)

    def run(self, command: str, *, until: str) -> None:
        os.write(self._terminal, command.encode())
        assert until in self._read(until, LIMIT_SECONDS)

    def _read(self, until: str, silence_seconds: float) -> str:
        """What the terminal shows, until it has shown `until`, or nothing for a while."""
        read = ""
        while until not in read and select.select([self._terminal], [], [], silence_seconds)[0]:
            read += os.read(self._terminal, 4096).decode()
        return read


@pytest.fixture
def zsh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zsh]:
    """A shell that has loaded the completion, beside a service."""
    shell = shutil.which("zsh")
    if shell is None:
        pytest.skip("needs zsh: apt-get install zsh")
    program = tmp_path / "solorun"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m solorun "$@"\n')
    program.chmod(0o755)
    (tmp_path / "service").mkdir()
    terminal, ours = pty.openpty()
    with served(tmp_path / "service", TOML) as service:
        environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SOLORUN_URL": service.url, "TERM": "dumb"}
        process = subprocess.Popen(
            [shell, "-f", "-i"], stdin=ours, stdout=ours, stderr=ours, env=os.environ | environ, start_new_session=True
        )
        os.close(ours)
        try:
            running = Zsh(terminal)
            running.run(SET_UP, until="ready2")
            yield running
        finally:
            process.kill()
            process.wait()
            os.close(terminal)


def test_zsh_completes_commands_projects_and_scopes_and_shows_their_help(zsh: Zsh) -> None:
    zsh.complete("solorun sta", until="start ")
    offered = zsh.complete("", until="deploy")
    zsh.complete("hand", until="handbook ")
    zsh.complete("--scope fr", until="from:")
    zsh.complete("ex", until="extract ")

    assert "handbook  -- The $HOME of `it`" in offered
