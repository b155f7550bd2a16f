"""Warnings about a valid configuration."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from solorun.projects import Catalog
from solorun.projects.configuration import Configuration
from solorun.projects.lint import lint

Check = Callable[[str], Configuration]

PROJECT = """
    [projects.one]
    env = {{ GIVEN = "given here" }}
    secrets = ["{secret}"]
    [[projects.one.steps]]
    name = "only"
    run = {run}
"""


def text(*, secret: str = "GIVEN", run: str = '"true"') -> str:
    return PROJECT.format(secret=secret, run=run)


def test_a_secret_that_is_not_set_gives_a_warning(check: Check) -> None:
    warnings = lint(check(text(secret="TYPO")), {"OTHER": "x"})

    assert [warning.pointer for warning in warnings] == ["projects.one.secrets[0]"]
    assert '"TYPO" is set neither in the environment nor in env' in warnings[0].message


@pytest.mark.parametrize(("secret", "environ"), [("GIVEN", {}), ("OUTSIDE", {"OUTSIDE": "hidden"})])
def test_a_secret_that_is_set_gives_no_warning(check: Check, secret: str, environ: dict[str, str]) -> None:
    assert lint(check(text(secret=secret)), environ) == []


def test_an_empty_secret_counts_as_not_set(check: Check) -> None:
    assert len(lint(check(text(secret="EMPTY")), {"EMPTY": ""})) == 1


@pytest.mark.parametrize("value", ["1234", "  12 \n", "a\nbc\r\nd\n"])
def test_a_secret_too_short_to_mask_gives_a_warning_without_its_value(check: Check, value: str) -> None:
    (warning,) = lint(check(text(secret="PIN")), {"PIN": value})

    assert warning.pointer == "projects.one.secrets[0]"
    assert warning.message == 'the variable "PIN" has fewer than 5 characters, so it is not masked'


@pytest.mark.parametrize("value", ["12345", "a\nsecond line\n"])
def test_a_secret_with_one_maskable_line_gives_no_warning(check: Check, value: str) -> None:
    assert lint(check(text(secret="PIN")), {"PIN": value}) == []


def test_a_warning_about_a_family_has_its_pattern(check: Check) -> None:
    warnings = lint(check(text(secret="TYPO").replace("projects.one", 'projects."x-*"')), {})

    assert [warning.pointer for warning in warnings] == ['projects."x-*".secrets[0]']


def test_a_webhook_with_a_malformed_secret_gives_a_warning(check: Check) -> None:
    target = '[notify.ops]\nwebhook = "https://example.org/"\nsecret = "$HOOK"\n'

    (warning,) = lint(check(target + text()), {"HOOK": "hunter2hunter2"})

    assert warning.pointer == "notify.ops.secret"
    assert warning.message.endswith("in base64; nothing can be sent")
    assert "hunter2" not in warning.message


@pytest.mark.parametrize("run", ['["no-such-program", "-v"]', '["./no-such-program"]', '["/no/such/program"]'])
def test_a_missing_program_gives_a_warning(check: Check, run: str) -> None:
    warnings = lint(check(text(run=run)), {"PATH": "/usr/bin:/bin"})

    assert [warning.pointer for warning in warnings] == ["projects.one.steps[0].run[0]"]
    assert "no program " in warnings[0].message


def test_a_missing_shell_gives_a_warning(check: Check) -> None:
    declared = text(run='"true"').replace("[projects.one]", '[projects.one]\nshell = "no-such-shell -e"', 1)

    (warning,) = lint(check(declared), {"PATH": "/usr/bin:/bin"})

    assert warning.pointer == "projects.one.steps[0].run"
    assert warning.message == 'no program "no-such-shell" on the PATH'


@pytest.mark.parametrize("run", ['["sh", "-c", "true"]', '["/bin/sh"]', '["./own.sh"]', '"no-such-program"'])
def test_an_existing_program_or_a_shell_script_gives_no_warning(
    check: Check, write: Callable[[str, str], Path], run: str
) -> None:
    write("own.sh", "#!/bin/sh\n").chmod(0o755)

    assert lint(check(text(run=run)), {"PATH": "/usr/bin:/bin"}) == []


def test_the_path_of_the_project_is_searched(check: Check, write: Callable[[str, str], Path]) -> None:
    own = write("bin/own", "#!/bin/sh\n")
    own.chmod(0o755)
    declared = text(run='["own"]').replace('GIVEN = "given here"', f'GIVEN = "given", PATH = "{own.parent}"')

    assert lint(check(declared), {"PATH": "/usr/bin:/bin"}) == []


async def test_the_service_warns_when_it_reads_the_file_again(
    write: Callable[[str, str], Path], errors: Callable[[], list[str]]
) -> None:
    catalog = Catalog.open(write("solorun.toml", text()))
    write("solorun.toml", text(secret="SOLORUN_TEST_NEVER_SET"))

    await catalog.reload()

    (warning,) = errors()
    assert warning.startswith(f"{catalog.path}: projects.one.secrets[0]: ")
    assert catalog.errors == ()


ENV = """
    [projects.one]
    env = {{ VALUE = {value}, GIVEN = "x" }}
    [[projects.one.steps]]
    name = "only"
    run = ["true"]
"""


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ('"$PATH:/opt/bin"', "$PATH is taken literally; write ${PATH} for the service's variable"),
        ('"$GIVEN"', "$GIVEN is taken literally; write ${GIVEN} for the service's variable"),
        (
            '"a${UNKNOWN}"',
            "${UNKNOWN} is not set in the service's environment and becomes empty; write $$ for a dollar",
        ),
        ('"~/x"', 'begins with "~", which is taken literally; write ${HOME}'),
        ('"~"', 'begins with "~", which is taken literally; write ${HOME}'),
    ],
)
def test_a_value_that_means_something_else_gives_a_warning(check: Check, value: str, problem: str) -> None:
    (warning,) = lint(check(ENV.format(value=value)), {"PATH": os.defpath, "HOME": "/home/you"})

    assert (warning.pointer, warning.message) == ("projects.one.env.VALUE", problem)


@pytest.mark.parametrize(
    "value",
    ["pa$sword", "$", "5$", "a~b", "~user", "${", "$(date)", "{HOME}", "$ PATH", "$$", "$$PATH", "$${X}", "${HOME}/x"],
)
def test_other_values_give_no_warning(check: Check, value: str) -> None:
    assert lint(check(ENV.format(value=f"'{value}'")), {"PATH": os.defpath, "HOME": "/home/you"}) == []


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ('"source venv/bin/activate && python x.py"', '"source" is a command of bash'),
        ('"cd x && source y\\n"', '"source" is a command of bash'),
        ('"source x"\n    shell = "/bin/sh -e"', '"source" is a command of bash'),
        ('"echo\\u00a0hi"', "no-break space"),
    ],
)
def test_a_script_that_means_something_else_gives_a_warning(check: Check, run: str, words: str) -> None:
    (warning,) = lint(check(text(run=run)), {})

    assert warning.pointer == "projects.one.steps[0].run"
    assert words in warning.message


@pytest.mark.parametrize("run", ['"source x"\n    shell = "bash"', '"echo source x"', '"./source x"'])
def test_other_scripts_give_no_warning(check: Check, run: str) -> None:
    assert lint(check(text(run=run)), {}) == []


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        ('retry_on = ["timeout", "exit"]', '"timeout" has no effect: the step has no timeout'),
        ('retry_on = ["stall"]', '"stall" has no effect: the step has no stall_timeout that stops it'),
        (
            'retry_on = ["stall"]\nstall_timeout = { after = "1m", then = "warn" }',
            '"stall" has no effect: the step has no stall_timeout that stops it',
        ),
    ],
)
def test_a_cause_that_cannot_occur_gives_a_warning(check: Check, keys: str, problem: str) -> None:
    steps = f'[[projects.one.steps]]\nname = "only"\nrun = "true"\nretries = 1\n{keys}'

    (warning,) = lint(check(steps), {})

    assert (warning.pointer, warning.message) == ("projects.one.steps[0].retry_on", problem)


def test_a_function_that_is_tried_again_after_an_exit_code_gives_a_warning(
    check: Check, write: Callable[[str, str], Path]
) -> None:
    write("retried.py", "async def main(step): ...\n")
    step = '[[projects.one.steps]]\nname = "only"\ncall = "retried:main"\nretries = 1\nretry_on = ["exit 75", "error"]'

    (warning,) = lint(check(step), {})

    assert warning.message.startswith('"exit 75" has no effect: a function has no exit code')


def test_causes_that_can_occur_give_no_warning(check: Check) -> None:
    limits = 'timeout = "1m"\nstall_timeout = "1s"\nretries = 1'
    step = f'[[projects.one.steps]]\nname = "only"\nrun = "true"\n{limits}'

    assert lint(check(f'{step}\nretry_on = ["timeout", "stall", "exit 75", "signal", "error"]'), {}) == []
