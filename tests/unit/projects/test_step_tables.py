"""Valid and invalid [[steps]] tables."""

from collections.abc import Callable
from textwrap import dedent

import pytest

from solorun.project import CommandStep, StallTimeout
from solorun.projects.configuration import Configuration
from solorun.retries import Retries

FindErrors = Callable[[str], dict[str, str]]


@pytest.mark.parametrize(
    ("step", "pointer", "words"),
    [
        ('run = "true"', ".name", "is missing; scopes and logs refer to a step by its name"),
        ('name = "full"\nrun = "true"', ".name", "the scope of all steps"),
        ('name = "Extract"\nrun = "true"', ".name", '"Extract" is not a valid step name'),
        ('name = "from:x"\nrun = "true"', ".name", "is not a valid step name"),
        ('name = 1\nrun = "true"', ".name", "got 1"),
        ('name = "x"', "", 'needs "run" (a command) or "call" (a function)'),
        ('name = "x"\nrun = ""', ".run", "is empty"),
        ('name = "x"\nrun = "a\\u0000"', ".run", "NUL"),
        ('name = "x"\nrun = []', ".run", "the first item is the program"),
        ('name = "x"\nrun = ["python", ""]', ".run[1]", "is empty"),
        ('name = "x"\nrun = ["python", 3]', ".run[1]", "got 3"),
        ('name = "x"\nrun = true', ".run", "a string for the shell, or a list"),
        ('name = "x"\ncall = "handbook.generate"', ".call", 'write it like "package.module:function"'),
        ('name = "x"\ncall = "a:b.c"', ".call", "is not a function"),
        ('name = "x"\ncall = ["a:b"]', ".call", "got a list"),
        ('name = "x"\nrun = "true"\ntimeout = 3', ".timeout", "expected a duration"),
        ('name = "x"\nrun = "true"\ntimeout = "0m"', ".timeout", "must be greater than zero"),
        ('name = "x"\nrun = "true"\ntimout = "3m"', ".timout", 'did you mean "timeout"?'),
        ('name = "x"\nrun = "true"\nenv = { A = "1" }', ".env", "set variables for the whole project"),
        ('name = "x"\nrun = "true"\nsecrets = ["KEY"]', ".secrets", "set it for the whole project"),
        ('name = "x"\nrun = "true"\ncancel_grace = "1s"', ".cancel_grace", "set it for the whole project"),
        ('name = "x"\nrun = "true"\nstderr = "merged"', ".stderr", 'expected "separate" or "merge", got "merged"'),
        ('name = "x"\nrun = "true"\ntty = 1', ".tty", "expected true or false, got 1"),
        ('name = "x"\nrun = "true"\nshell = "bash -c \'"', ".shell", "is not a command line: no closing quotation"),
        ('name = "x"\nrun = "true"\nshell = " "', ".shell", "is empty"),
        ('name = "x"\nrun = ["true"]\nshell = "bash"', ".shell", "run without a shell"),
        ('name = "x"\nrun = "true"\nretry = 2', ".retry", 'did you mean "retries"?'),
        ('name = "x"\nrun = "true"\nretries = -1', ".retries", "expected a whole number from 0 to 100, got -1"),
        ('name = "x"\nrun = "true"\nretry_on = ["exit 75"]', ".retry_on", 'has no effect without "retries"'),
        ('name = "x"\nrun = "true"\nretries = 1\nretry_delay = 5', ".retry_delay", "expected a duration"),
        ('name = "x"\nrun = "true"\nretries = 1\nretry_max_delay = "1s"', ".retry_max_delay", "is shorter than"),
        ('name = "x"\nrun = "true"\nretries = 1\nretry_on = "exit 75"', ".retry_on", "expected a list of causes"),
        ('name = "x"\nrun = "true"\nretries = 1\nretry_on = ["exit 0"]', ".retry_on[0]", "N from 1 to 255"),
        ('name = "x"\nrun = "true"\nretries = 1\nretry_on = ["exit 256"]', ".retry_on[0]", "N from 1 to 255"),
        ('name = "x"\nrun = "true"\nretries = 1\nretry_on = ["oom"]', ".retry_on[0]", '"oom" is not a cause'),
        ('name = "x"\nrun = "true"\nstall_timeout = 3', ".stall_timeout", "expected a table, got 3"),
        ('name = "x"\nrun = "true"\nstall_timeout = "0s"', ".stall_timeout", "must be greater than zero"),
        ('name = "x"\nrun = "true"\nstall_timeout = {}', ".stall_timeout.after", "is missing"),
        (
            'name = "x"\nrun = "true"\nstall_timeout = { after = "1m", then = "cut" }',
            ".stall_timeout.then",
            'expected "fail" or "warn", got "cut"',
        ),
    ],
)
def test_a_step_error_has_the_index_of_the_step(find_errors: FindErrors, step: str, pointer: str, words: str) -> None:
    errors = find_errors(f'[[projects.p.steps]]\nname = "first"\nrun = "true"\n\n[[projects.p.steps]]\n{step}\n')

    assert list(errors) == [f"projects.p.steps[1]{pointer}"]
    assert words in errors[f"projects.p.steps[1]{pointer}"]


def test_a_coroutine_refuses_the_options_of_commands(find_errors: FindErrors) -> None:
    errors = find_errors('[[projects.p.steps]]\nname = "x"\ncall = "no_such_module:main"\ntty = true\n')

    assert errors["projects.p.steps[0].tty"] == 'is for commands; a step with "call" runs none'


def test_a_step_overrides_the_shell_and_the_levels_of_its_project(check: Callable[[str], Configuration]) -> None:
    configuration = check(
        """
        [projects.p]
        shell = "bash -euo pipefail"
        detect_levels = false
        [[projects.p.steps]]
        name = "one"
        run = "true"
        stderr = "merge"
        [[projects.p.steps]]
        name = "two"
        run = "true"
        shell = "'/opt/my shell' -e"
        detect_levels = true
        tty = true
        """
    )

    assert configuration.projects["p"].steps == (
        CommandStep("one", "true", shell=("bash", "-euo", "pipefail"), stderr="merge", detect_levels=False),
        CommandStep("two", "true", shell=("/opt/my shell", "-e"), tty=True),
    )


def test_a_step_declares_its_retries_and_how_long_it_may_write_nothing(check: Callable[[str], Configuration]) -> None:
    configuration = check(
        """
        [[projects.p.steps]]
        name = "one"
        run = "true"
        retries = 2
        [[projects.p.steps]]
        name = "two"
        run = "true"
        retries = 5
        retry_delay = "1m"
        retry_max_delay = "1h"
        retry_on = ["exit 75", "timeout"]
        stall_timeout = "10m"
        [[projects.p.steps]]
        name = "three"
        run = "true"
        retries = 1
        retry_delay = "15m"
        stall_timeout = { after = "10s", then = "warn" }
        """
    )

    one, two, three = configuration.projects["p"].steps
    assert one.retries == Retries(2, 10, 300)
    assert two.retries == Retries(5, 60, 3600, frozenset({"exit 75", "timeout"}))
    assert three.retries == Retries(1, 900, 900)
    assert [step.stall_timeout for step in (one, two, three)] == [None, StallTimeout(600), StallTimeout(10, "warn")]


def test_a_step_cannot_be_a_command_and_a_coroutine(find_errors: FindErrors) -> None:
    errors = find_errors('[[projects.p.steps]]\nname = "x"\nrun = "true"\ncall = "no_such_module:main"\n')

    assert 'has both "run" and "call"' in errors["projects.p.steps[0]"]


def test_two_steps_cannot_have_the_same_name(find_errors: FindErrors) -> None:
    errors = find_errors(
        dedent("""
            [[projects.p.steps]]
            name = "extract"
            run = "true"
            [[projects.p.steps]]
            name = "extract"
            run = "false"
        """)
    )

    assert errors == {"projects.p.steps[1].name": '"extract" is already the name of steps[0]'}


@pytest.mark.parametrize(
    ("steps", "pointer", "words"),
    [
        ("steps = []", "", "at least one step"),
        ('steps = "true"', "", "expected a list of tables"),
        ('steps = ["true"]', "[0]", 'expected a table, got "true"'),
        ("[projects.p.steps]\nname = 'x'", "", "in double brackets"),
    ],
)
def test_steps_with_the_wrong_structure_get_a_hint(
    find_errors: FindErrors, steps: str, pointer: str, words: str
) -> None:
    assert words in find_errors(f"[projects.p]\n{steps}")[f"projects.p.steps{pointer}"]
