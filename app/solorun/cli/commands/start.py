"""`solorun start` and `rerun`: start a run, and follow it on request."""

from typing import Annotated

import typer

from solorun.cli.client import connected
from solorun.cli.commands.start_help import describe_parameters
from solorun.cli.completion import complete_rerun_steps, complete_scopes
from solorun.cli.given_params import read_params
from solorun.cli.options import ProjectArgument, RunArgument
from solorun.cli.render.terminal import write, write_json, write_table
from solorun.cli.starting import ParamOption, SecretOption, Starting
from solorun.project import FULL_SCOPE
from solorun.wire.runs import FROM_START, RerunPreview, SkippedStep


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
    describe: Annotated[bool, typer.Option("--describe", hidden=True)] = False,
    context: typer.Context,
    starting: Starting,
) -> None:
    """Start a run of PROJECT. Exits with 3 if the project or a resource is taken.

    `solorun start --help PROJECT` also lists the project's parameters.
    """
    if describe:
        write(f"{context.get_help()}\n")
        await describe_parameters(starting.client, project)
        return
    params = read_params(param, secret)
    check = f"solorun runs {project}"
    await starting.start(starting.client.start_run, project, check=check, scope=scope, params=params)


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
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would run and on whose results it builds, and start nothing.")
    ] = False,
    starting: Starting,
) -> None:
    """Run an ended run again, with its scope and parameters. Exits with 3 if the project or a resource is taken.

    Warns if it builds on results that a newer run may have changed.
    """
    params, client = read_params(param, secret), starting.client
    original = await client.find_run(run)
    if preview:
        _show_preview(await client.preview_rerun(original.id, from_step=from_step, params=params), json=starting.json)
        return
    # From the start, it builds on no results.
    before = (
        None if from_step == FROM_START else await client.preview_rerun(original.id, from_step=from_step, params=params)
    )
    check = f"solorun runs {original.project} --rerun-of {original.id}"
    await starting.start(
        client.rerun,
        original.id,
        check=check,
        notes=lambda started: _note_changes(before, started.id),
        from_step=from_step,
        params=params,
    )


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


def _note_changes(before: RerunPreview | None, run_id: int) -> list[str]:
    """A warning that another run may have changed what this rerun builds on. `before` is its preview, if it has one."""
    from solorun.client.rerun_warning import warn_of_newer_run

    warning = warn_of_newer_run(before, run_id) if before else None
    return [warning] if warning else []


def _notes(preview: RerunPreview) -> list[str]:
    from solorun.client.rerun_warning import find_newer_run

    notes = [f"It would use the project's workspace. The artifacts of run {preview.rerun_of} are not copied."]
    if find_newer_run(preview) is not None:
        notes.append(f"Run {preview.latest_run_id} is newer, and may have changed the workspace.")
    if preview.results_on:
        notes.append(
            f"The results of skipped steps are on the hosts of {', '.join(preview.results_on)}. "
            "Other workers lack them, unless you set shared_dir, or artifact_store for artifacts."
        )
    if preview.missing_params:
        options = " ".join(f"--secret {name}" for name in preview.missing_params)
        notes.append(f"Secret parameters are not kept. Enter them again: {options}")
    return notes
