"""A client for a Solorun service: `RunClient`, and `LogStream`, which follows a run's log."""

from solorun.client.log_stream import LogStream
from solorun.client.run_client import RunClient

__all__ = ["LogStream", "RunClient"]
