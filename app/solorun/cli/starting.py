"""What `start`, `rerun` and `trigger` share: their options, and how they show the run that they have started."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from solorun.cli.client import Client, note_if_interrupted
from solorun.cli.commands.follow import follow_run
from solorun.cli.completion import complete_params
from solorun.cli.exit_codes import exit_code_of_status
from solorun.cli.options import JsonOption, RawOption
from solorun.cli.render.formatting import format_labels, format_queue
from solorun.cli.render.messages import print_note
from solorun.cli.render.terminal import write_result
from solorun.cli.render.views import choose_view
from solorun.queueing import ConflictPolicy
from solorun.status import Status
from solorun.wire.runs import StartedRun

ParamOption = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        "-p",
        metavar="NAME=VALUE",
        help="Set a parameter (repeatable; several values make a list).",
        autocompletion=complete_params,
    ),
]
SecretOption = Annotated[
    list[str] | None,
    typer.Option(
        "--secret", metavar="NAME", help="Read a parameter from the terminal without showing it, or from stdin."
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """How a command starts a run, and what it shows of it. Raises BadParameter for options that exclude each other."""

    on_conflict: Annotated[
        ConflictPolicy | None,
        typer.Option(
            help="What to do if the project or a resource is taken. Default: what the project or the schedule declares."
        ),
    ] = None
    triggered_by: Annotated[str, typer.Option(metavar="NAME", help="A short name for what starts the run.")] = "cli"
    idempotency_key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Repeating the command with this KEY within 24 hours starts no second run."),
    ] = None
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show the run until it ends, like `solorun follow`.")
    ] = False
    client: Client
    json: JsonOption = False
    raw: RawOption = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the run's id.")] = False

    def __post_init__(self) -> None:
        if self.quiet and (self.follow or self.json):
            other = "--follow" if self.follow else "--json"
            raise typer.BadParameter(f"Use either --quiet or {other}.", param_hint="--quiet")

    async def start(
        self,
        request: Callable[..., Awaitable[StartedRun]],
        what: object,
        *,
        check: str,
        notes: Callable[[StartedRun], Iterable[str]] = lambda _: (),
        **more: Any,
    ) -> None:
        """Send the request, and print the run, or follow it and exit with the code of its status.

        `check` is the command that shows whether an interrupted request has started one. `notes` are printed first.
        """
        with note_if_interrupted(f"The run may or may not have been started. Check with:\n  {check}"):
            run = await request(
                what,
                triggered_by=self.triggered_by,
                on_conflict=self.on_conflict,
                idempotency_key=self.idempotency_key,
                on_retry=lambda cause: print_note(f"{cause.message} Trying again…"),
                **more,
            )
        for fault in run.configuration_faults:
            print_note(f"solorun.toml is invalid, and the run uses an earlier version: {fault}")
        if run.worker_missing:
            print_note(f"No connected worker has {format_labels(run.labels)}: the run waits for one.")
        for note in notes(run):
            print_note(note)
        page = self.client.page_of(run)
        if self.follow:
            if not self.json:
                print_note(page)
            ended = await follow_run(self.client, run.id, choose_view(run, json=self.json, raw=self.raw))
            raise typer.Exit(exit_code_of_status(ended.status))
        text = f"{run.id}" if self.quiet else f"{_describe(run)}\n  {page}\n  solorun follow {run.id}"
        write_result(run, text, json=self.json)


def _describe(run: StartedRun) -> str:
    if run.replayed:
        return f"Run {run.id} of {run.project} was already started; it is {run.status}."
    if run.status is not Status.QUEUED:
        return f"{'Joined' if run.joined else 'Started'} run {run.id} of {run.project}."
    return f"Queued run {run.id} of {run.project}: {format_queue(run)}."
