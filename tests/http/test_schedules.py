"""Schedules over HTTP: what is due next, what became of earlier due times, and pauses."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from solorun.schedule import Firing, FiringOutcome
from tests.fakes.application import OpenServed
from tests.fakes.project_toml import project_toml

TOML = (
    project_toml("etl", {"load": ["true"]})
    + '[[projects.etl.schedules]]\ncron = "0 3 * * *"\ntimezone = "Europe/Berlin"\nlate = "07:00"\n'
    + '[[projects.etl.schedules]]\nname = "minutely"\ncron = "* * * * *"\nenabled = false\n'
    + project_toml("report", {"load": ["true"]})
    + '[[projects.report.schedules]]\ncron = "*/10 * * * *"\n'
)
RUN_NOW = (
    '[projects.site]\nparams = ["edition"]\n'
    + '[[projects.site.steps]]\nname = "build"\nrun = "true"\n'
    + '[[projects.site.steps]]\nname = "wait"\nrun = "sleep 600"\n'
    + '[[projects.site.schedules]]\nname = "weekly"\ncron = "0 3 * * 0"\nscope = "build"\n'
    + 'params = { edition = "2" }\non_conflict = "reject"\nenabled = false\n'
)
AT = datetime(2026, 11, 3, 3, tzinfo=UTC)


def ids(answer: Any) -> list[str]:
    return [schedule["id"] for schedule in answer.json()["schedules"]]


async def test_schedules_are_listed_with_what_is_due_next(open_served: OpenServed) -> None:
    async with open_served(toml=TOML) as served:
        answer = await served.client.get("/api/v1/schedules", params={"next": 5})

        assert ids(answer) == ["etl", "etl.minutely", "report"]
        nightly, disabled, frequent = answer.json()["schedules"]
        assert (nightly["late"], nightly["on_conflict"], nightly["missed"]) == ("07:00", "queue", "run-once")
        due = [datetime.fromisoformat(each) for each in nightly["next_due_at"]]
        assert len(due) == 3
        assert {each.minute for each in due} == {0}
        assert disabled["next_due_at"] == []
        assert len(frequent["next_due_at"]) == 5


async def test_the_schedules_of_one_project_are_listed(open_served: OpenServed) -> None:
    async with open_served(toml=TOML) as served:
        assert ids(await served.client.get("/api/v1/schedules", params={"project": "report"})) == ["report"]


async def test_a_schedule_is_paused_with_a_reason_and_resumed(open_served: OpenServed) -> None:
    async with open_served(toml=TOML) as served:
        body = {"requested_by": "ada", "reason": "holidays"}
        paused = await served.client.post("/api/v1/schedules/etl.minutely/pause", json=body)
        assert (paused.status_code, paused.json()["paused_by"], paused.json()["pause_reason"]) == (
            200,
            "ada",
            "holidays",
        )
        assert paused.json()["next_due_at"] == []

        resumed = await served.client.post("/api/v1/schedules/etl.minutely/resume")

        assert (resumed.status_code, resumed.json()["paused_at"]) == (200, None)


async def test_a_paused_schedule_keeps_its_first_reason(
    open_served: OpenServed, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_served(toml=TOML) as served:
        with caplog.at_level("INFO", logger="solorun.triggers"):
            first = {"requested_by": "ada", "reason": "holidays"}
            await served.client.post("/api/v1/schedules/etl/pause", json=first)
            second = {"requested_by": "ben", "reason": "moving house"}
            paused = await served.client.post("/api/v1/schedules/etl/pause", json=second)

        assert paused.status_code == 200
        assert (paused.json()["paused_by"], paused.json()["pause_reason"]) == ("ada", "holidays")
        assert [line for line in caplog.messages if "paused" in line] == ["Schedule etl was paused by ada"]


async def test_a_schedule_runs_now_with_its_scope_and_parameters(open_served: OpenServed) -> None:
    async with open_served(toml=RUN_NOW) as served:
        answer = await served.client.post("/api/v1/schedules/site.weekly/run", json={"triggered_by": "ada"})

        assert answer.status_code == 201
        assert answer.headers["location"] == f"/api/v1/runs/{answer.json()['id']}"
        run = {name: answer.json()[name] for name in ("project", "scope", "params", "triggered_by")}
        assert run == {"project": "site", "scope": "build", "params": {"edition": "2"}, "triggered_by": "ada"}
        listed = (await served.client.get("/api/v1/schedules")).json()["schedules"][0]
        last = {name: listed["last_firing"][name] for name in ("trigger", "outcome", "run_id")}
        assert listed["enabled"] is False
        assert last == {"trigger": "manual", "outcome": "started", "run_id": answer.json()["id"]}


async def test_a_manual_start_that_joins_a_run_is_listed_and_a_refused_one_is_not(open_served: OpenServed) -> None:
    async with open_served(toml=RUN_NOW.replace('scope = "build"', 'scope = "wait"')) as served:
        wanted = {"scope": "wait", "params": {"edition": "2"}}
        active = await served.client.post("/api/v1/projects/site/runs", json=wanted)
        await served.client.post("/api/v1/schedules/site.weekly/run")
        await served.client.post("/api/v1/schedules/site.weekly/run", json={"on_conflict": "join"})

        listed = (await served.client.get("/api/v1/firings?schedule=site.weekly")).json()["firings"]
        assert [(each["outcome"], each["run_id"]) for each in listed] == [("joined", active.json()["id"])]


async def test_a_schedule_that_runs_now_does_what_it_declares_in_a_conflict(open_served: OpenServed) -> None:
    async with open_served(toml=RUN_NOW) as served:
        active = await served.client.post("/api/v1/projects/site/runs", json={"scope": "wait"})
        refused = await served.client.post("/api/v1/schedules/site.weekly/run")
        queued = await served.client.post("/api/v1/schedules/site.weekly/run", json={"on_conflict": "queue"})

        assert (refused.status_code, refused.json()["active_run"]["id"]) == (409, active.json()["id"])
        assert (queued.status_code, queued.json()["status"]) == (202, "queued")


async def test_a_repeated_request_runs_a_schedule_once(open_served: OpenServed) -> None:
    async with open_served(toml=RUN_NOW) as served:
        key = {"Idempotency-Key": "friday"}
        first = await served.client.post("/api/v1/schedules/site.weekly/run", headers=key)
        second = await served.client.post("/api/v1/schedules/site.weekly/run", headers=key)

        assert (second.status_code, second.headers["idempotent-replayed"]) == (201, "true")
        assert second.json()["id"] == first.json()["id"]
        listed = (await served.client.get("/api/v1/firings?schedule=site.weekly")).json()["firings"]
        assert [each["run_id"] for each in listed] == [first.json()["id"]]


@pytest.mark.parametrize("action", ["pause", "resume", "run"])
async def test_an_undeclared_schedule_is_not_found(open_served: OpenServed, action: str) -> None:
    async with open_served(toml=TOML) as served:
        answer = await served.client.post(f"/api/v1/schedules/etl.weekly/{action}", json={})

        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (404, "schedule-not-found")
        assert answer.json()["detail"] == 'There is no schedule "etl.weekly".'


async def test_firings_are_listed_newest_first(open_served: OpenServed) -> None:
    async with open_served(toml=TOML) as served:
        for hour in range(3):
            due = AT + timedelta(hours=hour)
            await served.service.store.record_firing(
                Firing("report", "report", due, due, FiringOutcome.REFUSED, reason="busy")
            )

        answer = await served.client.get("/api/v1/firings", params={"schedule": "report", "limit": 2})
        later = await served.client.get("/api/v1/firings", params={"after": "2026-11-03T05:30:00+01:00"})

        assert [firing["due_at"] for firing in answer.json()["firings"]] == [
            "2026-11-03T05:00:00Z",
            "2026-11-03T04:00:00Z",
        ]
        assert answer.json()["truncated"]
        assert [firing["due_at"] for firing in later.json()["firings"]] == ["2026-11-03T05:00:00Z"]


@pytest.mark.parametrize("after", ["yesterday", "2026-11-03T05:30:00", "9999-12-31T23:59:59-23:59"])
async def test_a_time_that_cannot_be_read_is_refused(open_served: OpenServed, after: str) -> None:
    async with open_served(toml=TOML) as served:
        answer = await served.client.get("/api/v1/firings", params={"after": after})

        assert answer.status_code == 422


async def test_the_service_registers_its_schedules_when_it_starts(open_served: OpenServed) -> None:
    async with open_served(toml=TOML) as served:
        states: dict[str, Any] = {}
        while not states:
            states = await served.service.store.list_schedules(at=datetime.now(UTC))

        assert sorted(states) == ["etl", "etl.minutely", "report"]
