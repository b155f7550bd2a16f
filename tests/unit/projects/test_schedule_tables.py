"""The schedules of a project, and what is wrong with them."""

from collections.abc import Callable
from datetime import UTC, datetime, time

import pytest

from solorun.cron import Cron
from solorun.projects.configuration import Configuration
from solorun.queueing import ConflictPolicy
from solorun.schedule import MissedPolicy, Schedule

Check = Callable[[str], Configuration]
FindErrors = Callable[[str], dict[str, str]]

PARAMS = """\
[projects.etl.params.date]
required = true
[projects.etl.params.days]
type = "integer"
[projects.etl.params.key]
secret = true
"""


def etl(*schedules: str, params: str = "") -> str:
    """A project with schedules, each given by its keys."""
    tables = "".join(f"[[projects.etl.schedules]]\n{keys}\n" for keys in schedules)
    return f'{params}[[projects.etl.steps]]\nname = "load"\nrun = "true"\n{tables}'


def test_a_schedule_needs_only_a_cron_expression(check: Check) -> None:
    (schedule,) = check(etl('cron = "0 3 * * *"')).schedules

    assert schedule == Schedule("etl", Cron("0 3 * * *"), params={})
    assert (schedule.id, schedule.triggered_by, schedule.on_conflict) == ("etl", "schedule", ConflictPolicy.QUEUE)


def test_a_schedule_with_every_key(check: Check) -> None:
    (schedule,) = check(
        etl(
            'name = "nightly"\ncron = "0 3 * * 1-5"\ntimezone = "Europe/Berlin"\nscope = "from:load"\n'
            'params = { date = "today", days = 3 }\non_conflict = "join"\nmissed = "skip"\njitter = "5m"\n'
            'enabled = false\nlate = "07:00"',
            params=PARAMS,
        )
    ).schedules

    assert schedule == Schedule(
        "etl",
        Cron("0 3 * * 1-5", "Europe/Berlin"),
        "nightly",
        "from:load",
        {"date": "today", "days": 3},
        ConflictPolicy.JOIN,
        MissedPolicy.SKIP,
        300.0,
        False,
        time(7),
    )
    assert (schedule.id, schedule.triggered_by) == ("etl.nightly", "schedule:nightly")


def test_a_named_schedule_has_its_name_in_its_id(check: Check) -> None:
    declared = check(etl('cron = "0 3 * * *"', 'name = "hourly"\ncron = "0 * * * *"')).schedules

    assert [schedule.id for schedule in declared] == ["etl", "etl.hourly"]


@pytest.mark.parametrize(
    ("keys", "key", "message"),
    [
        ('cron = "0 25 * * *"', ".cron", '"0 25 * * *" is not a cron expression: bad hour'),
        ('timezone = "UTC"', ".cron", 'is missing; set when the project runs, like "0 3 * * *"'),
        ('cron = "@daily"', ".cron", '"@daily" has 1 field; a cron expression has 5: minute, hour, day of month,'),
        (
            'cron = "0 3 * * *"\ntimezone = "Europe/Berlim"',
            ".timezone",
            'there is no time zone "Europe/Berlim"; did you mean "Europe/Berlin"?',
        ),
        ('cron = "0 3 * * *"\nscope = "lode"', ".scope", '"lode" is not a scope of etl; it has: full, load, from:load'),
        ('cron = "0 3 * * *"\nlate = "7 o\'clock"', ".late", 'expected a time of day like "07:00", got'),
        ('cron = "0 3 * * *"\nlate = "24:00"', ".late", 'expected a time of day like "07:00", got "24:00"'),
        ('cron = "0 3 * * *"\nmissed = "all"', ".missed", 'expected "run-once" or "skip", got "all"'),
        ('cron = "0 3 * * *"\nname = "Nightly"', ".name", '"Nightly" is not a valid name of a schedule'),
        ('cron = "0 3 * * *"\nevery = "1h"', ".every", 'unknown key; write the times as "cron"'),
        ('cron = "0 3 * * *"\nparams = { dat = "x" }', ".params.dat", "is not a parameter of etl; it has: none"),
    ],
)
def test_an_error_has_its_position(find_errors: FindErrors, keys: str, key: str, message: str) -> None:
    (error,) = find_errors(etl(keys)).items()

    assert error[0] == f"projects.etl.schedules[0]{key}"
    assert error[1].startswith(message)


def test_the_parameters_of_a_schedule_are_those_of_the_project(find_errors: FindErrors) -> None:
    keys = 'cron = "0 3 * * *"\nparams = { days = "many", key = "hunter2", dat = "x" }'

    assert find_errors(etl(keys, params=PARAMS)) == {
        "projects.etl.schedules[0].params": 'lacks "date", which etl requires',
        "projects.etl.schedules[0].params.days": 'must be an integer, not "many"',
        "projects.etl.schedules[0].params.key": (
            "is secret, and the file and the API would show it; use the project's secrets and env instead"
        ),
        "projects.etl.schedules[0].params.dat": 'is not a parameter of etl; did you mean "date"?',
    }


def test_two_schedules_of_a_project_need_two_names(find_errors: FindErrors) -> None:
    unnamed = 'cron = "0 3 * * *"'
    named = f'{unnamed}\nname = "nightly"'

    assert find_errors(etl(unnamed, named, unnamed, named)) == {
        "projects.etl.schedules[2].name": "is missing; only one schedule of a project may go without a name",
        "projects.etl.schedules[3].name": 'is the name of two schedules: "nightly"',
    }


def test_a_project_pattern_has_no_schedules(find_errors: FindErrors) -> None:
    text = etl('cron = "0 3 * * *"').replace(".etl.", '."etl-*".')

    assert find_errors(text) == {
        'projects."etl-*".schedules': ('"etl-*" is a name pattern; declare the schedules of a project by its own name')
    }


@pytest.mark.parametrize(
    ("due", "late_at"),
    [
        ("2026-03-28T02:00+00:00", "2026-03-28T06:00+00:00"),
        ("2026-03-28T06:00+00:00", "2026-03-29T05:00+00:00"),
        ("2026-03-28T22:30+00:00", "2026-03-29T05:00+00:00"),
    ],
)
def test_a_run_is_late_at_the_next_such_time_of_day_in_its_zone(due: str, late_at: str) -> None:
    schedule = Schedule("etl", Cron("0 3 * * *", "Europe/Berlin"), late=time(7))

    assert schedule.find_late_at(datetime.fromisoformat(due)) == datetime.fromisoformat(late_at).astimezone(UTC)
