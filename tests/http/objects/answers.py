"""What a service answers about the artifacts of a run."""

from tests.fakes.application import Served


async def messages(served: Served, run_id: int, level: str = "warning") -> list[str]:
    answer = await served.client.get(f"/api/v1/runs/{run_id}/log", params={"level": level})
    return [record["message"] for record in answer.json()["records"]]


async def names(served: Served, run_id: int) -> list[str]:
    answer = await served.client.get(f"/api/v1/runs/{run_id}/artifacts")
    assert answer.status_code == 200, answer.text
    return [artifact["name"] for artifact in answer.json()["artifacts"]]


def runs_with_files(served: Served) -> list[str]:
    """Those that have an artifact directory on this machine."""
    return sorted(entry.name for entry in (served.service.directory.path / "artifacts").iterdir())
