"""Valid and invalid [projects.*] tables."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from solorun.parameter import Parameter
from solorun.project import CommandStep, LogLimit, Project
from solorun.projects.configuration import Configuration

Check = Callable[[str], Configuration]
FindErrors = Callable[[str], dict[str, str]]

STEP = '\n[[projects.p.steps]]\nname = "only"\nrun = "true"\n'


def test_a_project_is_read_with_all_its_keys(check: Check, tmp_path: Path) -> None:
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
            params=(Parameter("documents"), Parameter("due_date")),
        )
    }


def test_a_project_is_immutable(check: Check) -> None:
    env = check('[projects.p]\nenv = { A = "1" }' + STEP).get_project("p").env

    with pytest.raises(TypeError):
        env["A"] = "2"  # type: ignore[index]


def test_a_project_needs_only_a_step(check: Check, tmp_path: Path) -> None:
    project = check(STEP).get_project("p")

    assert project == Project("p", title="p", directory=tmp_path, steps=(CommandStep("only", "true"),))


def test_projects_are_in_the_order_of_the_file(check: Check) -> None:
    text = "".join(STEP.replace("projects.p.", f"projects.{name}.") for name in ("zebra", "ant", "moth"))

    assert list(check(text).projects) == ["zebra", "ant", "moth"]


@pytest.mark.parametrize(
    ("size", "size_bytes"), [("500MB", 500_000_000), ("1.5GB", 1_500_000_000), ("1GiB", 2**30), ("64kB", 64_000)]
)
def test_the_size_of_a_log_is_limited(check: Check, size: str, size_bytes: int) -> None:
    table = f'[projects.p]\nlog_limit = {{ size = "{size}" }}'

    assert check(table + STEP).get_project("p").log_limit == LogLimit(size_bytes)


@pytest.mark.parametrize("then", ["cut", "fail"])
def test_a_run_is_cut_or_fails_at_the_limit_of_its_log(check: Check, then: str) -> None:
    table = f'[projects.p]\nlog_limit = {{ size = "1kB", then = "{then}" }}'

    assert check(table + STEP).get_project("p").log_limit == LogLimit(1_000, then)


def test_a_log_is_limited_to_a_gibibyte_by_default(check: Check) -> None:
    assert check("[projects.p]" + STEP).get_project("p").log_limit == LogLimit(2**30, "cut")


def test_the_cancel_grace_may_be_zero(check: Check) -> None:
    assert check('[projects.p]\ncancel_grace = "0s"' + STEP).get_project("p").cancel_grace_seconds == 0


def test_a_directory_may_start_with_the_home_directory(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "glossary").mkdir()

    assert check('[projects.p]\ndir = "~/glossary"' + STEP).get_project("p").directory == tmp_path / "glossary"


@pytest.mark.parametrize(
    ("line", "pointer", "words"),
    [
        ('titel = "x"', "titel", 'unknown key; did you mean "title"?'),
        ('Title = "x"', "Title", 'did you mean "title"?'),
        ('directory = "."', "directory", 'did you mean "dir"?'),
        ('cwd = "."', "cwd", 'did you mean "dir"?'),
        ('run = "true"', "run", "set the command of a step"),
        ('retention = "queue"', "retention", "known keys: title, dir, timeout"),
        ('on_conflict = "wait"', "on_conflict", 'expected "reject" or "join" or "queue" or "replace", got "wait"'),
        ("queue_max = -1", "queue_max", "expected a whole number from 0 to 100000"),
        ('resources = "gpu"', "resources", "expected a list of resources"),
        ('resources = ["gpu"]', "resources", 'there is no resource "gpu"; declare it in a table [resources.<name>]'),
        ('schedule = "daily"', "schedule", "unknown key"),
        ("retries = 3", "retries", "unknown key; set it for a step: [[projects.<name>.steps]]"),
        ('retry_on = ["exit"]', "retry_on", "set it for a step: [[projects.<name>.steps]]"),
        ('stderr = "merge"', "stderr", "set it for a step: [[projects.<name>.steps]]"),
        ('cron = "0 3 * * *"', "cron", "set it for a schedule: [[projects.<name>.schedules]]"),
        ("title = 5", "title", "expected a string, got 5"),
        ('title = "  "', "title", "is empty"),
        ('title = "a\\u0000b"', "title", "NUL"),
        ('title = "two\\nlines"', "title", "contains a line break"),
        ('dir = "a-file/below"', "dir", "cannot be accessed: Not a directory"),
        (f'dir = "{"x" * 300}"', "dir", "cannot be accessed: File name too long"),
        ('dir = "nowhere"', "dir", "nowhere does not exist"),
        ('dir = "a-file"', "dir", "is not a directory"),
        ("dir = []", "dir", "got an empty list"),
        ('dir = "~no-such-user/x"', "dir", "an unknown home directory"),
        ("timeout = 1800", "timeout", 'expected a duration like "30s", "20m" or "1h30m", got 1800'),
        ('timeout = "30 minutes"', "timeout", '"30 minutes" is not a duration'),
        ('timeout = "0s"', "timeout", "must be greater than zero"),
        ('timeout = "400d"', "timeout", "longer than a year"),
        ("timeout = 07:30:00", "timeout", "got the date or time 07:30:00"),
        ("cancel_grace = false", "cancel_grace", "got false"),
        ('log_limit = "1GB"', "log_limit", "expected a table"),
        ("log_limit = {}", "log_limit.size", "is missing"),
        ('log_limit = { size = "1 GB" }', "log_limit.size", "is not a size"),
        ('log_limit = { size = "0GB" }', "log_limit.size", "greater than zero"),
        ("log_limit = { size = 5 }", "log_limit.size", "expected a size"),
        ('log_limit = { size = "1GB", then = "stop" }', "log_limit.then", 'expected "cut" or "fail", got "stop"'),
        ('log_limit = { size = "1GB", then = true }', "log_limit.then", 'expected "cut" or "fail", got true'),
        ('log_limit = { size = "1GB", than = "fail" }', "log_limit.than", "unknown key"),
        ('env = "A=1"', "env", 'expected a table, got "A=1"'),
        ("env = { PORT = 80 }", "env.PORT", "put the value in quotes"),
        ('env = { "A=B" = "1" }', 'env."A=B"', "is not a valid variable name"),
        ('env = { "" = "1" }', 'env.""', "is not a valid variable name"),
        ('env = { A = "\\u0000" }', "env.A", "NUL"),
        ('pass_env = "DB_*"', "pass_env", "a list of variables"),
        ('pass_env = ["DB HOST"]', "pass_env[0]", "is not the name of a variable"),
        ('pass_env = ["DB_HOST=db"]', "pass_env[0]", "to set a value, use env"),
        ('pass_env = ["SOLORUN_TOKEN"]', "pass_env[0]", "are reserved"),
        ('pass_env = ["DB_*", "DB_*"]', "pass_env[1]", "is listed twice"),
        ('env = { SOLORUN_TOKEN = "1" }', "env.SOLORUN_TOKEN", "are reserved"),
        ('env = { A = "x${SOLORUN_TOKEN}" }', "env.A", "are reserved"),
        ("shell = 3", "shell", "expected a string"),
        ('detect_levels = "no"', "detect_levels", 'expected true or false, got "no"'),
        ('secrets = "KEY"', "secrets", "expected a list of variables"),
        ('secrets = ["A", "A"]', "secrets[1]", "is listed twice"),
        ('secrets = ["A", 1]', "secrets[1]", "got 1"),
        ('params = ["Due Date"]', "params[0]", 'did you mean "due_date"?'),
        ('params = ["é"]', "params[0]", "is not a valid parameter name"),
        ('params = ["a", "b", "a"]', "params[2]", '"a" is listed twice'),
        ('params = "date"', "params", 'expected a list of names like ["date"], or a table for each parameter'),
        ("params = [{ name = 'date' }]", "params[0]", "got a table"),
    ],
)
def test_an_error_has_the_position_and_what_was_expected(
    find_errors: FindErrors, tmp_path: Path, line: str, pointer: str, words: str
) -> None:
    (tmp_path / "a-file").touch()

    errors = find_errors(f"[projects.p]\n{line}{STEP}")

    assert list(errors) == [f"projects.p.{pointer}"]
    assert words in errors[f"projects.p.{pointer}"]


def test_an_inaccessible_directory_is_an_error(find_errors: FindErrors, monkeypatch: pytest.MonkeyPatch) -> None:
    # A superuser may enter every directory, so that a real one would not do.
    monkeypatch.setattr(os, "access", lambda *_: False)

    [message] = find_errors(f'[projects.p]\ndir = "."{STEP}').values()

    assert message.endswith("is not accessible to this user")


def test_no_error_shows_a_possible_secret(find_errors: FindErrors) -> None:
    errors = find_errors(
        f'[projects.p]\nenv = {{ A = "hunter2\\u0000", SOLORUN_B = "hunter2" }}\nsecrets = ["hunter2 as it is"]{STEP}'
    )

    assert len(errors) == 3
    assert "hunter2" not in str(errors)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Handbook", 'did you mean "handbook"?'),
        ('"Hand Book"', 'did you mean "hand-book"?'),
        ("1st", "is not a valid project name"),
        ('"ü"', "is not a valid project name"),
        ('""', "is not a valid project name"),
        ("a" * 64, "at most 63"),
        ('"a*B"', "is not a valid name pattern"),
        ('"a["', "is not a valid name pattern"),
        ('"a[]"', "is not a valid name pattern"),
        ('"a/*"', "is not a valid name pattern"),
        ('"-*"', "names start with a letter"),
    ],
)
def test_an_invalid_project_name_is_an_error(find_errors: FindErrors, name: str, words: str) -> None:
    errors = find_errors(STEP.replace("projects.p.", f"projects.{name}."))

    assert list(errors) == [f"projects.{name}"]
    assert words in errors[f"projects.{name}"]


@pytest.mark.parametrize(
    ("text", "pointer", "words"),
    [
        ("", "projects", "is missing"),
        ("[projects]", "projects", "declares no project"),
        ("[[projects]]\nname = 'p'", "projects", "in single brackets"),
        ("projects = 1", "projects", "expected a table, got 1"),
        ("[projects]\np = true", "projects.p", "expected a table, got true"),
        ("[projects.p]", "projects.p.steps", "is missing; declare each step"),
        ("[project.p]" + STEP, "project", "declare a project in a table [projects.<name>]"),
        ("[webhooks]" + STEP, "webhooks", "known keys: service, resources, notify, defaults, projects"),
    ],
)
def test_a_file_with_the_wrong_structure_gets_a_hint(
    find_errors: FindErrors, text: str, pointer: str, words: str
) -> None:
    assert words in find_errors(text)[pointer]


def test_all_errors_are_reported_together(find_errors: FindErrors) -> None:
    errors = find_errors("""
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

    assert list(errors) == [
        "retention",
        "service.port",
        "projects.handbook.timeout",
        "projects.handbook.steps[0].name",
        "projects.handbook.steps[0].run",
        'projects."glossary-*".steps[0].timeout',
    ]


@pytest.mark.parametrize(("step", "is_said"), [('call = "nomodule:f"', True), ('run = "true"', False)])
def test_an_error_about_a_missing_directory_says_whether_coroutines_were_checked(
    find_errors: Callable[[str], dict[str, str]], step: str, is_said: bool
) -> None:
    errors = find_errors(f'[projects.a]\ndir = "nowhere"\n[[projects.a.steps]]\nname = "one"\n{step}\n')

    assert list(errors) == ["projects.a.dir"]
    assert ("its coroutines are not checked" in errors["projects.a.dir"]) is is_said
