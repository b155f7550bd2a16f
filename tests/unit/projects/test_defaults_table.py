"""The [defaults] table: which values projects take from it, and where its errors are reported."""

from collections.abc import Callable
from pathlib import Path

import pytest

from solorun.project import Keep, LogLimit
from solorun.projects.configuration import Configuration
from solorun.projects.lint import lint
from solorun.queueing import ConflictPolicy

Check = Callable[[str], Configuration]
FindErrors = Callable[[str], dict[str, str]]

STEP = '\n[[projects.p.steps]]\nname = "only"\nrun = "true"\n'


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        ("{ runs = 500 }", Keep(runs=500)),
        ('{ age = "90d" }', Keep(age_seconds=90 * 86400)),
        ('{ size = "20GB" }', Keep(size_bytes=20_000_000_000)),
        ('{ runs = 1, age = "3650d", size = "1TB" }', Keep(1, 3650 * 86400, 10**12)),
        ("{}", Keep()),
    ],
)
def test_a_project_says_which_runs_it_keeps(check: Check, keep: str, expected: Keep) -> None:
    assert check(f"[projects.p]\nkeep = {keep}" + STEP).get_project("p").keep == expected


def test_a_project_keeps_all_runs_by_default(check: Check) -> None:
    assert not check("[projects.p]" + STEP).get_project("p").keep.is_limited


@pytest.mark.parametrize(
    ("keep", "pointer", "message"),
    [
        ("500", "keep", "expected a table, got 500"),
        ("{ runs = 0 }", "keep.runs", "from 1 to"),
        ("{ runs = true }", "keep.runs", "from 1 to"),
        ('{ age = "0d" }', "keep.age", "greater than zero"),
        ("{ age = 90 }", "keep.age", "expected a duration"),
        ('{ age = "36601d" }', "keep.age", "longer than a century"),
        ('{ size = "20" }', "keep.size", "is not a size"),
        ("{ run = 5 }", "keep.run", 'did you mean "runs"?'),
    ],
)
@pytest.mark.parametrize("table", ["defaults", "projects.p"])
def test_an_error_in_keep_is_reported_once_where_it_is(
    find_errors: FindErrors, table: str, keep: str, pointer: str, message: str
) -> None:
    text = f"[{table}]\nkeep = {keep}" + STEP + STEP.replace(".p.", ".q.")

    errors = find_errors(text)

    assert list(errors) == [f"{table}.{pointer}"]
    assert message in errors[f"{table}.{pointer}"]


def test_projects_and_patterns_take_what_they_do_not_set_from_the_defaults(check: Check) -> None:
    configuration = check("""
        [defaults]
        keep = { runs = 500, age = "90d" }
        log_limit = { size = "1MB", then = "fail" }
        timeout = "1h"
        on_conflict = "queue"
        shell = "bash -e"
        steps = [{ name = "shared", run = "make" }]

        [projects.own]
        keep = { runs = 5 }
        timeout = "2h"
        steps = [{ name = "mine", run = "true" }]

        [projects."a-*"]
        on_conflict = "join"
    """)

    own, other = configuration.get_project("own"), configuration.get_project("a-b")

    assert (own.keep, other.keep) == (Keep(runs=5), Keep(500, 90 * 86400))
    assert own.log_limit == other.log_limit == LogLimit(1_000_000, "fail")
    assert (own.timeout_seconds, other.timeout_seconds) == (7200, 3600)
    assert (own.on_conflict, other.on_conflict) == (ConflictPolicy.QUEUE, ConflictPolicy.JOIN)
    assert [step.name for step in (*own.steps, *other.steps)] == ["mine", "shared"]
    assert other.title == "a-b"


def test_variables_and_secrets_of_a_project_are_added_to_the_defaults(check: Check) -> None:
    project = check(
        """
        [defaults]
        env = { LANG = "C", REGION = "eu" }
        secrets = ["A_TOKEN", "B_TOKEN"]
        pass_env = ["HTTPS_PROXY"]
        params = ["date"]

        [projects.p]
        env = { LANG = "de" }
        secrets = ["C_TOKEN", "A_TOKEN"]
        pass_env = ["DB_*"]
        params = ["version"]
        """
        + STEP
    ).get_project("p")

    assert project.env == {"LANG": "de", "REGION": "eu"}
    assert project.secrets == ("C_TOKEN", "A_TOKEN", "B_TOKEN")
    assert project.pass_env == ("DB_*", "HTTPS_PROXY")
    assert [param.name for param in project.params] == ["version"]


def test_a_default_may_refer_to_what_each_project_declares(check: Check) -> None:
    project = check(
        """
        [defaults]
        hooks = { push = { secret = "$GH", verify = "github", scope = "only", params = { ref = "/ref" } } }

        [projects.p]
        params = ["ref"]
        """
        + STEP
    ).get_project("p")

    assert project.hooks["push"].scope == "only"


def test_relative_directories_in_the_defaults_start_at_the_file(check: Check, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()

    assert check('[defaults]\ndir = "work"' + STEP).get_project("p").directory == tmp_path / "work"


@pytest.mark.parametrize(
    ("defaults", "own", "expected"),
    [
        ('env = { SOLORUN_X = "1" }', 'env = { A = "1" }', ["defaults.env.SOLORUN_X"]),
        ("env = { A = 1 }", 'env = { A = "1" }', ["defaults.env.A"]),
        ('env = { A = "1" }', "env = { A = 1 }", ["projects.p.env.A"]),
        ("env = 5", 'env = { A = "1" }', ["defaults.env"]),
        ('env = { A = "1" }', "env = 5", ["projects.p.env"]),
        ('secrets = ["A", "B C"]', 'secrets = ["D E", "A"]', ["defaults.secrets[1]", "projects.p.secrets[0]"]),
        ('secrets = ["A", "A"]', 'secrets = ["B"]', ["defaults.secrets[1]"]),
        ('tiemout = "1h"', "", ["defaults.tiemout"]),
        ('timeout = "soon"', 'timeout = "1h"', ["defaults.timeout"]),
        ('timeout = "soon"', "", ["defaults.timeout"]),
        ('resources = ["gpu"]', "", ["defaults.resources"]),
        ('steps = [{ name = "b", run = "x", call = "a:b" }]', "", ["defaults.steps[0]"]),
    ],
)
def test_an_error_is_reported_where_it_is(
    find_errors: FindErrors, defaults: str, own: str, expected: list[str]
) -> None:
    text = f"[defaults]\n{defaults}\n[projects.p]\n{own}" + STEP

    assert list(find_errors(text)) == expected


@pytest.mark.parametrize(
    ("defaults", "own"),
    [('resources = ["gpu"]', "resources = []"), ('steps = [{ name = "b", resources = ["gpu"], run = "x" }]', "")],
)
def test_what_no_project_takes_requires_no_resources(check: Check, defaults: str, own: str) -> None:
    text = f"[defaults]\n{defaults}\n[projects.p]\n{own}" + STEP

    assert list(check(text).projects) == ["p"]


def test_the_directory_of_each_project_has_its_coroutines(check: Check, write: Callable[[str, str], Path]) -> None:
    write("work/shared_steps.py", "async def main(step): ...")

    project = check("""
        [defaults]
        steps = [{ name = "only", call = "shared_steps:main" }]

        [projects.p]
        dir = "work"
    """).get_project("p")

    assert project.steps[0].kind == "coroutine"


@pytest.mark.parametrize("defaults", ["5", "[]", '"text"', "[{}]"])
def test_defaults_that_are_no_table_are_refused(find_errors: FindErrors, defaults: str) -> None:
    assert list(find_errors(f"defaults = {defaults}" + STEP)) == ["defaults"]


def test_a_warning_about_a_default_is_given_once_where_it_is(check: Check) -> None:
    configuration = check(
        """
        [defaults]
        secrets = ["A_TOKEN"]
        env = { HOME_DIR = "~" }
        """
        + STEP
        + STEP.replace(".p.", ".q.")
    )

    assert [warning.pointer for warning in lint(configuration, {})] == ["defaults.secrets[0]", "defaults.env.HOME_DIR"]
