"""Parses workflow commands on stdout, in the syntax of GitHub Actions: `::name key=value,key=value::text`.

Any line that is not exactly a known command is ordinary text, except for an `::add-mask::` with whitespace before it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from solorun.project import MIN_SECRET_CHARACTERS, can_be_masked
from solorun.record import Level, Stream
from solorun.step import StepOutput

ADD_MASK: Final = "::add-mask::"
_ESCAPE_IN_TEXT = re.compile(r"%(25|0A|0D)", re.IGNORECASE)
_ESCAPE_IN_PROPERTY = re.compile(r"%(25|0A|0D|3A|2C)", re.IGNORECASE)
_TOO_SHORT: Final = f"the value of an ::add-mask:: has fewer than {MIN_SECRET_CHARACTERS} characters and is not masked"
_COUNT = re.compile(r"\d{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Progress:
    current: int
    total: int | None
    item: str


@dataclass(frozen=True, slots=True)
class OpenGroup:
    name: str


@dataclass(frozen=True, slots=True)
class CloseGroup:
    pass


@dataclass(frozen=True, slots=True)
class LogMessage:
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class AddMask:
    value: str


WorkflowCommand = Progress | OpenGroup | CloseGroup | LogMessage | AddMask


def parse_workflow_command(line: str) -> WorkflowCommand | None:
    """Parse a line. None if it is ordinary text."""
    indented = line.lstrip()
    if indented.startswith(ADD_MASK):
        line = indented
    head, mark, text = line.removeprefix("::").partition("::")
    name, _, properties = head.partition(" ")
    parse = _PARSERS.get(name) if mark and line.startswith("::") else None
    return parse(_parse_properties(properties), _unescape(_ESCAPE_IN_TEXT, text)) if parse else None


MAX_OPEN_GROUPS: Final = 100
"""Groups nested deeper than this are logged as text, since each open group must be closed when the step ends."""


class WorkflowCommandInterpreter:
    """Executes the workflow commands of one step, and keeps track of its open groups."""

    def __init__(self, step: str, output: StepOutput) -> None:
        self._step = step
        self._output = output
        self._groups: list[str] = []

    async def execute(self, command: WorkflowCommand) -> None:
        match command:
            case Progress(current, total, item):
                await self._output.progress(self._step, current, total, item)
            case OpenGroup(name) if len(self._groups) >= MAX_OPEN_GROUPS:
                await self._output.write(self._step, Stream.STEP, [name])
            case OpenGroup(name):
                self._groups.append(name)
                await self._output.group(self._step, name, open=True)
            case CloseGroup():
                if self._groups:  # an unmatched ::endgroup:: is ignored
                    await self._output.group(self._step, self._groups.pop(), open=False)
            case LogMessage(level, text):
                await self._output.write(self._step, Stream.STEP, [text], level=level)
            case AddMask(value) if not can_be_masked(value):
                # Warn that the value is not masked, without repeating it.
                await self._output.write(self._step, Stream.SOLORUN, [_TOO_SHORT], level=Level.WARNING)
            case AddMask(value):
                self._output.add_mask(value)

    async def finish(self) -> None:
        """Close the groups that the step left open."""
        while self._groups:
            await self.execute(CloseGroup())


def _parse_properties(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(","))
    return {key.strip(): _unescape(_ESCAPE_IN_PROPERTY, value.strip()) for key, _, value in pairs}


def _unescape(escape: re.Pattern[str], text: str) -> str:
    return escape.sub(lambda match: chr(int(match[1], 16)), text)


def _progress(properties: Mapping[str, str], text: str) -> Progress | None:
    current, total = properties.get("current", ""), properties.get("total")
    if not _COUNT.fullmatch(current) or (total is not None and not _COUNT.fullmatch(total)):
        return None
    return Progress(int(current), None if total is None else int(total), text)


def _log_message(level: Level) -> Callable[[Mapping[str, str], str], LogMessage]:
    def parse(properties: Mapping[str, str], text: str) -> LogMessage:
        place = ":".join(properties[key] for key in ("file", "line", "col") if properties.get(key))
        return LogMessage(level, f"{place}: {text}" if place else text)

    return parse


_PARSERS: Final[Mapping[str, Callable[[Mapping[str, str], str], WorkflowCommand | None]]] = {
    "progress": _progress,
    "group": lambda _, text: OpenGroup(text) if text else None,
    "endgroup": lambda *_: CloseGroup(),
    "debug": _log_message(Level.DEBUG),
    "notice": _log_message(Level.INFO),
    "warning": _log_message(Level.WARNING),
    "error": _log_message(Level.ERROR),
    "add-mask": lambda _, text: AddMask(text),
}
