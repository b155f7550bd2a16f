"""A client for a Solorun service: `RunClient`, and `LogStream`, which follows a run's log."""

from solorun.client.log_stream import LogStream
from solorun.client.run_client import MAX_LISTED_ARTIFACTS, RunClient

__all__ = ["MAX_LISTED_ARTIFACTS", "LogStream", "RunClient"]
