"""The requests of `RunClient` that concern projects, and the resources and workers that they share."""

from urllib.parse import quote

from solorun.client.transport import Connection
from solorun.wire import ProjectList, ProjectSummary, ResourceList, ResourceSummary
from solorun.worker import WorkerStatus
from solorun.worker_wire import WorkerList


class ProjectRequests:
    """A part of RunClient."""

    _connection: Connection

    async def list_projects(self) -> ProjectList:
        return await self._connection.request("GET", "/projects", ProjectList)

    async def get_project(self, project: str) -> ProjectSummary:
        return await self._connection.request("GET", project_path(project), ProjectSummary)

    async def list_resources(self) -> list[ResourceSummary]:
        """The resources that runs share, with their holders and the runs that wait for them."""
        return list((await self._connection.request("GET", "/resources", ResourceList)).resources)

    async def list_workers(self) -> WorkerList:
        """The processes that execute runs, and the runs that wait for one."""
        return await self._connection.request("GET", "/workers", WorkerList)

    async def drain_worker(self, worker: str) -> WorkerStatus:
        """Drain a worker, so that it begins no more runs. `solorun worker` exits when those in progress have ended."""
        return await self._connection.request("POST", f"/workers/{quote(worker, safe='')}/drain", WorkerStatus)


def project_path(project: str) -> str:
    return f"/projects/{quote(project, safe='')}"
