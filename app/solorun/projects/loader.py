"""Loads solorun.toml: reads the bytes, parses TOML, and walks the tables into a Configuration."""

import ast
import os
import re
import stat
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from solorun.errors import ConfigurationInvalid, FieldError
from solorun.project import Family, Project
from solorun.projects.configuration import Configuration
from solorun.projects.coroutines import CoroutineLoader
from solorun.projects.notify_tables import check_targets
from solorun.projects.project_defaults import fill_in, locate
from solorun.projects.project_tables import check_defaults, check_projects
from solorun.projects.resource_tables import check_resources, find_faults
from solorun.projects.service_table import check_service
from solorun.projects.validation import Node, Table, format_value

MAX_FILE_BYTES: Final = 1024 * 1024
MAX_ERRORS: Final = 100
_MAX_ERROR_DEPTH: Final = 8
"""No error is deeper (`projects.<name>.steps[0].run[0]`), however deeply a file may be nested."""
TOP_KEYS: Final = ("service", "resources", "notify", "defaults", "projects")
_HINTS = {
    "project": "declare a project in a table [projects.<name>]",
    "steps": "declare the steps of a project in tables [[projects.<name>.steps]]",
}
_TOML_KEY = re.compile(r"(?<=^Cannot declare )\(.*\)|(?<= namespace )\(.*\)", re.DOTALL)


class ConfigurationUnreadable(ConfigurationInvalid):
    """The file is missing, or cannot be read."""

    def __init__(self, message: str) -> None:
        super().__init__([FieldError("", message)])


class ConfigurationMalformed(ConfigurationInvalid):
    """The file is not TOML. The pointer of the error is a line."""


def read_document(path: Path) -> bytes:
    """The file's bytes. Raises ConfigurationUnreadable."""
    try:
        # Without O_NONBLOCK, opening a pipe would block until it has a writer.
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigurationUnreadable(f"{path} is not a regular file.")
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise ConfigurationUnreadable(f"{path} does not exist. `solorun init` writes an example.") from None
    except OSError as error:
        raise ConfigurationUnreadable(f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > MAX_FILE_BYTES:
        raise ConfigurationUnreadable(f"{path} is larger than 1 MiB.")
    return data


def check_document(path: Path, data: bytes) -> Configuration:
    """Validate the whole file, and import its coroutines. Raises ConfigurationInvalid with every error."""
    return check_tables(str(path), path, _parse(path, data))


def check_tables(subject: str, path: Path, tables: dict[str, Any], *, needs_projects: bool = True) -> Configuration:
    """Validate the tables of a file at `path`, which need not exist. Messages name `subject` as what has the errors.

    Raises ConfigurationInvalid with every error, in the order of the tables.
    """
    errors: list[FieldError] = []
    loader = CoroutineLoader()
    complete, origins = fill_in(tables)
    node = Node(complete, "", errors, path.parent)
    table = Table(node, TOP_KEYS, _HINTS)
    service = table.read("service", check_service, {})
    resources = table.read("resources", check_resources, {})
    targets = table.read("notify", check_targets, {})
    table.read("defaults", partial(check_defaults, targets=targets), None)
    projects: dict[str, Project] = {}
    families: list[Family] = []
    if needs_projects or tables.get("projects"):
        projects, families = table.require(
            "projects",
            partial(check_projects, find_function=loader.find, targets=targets),
            (projects, families),
            missing="declare a project in a table [projects.<name>]",
        )
    errors += loader.find_module_collisions()
    declared = [*projects.items(), *((family.pattern, family.template) for family in families)]
    errors += find_faults(resources, declared)
    if errors:
        loader.withdraw()
        raise invalid(subject, _in_file_order(replace(node, value=tables), locate(origins, errors)))
    return Configuration(
        path, service, MappingProxyType(projects), tuple(families), resources, targets, partial(locate, origins)
    )


def read_service_table(path: Path) -> dict[str, Any]:
    """The [service] table as written, not validated; {} if there is none or if the file is broken."""
    try:
        service = _parse(path, read_document(path)).get("service")
    except ConfigurationInvalid:
        return {}
    return service if isinstance(service, dict) else {}


def _in_file_order(node: Node, errors: list[FieldError]) -> list[FieldError]:
    """The errors in the order of the file; a missing key comes where its table begins."""
    ranks = {pointer: rank for rank, pointer in enumerate(_walk(node))}

    def rank(error: FieldError) -> int:
        pointer = error.pointer
        while pointer not in ranks:
            pointer = pointer[: max(pointer.rfind("."), pointer.rfind("["), 0)]
        return ranks[pointer]

    return sorted(errors, key=rank)


def _walk(node: Node, depth: int = _MAX_ERROR_DEPTH) -> Iterator[str]:
    """The pointer of every value, before the pointers of the values in it."""
    yield node.pointer
    below: list[Node] = []
    if depth and isinstance(node.value, dict):
        below = [node.below(key) for key in node.value]
    elif depth and isinstance(node.value, list):
        below = node.items()
    for one in below:
        yield from _walk(one, depth - 1)


def _parse(path: Path, data: bytes) -> dict[str, Any]:
    try:
        # Some editors write a byte order mark.
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = FieldError(f"line {line}", "is not UTF-8; save the file in that encoding")
    except RecursionError:
        problem = FieldError("", "is nested too deeply")
    except ValueError as error:
        message, mark, where = str(error).rpartition(" (at ")
        where = where.removesuffix(")") if mark else ""
        hint = _find_hint(message, _line_at(where, data.decode("utf-8-sig")))
        problem = FieldError(where, f"invalid TOML: {_simplify(message or str(error))}{hint and '; '}{hint}")
    raise ConfigurationMalformed([problem], invalid(str(path), [problem]).message)


def _line_at(where: str, text: str) -> str:
    """The line that `line 3, column 7` or `end of document` means."""
    number = where.removeprefix("line ").partition(",")[0]
    return (text.split("\n")[int(number) - 1 :] or [""])[0] if number.isdecimal() else text.rstrip().rpartition("\n")[2]


def _find_hint(message: str, line: str) -> str:
    if any(quote in line for quote in "“”„‘’"):
        return "the line contains typographic quotes; write straight ones"
    if "\xa0" in line:
        return "the line contains a no-break space; write an ordinary one"
    if "hex value" in message or "Unescaped '\\'" in message:
        return "write a path with backslashes in single quotes: 'C:\\Users'"
    return ""


def _simplify(message: str) -> str:
    """The parser's message. Where something is declared twice, the parser speaks of mutating namespaces."""
    key = _TOML_KEY.search(message)
    if key:
        return f"{format_value('.'.join(ast.literal_eval(key[0])))} is declared twice"
    return "a key or a table is declared twice" if message == "Cannot overwrite a value" else message


def invalid(subject: str, errors: list[FieldError]) -> ConfigurationInvalid:
    if len(errors) > MAX_ERRORS:
        errors = [*errors[:MAX_ERRORS], FieldError("", f"and {len(errors) - MAX_ERRORS} more errors")]
    if len(errors) == 1:
        return ConfigurationInvalid(errors, f"{subject} has an error: {errors[0]}")
    lines = "".join(f"\n  {error}" for error in errors)
    return ConfigurationInvalid(errors, f"{subject} has {len(errors)} errors:{lines}")
