"""`doctor`, and commands as a whole, which need no service."""

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from solorun.cli import main
from solorun.stores.sqlite import SqliteRunStore
from tests.fakes.project_toml import project_toml


async def create_database(data_dir: Path) -> None:
    await (await SqliteRunStore.open(data_dir)).close()


@pytest.fixture(autouse=True)
def working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOLORUN_TOKEN", raising=False)


def test_doctor_without_a_database_has_nothing_to_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "solorun.toml").write_text(project_toml("handbook", {"extract": "true"}))

    code = main(["doctor"])

    out = capsys.readouterr().out
    assert code == 0
    assert f"SQLite {sqlite3.sqlite_version}" in out
    assert "no database yet" in out
    assert not (tmp_path / ".solorun").exists()


def test_doctor_reports_a_sqlite_with_the_wal_reset_bug(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 40, 1))

    code = main(["doctor", "--data-dir", "data"])

    assert code == 0
    assert "warning: SQLite" in capsys.readouterr().out


def test_doctor_with_a_data_directory_needs_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["doctor", "--data-dir", "data"])

    assert code == 0
    assert "no database" in capsys.readouterr().out


def test_doctor_with_a_data_directory_reports_an_invalid_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "solorun.toml").write_text("[projects.a]\n")

    code = main(["doctor", "--data-dir", "data"])

    assert code == 1
    assert "configuration: projects.a.steps" in capsys.readouterr().out


def test_doctor_needs_no_token_because_it_does_not_listen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = project_toml("handbook", {"build": "true"})
    (tmp_path / "solorun.toml").write_text(f'[service]\nhost = "0.0.0.0"\nrequire_token = true\n{project}')

    assert main(["doctor"]) == 0, capsys.readouterr().err


def test_doctor_does_not_guess_the_data_directory_of_an_invalid_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "solorun.toml").write_text("[projects.a]\n")

    code = main(["doctor"])

    assert code == 2
    assert "projects.a.steps" in capsys.readouterr().err


def test_doctor_refuses_a_data_directory_that_others_can_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    (tmp_path / "data" / "solorun.db").touch()

    code = main(["doctor", "--data-dir", "data"])

    assert code == 2
    assert f"chmod 700 {tmp_path / 'data'}" in capsys.readouterr().err


def test_doctor_finds_a_database_that_is_older_than_its_artifacts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(create_database(tmp_path / "data"))
    (tmp_path / "data" / "artifacts" / "7").mkdir(parents=True)

    code = main(["doctor", "--data-dir", "data"])

    assert code == 0
    assert "artifacts of run 7 exist, but the database ends at run 0" in capsys.readouterr().out


@pytest.mark.parametrize(("min_free_bytes", "warnings"), [(0, 0), (2**62, 1)])
def test_a_disk_that_is_nearly_full_is_reported(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    min_free_bytes: int,
    warnings: int,
) -> None:
    asyncio.run(create_database(tmp_path / "data"))
    monkeypatch.setattr("solorun.service.MIN_FREE_BYTES", min_free_bytes)

    main(["doctor", "--data-dir", "data"])

    assert capsys.readouterr().out.count("MiB left") == warnings


def test_commands_do_not_import_the_command_line_of_httpx() -> None:
    program = (
        "import sys; from solorun.cli import main\n"
        "code = main(['runs', '--url', 'http://127.0.0.1:1'])\n"
        "print(code, sorted({'httpx', 'click', 'rich', 'pygments', 'pydantic'} & sys.modules.keys()))"
    )

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ended.stdout == "5 ['httpx']\n"


def test_the_list_of_commands_shows_whole_sentences(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    main(["--help"])

    assert "..." not in capsys.readouterr().out.partition("Set up and serve:")[2]


def test_every_command_stands_under_a_heading_on_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    main(["--help"])

    sections = dict(part.split(":\n", 1) for part in capsys.readouterr().out.split("\n\n")[2:-1])
    listed = {heading: [line.split()[0] for line in lines.splitlines()] for heading, lines in sections.items()}
    assert list(listed)[1:3] == ["Set up and serve", "Start and stop runs"]
    assert listed["Start and stop runs"] == ["start", "rerun", "follow", "wait", "cancel"]
    assert len({line.index(line.split(maxsplit=1)[1]) for line in sections["Schedules"].splitlines()}) == 1
