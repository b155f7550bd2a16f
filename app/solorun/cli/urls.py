"""URLs that commands print for use in a browser."""

from urllib.parse import quote

from solorun.run import Run


def run_url(base: str, run: Run) -> str:
    """The run's page in the dashboard."""
    return f"{base}/p/{quote(run.project, safe='')}/runs/{run.id}"


def artifact_url(base: str, run: Run, name: str) -> str:
    """The download of an artifact."""
    return f"{base}/api/v1/runs/{run.id}/artifacts/{quote(name)}"
