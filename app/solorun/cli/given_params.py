"""Reads the parameters of a start from the command line, and secrets from where no other user can see them."""

import sys
from collections.abc import Sequence

import typer

Given = dict[str, str | list[str]]


def read_params(texts: Sequence[str] | None, secrets: Sequence[str] | None) -> Given:
    """The values by name; one that is given several times is a list. Raises BadParameter with every error."""
    texts, secrets = texts or (), secrets or ()
    values: dict[str, list[str]] = {}
    errors = [f'"{text}" is not in the form NAME=VALUE.' for text in texts if text.find("=") < 1]
    for text in texts:
        name, _, value = text.partition("=")
        values.setdefault(name, []).append(value)
    errors += [f'"{name}" is given by --param too.' for name in secrets if name in values]
    if errors:
        raise typer.BadParameter("\n".join(errors), param_hint="--param")
    given: Given = {name: found if len(found) > 1 else found[0] for name, found in values.items()}
    return given | {name: _read_secret(name, secrets) for name in secrets}


def _read_secret(name: str, secrets: Sequence[str]) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(name, hide_input=True, err=True))
    if len(secrets) > 1:
        raise typer.BadParameter("Only one can be read from a pipe or a file.", param_hint="--secret")
    return sys.stdin.read().removesuffix("\n")
