"""What a [[steps]] table may say, and what is answered when it says something else."""

from collections.abc import Callable
from textwrap import dedent

import pytest

FindFaults = Callable[[str], dict[str, str]]


@pytest.mark.parametrize(
    ("step", "pointer", "words"),
    [
        ('run = "true"', ".name", "is missing; scopes and logs call the step by its name"),
        ('name = "full"\nrun = "true"', ".name", "the scope of all steps"),
        ('name = "Extract"\nrun = "true"', ".name", '"Extract" cannot name a step'),
        ('name = "from:x"\nrun = "true"', ".name", "cannot name a step"),
        ('name = 1\nrun = "true"', ".name", "found the number 1"),
        ('name = "x"', "", 'wants "run" (a command) or "call" (a coroutine)'),
        ('name = "x"\nrun = ""', ".run", "is empty"),
        ('name = "x"\nrun = "a\\u0000"', ".run", "NUL"),
        ('name = "x"\nrun = []', ".run", "the first item is the program"),
        ('name = "x"\nrun = ["python", ""]', ".run[1]", "is empty"),
        ('name = "x"\nrun = ["python", 3]', ".run[1]", "found the number 3"),
        ('name = "x"\nrun = true', ".run", "a text for the shell, or a list"),
        ('name = "x"\ncall = "handbook.generate"', ".call", 'write it like "package.module:function"'),
        ('name = "x"\ncall = "a:b.c"', ".call", "does not name a coroutine"),
        ('name = "x"\ncall = ["a:b"]', ".call", "found a list"),
        ('name = "x"\nrun = "true"\ntimeout = 3', ".timeout", "wants a duration"),
        ('name = "x"\nrun = "true"\ntimeout = "0m"', ".timeout", "no time at all"),
        ('name = "x"\nrun = "true"\ntimout = "3m"', ".timout", 'did you mean "timeout"?'),
        ('name = "x"\nrun = "true"\nenv = { A = "1" }', ".env", "variables belong to the project"),
        ('name = "x"\nrun = "true"\nretries = 2', ".retries", "known here: name, run, call, timeout"),
    ],
)
def test_a_fault_of_a_step_names_the_step_by_its_index(
    find_errors: FindFaults, step: str, pointer: str, words: str
) -> None:
    errors = find_errors(f'[[projects.p.steps]]\nname = "first"\nrun = "true"\n\n[[projects.p.steps]]\n{step}\n')

    assert list(errors) == [f"projects.p.steps[1]{pointer}"]
    assert words in errors[f"projects.p.steps[1]{pointer}"]


def test_a_step_cannot_be_a_command_and_a_coroutine(find_errors: FindFaults) -> None:
    errors = find_errors('[[projects.p.steps]]\nname = "x"\nrun = "true"\ncall = "no_such_module:main"\n')

    assert 'has both "run" and "call"' in errors["projects.p.steps[0]"]


def test_two_steps_cannot_have_one_name(find_errors: FindFaults) -> None:
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

    assert errors == {"projects.p.steps[1].name": '"extract" is the name of steps[0] too'}


@pytest.mark.parametrize(
    ("steps", "pointer", "words"),
    [
        ("steps = []", "", "at least one step"),
        ('steps = "true"', "", "wants a list of steps"),
        ('steps = ["true"]', "[0]", 'wants a table, found "true"'),
        ("[projects.p.steps]\nname = 'x'", "", "in double brackets"),
    ],
)
def test_steps_of_the_wrong_form_are_told_the_right_one(
    find_errors: FindFaults, steps: str, pointer: str, words: str
) -> None:
    assert words in find_errors(f"[projects.p]\n{steps}")[f"projects.p.steps{pointer}"]
