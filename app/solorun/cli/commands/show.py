"""`solorun show`: print everything about a run except its log."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import asdict

from solorun.cli.client import Client, connected
from solorun.cli.options import JsonOption, RunArgument
from solorun.cli.render.formatting import (
    format_duration,
    format_elapsed,
    format_moment,
    format_origin,
    format_queue,
    format_slots,
    format_stop,
)
from solorun.cli.render.log_lines import LogLines, progress_of, progress_text
from solorun.cli.render.messages import print_note
from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import write, write_json, write_table
from solorun.cli.waiting import describe_refusals, describe_wait
from solorun.parameter import format_param
from solorun.run import Artifact, Attempt, Cancel, Run, RunStep, format_size
from solorun.status import Status

_MAX_LINE_CHARACTERS: Final = 300


@connected
async def show(run: RunArgument, *, client: Client, json: JsonOption = False) -> None:
    """Show a run, its steps and its artifacts. With --json, the run with its `artifacts` and the ids of `reruns`."""
    from solorun.client.failed_step import failed_step_of, find_failed_command

    found = await client.find_run(run)
    listed = await client.list_artifacts(found.id)
    reruns = [rerun.id async for rerun in client.list_runs(rerun_of=found.id)]
    if json:
        write_json([{**asdict(found), "artifacts": listed.artifacts, "reruns": reruns}])
    else:
        wait, error = await describe_wait(client, found), await _read_first_error(client, found)
        command = await find_failed_command(client, found) or ""
        facts = _facts(found, reruns, client.page_of(found), wait, error, command)
        if step := failed_step_of(found):
            facts.append(("its log", f"solorun log {found.id} --step {step.name}"))
        _write(facts, found, listed.artifacts, client)
    if listed.truncated:
        print_note(f"The list ends after {len(listed.artifacts):,} artifacts. The run has more.")


async def _read_first_error(client: Client, run: Run) -> str:
    """The line, as `solorun log` prints it. "" if there is none."""
    from solorun.client.failed_step import find_first_error

    error = await find_first_error(client, run)
    if error is None:
        return ""
    lines = LogLines(run)
    # The date may precede it.
    line = (lines.format(error) + lines.finish()).rstrip("\n").rpartition("\n")[2]
    return line if len(line) <= _MAX_LINE_CHARACTERS else f"{line[:_MAX_LINE_CHARACTERS]}…"


def _write(facts: Sequence[tuple[str, str]], found: Run, artifacts: Sequence[Artifact], client: Client) -> None:
    facts = [(name, sanitize(value)) for name, value in facts if value]
    width = max(len(name) for name, _ in facts)
    write("".join(f"{name.ljust(width)}  {value}\n" for name, value in facts))
    write("\n")
    write_table(
        ["STEP", "STATUS", "DURATION", "EXIT", "ERROR"], [row for step in found.steps for row in _step_rows(step)]
    )
    if artifacts:
        write("\n")
        rows = [
            [each.name, format_size(each.size_bytes), each.media_type, client.url_of(found, each.name)]
            for each in artifacts
        ]
        write_table(["ARTIFACT", "SIZE", "TYPE", "URL"], rows)


def _step_rows(step: RunStep) -> list[list[str]]:
    """The step, and its attempts unless a single one says the same."""
    is_same = len(step.attempts) == 1 and step.attempts[0].status is step.status
    attempts = () if is_same else step.attempts
    row = _result_row(step.name, step)
    if step.next_attempt_at is not None:
        row[-1] = f"next attempt {format_moment(step.next_attempt_at)}"
    return [row, *(_result_row(f"  attempt {each.number} of {step.max_attempts}", each) for each in attempts)]


def _result_row(name: str, of: RunStep | Attempt) -> list[str]:
    exit_code = "" if of.exit_code is None else str(of.exit_code)
    return [name, of.status, format_elapsed(of), exit_code, of.error_message or ""]


def _facts(
    run: Run, reruns: Sequence[int], page: str, wait: str, first_error: str, command: str
) -> list[tuple[str, str]]:
    counts = run.level_counts
    commands = command.splitlines()
    refusals = describe_refusals(run)
    return [
        ("run", str(run.id)),
        ("url", page),
        ("project", run.project),
        ("scope", run.scope),
        ("status", run.status),
        ("error", run.error_message or ""),
        *zip(("command", *[""] * len(commands)), commands, strict=False),
        *(_queue_facts(run) if run.status is Status.QUEUED else ()),
        ("waits for", wait),
        *zip(("refused by", *[""] * len(refusals)), refusals, strict=False),
        ("executed by", f"process {run.worker}" if run.worker else ""),
        ("slots", format_slots(run.slots)),
        ("triggered by", run.triggered_by),
        ("params", ", ".join(f"{name}={format_param(value)}" for name, value in run.params.items())),
        ("rerun of", "" if run.rerun_of is None else str(run.rerun_of)),
        ("reruns", ", ".join(map(str, reruns))),
        ("pinned", "yes" if run.pinned else ""),
        ("created", format_moment(run.created_at)),
        ("started", format_moment(run.started_at)),
        ("finished", format_moment(run.finished_at)),
        ("duration", format_elapsed(run)),
        *(_cancel_facts(run.cancel) if run.cancel else ()),
        ("step", run.current_step or ""),
        ("progress", "" if run.progress_current is None else progress_text(progress_of(run))),
        ("records", f"{run.last_seq} (errors: {counts.error}, warnings: {counts.warning})"),
        ("first error", first_error),
    ]


def _queue_facts(run: Run) -> list[tuple[str, str]]:
    return [
        ("queue", format_queue(run)),
        ("replaces", "" if run.replaces is None else f"run {run.replaces}"),
        ("queued until", format_moment(run.queue_deadline)),
    ]


def _cancel_facts(cancel: Cancel) -> list[tuple[str, str]]:
    reason = f": {cancel.reason}" if cancel.reason else ""
    stop = format_stop(cancel) or cancel.effect or ""
    grace = "" if cancel.grace_seconds is None else f" (grace {format_duration(cancel.grace_seconds)})"
    if cancel.signalled_at is not None and not stop:
        stop = f"signalled {format_moment(cancel.signalled_at)}"
    return [
        ("cancel", f"requested {format_moment(cancel.requested_at)} {format_origin(cancel.requested_by)}{reason}"),
        ("work", f"{stop}{grace}" if stop else ""),
        *zip(("was at", *[""] * len(cancel.position)), cancel.position, strict=False),
    ]
