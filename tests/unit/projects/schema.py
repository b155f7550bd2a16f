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
    r"|is already the name of|there is no resource|has only|could wait for ever|is less than min|must (be one of|match)"
    r"|must be at (most|least)|finite|no notification target|requires allow_private|is not a (scope|parameter) of|lacks"
    r"|name of two schedules|may go without a name|is a name pattern"
    # other syntaxes, and limits of sums
    r"|is not a command line|is not a regular expression|longer than a year|is not a URL|got [0-9]+\.0$"
    r"|is not a cron expression|is never due|there is no time zone"
)
"""The errors that a schema cannot find."""

_POINTER_PART: Final = re.compile(r'\.?(?:(?P<bare>[\w-]+)|"(?P<quoted>(?:[^"\\]|\\.)*)")|\[(?P<index>\d+)\]')


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
    if pointer.endswith(".call") and not re.search("is not a coroutine;|got", message):
        return False  # about the function that the call names
    if "schedules[" in pointer and ".params." in pointer:
        return False  # about what the project declares
    return _BEYOND_A_SCHEMA.search(message) is None


def check_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


def keys_at(pointer: str) -> list[str]:
    """The keys that the schema has for the table at a position of the file."""
    found = [SCHEMA]
    for part in _POINTER_PART.finditer(pointer):
        name = part["bare"] or part["quoted"] or ""
        found = [below for one in found for below in _below(one, name, is_item=part["index"] is not None)]
    return list(
        dict.fromkeys(key for one in found for schema in _alternatives(one) for key in schema.get("properties", ()))
    )


def _below(schema: Mapping[str, Any], name: str, *, is_item: bool) -> Iterator[dict[str, Any]]:
    for one in _alternatives(schema):
        if is_item:
            yield from _tables(one.get("items"))
        elif name in one.get("properties", {}):
            yield from _tables(one["properties"][name])
        else:
            yield from _tables(one.get("additionalProperties"))


def _alternatives(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The schema, and those that it consists of."""
    if "$ref" in schema:
        schema = SCHEMA["definitions"][schema["$ref"].rpartition("/")[2]]
    yield schema
    for key in ("then", "else", "anyOf", "oneOf"):
        for one in _tables(schema.get(key)):
            yield from _alternatives(one)


def _tables(value: object) -> list[dict[str, Any]]:
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]
