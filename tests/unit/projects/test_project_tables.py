"""What a [projects.*] table may say, and what is answered when it says something else."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from solorun.project import CommandStep, Project
from solorun.projects.configuration import Configuration

Check = Callable[[str], Configuration]
FindFaults = Callable[[str], dict[str, str]]

STEP = '\n[[projects.p.steps]]\nname = "only"\nrun = "true"\n'


def test_a_project_is_read_with_everything_it_declares(check: Check, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()

    configuration = check("""
        [projects.handbook]
        title = "Handbook glossary"
        dir = "work"
        timeout = "1h30m"
        cancel_grace = "500ms"
        env = { LANG = "en_US.UTF-8", EMPTY = "" }
        secrets = ["OPENAI_API_KEY"]
        params = ["documents", "due_date"]

        [[projects.handbook.steps]]
        name = "extract"
        run = "python extract.py docs/"

        [[projects.handbook.steps]]
        name = "generate-all"
        run = ["python", "generate.py"]
        timeout = "20m"
    """)

    assert dict(configuration.projects) == {
        "handbook": Project(
            name="handbook",
            title="Handbook glossary",
            directory=tmp_path / "work",
            steps=(
                CommandStep("extract", "python extract.py docs/"),
                CommandStep("generate-all", ("python", "generate.py"), timeout_seconds=1200.0),
            ),
            timeout_seconds=5400.0,
            cancel_grace_seconds=0.5,
            env={"LANG": "en_US.UTF-8", "EMPTY": ""},
            secrets=("OPENAI_API_KEY",),
            params=("documents", "due_date"),
        )
    }


def test_a_project_cannot_be_altered_once_read(check: Check) -> None:
    env = check('[projects.p]\nenv = { A = "1" }' + STEP).get_project("p").env

    with pytest.raises(TypeError):
        env["A"] = "2"  # type: ignore[index]


def test_a_project_needs_no_more_than_a_step(check: Check, tmp_path: Path) -> None:
    project = check(STEP).get_project("p")

    assert project == Project("p", title="p", directory=tmp_path, steps=(CommandStep("only", "true"),))


def test_projects_stand_in_the_order_of_the_file(check: Check) -> None:
    text = "".join(STEP.replace("projects.p.", f"projects.{name}.") for name in ("zebra", "ant", "moth"))

    assert list(check(text).projects) == ["zebra", "ant", "moth"]


def test_a_cancelled_step_may_be_given_no_time_at_all(check: Check) -> None:
    assert check('[projects.p]\ncancel_grace = "0s"' + STEP).get_project("p").cancel_grace_seconds == 0


def test_a_directory_may_begin_at_home(check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "glossary").mkdir()

    assert check('[projects.p]\ndir = "~/glossary"' + STEP).get_project("p").directory == tmp_path / "glossary"


@pytest.mark.parametrize(
    ("line", "pointer", "words"),
    [
        ('titel = "x"', "titel", 'not a known key; did you mean "title"?'),
        ('Title = "x"', "Title", 'did you mean "title"?'),
        ('directory = "."', "directory", 'did you mean "dir"?'),
        ('cwd = "."', "cwd", 'did you mean "dir"?'),
        ('run = "true"', "run", "a command belongs to a step"),
        ('on_conflict = "queue"', "on_conflict", "known here: title, dir, timeout"),
        ('schedule = "daily"', "schedule", "not a known key"),
        ("retries = 3", "retries", "not a known key"),
        ("title = 5", "title", "wants a text in quotes, found the number 5"),
        ('title = "  "', "title", "is empty"),
        ('title = "a\\u0000b"', "title", "NUL"),
        ('title = "two\\nlines"', "title", "holds a line end"),
        ('dir = "a-file/below"', "dir", "cannot be used: Not a directory"),
        (f'dir = "{"x" * 300}"', "dir", "cannot be used: File name too long"),
        ('dir = "nowhere"', "dir", "there is no directory"),
        ('dir = "a-file"', "dir", "is not a directory"),
        ("dir = []", "dir", "found an empty list"),
        ('dir = "~nobody-of-this-name/x"', "dir", "a home directory that is not known"),
        ("timeout = 1800", "timeout", 'wants a duration like "30s", "20m" or "1h30m", found the number 1800'),
        ('timeout = "30 minutes"', "timeout", '"30 minutes" is not a duration'),
        ('timeout = "0s"', "timeout", "is no time at all"),
        ('timeout = "400d"', "timeout", "more than a year"),
        ("timeout = 07:30:00", "timeout", "found the date or time 07:30:00"),
        ("cancel_grace = false", "cancel_grace", "found false"),
        ('env = "A=1"', "env", 'wants a table, found "A=1"'),
        ("env = { PORT = 80 }", "env.PORT", "put the value in quotes"),
        ('env = { "A=B" = "1" }', 'env."A=B"', "cannot name a variable"),
        ('env = { "" = "1" }', 'env.""', "cannot name a variable"),
        ('env = { A = "\\u0000" }', "env.A", "NUL"),
        ('pass_env = "DB_*"', "pass_env", "a list of variables"),
        ('pass_env = ["DB HOST"]', "pass_env[0]", "is not the name of a variable"),
        ('pass_env = ["DB_HOST=db"]', "pass_env[0]", "to set a value, use env"),
        ('pass_env = ["SOLORUN_TOKEN"]', "pass_env[0]", "Solorun's own"),
        ('pass_env = ["DB_*", "DB_*"]', "pass_env[1]", ""),
        ('env = { SOLORUN_TOKEN = "1" }', "env.SOLORUN_TOKEN", "Solorun's own"),
        ('secrets = "KEY"', "secrets", "wants a list of variables"),
        ('secrets = ["A", "A"]', "secrets[1]", "stands here twice"),
        ('secrets = ["A", 1]', "secrets[1]", "found the number 1"),
        ('params = ["Due Date"]', "params[0]", 'did you mean "due_date"?'),
        ('params = ["é"]', "params[0]", "cannot name a parameter"),
        ('params = ["a", "b", "a"]', "params[2]", '"a" stands here twice'),
        ("params = { date = { type = 'date' } }", "params", 'wants a list of names, like ["date"], found a table'),
        ("params = [{ name = 'date' }]", "params[0]", "found a table"),
    ],
)
def test_a_fault_names_its_place_and_says_what_is_wanted(
    find_faults: FindFaults, tmp_path: Path, line: str, pointer: str, words: str
) -> None:
    (tmp_path / "a-file").touch()

    faults = find_faults(f"[projects.p]\n{line}{STEP}")

    assert list(faults) == [f"projects.p.{pointer}"]
    assert words in faults[f"projects.p.{pointer}"]


def test_a_directory_that_cannot_be_entered_is_a_fault(
    find_faults: FindFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A superuser may enter every directory, so that a real one would not do.
    monkeypatch.setattr(os, "access", lambda *_: False)

    [message] = find_faults(f'[projects.p]\ndir = "."{STEP}').values()

    assert message.endswith("cannot be entered by this user")


def test_no_fault_repeats_what_may_be_a_secret(find_faults: FindFaults) -> None:
    faults = find_faults(
        f'[projects.p]\nenv = {{ A = "hunter2\\u0000", SOLORUN_B = "hunter2" }}\nsecrets = ["hunter2 as it is"]{STEP}'
    )

    assert len(faults) == 3
    assert "hunter2" not in str(faults)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Handbook", 'did you mean "handbook"?'),
        ('"Hand Book"', 'did you mean "hand-book"?'),
        ("1st", "cannot name a project"),
        ('"ü"', "cannot name a project"),
        ('""', "cannot name a project"),
        ("a" * 64, "at most 63"),
        ('"a*B"', "is not a pattern of names"),
        ('"a["', "is not a pattern of names"),
        ('"a[]"', "is not a pattern of names"),
        ('"a/*"', "is not a pattern of names"),
        ('"-*"', "begins with a letter"),
    ],
)
def test_a_name_that_no_project_can_have_is_a_fault(find_faults: FindFaults, name: str, words: str) -> None:
    faults = find_faults(STEP.replace("projects.p.", f"projects.{name}."))

    assert list(faults) == [f"projects.{name}"]
    assert words in faults[f"projects.{name}"]


@pytest.mark.parametrize(
    ("text", "pointer", "words"),
    [
        ("", "projects", "is missing"),
        ("[projects]", "projects", "declares no project"),
        ("[[projects]]\nname = 'p'", "projects", "in single brackets"),
        ("projects = 1", "projects", "wants a table, found the number 1"),
        ("[projects]\np = true", "projects.p", "wants a table, found true"),
        ("[projects.p]", "projects.p.steps", "is missing; a project is its steps"),
        ("[project.p]" + STEP, "project", "projects are declared in tables [projects.<name>]"),
        ("[webhooks]" + STEP, "webhooks", "known here: service, projects"),
    ],
)
def test_a_file_of_the_wrong_form_is_told_the_right_one(
    find_faults: FindFaults, text: str, pointer: str, words: str
) -> None:
    assert words in find_faults(text)[pointer]


def test_all_faults_are_reported_at_once(find_faults: FindFaults) -> None:
    faults = find_faults("""
        retention = 3

        [service]
        port = "8700"

        [projects.handbook]
        timeout = 5

        [[projects.handbook.steps]]
        name = "full"
        run = []

        [projects."glossary-*"]
        [[projects."glossary-*".steps]]
        name = "extract"
        run = "true"
        timeout = 3
    """)

    assert list(faults) == [
        "retention",
        "service.port",
        "projects.handbook.timeout",
        "projects.handbook.steps[0].name",
        "projects.handbook.steps[0].run",
        'projects."glossary-*".steps[0].timeout',
    ]


@pytest.mark.parametrize(("step", "is_said"), [('call = "nomodule:f"', True), ('run = "true"', False)])
def test_a_missing_directory_says_that_its_calls_were_not_looked_for(
    find_faults: Callable[[str], dict[str, str]], step: str, is_said: bool
) -> None:
    faults = find_faults(f'[projects.a]\ndir = "nowhere"\n[[projects.a.steps]]\nname = "one"\n{step}\n')

    assert list(faults) == ["projects.a.dir"]
    assert ("what its steps call" in faults["projects.a.dir"]) is is_said
