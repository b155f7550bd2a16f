"""Generates parts of the reference pages from the code: routes, parameters, problems, commands."""

import asyncio
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from inspect import cleandoc
from typing import Any, Final

import typer
from mcp_types import Tool

from solorun.api.openapi import document
from solorun.api.routes import OPERATIONS
from solorun.cli.app import _app
from solorun.client import RunClient
from solorun.errors import PROBLEMS, Problem, SolorunError
from solorun.http.operation import Operation
from solorun.mcp import create_server
from solorun.run import MAX_RUN_ID


def operations() -> str:
    rows = [
        (
            f"`{operation.method} {_plain_path(operation.path)}`",
            operation.summary + _access(operation),
            "<br>".join(f"{spec.status} {spec.description}" for spec in operation.responses),
            ", ".join(f"[`{problem.slug}`](errors.md)" for problem in operation.problems),
        )
        for operation in OPERATIONS
    ]
    note = (
        "Every operation may also return `invalid-request`, `repeated-header`, `host-not-allowed`, `too-large` or "
        "`internal`. All but those marked *verified* may return `token-required`, and all but those marked *open* "
        "may return `unauthorized` or `forbidden`. A `POST` and every operation below `/api` may return "
        "`cross-origin`, and a `POST` with a body `unsupported-media-type`."
    )
    return (
        _table(("Request", "Description", "Response", "Problems"), rows)
        + "\n\n"
        + textwrap.fill(note, 120, break_on_hyphens=False)
    )


def _access(operation: Operation[Any]) -> str:
    """How an operation differs from those that require the token."""
    return " (*verified*)" if operation.verifies_itself else " (*open*)" if operation.public else ""


def parameters() -> str:
    rows = []
    for path, methods in document(OPERATIONS)["paths"].items():
        for method, operation in methods.items():
            rows += [
                (
                    f"`{method.upper()} {path}`",
                    _parameter_name(one),
                    one["description"],
                    _describe_schema(one["schema"]),
                )
                for one in operation["parameters"]
                if one["in"] != "path"
            ]
    return _table(("Request", "Parameter", "Description", "Values"), rows)


def problems() -> str:
    rows = [
        (f"`{slug}`", str(problem.status.value), f"`{problem.__name__}`", problem.__doc__ or "")
        for slug, problem in PROBLEMS.items()
    ]
    return _table(("Slug", "Status", "Class", "Meaning"), rows)


def errors() -> str:
    classes = [error for error in SolorunError.__subclasses__() if error.__module__ == SolorunError.__module__]
    rows = [(f"`{error.__name__}`", _first_line(error)) for error in classes if error is not Problem]
    return _table(("Class", "Meaning"), rows)


def commands() -> str:
    group: Any = typer.main.get_command(_app)
    return "\n\n".join(_command(name, command) for name, command in group.commands.items())


def mcp_tools() -> str:
    server = create_server(RunClient("http://localhost"))
    rows = [
        (f"`{tool.name}`", cleandoc(tool.description or "").splitlines()[0], "" if _is_read_only(tool) else "yes")
        for tool in asyncio.run(server.list_tools())
    ]
    return _table(("Tool", "Description", "Changes something"), rows)


def _is_read_only(tool: Tool) -> bool:
    return tool.annotations is not None and bool(tool.annotations.read_only_hint)


GENERATED: Final[Mapping[str, Callable[[], str]]] = {
    "operations": operations,
    "parameters": parameters,
    "problems": problems,
    "errors": errors,
    "commands": commands,
    "mcp tools": mcp_tools,
}


def _command(name: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    placeholders = [_argument_placeholder(one) for one in arguments]
    usage = " ".join(["solorun", name, *placeholders, "[OPTIONS]"])
    parts = [f"## {name}", f"```text\n{usage}\n```", _prose(cleandoc(command.help))]
    rows = [(f"`{_metavar(one)}`", _prose(one.help or ""), "") for one in arguments]
    rows += [(_option_names(one), _prose(one.help or ""), _default(one)) for one in options]
    return "\n\n".join([*parts, _table(("Option", "Description", "Default"), rows)])


def _prose(text: str) -> str:
    """Help as Markdown: unescaped angle brackets would be read as HTML and disappear."""
    return text.replace("<", "\\<")


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _argument_placeholder(argument: Any) -> str:
    return _metavar(argument) if argument.required else f"[{_metavar(argument)}]"


def _option_names(option: Any) -> str:
    value = "" if option.is_flag else f" {_metavar(option)}"
    return ", ".join(f"`{name}{value}`" for name in [*option.opts, *option.secondary_opts])


def _default(option: Any) -> str:
    sources = [f"`{option.envvar}`"] if option.envvar else []
    if option.default not in (None, False, ""):
        sources.append("yes" if option.default is True else f"`{option.default}`")
    return ", else ".join(sources)


def _describe_schema(schema: Mapping[str, Any]) -> str:
    schema = {**schema, **schema.get("items", {})}
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    default = [f"default `{str(schema['default']).lower()}`"] if "default" in schema else []
    return ", ".join([str(schema["type"]), *_describe_bounds(schema), *default])


def _parameter_name(parameter: Mapping[str, Any]) -> str:
    return f"`{parameter['name']}`" + (" (header)" if parameter["in"] == "header" else "")


def _describe_bounds(schema: Mapping[str, Any]) -> list[str]:
    if "minimum" not in schema:
        return []
    if schema.get("maximum", MAX_RUN_ID) == MAX_RUN_ID:
        return [f"at least {schema['minimum']}"]
    return [f"{schema['minimum']} to {schema['maximum']}"]


def _plain_path(path: str) -> str:
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)


def _first_line(error: type[SolorunError]) -> str:
    return (error.__doc__ or "").strip().splitlines()[0]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
