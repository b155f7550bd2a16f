"""The file that `solorun init` writes works as it is."""

import os
import subprocess
from pathlib import Path

from solorun.cli import main
from solorun.cli.commands.init import EXAMPLE
from solorun.project import CommandStep
from solorun.projects import Catalog


def test_the_example_is_valid(tmp_path: Path) -> None:
    main(["init", "--config", f"{tmp_path}/solorun.toml"])

    project = Catalog.open(tmp_path / "solorun.toml").get_project("hello")

    assert project.scopes == ("full", "count", "greet", "from:count", "from:greet")
    assert [parameter.name for parameter in project.params] == ["name"]


def test_all_keys_in_its_comments_are_valid(tmp_path: Path) -> None:
    keys = [
        line.removeprefix("# ")
        for line in EXAMPLE.read_text("utf-8").splitlines()
        if line.startswith("# ") and " = " in line[:20]
    ]
    (tmp_path / "solorun.toml").write_text(
        "\n".join(["[service]", *keys[:3], "[projects.hello]", *keys[3:], "[[projects.hello.steps]]"])
        + '\nname = "a"\nrun = "true"\n'
    )

    assert len(keys) == 7
    assert Catalog.open(tmp_path / "solorun.toml").get_project("hello").secrets == ("API_KEY",)


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "solorun.toml").write_text("mine")

    code = main(["init", "--config", f"{tmp_path}/solorun.toml"])

    assert code == 2
    assert (tmp_path / "solorun.toml").read_text() == "mine"


def test_its_steps_work(tmp_path: Path) -> None:
    main(["init", "--config", f"{tmp_path}/solorun.toml"])
    count, greet = Catalog.open(tmp_path / "solorun.toml").get_project("hello").steps
    assert isinstance(count, CommandStep)
    assert isinstance(count.run, str)
    assert isinstance(greet, CommandStep)
    environ = {
        "PATH": os.environ["PATH"],
        "SOLORUN_WORKSPACE": str(tmp_path),
        "SOLORUN_ARTIFACTS": str(tmp_path),
        "SOLORUN_PARAM_NAME": "Ada",
    }

    counted = run(["/bin/sh", "-c", count.run.replace("sleep 1", "sleep 0")], environ)
    greeted = run(greet.run, environ)

    assert "::progress current=5,total=5::number 5" in counted.splitlines()
    assert greeted == "Hello, Ada: I counted to 5.\n"
    assert (tmp_path / "greeting.txt").read_text() == greeted.strip()


def run(command: tuple[str, ...] | list[str] | str, environ: dict[str, str]) -> str:
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=120).stdout
