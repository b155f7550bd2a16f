"""A FastAPI application with users and projects of its own, and the dashboard of their runs below /tools/runs."""

import asyncio

from fastapi import FastAPI, HTTPException, Request
from fastapi.security import HTTPBasic

from solorun import Command, Coroutine, Project, Solorun, StepContext
from solorun.errors import RunActive

PASSWORDS = {"ann": "owl", "bob": "fox"}  # yours are hashed, and in a database
basic = HTTPBasic()


async def user_of(request: Request) -> str:
    """The caller's name. It is shown on the runs that the caller starts or cancels."""
    given = await basic(request)  # raises a 401, which makes the browser prompt for a password
    if given is None or PASSWORDS.get(given.username) != given.password:
        raise HTTPException(401, headers={"WWW-Authenticate": "Basic"})
    return given.username


async def may(request: Request, right: str, _project: str | None) -> bool:
    """Whether the caller has this right. Both users may view, and only Ann may start and cancel, in any project."""
    user = await user_of(request)
    return right == "view" or user == "ann"


async def extract(step: StepContext) -> None:
    for page in range(1, 4):
        await step.progress(page, 3, f"page {page}")
        await asyncio.sleep(0)  # a real step would read the page
    await step.log("extracted 3 pages")


handbook = Project("handbook", [Coroutine("extract", extract), Command("count", "echo counted")], timeout="10m")
backup = Project("backup", [Command("copy", "sleep 300 & sleep 300 & echo copying; wait")], cancel_grace="5s")
solo = Solorun("runs", [handbook, backup], authorize=may, identify=user_of)

app = FastAPI(lifespan=solo.lifespan)
app.mount("/tools/runs", solo.app)


@app.post("/publish", status_code=202)
async def publish() -> dict[str, int]:
    """Starts a run from the application's own code."""
    try:
        run = await solo.manager.start_run("handbook", triggered_by="publish")
    except RunActive as busy:
        raise HTTPException(409, f"Run {busy.active_run.id} is still publishing.") from busy
    return {"run": run.id}
