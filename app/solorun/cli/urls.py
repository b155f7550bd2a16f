"""Where a browser finds what a command speaks of."""

from urllib.parse import quote

from solorun.run import Run


def run_address(url: str, run: Run) -> str:
    """The run's page of the dashboard."""
    return f"{url}/p/{quote(run.project, safe='')}/runs/{run.id}"


def artifact_address(url: str, run: Run, name: str) -> str:
    """Where the artifact is downloaded."""
    return f"{url}/api/v1/runs/{run.id}/artifacts/{quote(name)}"
