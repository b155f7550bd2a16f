"""The requests of `RunClient` that find projects and runs, and the resources and workers that they share."""

from urllib.parse import quote

from solorun.client.transport import API_PATH, Connection
from solorun.errors import RunNotFound
from solorun.run import MAX_RUN_ID, Run
from solorun.wire.projects import ProjectList, ProjectSummary, ResourceList, ResourceSummary
from solorun.wire.workers import WorkerList
from solorun.worker import WorkerStatus


class ProjectRequests:
    """A part of RunClient."""

    _connection: Connection

    async def list_projects(self) -> ProjectList:
        return await self._connection.request("GET", "/projects", ProjectList)

    async def get_project(self, project: str) -> ProjectSummary:
        return await self._connection.request("GET", project_path(project), ProjectSummary)

    async def get_run(self, run_id: int) -> Run:
        return await self._connection.request("GET", f"/runs/{run_id}", Run)

    async def get_current_run(self, project: str) -> Run:
        """The project's active run, or its latest one."""
        return await self._connection.request("GET", f"{project_path(project)}/runs/current", Run)

    async def find_run(self, name: str) -> Run:
        """The run with this id, or the current run of the project with this name."""
        if not (name.isascii() and name.isdigit()):
            return await self.get_current_run(name)
        # Python refuses to convert thousands of digits.
        if len(name) > len(str(MAX_RUN_ID)) or int(name) > MAX_RUN_ID:
            raise RunNotFound("There is no run with so large an id.")
        return await self.get_run(int(name))

    def page_of(self, run: Run) -> str:
        """The URL of the run's page in the dashboard."""
        return f"{self._connection.url}/p/{quote(run.project, safe='')}/runs/{run.id}"

    def url_of(self, run: Run, artifact: str) -> str:
        """The URL of an artifact."""
        return f"{self._connection.url}{API_PATH}/runs/{run.id}/artifacts/{quote(artifact)}"

    async def list_resources(self) -> list[ResourceSummary]:
        """The resources that runs share, with their holders and the runs that wait for them."""
        return list((await self._connection.request("GET", "/resources", ResourceList)).resources)

    async def list_workers(self) -> WorkerList:
        """The processes that execute runs, and the runs that wait for one."""
        return await self._connection.request("GET", "/workers", WorkerList)

    async def drain_worker(self, worker: str) -> WorkerStatus:
        """Drain a worker, so that it takes no new runs. `solorun worker` exits when those in progress have ended."""
        return await self._connection.request("POST", f"/workers/{quote(worker, safe='')}/drain", WorkerStatus)


def project_path(project: str) -> str:
    return f"/projects/{quote(project, safe='')}"
