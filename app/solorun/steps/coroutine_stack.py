"""Finds where a suspended coroutine is, and whether an error came of its cancellation."""

import asyncio
from pathlib import Path
from types import CoroutineType, FrameType, GeneratorType
from typing import Any, Final

from solorun.steps.function import FunctionCall

MAX_FRAMES: Final = 20
_MAX_CAUSES: Final = 100
_PACKAGE: Final = Path(__file__).parents[1]


def format_stack(coroutine: object, directory: Path) -> tuple[str, ...]:
    """The stack of a step's coroutine, outermost first: `build.py:12 in publish`, with paths below `directory`.

    `coroutine` is that of the step's task, so the stack begins below our own frames. It ends where the coroutine awaits
    us, another task, or something that is not Python.
    """
    frames: list[FrameType] = []
    awaited: Any = coroutine
    while (frame := _frame_of(awaited)) is not None:
        frames.append(frame)
        awaited = awaited.cr_await if isinstance(awaited, CoroutineType) else awaited.gi_yieldfrom
    return _format(frames, directory)


def format_call(call: FunctionCall, directory: Path) -> tuple[str, ...]:
    """The same of a function in a thread. It runs on meanwhile, so this is where it was a moment ago."""
    return _format(call.list_frames(), directory)


def came_of_cancellation(error: BaseException | None) -> bool:
    """Whether a CancelledError is the error itself, its cause, or what was being handled when it was raised."""
    for _ in range(_MAX_CAUSES):  # a user may make the causes circular
        if error is None or isinstance(error, asyncio.CancelledError):
            return error is not None
        error = error.__cause__ or error.__context__
    return False


def _format(frames: list[FrameType], directory: Path) -> tuple[str, ...]:
    """Without our own frames above and below those of the user."""
    own = [Path(frame.f_code.co_filename).is_relative_to(_PACKAGE) for frame in frames] + [True]
    first = own.index(False) if False in own else len(frames)
    frames = frames[first : own.index(True, first)]
    left_out = ("…",) if len(frames) > MAX_FRAMES else ()
    return (*left_out, *(_format_frame(frame, directory) for frame in frames[-MAX_FRAMES:]))


def _frame_of(awaited: Any) -> FrameType | None:
    if isinstance(awaited, CoroutineType):
        return awaited.cr_frame
    return awaited.gi_frame if isinstance(awaited, GeneratorType) else None


def _format_frame(frame: FrameType, directory: Path) -> str:
    path = Path(frame.f_code.co_filename)
    name = path.relative_to(directory) if path.is_relative_to(directory) else path.name
    return f"{name}:{frame.f_lineno} in {frame.f_code.co_name}"
