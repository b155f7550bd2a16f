"""Starts while solorun.toml is invalid, and an earlier version of it is in use."""

from pathlib import Path

from tests.fakes.application import TOML, OpenServed


async def test_a_start_with_a_broken_configuration_says_so(open_served: OpenServed, tmp_path: Path) -> None:
    async with open_served() as served:
        (tmp_path / "solorun.toml").write_text("[projects.deploy]\n")
        run_id, step = await served.begin()
        started = (await served.client.get("/api/v1/projects/deploy")).json()
        log = (await served.client.get(f"/api/v1/runs/{run_id}/log.txt")).text
        step.end()
        await served.end_of(run_id)
        second = (await served.client.post("/api/v1/projects/handbook/runs")).json()

        (tmp_path / "solorun.toml").write_text(TOML)
        await served.executor.step("extract")
        repaired = (await served.client.post("/api/v1/projects/glossary-en/runs")).json()
        project = (await served.client.get("/api/v1/projects/deploy")).json()

    [fault] = started["configuration_faults"]
    assert fault.startswith("projects.deploy.steps: is missing")
    assert second["configuration_faults"] == [fault]
    assert "solorun.toml is invalid, so this run uses the last valid configuration" in log
    assert fault in log
    assert repaired["configuration_faults"] == []
    assert project["configuration_faults"] == []


async def test_what_only_a_broken_configuration_declares_is_refused_with_its_fault(
    open_served: OpenServed, tmp_path: Path
) -> None:
    async with open_served() as served:
        (tmp_path / "solorun.toml").write_text("[projects.deploy]\n")
        refused = await served.client.post("/api/v1/projects/handbook/runs", json={"params": {"edition": "2"}})
        missing = await served.client.post("/api/v1/projects/new-one/runs")

    reason = "solorun.toml is invalid, so the service uses its last valid version: projects.deploy.steps: is missing"
    [unknown, outdated] = refused.json()["errors"]
    assert (unknown["pointer"], outdated["pointer"]) == ("/params/edition", "")
    assert outdated["message"].startswith(reason)
    assert f"({reason}" in missing.json()["detail"]
