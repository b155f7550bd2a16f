"""Validates the [[projects.<name>.schedules]] tables of a project, and builds Schedules."""

from collections.abc import Mapping
from datetime import time
from functools import partial
from types import MappingProxyType
from typing import Final

from solorun.cron import Cron, InvalidCron, read_zone, timezone_names
from solorun.parameter import InvalidParameter, ParamValue
from solorun.project import FULL_SCOPE, Project
from solorun.projects import readers
from solorun.projects.validation import InvalidValue, Node, Table, format_value, suggest, table_of
from solorun.queueing import ConflictPolicy
from solorun.schedule import SCHEDULE_NAME_PATTERN, SCHEDULE_NAME_RULE, MissedPolicy, Schedule

SCHEDULE_KEYS: Final = (
    *("name", "cron", "timezone", "scope", "params"),
    *("on_conflict", "missed", "jitter", "enabled", "late"),
)
_HINTS: Final = {
    "id": 'did you mean "name"?',
    "at": 'write the times as "cron"',
    "every": 'write the times as "cron"',
    "schedule": 'did you mean "cron"?',
    "tz": 'did you mean "timezone"?',
    "catchup": 'did you mean "missed"?',
    "paused": 'did you mean "enabled"?',
}
_NEVER: Final = Cron("0 0 1 1 *")
_name: Final = readers.name("name of a schedule", SCHEDULE_NAME_PATTERN, SCHEDULE_NAME_RULE)


def schedules(node: Node, project: Project) -> tuple[Schedule, ...]:
    """The schedules of a project whose steps and parameters are read. Raises InvalidValue."""
    if set(project.name) & set("*?["):
        raise InvalidValue(
            f"{format_value(project.name)} is a name pattern; declare the schedules of a project by its own name"
        )
    expected = "tables; write [[projects.<name>.schedules]] in double brackets"
    found = readers.array(partial(_schedule, project=project), expected)(node)
    names: set[str] = set()
    for below, schedule in zip(node.items(), found, strict=False):
        if schedule.name in names:
            problem = f"is the name of two schedules: {format_value(schedule.name)}"
            if not schedule.name:
                problem = "is missing; only one schedule of a project may go without a name"
            below.below("name").refuse(problem)
        names.add(schedule.name)
    return found


def _schedule(node: Node, project: Project) -> Schedule:
    table = Table(node, SCHEDULE_KEYS, _HINTS)
    zone = table.read("timezone", _timezone, "UTC")
    missing = 'set when the project runs, like "0 3 * * *"'
    return Schedule(
        project=project.name,
        name=table.read("name", _name, ""),
        cron=table.require("cron", partial(_cron, zone=zone), _NEVER, missing=missing),
        scope=table.read("scope", partial(_scope, project=project), FULL_SCOPE),
        params=node.below("params").read(partial(_params, project=project), {}),
        on_conflict=table.read("on_conflict", readers.member(ConflictPolicy), ConflictPolicy.QUEUE),
        missed=table.read("missed", readers.member(MissedPolicy), MissedPolicy.RUN_ONCE),
        jitter_seconds=table.read("jitter", readers.duration, 0.0),
        enabled=table.read("enabled", readers.boolean, True),
        late=table.read("late", _time_of_day, None),
    )


def _timezone(node: Node) -> str:
    name = readers.text(node)
    try:
        read_zone(name)
    except InvalidCron:
        hint = suggest(name, sorted(timezone_names()))
        raise InvalidValue(
            f"there is no time zone {format_value(name)}; {hint or 'write it like Europe/Berlin'}"
        ) from None
    return name


def _cron(node: Node, zone: str) -> Cron:
    expression = readers.text(node)
    try:
        return Cron.parse(expression, zone)
    except InvalidCron as error:
        raise InvalidValue(f"{format_value(expression)} {error}") from None


def _scope(node: Node, project: Project) -> str:
    scope = readers.text(node)
    if project.steps and project.find_steps(scope) is None:
        known = ", ".join(project.scopes)
        raise InvalidValue(f"{format_value(scope)} is not a scope of {project.name}; it has: {known}")
    return scope


def _params(node: Node, project: Project) -> Mapping[str, ParamValue]:
    """Values for the parameters that the project declares. A missing table is one without values."""
    given = {} if node.value is None else table_of(node)
    known = {parameter.name: parameter for parameter in project.params}
    for name in given:
        if name not in known:
            hint = suggest(name, known) or f"it has: {', '.join(known) or 'none'}"
            node.below(name).refuse(f"is not a parameter of {project.name}; {hint}")
    values: dict[str, ParamValue] = {}
    for parameter in project.params:
        below = Node(given.get(parameter.name), f"{node.pointer}.{parameter.name}", node.errors, node.base_dir)
        if parameter.name not in given:
            if parameter.required:
                node.refuse(f'lacks "{parameter.name}", which {project.name} requires')
        elif parameter.secret:
            below.refuse("is secret, and the file and the API would show it; use the project's secrets and env instead")
        else:
            try:
                values[parameter.name] = parameter.read(below.value)
            except InvalidParameter as fault:
                below.refuse(f"{fault}, not {format_value(below.value)}")
    return MappingProxyType(values)


def _time_of_day(node: Node) -> time:
    found = readers.text(node)
    try:
        if len(found) != len("07:00"):
            raise ValueError
        return time.fromisoformat(found)
    except ValueError:
        raise InvalidValue(f'expected a time of day like "07:00", got {format_value(found)}') from None
