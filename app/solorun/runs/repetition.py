"""Starts that are repeated with their idempotency key: each leads to one run, however often it arrives."""

from collections.abc import Awaitable

from solorun.errors import Problem, StartRepeated, StoreUnavailable
from solorun.idempotency_key import IdempotencyKey
from solorun.run import Run
from solorun.runs.manager import RunManager
from solorun.runs.submission import Submission
from solorun.status import Status


async def submit_once(
    manager: RunManager, project: str, key: IdempotencyKey | None, submission: Awaitable[Submission]
) -> Submission:
    """The result of a submission with this key, or the run to which an earlier one with the key has led.

    Raises what the submission raises, and IdempotencyKeyReused if the earlier request was another one. A start that was
    refused can be repeated: it has not used its key.
    """
    if key is None:
        return await submission
    try:
        submitted = await submission
        if submitted.joined:
            await manager.store.record_key(project, key, submitted.run.id, at=manager.now())
    except StoreUnavailable:
        raise  # No step will run. A repetition finds out what became of the row.
    except (Problem, StartRepeated) as refusal:
        # What refuses another run does not matter if the key has led to one. Often, it is that very run.
        earlier = await manager.store.find_run_by_key(project, key, at=manager.now())
        if earlier is None and not isinstance(refusal, StartRepeated):
            raise
        run = None if earlier is None else await manager.get_run(earlier.run.id)
        if earlier is None or run is None or _may_be_given_up(manager, run):
            raise StoreUnavailable("The first start with this key is not confirmed yet. Repeat the request.") from None
        return Submission(run, earlier.result, replayed=True)
    else:
        return submitted


def _may_be_given_up(manager: RunManager, run: Run) -> bool:
    """Whether the run has not begun, and the service that has inserted it may still end it: the answer of the database
    came too late, or has not come yet.
    """
    is_known = manager.registry.find(run.id) is not None or run.id in manager.queue
    return run.status in (Status.PENDING, Status.QUEUED) and not is_known
