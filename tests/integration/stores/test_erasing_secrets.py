"""SQLite keeps no copy of the secret parameters of a run that has ended."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from solorun.queueing import ConflictPolicy
from solorun.run import Cancel
from solorun.stores.sqlite import SqliteRunStore
from tests.contracts.builders import NOW, OWNER, new_run, start


@pytest.mark.parametrize("seed", range(3))
async def test_no_file_contains_a_part_of_an_erased_value(tmp_path: Path, seed: int) -> None:
    chosen = random.Random(seed)
    store = await SqliteRunStore.open(tmp_path)
    await start(store)
    kept: dict[int, str] = {}
    found: list[int] = []
    for number in range(150):
        if kept and chosen.random() < 0.5:
            run_id = chosen.choice(sorted(kept))
            value = kept.pop(run_id)
            await store.request_cancel(run_id, Cancel(NOW, "api"))
            await store._checkpointer.checkpoint()
            files = b"".join(path.read_bytes() for path in tmp_path.iterdir())
            found += [run_id for part in (value[:12], value[-12:]) if part.encode() in files]
        else:
            value = f"<{number:03}-{chosen.randrange(10**6):06}>" * chosen.randrange(1, 340)
            secrets = {"token": value}
            new = replace(new_run(), on_conflict=ConflictPolicy.QUEUE, queue_max=1000, unmasked_params=secrets)
            kept[(await store.insert_run(new, owner=OWNER)).id] = value
    await store.close()

    assert found == []
