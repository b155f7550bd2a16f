"""The server: our `uvicorn.Server`, its limits on connections, and a shutdown in named phases.

`main` serves a service and `worker` an engine without one, each in a `process` with `signals`, a tuned `interpreter`,
and a log (`service_log`) whose output never blocks (`queued_output`). `server` opens the `sockets` and shuts down.
`protocol` and `transport` are uvicorn's, with limits, `stalled_readers` bounds what clients leave unread, and
`raw_responses` answer requests that are not HTTP.
"""

from solorun.server.main import run, serve

__all__ = ["run", "serve"]
