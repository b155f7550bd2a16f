"""`solorun show`: everything about one run but its log."""

from typing import TYPE_CHECKING

from solorun.cli.client import find_named_run, with_client
from solorun.cli.options import DEFAULT_URL, JsonOption, RunArgument, TokenFileOption, UrlOption
from solorun.cli.render.formatting import format_elapsed, format_moment
from solorun.cli.render.log_lines import format_size, progress_text
from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import write, write_json, write_table
from solorun.cli.urls import artifact_address, run_address
from solorun.run import Artifact, Run
from solorun.wire import encode, to_builtins

if TYPE_CHECKING:
    from solorun.client import RunClient


def show(
    run: RunArgument,
    url: UrlOption = DEFAULT_URL,
    token_file: TokenFileOption = None,
    json: JsonOption = False,
) -> None:
    """Show a run, its steps and what it left. With --json the run, with its `artifacts`."""

    async def read(client: "RunClient") -> tuple[Run, tuple[Artifact, ...], str]:
        found = await find_named_run(client, run)
        return found, await client.list_artifacts(found.id), client.url

    found, artifacts, base = with_client(url, token_file, read)
    if json:
        write_json(encode({**to_builtins(found), "artifacts": to_builtins(artifacts)}))
        return
    facts = [(name, sanitize(value)) for name, value in _facts(found, base) if value]
    width = max(len(name) for name, _ in facts)
    write("".join(f"{name.ljust(width)}  {value}\n" for name, value in facts))
    write("\n")
    write_table(
        ["STEP", "STATUS", "TOOK", "EXIT", "ERROR"],
        [
            [
                step.name,
                step.status,
                format_elapsed(step),
                str(step.exit_code) if step.exit_code is not None else "",
                step.error_message or "",
            ]
            for step in found.steps
        ],
    )
    if artifacts:
        write("\n")
        write_table(
            ["ARTIFACT", "SIZE", "TYPE", "DOWNLOAD"],
            [
                [
                    artifact.name,
                    format_size(artifact.size_bytes),
                    artifact.media_type,
                    artifact_address(base, found, artifact.name),
                ]
                for artifact in artifacts
            ],
        )


def _facts(run: Run, base: str) -> list[tuple[str, str]]:
    counts = run.level_counts
    return [
        ("run", str(run.id)),
        ("address", run_address(base, run)),
        ("project", run.project),
        ("scope", run.scope),
        ("status", run.status),
        ("error", run.error_message or ""),
        ("triggered by", run.triggered_by),
        ("params", ", ".join(f"{name}={value}" for name, value in run.params.items())),
        ("created", format_moment(run.created_at)),
        ("started", format_moment(run.started_at)),
        ("finished", format_moment(run.finished_at)),
        ("took", format_elapsed(run)),
        ("cancel", _describe_cancel(run)),
        ("step", run.current_step or ""),
        ("progress", _describe_progress(run)),
        ("records", f"{run.last_seq} ({counts.error} errors, {counts.warning} warnings)"),
        ("first error", f"record {run.first_error_seq}" if run.first_error_seq is not None else ""),
    ]


def _describe_cancel(run: Run) -> str:
    if run.cancel_requested_at is None:
        return ""
    reason = f": {run.cancel_reason}" if run.cancel_reason else ""
    return f"requested {format_moment(run.cancel_requested_at)} by {run.cancel_requested_by}{reason}"


def _describe_progress(run: Run) -> str:
    if run.progress_current is None:
        return ""
    return progress_text({"current": run.progress_current, "total": run.progress_total, "item": run.progress_item})
