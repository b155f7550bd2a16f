"""Runs with secret parameters."""

from dataclasses import replace
from typing import Final

from solorun.parameter import ParamValue
from solorun.queueing import ConflictPolicy
from solorun.run import Run
from solorun.store import Store
from tests.contracts.builders import OWNER, new_run, start

SECRETS: Final[dict[str, ParamValue]] = {"token": "correct-horse-battery-staple", "pin": 123456}


async def queue_with_secrets(store: Store, project: str = "handbook") -> Run:
    """A run with SECRETS, queued behind another."""
    await start(store, project)
    new = replace(
        new_run(project),
        triggered_by="a-caller-to-search-for",
        params={"token": "***", "pin": "***"},
        on_conflict=ConflictPolicy.QUEUE,
        unmasked_params=SECRETS,
    )
    return await store.insert_run(new, owner=OWNER)
