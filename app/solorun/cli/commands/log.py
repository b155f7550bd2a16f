"""`solorun log`: print a run's log so far, with optional filters."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

import typer

from solorun.cli.client import Client, connected
from solorun.cli.completion import complete_steps
from solorun.cli.options import JsonOption, RawOption, RunArgument, TailOption, choice_option
from solorun.cli.render.log_lines import LogLines
from solorun.cli.render.terminal import has_colour, write, write_json
from solorun.record import Level, Record, Stream

_PAGE_SIZE = 1_000


@connected
async def log(
    run: RunArgument,
    *,
    step: Annotated[
        str | None,
        typer.Option(metavar="STEP", help="Only records of this step.", autocompletion=complete_steps),
    ] = None,
    attempt: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Only this attempt of the step; requires --step."),
    ] = None,
    stream: Annotated[Stream | None, choice_option(Stream, "STREAM", "Only records from this stream")] = None,
    level: Annotated[Level | None, choice_option(Level, "LEVEL", "Only this level and above")] = None,
    search: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Only lines that contain this text, ignoring case."),
    ] = None,
    match_case: Annotated[bool, typer.Option("--match-case", help="Make the search case-sensitive.")] = False,
    whole_word: Annotated[bool, typer.Option("--whole-word", help="Match whole words only.")] = False,
    regex: Annotated[bool, typer.Option("--regex", help="Search for a regular expression (RE2).")] = False,
    tail: TailOption = None,
    client: Client,
    json: JsonOption = False,
    raw: RawOption = False,
) -> None:
    """Print a run's log so far. With --json, one record per line."""
    if attempt is not None and step is None:
        raise typer.BadParameter("requires --step, because attempts belong to a step.", param_hint="--attempt")
    search_options = {"match_case": match_case, "whole_word": whole_word, "regex": regex}
    if search is None and (given := next((name for name, on in search_options.items() if on), None)):
        raise typer.BadParameter("requires --search.", param_hint=f"--{given.replace('_', '-')}")
    filters = {"step": step, "attempt": attempt, "stream": stream, "level": level, "text": search, **search_options}
    found = await client.find_run(run)
    steps = [of_run.name for of_run in found.steps]
    if step is not None and step not in steps:
        raise typer.BadParameter(
            f"Run {found.id} has no such step. Its steps: {', '.join(steps)}.", param_hint="--step"
        )
    lines = LogLines(found, colour=has_colour(), raw=raw)
    async with aclosing(_read(client, found.id, filters, tail)) as batches:
        async for records in batches:
            if json:
                write_json(records)
            else:
                write("".join(map(lines.format, records)))
    write(lines.finish())


def _read(client: Client, run_id: int, filters: dict[str, Any], tail: int | None) -> AsyncGenerator[list[Record]]:
    return client.stream_log(run_id, **filters) if tail is None else _read_last(client, run_id, filters, tail)


async def _read_last(client: Client, run_id: int, filters: dict[str, Any], count: int) -> AsyncGenerator[list[Record]]:
    """Yield the last `count` records in order, after reading the pages backwards."""
    pages: list[list[Record]] = []
    before = None
    while count > 0:
        page = await client.get_log_page(run_id, before=before, limit=min(count, _PAGE_SIZE), **filters)
        pages.append(list(page.records))
        count -= len(page.records)
        before = page.next
        if before is None:
            break
    for records in reversed(pages):
        if records:
            yield records
