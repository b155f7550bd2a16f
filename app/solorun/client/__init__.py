"""The client of a Solorun service: `RunClient`, and `LogStream`, a run's log as it grows."""

from solorun.client.log_stream import LogStream
from solorun.client.run_client import RunClient

__all__ = ["LogStream", "RunClient"]
