"""The server: our `uvicorn.Server`, its limits on connections, and a shutdown in named phases."""

from solorun.server.main import run, serve

__all__ = ["run", "serve"]
