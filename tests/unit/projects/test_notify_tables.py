"""The tables [notify.*], and the targets that a project names."""

from base64 import b64encode
from collections.abc import Callable

import pytest

from solorun.notification import DEFAULT_EVENTS, NotifyEvent, TargetKind
from solorun.projects.configuration import Configuration
from solorun.projects.lint import lint

Check = Callable[[str], Configuration]
FindErrors = Callable[[str], dict[str, str]]

PROJECT = '[projects.etl]\nnotify = ["ops"]\n[[projects.etl.steps]]\nname = "only"\nrun = "true"\n'
OPS = '[notify.ops]\napprise = "$OPS_URL"\n'
HOOK = '[notify.ops]\nwebhook = "https://crm.example/hook"\nsecret = "${HOOK_SECRET}"\n'
SECRET = "whsec_" + b64encode(bytes(24)).decode()


def test_a_project_has_the_targets_that_it_names(check: Check) -> None:
    configuration = check(OPS + 'on = ["failed", "late"]\n' + PROJECT)

    (project,) = configuration.projects.values()
    assert project.notify == (configuration.targets["ops"],)
    assert project.subscriptions == {"ops": (NotifyEvent.FAILED, NotifyEvent.LATE)}
    assert project.targets_of(NotifyEvent.LATE) == ["ops"]
    assert project.targets_of(NotifyEvent.COMPLETED) == []


def test_by_default_a_target_receives_what_requires_attention_and_its_end(check: Check) -> None:
    target = check(OPS + PROJECT).targets["ops"]

    assert (target.kind, target.events, target.allow_private) == (TargetKind.APPRISE, DEFAULT_EVENTS, False)


def test_a_webhook_has_a_secret(check: Check) -> None:
    target = check(HOOK + "allow_private = true\n" + PROJECT).targets["ops"]

    assert (target.kind, target.url, target.secret) == (
        TargetKind.WEBHOOK,
        "https://crm.example/hook",
        "${HOOK_SECRET}",
    )
    assert target.allow_private


@pytest.mark.parametrize(
    ("text", "pointer", "words"),
    [
        ('[notify."The Ops"]\n', 'notify."The Ops"', "is not a valid name of a target"),
        ("[notify.ops]\n", "notify.ops.apprise", 'is missing; set "apprise"'),
        (OPS + 'webhook = "https://a.example"\n', "notify.ops", 'has both "apprise" and "webhook"'),
        (OPS + 'secret = "$X"\n', "notify.ops.secret", "belongs to a webhook"),
        (OPS + 'on = ["failed", "test"]\n', "notify.ops.on[1]", '"test" is not an event; expected some of "failed"'),
        (OPS + "on = [1]\n", "notify.ops.on[0]", "expected a string"),
        ('[notify.ops]\napprise = "slack"\n', "notify.ops.apprise", "expected an Apprise URL"),
        ('[notify.ops]\nwebhook = "https://a.example"\n', "notify.ops.secret", "is missing; name a variable"),
        (HOOK.replace("${HOOK_SECRET}", SECRET), "notify.ops.secret", "expected a variable"),
        (HOOK.replace("https", "http"), "notify.ops.webhook", "http:// requires allow_private = true"),
        (
            HOOK.replace("https://crm.example/hook", "crm.example"),
            "notify.ops.webhook",
            "expected the URL of a webhook",
        ),
        (HOOK.replace("crm.example", "[::1"), "notify.ops.webhook", "is not a URL"),
        (OPS.replace("ops", "opps"), "projects.etl.notify[0]", 'no notification target "ops"; did you mean "opps"?'),
        ("", "projects.etl.notify[0]", "declare it in a table [notify.<name>]"),
    ],
)
def test_a_notification_error_has_its_position(find_errors: FindErrors, text: str, pointer: str, words: str) -> None:
    assert words in find_errors(text + PROJECT)[pointer]


def test_no_error_contains_a_secret(find_errors: FindErrors) -> None:
    errors = find_errors(HOOK.replace("${HOOK_SECRET}", SECRET).replace("https://", "user:hunter2@") + PROJECT)

    assert SECRET not in str(errors)
    assert "hunter2" not in str(errors)


def test_a_target_that_cannot_send_gives_warnings(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solorun.projects.lint.find_spec", lambda name: None)

    unset = lint(check(HOOK + PROJECT), {})
    bad = lint(check(HOOK + PROJECT), {"HOOK_SECRET": "hunter2"})
    good = lint(check(HOOK + PROJECT), {"HOOK_SECRET": SECRET})
    without_package = lint(check(OPS + PROJECT), {"OPS_URL": "slack://a"})

    assert [str(each) for each in unset] == [
        'notify.ops: the variable "HOOK_SECRET" is not set, so nothing can be sent'
    ]
    assert [each.pointer for each in bad] == ["notify.ops.secret"]
    assert "hunter2" not in bad[0].message
    assert good == []
    assert "pip install 'solorun[notify]'" in without_package[0].message
