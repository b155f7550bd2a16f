"""Handlers that show the declared projects and project patterns."""

from collections.abc import Collection

from solorun.api.route import route
from solorun.api.state import State
from solorun.errors import ProjectNotFound, StoreUnavailable
from solorun.http.operation import ResponseSpec
from solorun.http.request import Request
from solorun.http.responses import Response, json_response
from solorun.project import Project
from solorun.right import Right
from solorun.run import Run
from solorun.service import Service
from solorun.wire.projects import FamilySummary, HookSummary, ProjectList, ProjectSummary, StepSummary


@route(
    "GET /api/v1/projects",
    summary="List the declared projects and project patterns",
    responses=(ResponseSpec(200, "The projects", model=ProjectList),),
    problems=(StoreUnavailable,),
    tag="projects",
)
async def list_projects(state: State, request: Request) -> Response:
    service, declared = state.service, state.service.catalog.configuration
    permissions = state.permissions_of(request)
    latest = {run.project: run for run in await service.store.list_latest_runs()}
    active = {run.project: run for run in service.manager.list_active_runs()}
    patterns = {family.pattern for family in declared.families}
    visible = await permissions.find_visible({*declared.projects, *patterns, *latest, *active})
    # A project that matches a pattern is known by its runs, and belongs to the pattern that matches it now.
    family_of = {name: declared.find_family(name) for name in sorted({*latest, *active})}
    undeclared = [name for name, family in family_of.items() if family is None and name not in declared.projects]
    shown = visible.intersection([*declared.projects, *patterns, *undeclared])
    members_of = {
        family.pattern: [name for name, owner in family_of.items() if owner is family and name in visible]
        for family in declared.families
    }
    members = [declared.get_project(name) for names in members_of.values() for name in names]
    rights = {name: await permissions.find_rights(name) for name in {*shown, *(member.name for member in members)}}
    hooks = await _summarize_hooks(service, [*declared.projects.values(), *members], request)

    def summarize(project: Project) -> ProjectSummary:
        name = project.name
        return _summary(service, project, active.get(name), latest.get(name), hooks[name], rights[name])

    return json_response(
        ProjectList(
            projects=tuple(summarize(project) for project in declared.projects.values() if project.name in visible),
            families=tuple(
                FamilySummary(
                    pattern=family.pattern,
                    title=family.template.title,
                    steps=_steps(family.template),
                    scopes=family.template.scopes,
                    params=family.template.params,
                    projects=tuple(members_of[family.pattern]),
                    rights=rights[family.pattern],
                )
                for family in declared.families
                if family.pattern in visible
            ),
            members=tuple(map(summarize, members)),
            rights=await permissions.find_rights(None),
            undeclared={name: rights[name] for name in undeclared if name in visible},
            shares_database=service.shares_database,
        )
    )


@route(
    "GET /api/v1/projects/{project}",
    summary="Get a project",
    responses=(ResponseSpec(200, "The project", model=ProjectSummary),),
    problems=(ProjectNotFound, StoreUnavailable),
    tag="projects",
)
async def get_project(state: State, request: Request) -> Response:
    service = state.service
    project = service.catalog.get_project(request.path_params["project"])
    active = next((run for run in service.manager.list_active_runs() if run.project == project.name), None)
    latest = active or await service.store.find_latest_run(project.name)
    hooks = await _summarize_hooks(service, [project], request)
    rights = await state.permissions_of(request).find_rights(project.name)
    return json_response(_summary(service, project, active, latest, hooks[project.name], rights))


async def _summarize_hooks(
    service: Service, projects: Collection[Project], request: Request
) -> dict[str, tuple[HookSummary, ...]]:
    """The hooks of each project. Reads the store only if there are any."""
    deliveries = await service.store.list_last_deliveries() if any(project.hooks for project in projects) else {}
    return {
        project.name: tuple(
            HookSummary(
                name=name,
                path=f"{request.root_path}/hooks/{project.name}/{name}",
                verify=hook.verify,
                last_delivery=deliveries.get((project.name, name)),
            )
            for name, hook in project.hooks.items()
        )
        for project in projects
    }


def _summary(
    service: Service,
    project: Project,
    active: Run | None,
    latest: Run | None,
    hooks: tuple[HookSummary, ...],
    rights: tuple[Right, ...],
) -> ProjectSummary:
    return ProjectSummary(
        name=project.name,
        title=project.title,
        steps=_steps(project),
        scopes=project.scopes,
        params=project.params,
        current_run=active,
        last_run=active or (None if latest is None else service.manager.with_queue_position(latest)),
        queued_runs=tuple(service.manager.list_queued_runs(project.name)),
        on_conflict=project.on_conflict,
        resources=dict(project.resources),
        notify=tuple(target.name for target in project.notify),
        hooks=hooks,
        configuration_faults=service.catalog.faults,
        rights=rights,
    )


def _steps(project: Project) -> tuple[StepSummary, ...]:
    return tuple(StepSummary(name=step.name, kind=step.kind) for step in project.steps)
