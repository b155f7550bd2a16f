"""`solorun hooks`: list the hooks of a project, with their addresses and last deliveries."""

from solorun.cli.client import Client, connected
from solorun.cli.options import JsonOption, ProjectArgument
from solorun.cli.render.terminal import Cell, write_list
from solorun.wire.projects import HookSummary


@connected
async def hooks(project: ProjectArgument, *, client: Client, json: JsonOption = False) -> None:
    """List a project's hooks with addresses and last deliveries. With --json, one hook per line."""
    found = (await client.get_project(project)).hooks
    none = f"{project} has no hooks. Declare one in a table [projects.<name>.hooks.<hook>] of solorun.toml."
    headings = ["HOOK", "ADDRESS", "DELIVERED", "EVENT", "OUTCOME", "RUN", "REASON"]
    write_list(found, headings, _row, none=none, json=json)


def _row(hook: HookSummary) -> list[Cell]:
    last = hook.last_delivery
    if last is None:
        return [hook.name, hook.path, "never", "", "", "", ""]
    run = "" if last.run_id is None else str(last.run_id)
    return [hook.name, hook.path, last.delivered_at, last.event, last.outcome, run, last.reason]
