"""Parses workflow commands on stdout, in the syntax of GitHub Actions: `::name key=value,key=value::text`.

Any line that is not exactly a known command is ordinary text, except for an `::add-mask::` with whitespace before it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from solorun.project import MIN_SECRET_CHARACTERS, can_be_masked
from solorun.record import Level, Stream
from solorun.step import StepOutput

ADD_MASK: Final = "::add-mask::"
_ESCAPE_IN_TEXT = re.compile(r"%(25|0A|0D)", re.IGNORECASE)
_ESCAPE_IN_PROPERTY = re.compile(r"%(25|0A|0D|3A|2C)", re.IGNORECASE)
_TOO_SHORT: Final = f"the value of an ::add-mask:: has fewer than {MIN_SECRET_CHARACTERS} characters and is not masked"
_LEVELS: Final = {
    "debug": Level.DEBUG,
    "notice": Level.INFO,
    "warning": Level.WARNING,
    "error": Level.ERROR,
}
_COUNT = re.compile(r"\d{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class WorkflowCommand:
    """A command by its name. A message has a `level`, and a progress `current` and `total` (None if unknown)."""

    name: str
    text: str = ""
    level: Level | None = None
    current: int = 0
    total: int | None = None


def parse_workflow_command(line: str) -> WorkflowCommand | None:
    """Parse a line. None if it is ordinary text."""
    indented = line.lstrip()
    if indented.startswith(ADD_MASK):
        line = indented
    head, mark, text = line.removeprefix("::").partition("::")
    name, _, properties = head.partition(" ")
    if not mark or not line.startswith("::"):
        return None
    return _parse(name, _parse_properties(properties), _unescape(_ESCAPE_IN_TEXT, text))


MAX_OPEN_GROUPS: Final = 100
"""Groups nested deeper than this are logged as text, since each open group must be closed when the step ends."""


class WorkflowCommandInterpreter:
    """Executes the workflow commands of one step, and keeps track of its open groups."""

    def __init__(self, step: str, output: StepOutput) -> None:
        self._step = step
        self._output = output
        self._groups: list[str] = []

    async def execute(self, command: WorkflowCommand) -> None:
        step, text = self._step, command.text
        match command.name:
            case "progress":
                await self._output.progress(step, command.current, command.total, text)
            case "group" if len(self._groups) >= MAX_OPEN_GROUPS:
                await self._output.write(step, Stream.STEP, [text])
            case "group":
                self._groups.append(text)
                await self._output.group(step, text, open=True)
            case "endgroup":
                if self._groups:  # an unmatched ::endgroup:: is ignored
                    await self._output.group(step, self._groups.pop(), open=False)
            case "add-mask" if not can_be_masked(text):
                # Warn that the value is not masked, without repeating it.
                await self._output.write(step, Stream.SOLORUN, [_TOO_SHORT], level=Level.WARNING)
            case "add-mask":
                self._output.add_mask(text)
            case _:
                await self._output.write(step, Stream.STEP, [text], level=command.level or Level.INFO)

    async def finish(self) -> None:
        """Close the groups that the step left open."""
        while self._groups:
            await self._output.group(self._step, self._groups.pop(), open=False)


def _parse_properties(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(","))
    return {key.strip(): _unescape(_ESCAPE_IN_PROPERTY, value.strip()) for key, _, value in pairs}


def _unescape(escape: re.Pattern[str], text: str) -> str:
    return escape.sub(lambda match: chr(int(match[1], 16)), text)


def _parse(name: str, properties: Mapping[str, str], text: str) -> WorkflowCommand | None:
    if name in _LEVELS:
        place = ":".join(properties[key] for key in ("file", "line", "col") if properties.get(key))
        return WorkflowCommand(name, f"{place}: {text}" if place else text, _LEVELS[name])
    if name == "progress":
        current, total = properties.get("current", ""), properties.get("total")
        if _COUNT.fullmatch(current) and (total is None or _COUNT.fullmatch(total)):
            return WorkflowCommand(name, text, None, int(current), None if total is None else int(total))
    elif name in ("endgroup", "add-mask") or (name == "group" and text):
        return WorkflowCommand(name, text)
    return None
