"""Starting, showing and listing runs over HTTP."""

import asyncio
from collections import Counter

import httpx
import pytest

from solorun.api.cursors import decode_id_cursor, encode_cursor
from solorun.errors import InvalidCursor
from tests.fakes.application import OpenServed
from tests.fakes.project_toml import project_toml


async def test_a_start_returns_201_with_the_run_and_its_address(open_served: OpenServed) -> None:
    async with open_served() as served:
        response = await served.client.post(
            "/api/v1/projects/handbook/runs",
            json={"scope": "from:extract", "triggered_by": "schedule", "params": {"date": "2026-08-01"}},
        )

        run = response.json()
        assert response.status_code == 201
        assert response.headers["location"] == f"/api/v1/runs/{run['id']}"
        assert response.headers["content-type"] == "application/json"
        assert (run["project"], run["scope"], run["status"]) == ("handbook", "from:extract", "pending")
        assert (run["triggered_by"], run["params"]) == ("schedule", {"date": "2026-08-01"})
        assert [step["name"] for step in run["steps"]] == ["extract", "generate"]


async def test_an_empty_body_gives_the_defaults(open_served: OpenServed) -> None:
    async with open_served() as served:
        response = await served.client.post("/api/v1/projects/deploy/runs", headers={"content-type": "text/plain"})

        assert response.status_code == 201
        assert (response.json()["scope"], response.json()["triggered_by"]) == ("full", "api")


async def test_a_second_start_gets_a_conflict_with_the_active_run_and_its_links(open_served: OpenServed) -> None:
    async with open_served() as served:
        run_id, _ = await served.begin()

        response = await served.client.post("/api/v1/projects/deploy/runs")

        problem = response.json()
        assert response.status_code == 409
        assert response.headers["content-type"] == "application/problem+json"
        assert problem["type"] == "/problems/run-active"
        assert problem["status"] == 409
        assert problem["active_run"]["id"] == run_id
        assert problem["links"] == {
            "self": f"/api/v1/runs/{run_id}",
            "events": f"/api/v1/runs/{run_id}/events",
            "cancel": f"/api/v1/runs/{run_id}/cancel",
        }
        assert problem["instance"] == "/api/v1/projects/deploy/runs"
        assert "retry-after" not in response.headers


async def test_a_conflict_estimates_when_to_retry_from_earlier_runs(open_served: OpenServed) -> None:
    async with open_served() as served:
        await served.complete()
        await served.begin()
        refusals: list[httpx.Response] = []

        async with asyncio.timeout(60):
            while not refusals or "retry-after" not in refusals[-1].headers:
                refusals.append(await served.client.post("/api/v1/projects/deploy/runs"))
                await asyncio.sleep(0.001)  # a refusal waits for nothing: the loop would have no other turn

        assert int(refusals[-1].headers["retry-after"]) >= 1


async def test_each_conflict_describes_the_run_and_the_request_as_they_are_now(open_served: OpenServed) -> None:
    async with open_served() as served:
        run_id, step = await served.begin("handbook", "extract")
        first = (await served.client.post("/api/v1/projects/handbook/runs")).json()
        again = (await served.client.post("/api/v1/projects/handbook/runs")).json()
        other = (await served.client.post("/api/v1/projects/handbook/runs", json={"params": {"date": "x"}})).json()
        joining = {"on_conflict": "join", "params": {"date": "x"}}
        refused_join = (await served.client.post("/api/v1/projects/handbook/runs", json=joining)).json()
        await served.client.post(f"/api/v1/runs/{run_id}/cancel")
        stopping = (await served.client.post("/api/v1/projects/handbook/runs")).json()
        step.end()

    assert again == first
    assert other["choices"]["join"] == {"possible": False, "run_id": run_id, "reason": "its parameters differ"}
    assert refused_join["detail"].endswith("It cannot be joined: its parameters differ.")
    assert refused_join["choices"] == other["choices"]
    assert stopping["active_run"]["cancel_requested_by"] == "api"
    assert stopping["choices"]["join"]["reason"] == f"run {run_id} is being stopped"


async def test_a_thousand_simultaneous_starts_give_one_run_and_999_conflicts(
    open_served: OpenServed,
) -> None:
    async with open_served() as served:
        responses = await asyncio.gather(*(served.client.post("/api/v1/projects/deploy/runs") for _ in range(1000)))

    winners = [response.json()["id"] for response in responses if response.status_code == 201]
    assert Counter(response.status_code for response in responses) == {201: 1, 409: 999}
    assert {response.json()["active_run"]["id"] for response in responses if response.status_code == 409} == set(
        winners
    )


@pytest.mark.parametrize("project", ["nothing", "Handbook", "glossary-", "x" * 200, "ü"])
async def test_starting_an_unknown_project_returns_404(open_served: OpenServed, project: str) -> None:
    async with open_served(toml=project_toml("handbook", {"extract": "true"})) as served:
        response = await served.client.post(f"/api/v1/projects/{project}/runs")

    assert (response.status_code, response.json()["type"]) == (404, "/problems/project-not-found")


@pytest.mark.parametrize(
    ("count", "names"),
    [(1, "p0"), (5, "p0, p1, p2, p3, p4"), (8, "p0, p1, p2, p3, p4 and 3 more")],
)
async def test_an_unknown_project_names_some_that_exist(open_served: OpenServed, count: int, names: str) -> None:
    toml = "".join(project_toml(f"p{number}", {"extract": "true"}) + "\n" for number in range(count))
    async with open_served(toml=toml) as served:
        started = await served.client.post("/api/v1/projects/nope/runs")
        pruned = await served.client.post("/api/v1/prune?project=nope")
        misspelt = await served.client.get("/api/v1/projects/p00")

    assert {response.json()["detail"] for response in (started, pruned)} == {
        f'There is no project "nope"; the service has: {names}'
    }
    assert misspelt.json()["detail"] == 'There is no project "p00"; did you mean "p0"?'


async def test_a_name_that_a_family_would_have_with_other_characters_gets_the_rule(open_served: OpenServed) -> None:
    async with open_served(toml=project_toml("glossary-*", {"extract": "true"})) as served:
        started = await served.client.post("/api/v1/projects/glossary-Sales Team/runs")

    assert started.status_code == 404
    assert started.json()["detail"] == (
        'There is no project "glossary-Sales Team"; a name has at most 63 characters: '
        'lower-case letters, digits, "_" and "-"'
    )


async def test_a_start_while_draining_is_refused_with_retry_after(open_served: OpenServed) -> None:
    async with open_served() as served:
        await served.service.drain()

        response = await served.client.post("/api/v1/projects/deploy/runs")

        assert (response.status_code, response.json()["type"]) == (503, "/problems/draining")
        assert int(response.headers["retry-after"]) >= 1


async def test_a_run_is_shown_while_it_is_active_and_afterwards(open_served: OpenServed) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        during = (await served.client.get(f"/api/v1/runs/{run_id}")).json()
        step.end()
        await served.end_of(run_id)
        afterwards = (await served.client.get(f"/api/v1/runs/{run_id}")).json()

    assert (during["status"], afterwards["status"]) == ("running", "completed")
    assert during.keys() == afterwards.keys()


@pytest.mark.parametrize(
    "run_id",
    ["99", "0", "-1", "+1", "1.0", "0x1", "٣", "first", "9223372036854775808", "9" * 5000, "%20", "1%0A", "1%00"],
)
@pytest.mark.parametrize("rest", ["", "/log", "/events", "/log.txt", "/log.ndjson", "/artifacts", "/artifacts/x"])
async def test_an_invalid_run_id_returns_404(open_served: OpenServed, run_id: str, rest: str) -> None:
    async with open_served() as served:
        response = await served.client.get(f"/api/v1/runs/{run_id}{rest}")

    assert (response.status_code, response.json()["type"]) == (404, "/problems/run-not-found")


async def test_the_current_run_is_the_active_run_or_the_latest(open_served: OpenServed) -> None:
    async with open_served() as served:
        await served.complete()
        run_id, step = await served.begin()
        during = (await served.client.get("/api/v1/projects/deploy/runs/current")).json()
        step.end()
        await served.end_of(run_id)
        afterwards = (await served.client.get("/api/v1/projects/deploy/runs/current")).json()

    assert (during["id"], during["status"]) == (run_id, "running")
    assert (afterwards["id"], afterwards["status"]) == (run_id, "completed")


@pytest.mark.parametrize(("project", "slug"), [("deploy", "run-not-found"), ("nothing", "project-not-found")])
async def test_a_project_without_runs_has_no_current_run(open_served: OpenServed, project: str, slug: str) -> None:
    async with open_served() as served:
        response = await served.client.get(f"/api/v1/projects/{project}/runs/current")

    assert (response.status_code, response.json()["type"]) == (404, f"/problems/{slug}")


@pytest.mark.parametrize("path", ["/api/v1/runs", "/api/v1/projects/deploy/runs"])
async def test_pages_of_runs_have_no_gaps_or_repeats(open_served: OpenServed, path: str) -> None:
    async with open_served() as served:
        runs = [await served.complete() for _ in range(5)]

        first = await served.client.get(path, params={"limit": 2, "status": ["completed", "failed"]})
        second = await served.client.get(first.links["next"]["url"])
        third = await served.client.get(path, params={"limit": 2, "cursor": second.json()["next_cursor"]})

    pages = [response.json() for response in (first, second, third)]
    assert [run["id"] for page in pages for run in page["runs"]] == [run.id for run in reversed(runs)]
    assert first.links["next"]["url"].startswith(path + "?status=completed&status=failed&limit=2&cursor=")
    assert pages[2]["next_cursor"] is None
    assert "link" not in third.headers


async def test_runs_are_filtered_by_status(open_served: OpenServed) -> None:
    async with open_served() as served:
        await served.complete()
        run_id, _ = await served.begin()

        response = await served.client.get("/api/v1/runs", params={"status": "running"})

        assert [run["id"] for run in response.json()["runs"]] == [run_id]


@pytest.mark.parametrize(("project", "status"), [("deploy", 200), ("glossary-de", 200), ("nothing", 404)])
async def test_a_declared_project_without_runs_has_an_empty_page(
    open_served: OpenServed, project: str, status: int
) -> None:
    async with open_served() as served:
        response = await served.client.get(f"/api/v1/projects/{project}/runs")

    assert response.status_code == status
    assert response.json().get("runs", []) == []


async def test_runs_of_a_removed_project_remain_readable(open_served: OpenServed) -> None:
    async with open_served() as served:
        run = await served.complete()

    async with open_served(toml=project_toml("other", {"other": "true"})) as served:
        response = await served.client.get("/api/v1/projects/deploy/runs")

    assert [found["id"] for found in response.json()["runs"]] == [run.id]


@pytest.mark.parametrize("run_id", [1, 42, 2**63 - 1])
def test_a_cursor_round_trips(run_id: int) -> None:
    assert decode_id_cursor(encode_cursor(str(run_id))) == run_id


@pytest.mark.parametrize(
    "cursor", ["", "x", "1:5", "MTo1!", "MTo", "Mjo1", "MTotMQ", "ü", "MTo1Cg", "MTo5MjIzMzcyMDM2ODU0Nzc1ODA4"]
)
async def test_a_forged_cursor_is_refused(open_served: OpenServed, cursor: str) -> None:
    async with open_served() as served:
        response = await served.client.get("/api/v1/runs", params={"cursor": cursor})

    assert (response.status_code, response.json()["type"]) == (400, "/problems/invalid-cursor")
    with pytest.raises(InvalidCursor):
        decode_id_cursor(cursor)


async def test_a_full_pattern_starts_the_projects_it_has_and_no_others(open_served: OpenServed) -> None:
    async with open_served(max_projects_per_pattern=2) as served:
        for project in ("glossary-a", "glossary-b", "glossary-a"):
            await served.complete(project, "extract")
        refused = await served.client.post("/api/v1/projects/glossary-c/runs")
        declared = await served.client.post("/api/v1/projects/deploy/runs")

    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/too-many-projects")
    assert refused.json()["detail"] == "glossary-* has 2 projects, which is the limit."
    assert declared.status_code == 201
