"""`solorun deliveries`, `redeliver` and `notify`: the results of notifications, and how to send them again."""

import asyncio
from typing import Annotated

import typer

from solorun.cli.client import Client, connected
from solorun.cli.completion import complete_projects, complete_runs
from solorun.cli.exit_codes import ExitCode
from solorun.cli.options import JsonOption, choice_option, limit_option
from solorun.cli.param_types import whole_number
from solorun.cli.render.formatting import format_moment
from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import Cell, write, write_list, write_result
from solorun.notification import Delivery, DeliveryStatus
from solorun.run import MAX_RUN_ID
from solorun.wire.notifications import NotifyTargetSummary

_PAGE_SIZE = 200
_POLL_SECONDS = 0.2


@connected
async def deliveries(
    *,
    target: Annotated[str | None, typer.Option(metavar="TARGET", help="Only deliveries to this target.")] = None,
    status: Annotated[
        DeliveryStatus | None, choice_option(DeliveryStatus, "STATUS", "Only deliveries with this status")
    ] = None,
    project: Annotated[
        str | None,
        typer.Option(metavar="PROJECT", help="Only news about this project.", autocompletion=complete_projects),
    ] = None,
    run: Annotated[
        int | None,
        typer.Option(
            metavar="RUN",
            parser=whole_number(0, MAX_RUN_ID),
            help="Only news about this run.",
            autocompletion=complete_runs,
        ),
    ] = None,
    limit: Annotated[int, limit_option("deliveries")] = 20,
    client: Client,
    json: JsonOption = False,
) -> None:
    """List the deliveries of notifications, newest first. With --json, one delivery per line."""
    found: list[Delivery] = []
    cursor = None
    while len(found) < limit:
        page = await client.list_deliveries(
            target=target,
            status=status,
            project=project,
            run_id=run,
            limit=min(limit - len(found), _PAGE_SIZE),
            cursor=cursor,
        )
        found.extend(page.deliveries)
        if (cursor := page.next_cursor) is None:
            break
    headings = ["DELIVERY", "TARGET", "EVENT", "PROJECT", "RUN", "SINCE", "STATUS", "LAST ERROR"]
    write_list(found, headings, _row, none="No deliveries.", json=json)


@connected
async def redeliver(
    delivery: Annotated[
        int, typer.Argument(metavar="DELIVERY", parser=whole_number(0, MAX_RUN_ID), help="Number of the delivery.")
    ],
    *,
    client: Client,
    json: JsonOption = False,
) -> None:
    """Send a notification again, and wait for the result. Its status does not matter. Exits with 1 if it fails."""
    await _show_result(client, await client.redeliver(delivery), json=json)


@connected
async def notify(
    *,
    test: Annotated[
        str | None,
        typer.Option(metavar="TARGET", help="Send a test message to this target and wait for the result."),
    ] = None,
    client: Client,
    json: JsonOption = False,
) -> None:
    """List the notification targets, or test one. With --json, one target per line."""
    if test is not None:
        await _show_result(client, await client.test_notify_target(test), json=json)
        return
    targets = await client.list_notify_targets()
    headings = ["TARGET", "KIND", "ON", "PROJECTS", "PENDING", "LAST DELIVERY", "STATUS"]
    none = "No notification targets. Declare one in a table [notify.<name>] of solorun.toml."
    write_list(targets, headings, _target_row, none=none, json=json)
    for each in targets if not json else ():
        for name in each.missing_variables:
            write(f"{each.name}: the variable {name} is not set in the service's environment.\n")


async def _show_result(client: Client, sent: Delivery, *, json: bool) -> None:
    """Wait for the first attempt that follows, and print its result."""
    delivery = sent
    while delivery.attempt_count == sent.attempt_count:
        await asyncio.sleep(_POLL_SECONDS)
        delivery = await client.get_delivery(sent.id)
    error = delivery.attempts[-1].error
    result = ": delivered" if error is None else f" failed: {sanitize(error)}"
    write_result(delivery, f"Delivery {delivery.id} to {delivery.target}{result}", json=json)
    if error is not None:
        raise typer.Exit(ExitCode.FAILED)


def _row(delivery: Delivery) -> list[Cell]:
    error = delivery.attempts[-1].error if delivery.attempts else None
    status = delivery.status.replace("_", " ")
    if delivery.next_attempt_at is not None and delivery.attempts:
        status = f"next at {format_moment(delivery.next_attempt_at)}"
    return [
        str(delivery.id),
        delivery.target,
        delivery.event,
        delivery.project or "-",
        "-" if delivery.run_id is None else str(delivery.run_id),
        delivery.occurred_at,
        status,
        sanitize(error or "-"),
    ]


def _target_row(target: NotifyTargetSummary) -> list[Cell]:
    last = target.last_delivery
    return [
        target.name,
        target.kind,
        ", ".join(target.on),
        ", ".join(target.projects) or "-",
        str(target.pending_count),
        *(("-", "-") if last is None else (last.occurred_at, last.status.replace("_", " "))),
    ]
