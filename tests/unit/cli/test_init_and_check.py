"""`init` and `check`, which write and check solorun.toml."""

from pathlib import Path

import pytest

from solorun.cli import main
from tests.fakes.project_toml import project_toml

VALID = """
[projects.handbook]
[[projects.handbook.steps]]
name = "extract"
run = "true"
[[projects.handbook.steps]]
name = "generate"
run = "true"

[projects."glossary-*"]
[[projects."glossary-*".steps]]
name = "extract"
run = "true"
"""


@pytest.fixture(autouse=True)
def working_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOLORUN_TOKEN", raising=False)


def test_init_writes_a_valid_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = main(["init"])
    checked = main(["check"])

    out = capsys.readouterr().out
    assert (written, checked) == (0, 0)
    assert (tmp_path / "solorun.toml").is_file()
    assert out.startswith("Wrote solorun.toml and solorun.schema.json. Next:\n  solorun serve\n  solorun start hello")
    assert "solorun.toml is valid." in out
    assert "project hello: count → greet" in out


def test_init_writes_the_schema_that_the_file_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init"])
    capsys.readouterr()
    main(["schema"])

    assert (tmp_path / "solorun.toml").read_text().startswith("#:schema solorun.schema.json\n")
    assert (tmp_path / "solorun.schema.json").read_text() == capsys.readouterr().out


def test_init_does_not_overwrite_unless_forced(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.toml").write_text("mine")

    refused = main(["init", "--config", "mine.toml"])
    kept = (tmp_path / "mine.toml").read_text()
    forced = main(["init", "--config", "mine.toml", "--force"])

    captured = capsys.readouterr()
    assert (refused, kept, forced) == (2, "mine", 0)
    assert "--force" in captured.err
    assert "solorun serve --config mine.toml" in captured.out
    assert "[projects.hello]" in (tmp_path / "mine.toml").read_text()


def test_check_lists_projects_and_patterns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "solorun.toml").write_text(VALID)

    code = main(["check"])

    assert code == 0
    assert capsys.readouterr().out == (
        "solorun.toml is valid.\n  project handbook: extract → generate\n  pattern glossary-*: extract\n"
    )


def test_check_lists_schedules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "solorun.toml").write_text(
        project_toml("etl", {"load": "true"})
        + '[[projects.etl.schedules]]\nname = "nightly"\ncron = "0 3 * * *"\ntimezone = "Europe/Berlin"\n'
        + '[[projects.etl.schedules]]\nname = "hourly"\ncron = "0 * * * *"\nenabled = false\n'
    )

    code = main(["check"])

    assert (code, capsys.readouterr().out) == (
        0,
        "solorun.toml is valid.\n  project etl: load\n"
        "  schedule etl.nightly: 0 3 * * *, Europe/Berlin\n"
        "  schedule etl.hourly: 0 * * * *, UTC (disabled)\n",
    )


@pytest.mark.parametrize(
    ("text", "start"),
    [
        (b"a = 1\nb = \n", "solorun.toml, line 2, column 5: invalid TOML: "),
        (b"a = " + b"[" * 5000, "solorun.toml: is nested too deeply"),
    ],
)
def test_a_syntax_error_names_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: bytes, start: str
) -> None:
    (tmp_path / "solorun.toml").write_bytes(text)

    codes = main(["check"]), main(["doctor"])

    assert codes == (2, 2)
    assert [line.startswith(start) for line in capsys.readouterr().err.splitlines()] == [True, True]


def test_check_reports_every_error_including_those_of_variables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "solorun.toml").write_text('[projects.a]\ntimout = "3m"\n')
    monkeypatch.setenv("SOLORUN_PORT", "many")

    code = main(["check"])

    err = capsys.readouterr().err
    assert code == 2
    assert {line.partition(":")[0] for line in err.splitlines()} == {
        "projects.a.timout",
        "projects.a.steps",
        "SOLORUN_PORT",
    }
    assert "timeout" in err


def test_check_without_a_file_suggests_init(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check"])

    assert code == 2
    assert "solorun init" in capsys.readouterr().err


def test_the_help_of_check_says_that_it_executes_modules(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", "--help"])

    assert code == 0
    assert "executes" in capsys.readouterr().out


def test_check_warns_about_likely_mistakes_without_failing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "solorun.toml").write_text(
        '[projects.a]\nsecrets = ["NEVER_SET"]\n[[projects.a.steps]]\nname = "one"\nrun = ["no-such-program"]\n'
    )

    code = main(["check"])

    captured = capsys.readouterr()
    assert code == 0
    assert captured.out.startswith("solorun.toml is valid.\n")
    assert [line.split(": ")[:2] for line in captured.err.splitlines()] == [
        ["warning", "projects.a.secrets[0]"],
        ["warning", "projects.a.steps[0].run[0]"],
    ]


@pytest.mark.parametrize(("port", "more"), [("8700", []), ('"x"', ["service.port"])])
def test_check_reports_errors_of_settings_and_projects_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], port: str, more: list[str]
) -> None:
    (tmp_path / "solorun.toml").write_text(
        f'[service]\nhost = "0.0.0.0"\nport = {port}\n'
        '[projects.a]\n[[projects.a.steps]]\nname = "one"\ncall = "nomodule:f"\n'
    )

    code = main(["check"])

    places = [line.partition(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert code == 2
    assert places == ["service.host", *more, "projects.a.steps[0].call"]
