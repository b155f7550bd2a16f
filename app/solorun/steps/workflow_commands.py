"""LineBatch of stdout that are instructions, in the notation of GitHub Actions: `::name key=value,key=value::text`.

What is not exactly one of them is text, and is left to whoever asked.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from solorun.project import MIN_SECRET_CHARACTERS, can_be_masked
from solorun.record import Level, Stream
from solorun.step import StepOutput

_COMMAND = re.compile(r"::([a-z-]+)(?: +((?:(?!::).)*))?::(.*)", re.DOTALL)
_ESCAPE_IN_TEXT = re.compile(r"%(25|0A|0D)", re.IGNORECASE)
_ESCAPE_IN_PROPERTY = re.compile(r"%(25|0A|0D|3A|2C)", re.IGNORECASE)
_TOO_SHORT: Final = f"an ::add-mask:: of fewer than {MIN_SECRET_CHARACTERS} characters: its value is not masked"
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
class Say:
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class AddMask:
    value: str


WorkflowCommand = Progress | OpenGroup | CloseGroup | Say | AddMask


def parse_workflow_command(line: str) -> WorkflowCommand | None:
    """The command that `line` is, None when it is text."""
    match = _COMMAND.fullmatch(line)
    if match is None:
        return None
    name, properties, text = match.groups(default="")
    parse = _PARSERS.get(name)
    return parse(_parse_properties(properties), _unescape(_ESCAPE_IN_TEXT, text)) if parse else None


MAX_OPEN_GROUPS: Final = 100
"""A group within so many others is text: nobody would fold it, and each has to be closed at the step's end."""


class WorkflowCommandInterpreter:
    """Carries the commands of one step's stdout to its output, and remembers which groups are open."""

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
                if self._groups:  # one too many closes nothing
                    await self._output.group(self._step, self._groups.pop(), open=False)
            case Say(level, text):
                await self._output.write(self._step, Stream.STEP, [text], level=level)
            case AddMask(value) if not can_be_masked(value):
                # Who relies on a mask must hear that there is none; not of which value.
                await self._output.write(self._step, Stream.SOLORUN, [_TOO_SHORT], level=Level.WARNING)
            case AddMask(value):
                self._output.add_mask(value)

    async def finish(self) -> None:
        """Close what the step left open."""
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


def _open_group(_: Mapping[str, str], text: str) -> OpenGroup | None:
    return OpenGroup(text) if text else None


def _close_group(_: Mapping[str, str], __: str) -> CloseGroup:
    return CloseGroup()


def _add_mask(_: Mapping[str, str], text: str) -> AddMask:
    return AddMask(text)


def _say(level: Level) -> Callable[[Mapping[str, str], str], Say]:
    def parse(properties: Mapping[str, str], text: str) -> Say:
        place = ":".join(properties[key] for key in ("file", "line", "col") if properties.get(key))
        return Say(level, f"{place}: {text}" if place else text)

    return parse


_PARSERS: Final[Mapping[str, Callable[[Mapping[str, str], str], WorkflowCommand | None]]] = {
    "progress": _progress,
    "group": _open_group,
    "endgroup": _close_group,
    "debug": _say(Level.DEBUG),
    "notice": _say(Level.INFO),
    "warning": _say(Level.WARNING),
    "error": _say(Level.ERROR),
    "add-mask": _add_mask,
}
