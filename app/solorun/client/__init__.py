"""A client for a Solorun service: `RunClient`, and `LogStream`, which follows a run's log.

`run_client` has a method for each request; those about other subjects stand in `project_requests`, `schedule_requests`
and `notification_requests`. `keyed_start` repeats a start until it is answered, and `log_filters` are the arguments
that select lines. `transport` does the networking, through a `proxy` and with the certificates of `tls`; `failures` and
`problems` turn what goes wrong into exceptions. `failed_step` and `rerun_warning` say what the API leaves to its
callers. `log_stream` decodes events (`sse`) and `artifact_stream` saves files (`download_target`). Both continue after
lost connections (`reconnects`, `backoff`).
"""

from solorun.client.log_stream import LogStream
from solorun.client.run_client import RunClient

__all__ = ["LogStream", "RunClient"]
