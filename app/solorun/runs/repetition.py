"""Starts that are repeated with their idempotency key: each leads to one run, however often it arrives."""

from collections.abc import Awaitable

from solorun.errors import Problem, StartRepeated, StoreUnavailable
from solorun.idempotency_key import IdempotencyKey
from solorun.run import Run
from solorun.runs.manager import RunManager
from solorun.runs.submission import Submission


async def submit_once(
    manager: RunManager, project: str, key: IdempotencyKey, submission: Awaitable[Submission]
) -> Submission:
    """The result of a submission with this key, or the run to which an earlier one with the key has led.

    Raises what the submission raises, and IdempotencyKeyReused if the earlier request was another one. A start that was
    refused can be repeated: it has not used its key.
    """
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
        if earlier is None or not await _acknowledge(manager, key, earlier.run):
            raise StoreUnavailable("The first start with this key was given up. Repeat the request.") from None
        return Submission(await manager.get_run(earlier.run.id), earlier.result, replayed=True)
    else:
        return submitted


async def _acknowledge(manager: RunManager, key: IdempotencyKey, run: Run) -> bool:
    """Whether the run stands. The service that has inserted it gives it up if the database answers too late, unless
    this has been recorded before.
    """
    if run.has_ended or manager.reaper.is_known(run.id):
        return True
    return await manager.store.acknowledge_start(run.project, key, at=manager.now())
