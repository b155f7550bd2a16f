"""`solorun pin` and `solorun unpin`: keep a run for ever, or no longer."""

from solorun.cli.client import Client, connected, find_named_run
from solorun.cli.options import JsonOption, RunArgument
from solorun.cli.render.terminal import write_result


@connected
async def pin(run: RunArgument, *, client: Client, json: JsonOption = False) -> None:
    """Pin a run, so that it is never deleted."""
    await _set_pinned(client, run, True, json=json)


@connected
async def unpin(run: RunArgument, *, client: Client, json: JsonOption = False) -> None:
    """Unpin a run, so that it is deleted like any other."""
    await _set_pinned(client, run, False, json=json)


async def _set_pinned(client: Client, name: str, pinned: bool, *, json: bool) -> None:
    found = await find_named_run(client, name)
    run = await client.set_pinned(found.id, pinned)
    write_result(run, f"{'Pinned' if pinned else 'Unpinned'} run {run.id} of {run.project}.", json=json)
