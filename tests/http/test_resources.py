"""Resources that solorun.toml declares: who holds their slots, and who waits for them."""

from solorun.status import StepStatus
from tests.fakes.application import OpenServed
from tests.fakes.project_toml import project_toml

SHARED = (
    project_toml("train", {"train": ["true"]}, resources=["gpu"])
    + project_toml("render", {"render": ["true"]}, resources={"gpu": 2})
    + "[resources.gpu]\nslots = 2\n"
)


async def test_runs_of_several_projects_take_turns_on_a_resource(open_served: OpenServed) -> None:
    async with open_served(toml=SHARED) as served:
        holder = await served.start("train")
        busy = await served.client.post("/api/v1/projects/render/runs")
        queued = await served.client.post("/api/v1/projects/render/runs", json={"on_conflict": "queue"})

        [gpu] = (await served.client.get("/api/v1/resources")).json()["resources"]

        assert (busy.status_code, busy.json()["type"].rpartition("/")[2]) == (409, "resource-busy")
        assert (queued.status_code, queued.json()["waits_for"]) == (202, ["gpu"])
        assert [(hold["slot"], hold["run_id"]) for hold in gpu["holds"]] == [(0, holder["id"])]
        assert [run["id"] for run in gpu["waiting"]] == [queued.json()["id"]]

        (await served.executor.step("train")).end()
        step = await served.executor.step("render")
        assert step.context.slots == {"gpu": [0, 1]}
        step.end()
        assert (await served.end_of(queued.json()["id"])).slots == {"gpu": [0, 1]}


async def test_a_resource_has_the_slots_that_another_service_has_declared(open_served: OpenServed) -> None:
    async with open_served(toml=SHARED) as served:
        await served.service.store.declare_resources({"gpu": 3, "disk": 1})

        found = (await served.client.get("/api/v1/resources")).json()["resources"]

        assert [(one["name"], one["slots"], one["declared_slots"]) for one in found] == [("gpu", 3, 2), ("disk", 1, 0)]


async def test_a_step_that_waits_for_its_next_attempt_does_not_wait_for_its_resource(open_served: OpenServed) -> None:
    step = '[[projects.mixed.steps]]\nname = "use"\nrun = ["true"]\nresources = ["gpu"]\n'
    retries = 'retries = 1\nretry_delay = "1h"\nretry_max_delay = "1h"\n'
    async with open_served(toml=SHARED + "[projects.mixed]\n" + step + retries) as served:
        run = await served.start("mixed")
        (await served.executor.step("use")).end("exit code 75", 75)
        topic = served.service.hub.find(run["id"])
        assert topic is not None
        await served.until(lambda: topic.run.steps[0].status is StepStatus.WAITING)
        gpu = (await served.client.get("/api/v1/resources")).json()["resources"][0]

        assert gpu["waiting"] == []


async def test_a_run_whose_step_waits_for_a_resource_is_listed(open_served: OpenServed) -> None:
    step = '[[projects.mixed.steps]]\nname = "use"\nrun = ["true"]\nresources = ["gpu"]\n'
    async with open_served(toml=SHARED + "[projects.mixed]\n" + step) as served:
        await served.start("render")
        waiting = await served.start("mixed")
        topic = served.service.hub.find(waiting["id"])
        assert topic is not None
        await served.until(lambda: topic.run.steps[0].status is StepStatus.WAITING)
        gpu = (await served.client.get("/api/v1/resources")).json()["resources"][0]

        assert [(run["id"], run["steps"][0]["status"]) for run in gpu["waiting"]] == [(waiting["id"], "waiting")]
