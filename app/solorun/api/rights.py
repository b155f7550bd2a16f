"""Checks that the caller has the right that an endpoint requires, for the project that the request is about."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from solorun.api.path_parameters import run_id_of
from solorun.api.state import State
from solorun.errors import ProjectNotFound, ResourceBusy, RunActive
from solorun.http.operation import Endpoint, Operation
from solorun.http.request import Request
from solorun.project import describe_outdated
from solorun.projects import project_not_found
from solorun.queueing import ConflictPolicy
from solorun.right import Right
from solorun.schedule import project_of

_MAX_NAMES: Final = 5
"""How many projects an error names."""


async def check_rights(state: State, endpoint: Endpoint[State], request: Request) -> None:
    """Raises Forbidden, RunNotFound, and what the host application's `authorize` raises."""
    permissions = state.permissions_of(request)
    if not permissions.are_limited:
        return
    if not isinstance(endpoint, Operation):  # a page of the dashboard, which shows what its requests may see
        await permissions.check(Right.VIEW, None)
    elif not endpoint.public and not endpoint.verifies_itself:
        await permissions.check(Right(endpoint.right), await _find_project(state, request))


async def make_stream_check(state: State, request: Request) -> Callable[[], bool] | None:
    """Whether the reader of a stream may go on to read it. None if nothing can end that."""
    permissions = state.permissions_of(request)
    if not permissions.are_limited:
        return request.is_still_authorized
    return permissions.check_again(await _find_project(state, request))


async def check_policy(state: State, request: Request, project: str, policy: ConflictPolicy | None) -> None:
    """Raises Forbidden if the policy would cancel a run for a caller who may not. A project's own policy is allowed."""
    if policy is ConflictPolicy.REPLACE:
        await state.permissions_of(request).check(Right.CANCEL, project)


async def limit_refusal(
    state: State, request: Request, project: str, refusal: RunActive | ResourceBusy
) -> RunActive | ResourceBusy:
    """The same refusal, with only the choices that the caller has, and the holders that the caller may view."""
    permissions = state.permissions_of(request)
    if not permissions.are_limited:
        return refusal
    if refusal.choices is not None and not await permissions.would_allow(Right.CANCEL, project):
        refusal.choices = replace(refusal.choices, replace=replace(refusal.choices.replace, possible=False))
    if isinstance(refusal, RunActive):
        return refusal
    visible = await permissions.find_visible({hold.project for hold in refusal.holders})
    shown = [hold for hold in refusal.holders if hold.project in visible]
    if len(shown) == len(refusal.holders):
        return refusal
    return ResourceBusy(shown, refusal.choices, "A resource that the run requires is taken.")


async def name_projects(state: State, request: Request, missing: ProjectNotFound) -> ProjectNotFound:
    """The same error, with names of projects and patterns that exist and that the caller may view."""
    if missing.project is None:
        return missing
    declared = state.service.catalog.configuration
    names = [*declared.projects, *(family.pattern for family in declared.families)]
    visible = await state.permissions_of(request).find_visible(names)
    shown = [name for name in names if name in visible]
    error = project_not_found(missing.project, shown, max_listed=_MAX_NAMES)
    faults = state.service.catalog.faults
    # It may have been declared in the meantime. Who may view a project sees the faults there, too.
    return ProjectNotFound(f"{error.message} ({describe_outdated(faults[0])})") if faults and shown else error


async def _find_project(state: State, request: Request) -> str | None:
    if "run_id" in request.path_params:
        return (await state.service.manager.get_run(run_id_of(request))).project
    if "schedule" in request.path_params:
        return project_of(request.path_params["schedule"])
    return request.path_params.get("project")
