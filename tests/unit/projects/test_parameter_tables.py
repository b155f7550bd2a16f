"""Valid and invalid tables of parameters."""

from collections.abc import Callable

import pytest

from solorun.parameter import Parameter, ParameterType
from solorun.projects.configuration import Configuration

Check = Callable[[str], Configuration]
FindErrors = Callable[[str], dict[str, str]]

STEP = '\n[[projects.p.steps]]\nname = "only"\nrun = "true"\n'


def test_a_parameter_is_read_with_all_its_keys(check: Check) -> None:
    project = check(
        """
        [projects.p.params.environment]
        type = "choice"
        choices = ["staging", "production"]
        default = "staging"
        description = "Where to deploy"

        [projects.p.params.version]
        required = true
        pattern = "v[0-9]+"

        [projects.p.params.token]
        secret = true

        [projects.p.params]
        replicas = { type = "integer", default = 2, min = 1, max = 9 }
        ratio = { type = "number", default = 0.5 }
        dry_run = { type = "boolean", default = false }
        tags = { type = "list", default = ["a", "b"] }

        [[projects.p.steps]]
        name = "only"
        run = "true"
        """
    ).get_project("p")

    assert project.params == (
        Parameter(
            "environment",
            ParameterType.CHOICE,
            choices=("staging", "production"),
            default="staging",
            description="Where to deploy",
        ),
        Parameter("version", required=True, pattern="v[0-9]+"),
        Parameter("token", secret=True),
        Parameter("replicas", ParameterType.INTEGER, default=2, min=1, max=9),
        Parameter("ratio", ParameterType.NUMBER, default=0.5),
        Parameter("dry_run", ParameterType.BOOLEAN, default=False),
        Parameter("tags", ParameterType.LIST, default=("a", "b")),
    )


def test_a_list_of_names_declares_optional_strings(check: Check) -> None:
    project = check('[projects.p]\nparams = ["date", "edition"]' + STEP).get_project("p")

    assert project.params == (Parameter("date"), Parameter("edition"))


@pytest.mark.parametrize(
    ("table", "pointer", "words"),
    [
        ('x = "string"', "x", 'expected a table, got "string"; write { type = "string" }'),
        ("x = 3", "x", "expected a table, got 3"),
        ("x = { typ = 'string' }", "x.typ", 'unknown key; did you mean "type"?'),
        ("x = { options = ['a'] }", "x.options", 'did you mean "choices"?'),
        (
            "x = { type = 'int' }",
            "x.type",
            'expected "string", "integer", "number", "boolean", "choice" or "list", got',
        ),
        ("x = { type = 'int' }", "x.type", 'did you mean "integer"?'),
        ("x = { type = 'Boolean' }", "x.type", 'did you mean "boolean"?'),
        ("x = { type = 3 }", "x.type", "got 3"),
        ("x = { type = [] }", "x.type", "got an empty list"),
        ("'Due Date' = {}", '"Due Date"', 'did you mean "due_date"?'),
        ("x = { required = 'yes' }", "x.required", "expected true or false"),
        ("x = { required = true, default = 'a' }", "x.default", "is never used, because the parameter is required"),
        ('x = { description = "a\\nb" }', "x.description", "contains a line break"),
        ("x = { type = 'choice' }", "x.choices", "is missing; list the values"),
        ("x = { type = 'choice', choices = [] }", "x.choices", "is empty"),
        ("x = { type = 'choice', choices = 'a' }", "x.choices", "expected a list of values"),
        ("x = { type = 'choice', choices = ['a', 'a'] }", "x.choices[1]", "is listed twice"),
        ("x = { type = 'choice', choices = ['a', 1] }", "x.choices[1]", "got 1"),
        (
            "x = { choices = ['a'] }",
            "x.choices",
            'is for parameters of the type "choice"; this one is of the type "str',
        ),
        ("x = { type = 'choice', choices = ['a'], default = 'b' }", "x.default", 'must be one of a, not "b"'),
        ("x = { type = 'integer', default = 'b' }", "x.default", 'must be an integer, not "b"'),
        ("x = { type = 'integer', default = 5, max = 4 }", "x.default", "must be at most 4, not 5"),
        ("x = { default = 2026-01-01 }", "x.default", "must be text, not the date or time 2026-01-01"),
        ("x = { type = 'integer', min = 2, max = 1 }", "x.max", "is less than min, 2"),
        ("x = { type = 'number', min = nan }", "x.min", "must be a finite number, not nan"),
        ("x = { type = 'number', max = '1' }", "x.max", 'expected a number, got "1"'),
        ("x = { type = 'list', max = 1 }", "x.max", 'is for parameters of the type "integer" or "number"'),
        ("x = { pattern = '(' }", "x.pattern", '"(" is not a regular expression in the syntax of RE2: missing ): ('),
        ("x = { pattern = '(?=a)' }", "x.pattern", "is not a regular expression in the syntax of RE2"),
        ("x = { type = 'list', pattern = 'a' }", "x.pattern", 'is for parameters of the type "string"'),
        ("x = { type = 'integer', secret = true }", "x.secret", 'is for parameters of the type "string"'),
        ("x = { pattern = 'a', default = 'b' }", "x.default", 'must match a, not "b"'),
    ],
)
def test_an_error_has_the_position_and_what_was_expected(
    find_errors: FindErrors, table: str, pointer: str, words: str
) -> None:
    errors = find_errors(f"[projects.p.params]\n{table}{STEP}")

    assert list(errors) == [f"projects.p.params.{pointer}"]
    assert words in errors[f"projects.p.params.{pointer}"]


def test_a_secret_has_no_default_and_no_error_shows_one(find_errors: FindErrors) -> None:
    errors = find_errors(f"[projects.p.params]\nx = {{ secret = true, pattern = 'a', default = 'hunter2' }}{STEP}")

    assert list(errors) == ["projects.p.params.x.default"]
    assert "hunter2" not in str(errors)


def test_all_errors_are_found_in_the_order_of_the_file(find_errors: FindErrors) -> None:
    errors = find_errors(
        f"""[projects.p.params]
        a = {{ type = "bool", required = 1 }}
        b = {{ min = 1, default = 3 }}
        {STEP}"""
    )

    assert list(errors) == [f"projects.p.params.{key}" for key in ("a.type", "a.required", "b.min", "b.default")]
