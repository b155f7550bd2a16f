"""From a file's bytes to a configuration, or to sentences that say why not."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solorun.errors import ConfigurationInvalid, FieldError
from solorun.projects.configuration import Configuration
from solorun.projects.coroutines import CoroutineLoader
from solorun.projects.hook_tables import HOOK_KEYS
from solorun.projects.loader import MAX_ERRORS, MAX_FILE_BYTES, check_document, read_document
from solorun.projects.parameter_tables import PARAMETER_KEYS
from solorun.projects.project_tables import PROJECT_KEYS
from solorun.projects.schedule_tables import SCHEDULE_KEYS
from solorun.projects.service_table import SERVICE_READERS
from solorun.projects.step_tables import STEP_KEYS

GOOD = b'[[projects.p.steps]]\nname = "only"\nrun = "true"\n'


def refusal(path: Path) -> str:
    with pytest.raises(ConfigurationInvalid) as caught:
        read_document(path)
    assert [error.message for error in caught.value.errors] == [caught.value.message]
    return caught.value.message


def test_no_file_names_the_command_that_writes_one(tmp_path: Path) -> None:
    assert refusal(tmp_path / "solorun.toml") == (
        f"{tmp_path}/solorun.toml does not exist. `solorun init` writes an example."
    )


def test_a_directory_is_not_a_file(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path} cannot be read: Is a directory."


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert refusal(tmp_path / "pipe") == f"{tmp_path}/pipe is not a regular file."


def test_a_very_large_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "solorun.toml"
    file.write_bytes(b"#" * (MAX_FILE_BYTES + 1))

    assert refusal(file) == f"{file} is larger than 1 MiB."


def test_the_largest_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "solorun.toml"
    file.write_bytes(b"#" * MAX_FILE_BYTES)

    assert len(read_document(file)) == MAX_FILE_BYTES


QUOTES = "the line contains typographic quotes; write straight ones"
SPACE = "the line contains a no-break space; write an ordinary one"
BACKSLASHES = "write a path with backslashes in single quotes: 'C:\\Users'"


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    assert check_document(tmp_path / "solorun.toml", b"\xef\xbb\xbf" + GOOD).get_project("p").name == "p"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"a = 1\nb = \n", FieldError("line 2, column 5", "invalid TOML: Invalid value")),
        (
            b"[projects.p]\nsteps = []\n[[projects.p.steps]]\n",
            FieldError("line 3, column 19", 'invalid TOML: "projects.p.steps" is declared twice'),
        ),
        (b"[a.'b\"']\n[a.'b\"']\n", FieldError("line 2, column 8", 'invalid TOML: "a.b\\"" is declared twice')),
        (b"a = 1\na = 2\n\n", FieldError("line 2, column 6", "invalid TOML: a key or a table is declared twice")),
        (b"[projects.p", FieldError("end of document", "invalid TOML: Expected ']' at the end of a table declaration")),
        (
            "a = “x”\n".encode(),
            FieldError("line 1, column 5", f"invalid TOML: Invalid value; {QUOTES}"),
        ),
        (
            "\na =\u00a01\n".encode(),
            FieldError("line 2, column 4", f"invalid TOML: Invalid value; {SPACE}"),
        ),
        (b'a = "C:\\Users"', FieldError("line 1, column 10", f"invalid TOML: Invalid hex value; {BACKSLASHES}")),
        (
            b'b = 1\na = "C:\\path"',
            FieldError("line 2, column 10", f"invalid TOML: Unescaped '\\' in a string; {BACKSLASHES}"),
        ),
        (GOOD + b"# caf\xe9", FieldError("line 4", "is not UTF-8; save the file in that encoding")),
        (b"a = " + b"[" * 5000, FieldError("", "is nested too deeply")),
    ],
)
def test_a_toml_error_has_its_line(tmp_path: Path, data: bytes, error: FieldError) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        check_document(tmp_path / "solorun.toml", data)

    assert caught.value.errors == (error,)
    assert caught.value.message == f"{tmp_path}/solorun.toml has an error: {error}"


def test_a_very_long_number_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="invalid TOML"):
        check_document(tmp_path / "solorun.toml", b"a = " + b"9" * 5000)


def test_the_message_lists_one_error_per_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        check_document(tmp_path / "solorun.toml", b"a = 1\n" + GOOD + b"timeout = 3\n")

    assert caught.value.message.splitlines() == [
        f"{tmp_path}/solorun.toml has 2 errors:",
        "  a: unknown key; known keys: service, resources, notify, defaults, projects",
        '  projects.p.steps[0].timeout: expected a duration like "30s", "20m" or "1h30m", got 3',
    ]


def test_only_the_first_errors_are_listed(tmp_path: Path) -> None:
    data = b"".join(b"key-%d = 1\n" % number for number in range(MAX_ERRORS + 5)) + GOOD

    with pytest.raises(ConfigurationInvalid) as caught:
        check_document(tmp_path / "solorun.toml", data)

    assert len(caught.value.errors) == MAX_ERRORS + 1
    assert caught.value.errors[-1].message == "and 5 more errors"


def test_a_long_value_is_shortened(find_errors: Callable[[str], dict[str, str]]) -> None:
    errors = find_errors('[[projects.p.steps]]\nrun = "true"\nname = "' + "A" * 10_000 + '"')

    assert len(errors["projects.p.steps[0].name"]) < 300


KEYS = (
    *SERVICE_READERS,
    *PROJECT_KEYS,
    *PARAMETER_KEYS,
    *HOOK_KEYS,
    *SCHEDULE_KEYS,
    *STEP_KEYS,
    "service",
    "projects",
    "handbook",
    "a-*",
)
TEXTS = st.sampled_from(["", "1s", "handbook", "full", "a:b", "https://a.b", "/", "a*", "~", "\0", "[::1]", *KEYS])
VALUES = st.recursive(
    TEXTS | st.text(max_size=5) | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | TEXTS, values, max_size=4),
    max_leaves=20,
)


def to_toml(value: object) -> str:
    """JSON is nearly TOML: only tables are written differently (and DEL must be escaped)."""
    match value:
        case dict():
            return "{" + ", ".join(f"{to_toml(key)} = {to_toml(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(to_toml, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@given(
    service=VALUES,
    defaults=VALUES,
    projects=VALUES | st.fixed_dictionaries({"handbook": st.fixed_dictionaries({"steps": VALUES})}),
)
def test_any_file_gives_a_configuration_or_errors_with_positions(
    service: object, defaults: object, projects: object
) -> None:
    tables = {"service": service, "defaults": defaults, "projects": projects}
    data = "".join(f"{name} = {to_toml(table)}\n" for name, table in tables.items()).encode()

    outcome = read(data)

    assert isinstance(outcome, Configuration) or all(error.pointer and error.message for error in outcome.errors)


def read(data: bytes) -> Configuration | ConfigurationInvalid:
    try:
        # Nothing is imported: a name that hypothesis finds may belong to any module.
        with patch.object(CoroutineLoader, "find", return_value=None):
            return check_document(Path("/solorun.toml"), data)
    except ConfigurationInvalid as invalid:
        return invalid


def test_errors_are_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = b"""
[projects.one]
timout = "3m"
dir = "nowhere"
title = 3
[[projects.one.steps]]
run = []
[service]
port = "x"
hots = "y"
[projects."x-*"]
secrets = ["A", "A"]
colour = 1
"""

    with pytest.raises(ConfigurationInvalid) as caught:
        check_document(tmp_path / "solorun.toml", text)

    assert [error.pointer for error in caught.value.errors] == [
        "projects.one.timout",
        "projects.one.dir",
        "projects.one.title",
        "projects.one.steps[0].name",
        "projects.one.steps[0].run",
        'projects."x-*".steps',
        'projects."x-*".secrets[1]',
        'projects."x-*".colour',
        "service.port",
        "service.hots",
    ]


def test_a_very_deeply_nested_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        check_document(tmp_path / "solorun.toml", b"a." * 5_000 + b"a = 1\n" + GOOD)

    assert [error.pointer for error in caught.value.errors] == ["a"]
