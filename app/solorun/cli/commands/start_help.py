"""`solorun start --help PROJECT`: the help of the command, and the parameters of the project."""

from typing import Any

from typer.core import TyperCommand

from solorun.cli.client import Client
from solorun.cli.render.terminal import write, write_table
from solorun.parameter import Parameter, ParameterType, format_param


class StartCommand(TyperCommand):
    """With a project, `--help` stands for the hidden option `--describe`, which needs the other options' values."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        given, _, _ = self.make_parser(ctx).parse_args(list(args))
        if given.get("help") and given.get("project"):
            args = ["--describe", *(argument for argument in args if argument != "--help")]
        return super().parse_args(ctx, args)


async def describe_parameters(client: Client, project: str) -> None:
    """Print the project's parameters, with what each accepts."""
    declared = (await client.get_project(project)).params
    if not declared:
        write(f"{project} has no parameters.\n")
        return
    write(f"Parameters of {project}:\n\n")
    rows = [[each.name, _format_values(each), _format_default(each), each.description] for each in declared]
    write_table(["PARAMETER", "VALUE", "DEFAULT", "DESCRIPTION"], rows)


def _format_values(parameter: Parameter) -> str:
    """`staging, production`, `integer, from 1 to 9`, `secret`, `text that matches v[0-9]+`."""
    if parameter.secret:
        return "secret, see --secret"
    match parameter.type:
        case ParameterType.CHOICE:
            return ", ".join(parameter.choices)
        case ParameterType.BOOLEAN:
            return "true, false"
        case ParameterType.LIST:
            return "list, one -p for each item"
        case ParameterType.STRING:
            return f"text that matches {parameter.pattern}" if parameter.pattern else "text"
    bounds = [
        f"{word} {bound}" for word, bound in (("from", parameter.min), ("to", parameter.max)) if bound is not None
    ]
    return ", ".join(filter(None, (parameter.type, " ".join(bounds))))


def _format_default(parameter: Parameter) -> str:
    if parameter.default is None:
        return "(required)" if parameter.required else ""
    return format_param(parameter.default).replace("\n", ", ")
