"""The tables [projects.*.hooks.*]."""

from collections.abc import Callable

import pytest

from solorun.hook import Hook, Verification
from solorun.projects.configuration import Configuration
from solorun.projects.lint import lint
from solorun.queueing import ConflictPolicy

Check = Callable[[str], Configuration]
FindErrors = Callable[[str], dict[str, str]]

PUSH = '[projects.site.hooks.push]\nsecret = "$GH"\nverify = "github"\n'
POINTER = "projects.site.hooks.push"


def site(hook: str, keys: str = 'params = ["ref"]') -> str:
    return f'[projects.site]\n{keys}\n[[projects.site.steps]]\nname = "build"\nrun = "true"\n{hook}'


def test_a_hook_has_the_keys_of_its_table(check: Check) -> None:
    configuration = check(
        site(
            PUSH + 'scope = "from:build"\nparams = { ref = "/ref" }\nevents = ["push"]\non_conflict = "queue"\n'
            'when = { "/ref" = "refs/heads/main", "/forced" = false, "/commits/0/size" = 3 }\n'
        )
    )

    assert configuration.projects["site"].hooks == {
        "push": Hook(
            name="push",
            secret="GH",
            verify=Verification.GITHUB,
            scope="from:build",
            params={"ref": "/ref"},
            when={"/ref": "refs/heads/main", "/forced": False, "/commits/0/size": 3},
            events=("push",),
            on_conflict=ConflictPolicy.QUEUE,
        )
    }


def test_the_projects_of_a_pattern_share_its_hooks(check: Check) -> None:
    configuration = check(site(PUSH).replace("projects.site", 'projects."site-*"'))

    assert list(configuration.get_project("site-a").hooks) == ["push"]


@pytest.mark.parametrize(
    ("hook", "key", "words"),
    [
        ('[projects.site.hooks.push]\nverify = "github"\n', "secret", "is missing; name the variable"),
        ('[projects.site.hooks.push]\nsecret = "$GH"\n', "verify", "is missing; say how deliveries are verified"),
        (PUSH.replace("github", "hmac"), "verify", 'expected "github" or "standard" or "token", got "hmac"'),
        (PUSH.replace("$GH", "$SOLORUN_TOKEN"), "secret", "is reserved"),
        (PUSH + 'scope = "built"\n', "scope", '"built" is not a scope of site; did you mean "build"?'),
        (PUSH + 'params = { rev = "/ref" }\n', "params.rev", 'is not a parameter of site; did you mean "ref"?'),
        (PUSH + 'params = { ref = "ref" }\n', "params.ref", '"ref" is not a JSON pointer'),
        (PUSH + 'params = { ref = "/a~2" }\n', "params.ref", '"/a~2" is not a JSON pointer'),
        (PUSH + 'when = { ref = "main" }\n', "when.ref", '"ref" is not a JSON pointer'),
        (PUSH + 'when = { "/ref" = ["main"] }\n', 'when."/ref"', "expected a string, a whole number, true or false"),
        (PUSH + 'events = "push"\n', "events", "expected a list of events"),
        (PUSH + 'on_conflict = "wait"\n', "on_conflict", 'expected "reject" or "join"'),
        (PUSH + 'name = "push"\n', "name", "the name of a hook is in its table's header"),
    ],
)
def test_an_error_in_a_hook_has_its_position(find_errors: FindErrors, hook: str, key: str, words: str) -> None:
    assert words in find_errors(site(hook))[f"{POINTER}.{key}"]


def test_a_secret_in_the_file_is_refused_and_not_repeated(find_errors: FindErrors) -> None:
    message = find_errors(site(PUSH.replace("$GH", "hunter2-hunter2")))[f"{POINTER}.secret"]

    assert "keep the secret out of the file" in message
    assert "hunter2" not in message


def test_a_hook_that_leaves_out_a_required_parameter_is_refused(find_errors: FindErrors) -> None:
    errors = find_errors(site(PUSH, "params = { ref = { required = true } }"))

    assert 'lacks "ref", which site requires' in errors[f"{POINTER}.params"]


def test_a_hook_needs_a_valid_name(find_errors: FindErrors) -> None:
    errors = find_errors(site(PUSH.replace("hooks.push", 'hooks."On push"')))

    assert "is not a valid name of a hook" in errors['projects.site.hooks."On push"']


@pytest.mark.parametrize(
    ("verify", "secret", "words"),
    [
        ("github", None, "is not set, so the hook refuses every delivery"),
        ("github", " ", "is not set"),
        ("token", "fifteen-letters", "has fewer than 16 characters and could be guessed"),
        ("standard", "whsec_not base64!", "is not in Base64"),
    ],
)
def test_a_hook_without_a_good_secret_gives_a_warning(
    check: Check, verify: str, secret: str | None, words: str
) -> None:
    environ = {} if secret is None else {"GH": secret}

    (warning,) = lint(check(site(PUSH.replace("github", verify))), environ)

    assert warning.pointer == f"{POINTER}.secret"
    assert words in warning.message


@pytest.mark.parametrize(
    ("verify", "secret"),
    [("github", "sixteen-letters!"), ("standard", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), ("token", "a" * 32)],
)
def test_a_hook_with_a_secret_gives_no_warning(check: Check, verify: str, secret: str) -> None:
    assert lint(check(site(PUSH.replace("github", verify))), {"GH": secret}) == []
