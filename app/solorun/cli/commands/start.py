"""`solorun start` and `rerun`: start a run, and follow it on request."""

from typing import Annotated

import typer

from solorun.cli.client import Client, connected, find_named_run, note_if_interrupted
from solorun.cli.commands.start_help import describe_parameters
from solorun.cli.completion import complete_rerun_steps, complete_scopes
from solorun.cli.given_params import read_params
from solorun.cli.options import JsonOption, ProjectArgument, RawOption, RunArgument
from solorun.cli.render.terminal import write, write_json, write_table
from solorun.cli.starting import (
    FollowOption,
    IdempotencyKeyOption,
    OnConflictOption,
    ParamOption,
    QuietOption,
    SecretOption,
    TriggeredByOption,
    check_quiet,
    note_retry,
    show_started,
)
from solorun.project import FULL_SCOPE
from solorun.wire import FROM_START, RerunPreview, SkippedStep


@connected
async def start(
    project: ProjectArgument,
    *,
    scope: Annotated[
        str,
        typer.Option(
            metavar="SCOPE",
            help="Steps to run: full, the name of a step, or from:STEP.",
            autocompletion=complete_scopes,
        ),
    ] = FULL_SCOPE,
    param: ParamOption = None,
    secret: SecretOption = None,
    on_conflict: OnConflictOption = None,
    triggered_by: TriggeredByOption = "cli",
    idempotency_key: IdempotencyKeyOption = None,
    follow: FollowOption = False,
    describe: Annotated[bool, typer.Option("--describe", hidden=True)] = False,
    context: typer.Context,
    client: Client,
    json: JsonOption = False,
    raw: RawOption = False,
    quiet: QuietOption = False,
) -> None:
    """Start a run of PROJECT. Exits with 3 if the project or a resource is taken.

    `solorun start --help PROJECT` also lists the project's parameters.
    """
    if describe:
        write(f"{context.get_help()}\n")
        await describe_parameters(client, project)
        return
    check_quiet(quiet=quiet, follow=follow, json=json)
    params = read_params(param, secret)
    with note_if_interrupted(f"The run may or may not have been started. Check with:\n  solorun runs {project}"):
        run = await client.start_run(
            project,
            scope=scope,
            triggered_by=triggered_by,
            params=params,
            on_conflict=on_conflict,
            idempotency_key=idempotency_key,
            on_retry=note_retry,
        )
    await show_started(client, run, follow=follow, json=json, raw=raw, quiet=quiet)


@connected
async def rerun(
    run: RunArgument,
    *,
    from_step: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="STEP",
            help="Where to begin: start, failed (the step that stopped the run), or a step.",
            autocompletion=complete_rerun_steps,
        ),
    ] = FROM_START,
    param: ParamOption = None,
    secret: SecretOption = None,
    on_conflict: OnConflictOption = None,
    triggered_by: TriggeredByOption = "cli",
    idempotency_key: IdempotencyKeyOption = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would run and on whose results it builds, and start nothing.")
    ] = False,
    follow: FollowOption = False,
    client: Client,
    json: JsonOption = False,
    raw: RawOption = False,
    quiet: QuietOption = False,
) -> None:
    """Run an ended run again, with its scope and parameters. Exits with 3 if the project or a resource is taken."""
    check_quiet(quiet=quiet, follow=follow, json=json)
    params = read_params(param, secret)
    original = await find_named_run(client, run)
    if preview:
        _show_preview(await client.preview_rerun(original.id, from_step=from_step, params=params), json=json)
        return
    check = f"solorun runs {original.project} --rerun-of {original.id}"
    with note_if_interrupted(f"The run may or may not have been started. Check with:\n  {check}"):
        started = await client.rerun(
            original.id,
            from_step=from_step,
            triggered_by=triggered_by,
            params=params,
            on_conflict=on_conflict,
            idempotency_key=idempotency_key,
            on_retry=note_retry,
        )
    await show_started(client, started, follow=follow, json=json, raw=raw, quiet=quiet)


def _show_preview(preview: RerunPreview, *, json: bool) -> None:
    if json:
        write_json([preview])
        return
    write(f"A rerun of run {preview.rerun_of} of {preview.project} would have the scope {preview.scope}.\n\n")
    skipped = [[step.name, "skip", _format_result(step)] for step in preview.skipped]
    write_table(["STEP", "ACTION", "RESULT"], [*skipped, *([name, "run", ""] for name in preview.steps)])
    write("\n" + "".join(f"{note}\n" for note in _notes(preview)))


def _format_result(step: SkippedStep) -> str:
    return "never executed" if step.run_id is None else f"{step.status} in run {step.run_id}"


def _notes(preview: RerunPreview) -> list[str]:
    notes = [f"It would find the project's workspace, but no artifacts: those of run {preview.rerun_of} stay there."]
    known = {preview.rerun_of, *(step.run_id for step in preview.skipped)}
    if preview.latest_run_id not in known:
        notes.append(f"Run {preview.latest_run_id} is newer, and may have changed the workspace.")
    if preview.results_on:
        notes.append(
            f"The results of skipped steps are on the hosts of {', '.join(preview.results_on)}. "
            "Other workers lack them, unless you set shared_dir, or artifact_store for artifacts."
        )
    if preview.missing_params:
        options = " ".join(f"--secret {name}" for name in preview.missing_params)
        notes.append(f"Secret parameters are not kept. Give them again: {options}")
    return notes
