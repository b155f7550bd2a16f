"""The handler that shows the resources: who holds their slots, and who waits for them."""

from solorun.api.route import route
from solorun.api.state import State
from solorun.errors import StoreUnavailable
from solorun.http.operation import ResponseSpec
from solorun.http.request import Request
from solorun.http.responses import Response, json_response
from solorun.run import Run
from solorun.status import StepStatus
from solorun.wire.projects import ResourceList, ResourceSummary


@route(
    "GET /api/v1/resources",
    summary="List the resources that runs share, with their holders and the runs that wait",
    responses=(ResponseSpec(200, "The resources", model=ResourceList),),
    problems=(StoreUnavailable,),
)
async def list_resources(state: State, request: Request) -> Response:
    service, permissions = state.service, state.permissions_of(request)
    holds = await service.store.list_holds()
    visible = await permissions.find_visible({hold.project for hold in holds})
    holds = [hold for hold in holds if hold.project in visible]
    manager = service.manager
    runs = [*manager.list_queued_runs(), *manager.list_active_runs()]
    visible = await permissions.find_visible({run.project for run in runs})
    waiting = sorted((run for run in runs if run.project in visible), key=lambda run: run.id)
    declared, stored = manager.dispatcher.resources.declared or {}, await service.store.list_resources()
    # A resource that is no longer declared is shown until its last holder has released it.
    names = [*declared, *sorted({*stored, *(hold.resource for hold in holds)} - {*declared})]
    return json_response(
        ResourceList(
            tuple(
                ResourceSummary(
                    name=name,
                    slots=stored.get(name, 0),
                    declared_slots=declared.get(name, 0),
                    holds=tuple(hold for hold in holds if hold.resource == name),
                    waiting=tuple(run for run in waiting if _waits_for(run, name)),
                )
                for name in names
            )
        )
    )


def _waits_for(run: Run, name: str) -> bool:
    """Whether the queued run, or a step of the active one, waits for the resource."""
    steps = (step for step in run.steps if step.status is StepStatus.WAITING and step.next_attempt_at is None)
    return name in run.waits_for or any(name in step.resources for step in steps)
