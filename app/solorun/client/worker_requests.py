"""The requests of `RunClient` that concern workers."""

from urllib.parse import quote

from solorun.client.transport import Connection
from solorun.worker import WorkerStatus
from solorun.worker_wire import WorkerList


class WorkerRequests:
    """A part of RunClient."""

    _connection: Connection

    async def list_workers(self) -> WorkerList:
        """The processes that execute runs, and the runs that wait for one."""
        return await self._connection.request("GET", "/workers", WorkerList)

    async def drain_worker(self, worker: str) -> WorkerStatus:
        """Let a worker begin no more runs. `solorun worker` exits when those in progress have ended."""
        return await self._connection.request("POST", f"/workers/{quote(worker, safe='')}/drain", WorkerStatus)
