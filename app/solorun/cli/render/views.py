"""Shows a followed run: with a progress bar on a terminal, as plain lines on a pipe, or as JSON for scripts."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, Self

from solorun.cli.render.formatting import format_elapsed, format_queue, format_stop
from solorun.cli.render.log_lines import LogLines, progress_of, progress_text
from solorun.cli.render.progress_throttle import ProgressThrottle
from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import STATUS_STYLES, has_colour, is_terminal, write, write_json
from solorun.record import Event, Record
from solorun.run import Run
from solorun.status import Status, StepStatus

if TYPE_CHECKING:
    from rich.console import Group
    from rich.progress import TaskID


class View(Protocol):
    """Shows the start, the records and the end of one run. A context manager, so that a bar is always cleared."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...

    def show(self, records: Sequence[Record]) -> None: ...

    def end(self, run: Run) -> None: ...


def choose_view(run: Run, *, json: bool, raw: bool) -> View:
    """Choose the view for the current output."""
    if json:
        return JsonView(run)
    return TerminalView(run, raw=raw) if is_terminal() else PlainView(run, raw=raw)


class JsonView(View):
    """One JSON object per line: `{"event": "start", "run"}`, the records, and finally `{"event": "end", "run"}`."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __enter__(self) -> Self:
        write_json([{"event": "start", "run": self._run}])
        return self

    def __exit__(self, *error: object) -> None: ...

    def show(self, records: Sequence[Record]) -> None:
        write_json(records)

    def end(self, run: Run) -> None:
        write_json([{"event": "end", "run": run}])


class PlainView(View):
    """Plain lines of text, with progress at most once a second."""

    def __init__(self, run: Run, *, raw: bool = False) -> None:
        self._run = run
        self._lines = LogLines(run, raw=raw)
        self._progress = ProgressThrottle()

    def __enter__(self) -> Self:
        write(heading(self._run) + "\n")
        return self

    def __exit__(self, *error: object) -> None:
        self._write(self._progress.finish())
        write(self._lines.finish())

    def show(self, records: Sequence[Record]) -> None:
        self._write(self._progress.filter(records))

    def end(self, run: Run) -> None:
        self.__exit__()
        write(ending(run) + "\n")

    def _write(self, records: Iterable[Record]) -> None:
        write("".join(map(self._lines.format, records)))


class TerminalView(View):
    """Log lines scroll above those that are unfinished, and a bar with the current step, its progress and its time."""

    def __init__(self, run: Run, *, raw: bool = False) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._run = run
        self._lines = LogLines(run, colour=has_colour(), raw=raw)
        self.unfinished = ""
        """The lines that continue in later records, so far."""
        self._step_names = [step.name for step in run.steps]
        # Markup is off, because names and items are untrusted.
        self._progress = Progress(
            TextColumn("{task.fields[position]}", style="dim", markup=False),
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[item]}", markup=False),
            TimeElapsedColumn(),
            auto_refresh=False,
        )
        self._live = Live(get_renderable=self._bottom, console=Console(highlight=False), transient=True)
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._live.console.print(heading(self._run), style="bold", markup=False)
        self._live.start()
        current = next((step for step in self._run.steps if step.name == self._run.current_step), None)
        if current is not None:
            self._begin_step(current.name, (current.attempts[-1] if current.attempts else current).started_at)
            if self._run.progress_current is not None:
                self._update_bar(progress_of(self._run))
        return self

    def __exit__(self, *error: object) -> None:
        self._print(self._lines.finish())
        self._live.stop()

    def show(self, records: Sequence[Record]) -> None:
        written: list[str] = []
        for record in records:
            match record.event:
                case Event.PROGRESS:
                    self._update_bar(record.data or {})
                    continue
                case Event.STEP:
                    self._remove_bar()
                    data = record.data or {}
                    if data.get("status") == StepStatus.RUNNING:
                        self._begin_step(str(data.get("name", "")), record.time)
            written.append(self._lines.format(record))
        self.unfinished = "\n".join(self._lines.unfinished())
        self._print("".join(written))

    def end(self, run: Run) -> None:
        self.__exit__()
        self._live.console.print(ending(run), style=f"bold {STATUS_STYLES[run.status]}", markup=False)

    def _print(self, text: str) -> None:
        from rich.text import Text

        if text:
            # soft_wrap lets the terminal wrap long lines, so that they can be copied whole.
            self._live.console.print(Text.from_ansi(text.removesuffix("\n")), soft_wrap=True)

    def _bottom(self) -> "Group":
        """What rich's thread redraws in place: unfinished lines, cut to the terminal's width, and the bar."""
        from rich.console import Group
        from rich.text import Text

        unfinished = Text.from_ansi(self.unfinished, no_wrap=True, overflow="ellipsis")
        return Group(unfinished, self._progress) if unfinished else Group(self._progress)

    def _begin_step(self, name: str, started_at: datetime | None) -> None:
        position = ""
        if name in self._step_names:
            position = f"{self._step_names.index(name) + 1}/{len(self._step_names)}"
        self._task = self._progress.add_task(sanitize(name), total=None, position=position, item="")
        if started_at is not None:
            (task,) = self._progress.tasks
            task.start_time = self._progress.get_time() - max(0.0, (datetime.now(UTC) - started_at).total_seconds())

    def _remove_bar(self) -> None:
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None

    def _update_bar(self, data: dict[str, Any]) -> None:
        if self._task is not None:
            completed, total = data.get("current", 0), data.get("total")
            self._progress.update(self._task, completed=completed, total=total, item=progress_text(data))


def heading(run: Run) -> str:
    """The first line of a followed run, and its place if it is queued."""
    rerun = "" if run.rerun_of is None else f", rerun of run {run.rerun_of}"
    queued = f"\nWaiting: {format_queue(run)}" if run.status is Status.QUEUED else ""
    by = sanitize(run.triggered_by)
    return f"Run {run.id} of {run.project}{rerun}, scope {run.scope}, triggered by {by}{queued}"


def ending(run: Run) -> str:
    """One sentence on how a run ended: status, duration and error."""
    when = format_elapsed(run)
    if when and run.status is Status.CANCELLED and run.cancel and (stop := format_stop(run.cancel)):
        when += f"; it {stop}"
    when = f" after {when}" if when else ""
    words = {Status.CANCELLED: "was cancelled", Status.INTERRUPTED: "was interrupted"}.get(run.status, str(run.status))
    cause = f": {sanitize(run.error_message)}" if run.error_message else ""
    return f"Run {run.id} {words}{when}{cause}"
