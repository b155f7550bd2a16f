"""How a run is shown while it is followed: with bars on a terminal, as lines on a pipe, as JSON for scripts."""

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from solorun.cli.render.formatting import format_elapsed
from solorun.cli.render.log_lines import LogLines, progress_text
from solorun.cli.render.progress_throttle import ProgressThrottle
from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import has_colour, is_terminal, write
from solorun.record import Event, Record
from solorun.run import Run
from solorun.status import Status, StepStatus
from solorun.wire import encode, encode_records, to_builtins

if TYPE_CHECKING:
    from rich.progress import TaskID


class View(Protocol):
    """Shows one run: its beginning, its records, its end. A context, so that what it drew is cleared in any case."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def show(self, records: Sequence[Record]) -> None: ...

    def end(self, run: Run) -> None: ...


def choose_view(run: Run, *, json: bool, raw: bool) -> View:
    """The view that fits where the output goes."""
    if json:
        return JsonView(run)
    return TerminalView(run, raw=raw) if is_terminal() else PlainView(run, raw=raw)


class JsonView:
    """One JSON object a line: `{"event": "start", "run"}`, the records, and at last `{"event": "end", "run"}`."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __enter__(self) -> Self:
        self._write_run("start", self._run)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def show(self, records: Sequence[Record]) -> None:
        write(encode_records(records).decode())

    def end(self, run: Run) -> None:
        self._write_run("end", run)

    def _write_run(self, event: str, run: Run) -> None:
        write(encode({"event": event, "run": to_builtins(run)}).decode() + "\n")


class PlainView:
    """LineBatch of text, without colours and without anything that moves; progress at most once a second."""

    def __init__(self, run: Run, *, raw: bool = False) -> None:
        self._run = run
        self._lines = LogLines(run, raw=raw)
        self._progress = ProgressThrottle()

    def __enter__(self) -> Self:
        write(heading(self._run) + "\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._write(self._progress.finish())
        write(self._lines.finish())

    def show(self, records: Sequence[Record]) -> None:
        self._write(self._progress.thin(records))

    def end(self, run: Run) -> None:
        self._write(self._progress.finish())
        write(self._lines.finish() + ending(run) + "\n")

    def _write(self, records: Iterable[Record]) -> None:
        write("".join(map(self._lines.format, records)))


class TerminalView:
    """LineBatch of the log scroll by above one bar: which step of how many, how far it is, for how long."""

    def __init__(self, run: Run, *, raw: bool = False) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._run = run
        self._lines = LogLines(run, colour=has_colour(), raw=raw)
        self._step_names = [step.name for step in run.steps]
        # Names and items come from elsewhere: as markup they could draw what they like.
        self._progress = Progress(
            TextColumn("{task.fields[position]}", style="dim", markup=False),
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[item]}", markup=False),
            TimeElapsedColumn(),
            console=Console(highlight=False),
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.console.print(heading(self._run), style="bold", markup=False)
        self._progress.start()
        if self._run.current_step is not None:
            self._begin_step(self._run.current_step)
            if self._run.progress_current is not None:
                self._move(
                    {
                        "current": self._run.progress_current,
                        "total": self._run.progress_total,
                        "item": self._run.progress_item,
                    }
                )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, records: Sequence[Record]) -> None:
        written: list[str] = []
        for record in records:
            match record.event:
                case Event.PROGRESS:
                    self._move(record.data or {})
                    continue
                case Event.STEP:
                    self._follow_step(record.data or {})
            # Above a bar a line cannot stay open: each record gets its own.
            written.append(self._lines.format(record) + self._lines.finish())
        if written:
            self._print("".join(written))

    def end(self, run: Run) -> None:
        self._progress.stop()
        self._progress.console.print(ending(run), style=_ENDING_STYLES[run.status], markup=False)

    def _print(self, text: str) -> None:
        from rich.text import Text

        # soft_wrap: the terminal folds long lines itself, so that they can be copied whole.
        self._progress.console.print(Text.from_ansi(text.removesuffix("\n")), soft_wrap=True)

    def _follow_step(self, data: dict[str, Any]) -> None:
        if data.get("status") == StepStatus.RUNNING:
            self._begin_step(str(data.get("name", "")))
        else:
            self._drop_bar()

    def _begin_step(self, name: str) -> None:
        self._drop_bar()
        position = ""
        if name in self._step_names:
            position = f"{self._step_names.index(name) + 1}/{len(self._step_names)}"
        self._task = self._progress.add_task(sanitize(name), total=None, position=position, item="")

    def _drop_bar(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None

    def _move(self, data: dict[str, Any]) -> None:
        if self._task is not None:
            self._progress.update(
                self._task, completed=data.get("current", 0), total=data.get("total"), item=progress_text(data)
            )


_ENDING_STYLES = {
    Status.COMPLETED: "bold green",
    Status.FAILED: "bold red",
    Status.CANCELLED: "bold magenta",
    Status.INTERRUPTED: "bold yellow",
}


def heading(run: Run) -> str:
    """What a follow begins with."""
    return f"Run {run.id} of {run.project}, scope {run.scope}, triggered by {sanitize(run.triggered_by)}"


def ending(run: Run) -> str:
    """How a run ended, in one sentence: what, after how long, why."""
    took = format_elapsed(run)
    when = f" after {took}" if took else ""
    words = {Status.CANCELLED: "was cancelled", Status.INTERRUPTED: "was interrupted"}.get(run.status, str(run.status))
    cause = f": {sanitize(run.error_message)}" if run.error_message else ""
    return f"Run {run.id} {words}{when}{cause}"
