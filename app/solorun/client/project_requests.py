"""The requests of `RunClient` that concern projects, and the resources that they share."""

from urllib.parse import quote

from solorun.client.transport import Connection
from solorun.wire import ProjectList, ProjectSummary, ResourceList, ResourceSummary


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


def project_path(project: str) -> str:
    return f"/projects/{quote(project, safe='')}"
