"""Cancelling runs over HTTP."""

import pytest

from tests.fakes.application import OpenServed


async def test_a_cancel_may_be_repeated_while_the_run_is_active(open_served: OpenServed) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        step.unkillable = True

        body = {"reason": "wrong branch", "requested_by": "anna"}
        responses = [await served.client.post(f"/api/v1/runs/{run_id}/cancel", json=body) for _ in range(3)]
        step.end()
        run = await served.end_of(run_id)

        assert [response.status_code for response in responses] == [202, 202, 202]
        assert responses[0].json()["cancel_reason"] == "wrong branch"
        assert responses[0].json()["cancel_requested_by"] == "anna"
        assert run.status.value == "cancelled"


async def test_a_cancel_explains_itself_in_the_run(open_served: OpenServed) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        step.position = ("41 (sh deploy.sh)",)

        body = {"reason": "wrong branch", "requested_by": "anna", "grace_seconds": 0}
        asked = await served.client.post(f"/api/v1/runs/{run_id}/cancel", json=body)
        await served.end_of(run_id)
        run = (await served.client.get(f"/api/v1/runs/{run_id}")).json()

        assert asked.json()["cancel"]["grace_seconds"] == 0
        assert list(run["cancel"]) == [
            *("requested_at", "requested_by", "reason", "grace_seconds"),
            *("signalled_at", "position", "effect", "settled_at"),
        ]
        assert (run["cancel"]["requested_by"], run["cancel"]["reason"]) == ("anna", "wrong branch")
        assert (run["cancel"]["position"], run["cancel"]["effect"]) == (["41 (sh deploy.sh)"], "stopped")
        assert step.graces == [0]


@pytest.mark.parametrize("grace", [-1, "0", True])
async def test_a_grace_is_a_number_of_seconds(open_served: OpenServed, grace: object) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()

        response = await served.client.post(f"/api/v1/runs/{run_id}/cancel", json={"grace_seconds": grace})

        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/grace_seconds")
        assert not step.stop_requested.is_set()


async def test_cancelling_a_cancelled_run_returns_200_with_the_run(open_served: OpenServed) -> None:
    async with open_served() as served:
        run_id, _ = await served.begin()
        await served.client.post(f"/api/v1/runs/{run_id}/cancel")
        await served.end_of(run_id)

        response = await served.client.post(f"/api/v1/runs/{run_id}/cancel")

        assert (response.status_code, response.json()["status"]) == (200, "cancelled")


async def test_cancelling_an_ended_run_is_refused_with_its_status(open_served: OpenServed) -> None:
    async with open_served() as served:
        run = await served.complete()

        response = await served.client.post(f"/api/v1/runs/{run.id}/cancel")

        assert (response.status_code, response.json()["type"]) == (409, "/problems/run-not-active")
        assert response.json()["run"]["status"] == "completed"


async def test_cancelling_an_unknown_run_returns_404(open_served: OpenServed) -> None:
    async with open_served() as served:
        response = await served.client.post("/api/v1/runs/7/cancel")

    assert (response.status_code, response.json()["type"]) == (404, "/problems/run-not-found")
