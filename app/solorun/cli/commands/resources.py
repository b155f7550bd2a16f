"""`solorun resources`: list the resources that runs share, and who holds them."""

from solorun.cli.client import Client, connected
from solorun.cli.options import JsonOption
from solorun.cli.render.messages import print_note
from solorun.cli.render.terminal import Cell, write, write_json, write_table
from solorun.run import Run
from solorun.status import StepStatus
from solorun.wire.projects import ResourceSummary


@connected
async def resources(*, client: Client, json: JsonOption = False) -> None:
    """List the resources with their slots, holders and waiting runs. With --json, one resource per line."""
    found = await client.list_resources()
    if json:
        write_json(found)
    elif found:
        write_table(
            ["RESOURCE", "SLOT", "RUN", "PROJECT", "STEP", "SINCE"], [row for one in found for row in _rows(one)]
        )
        for one in found:
            if one.slots != one.declared_slots:
                slots = "1 slot" if one.slots == 1 else f"{one.slots} slots"
                print_note(
                    f"Another service declares {slots} of {one.name}, but the solorun.toml of this one "
                    f"declares {one.declared_slots}. The latest declaration applies."
                )
            if one.waiting:
                names = ", ".join(map(_describe, one.waiting))
                write(f"Waiting for {one.name}: {names}\n")
    else:
        write("No resources. Declare one in a table [resources.<name>] of solorun.toml.\n")


def _describe(run: Run) -> str:
    step = next((f" (step {step.name})" for step in run.steps if step.status is StepStatus.WAITING), "")
    return f"run {run.id} of {run.project}{step}"


def _rows(resource: ResourceSummary) -> list[list[Cell]]:
    holds = {hold.slot: hold for hold in resource.holds}
    return [
        [resource.name, str(slot), str(hold.run_id), hold.project, hold.step or "-", hold.held_since]
        if (hold := holds.get(slot))
        else [resource.name, str(slot), "-", "-", "-", "-"]
        for slot in sorted({*range(resource.slots), *holds})
    ]
