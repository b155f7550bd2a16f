"""A copy of the database over HTTP."""

import asyncio
import os
from pathlib import Path

import pytest

from solorun.stores.sqlite import SqliteRunStore
from tests.fakes.application import BEARER, TOKEN, OpenServed

BACKUP = "/api/v1/backup"


async def test_a_backup_is_a_database_with_the_runs_so_far(open_served: OpenServed, tmp_path: Path) -> None:
    async with open_served(token=TOKEN, headers=BEARER) as served:
        run = await served.complete(lines=["done"])
        answer = await served.client.post(BACKUP)

    (tmp_path / "solorun.db").write_bytes(answer.content)
    store = await SqliteRunStore.open(tmp_path)
    assert (await store.get_run(run.id)).status == "completed"
    assert await store.check() == []
    await store.close()
    assert answer.headers["content-type"] == "application/vnd.sqlite3"
    assert "solorun.db" in answer.headers["content-disposition"]


async def test_a_second_backup_is_refused_while_the_first_is_made(
    open_served: OpenServed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_served() as served:
        answers = await asyncio.gather(served.client.post(BACKUP), served.client.post(BACKUP))

    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert "backup-unavailable" in max(answers, key=lambda answer: answer.status_code).json()["type"]


async def test_a_backup_closes_its_file_and_leaves_none(open_served: OpenServed, tmp_path: Path) -> None:
    async with open_served() as served:
        await served.client.post(BACKUP)
        # SQLite keeps the descriptor of the connection that copied, and uses it for the next one.
        before = len(os.listdir("/dev/fd"))
        await served.client.post(BACKUP)

        assert len(os.listdir("/dev/fd")) == before
        assert list((tmp_path / "data").glob("*backup*")) == []
