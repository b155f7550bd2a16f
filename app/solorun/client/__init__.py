"""The client of a Solorun service: `RunClient`, and `Follow`, a run's log as it grows."""

from solorun.client.follow import Follow
from solorun.client.run_client import RunClient

__all__ = ["Follow", "RunClient"]
