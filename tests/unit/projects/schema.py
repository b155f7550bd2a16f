"""The published JSON Schema, compared with the parser: the keys of each table, and the faults it finds."""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final

from jsonschema import Draft7Validator

SCHEMA: Final[dict[str, Any]] = json.loads((files("solorun.projects") / "solorun.schema.json").read_text("utf-8"))

_VALIDATOR: Final = Draft7Validator(SCHEMA)
_BEYOND_A_SCHEMA: Final = re.compile(
    # the file system
    r"does not exist|is not a directory|cannot be accessed|is not accessible|unknown home"
    # how values relate to each other, or to names elsewhere in the file
    r"|is already the name of|there is no resource|has only|could wait for ever|is less than min|is shorter than"
    r"|must (be one of|match)|must be at (most|least)|finite|no notification target|requires allow_private"
    r"|is not a (scope|parameter) of|lacks|name of two schedules|may go without a name|is a name pattern"
    # other syntaxes, and limits of sums
    r"|is not a command line|is not a regular expression|longer than a (year|century)|is not a URL|got [0-9]+\.0$"
    r"|is not a cron expression|is never due|there is no time zone"
)
"""The errors that a schema cannot find."""


def accepts(document: Mapping[str, Any]) -> bool:
    try:
        return bool(_VALIDATOR.is_valid(document))
    except ValueError:
        # A number is too large, in fact too large for Python to format it in the error.
        return False


def describe_faults(document: Mapping[str, Any]) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in _VALIDATOR.iter_errors(document)]


def can_be_found(pointer: str, message: str) -> bool:
    """Whether a schema can express the rule that the parser's error is about."""
    if pointer.endswith(".call") and not re.search("write it like|got", message):
        return False  # about the function that the call names
    if "schedules[" in pointer and ".params." in pointer:
        return False  # about what the project declares
    return _BEYOND_A_SCHEMA.search(message) is None


def check_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


def tables() -> list[list[str]]:
    """The keys of each table that has only known keys."""
    return [list(one["properties"]) for one in _schemas(SCHEMA) if one.get("additionalProperties") is False]


def _schemas(schema: object) -> Iterator[dict[str, Any]]:
    """Every object in the document."""
    if isinstance(schema, dict):
        yield schema
    for one in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from _schemas(one)
