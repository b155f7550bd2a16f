"""The key that encrypts the secret parameters of queued runs: from a setting, or from a file in the data directory."""

import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from itertools import count
from pathlib import Path

import anyio
import psycopg
import pytest

from solorun.errors import SecretsUnreadable, StoreUnavailable
from solorun.parameter import Parameter
from solorun.queueing import ConflictPolicy
from solorun.record import Level
from solorun.status import Status
from solorun.store import Store
from solorun.stores.postgres import ParamCipher, PostgresRunStore
from tests.fakes.engine import Engine, declare, open_engine
from tests.fakes.postgres import SECRET_KEY
from tests.integration.postgres.conftest import OpenStore
from tests.integration.postgres.secret_params import SECRETS, queue_with_secrets

OpenWith = Callable[[ParamCipher | None], Awaitable[PostgresRunStore]]

OpenWithKey = Callable[[str], AbstractAsyncContextManager[Engine]]

OTHER_KEY = SECRET_KEY[::-1]
LOAD = """
import sys
from solorun.stores.postgres import ParamCipher
cipher = ParamCipher("8b1f0d4c7a9e2635f0c1d2e3b4a59687")
print("cryptography.hazmat" in sys.modules)
cipher.encrypt(1, "{}")
print("cryptography.hazmat" in sys.modules)
"""


@pytest.fixture
async def open_with(database_url: str) -> AsyncIterator[OpenWith]:
    """Opens the store of a service with another key."""
    async with AsyncExitStack() as stack:

        async def open_with(cipher: ParamCipher | None) -> PostgresRunStore:
            store = await PostgresRunStore.open(database_url, cipher)
            stack.push_async_callback(store.close)
            return store

        yield open_with


@pytest.fixture
def open_with_key(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenWithKey:
    """Opens the engine of a service with this key."""
    project = declare(steps=("extract",), params=(Parameter("token", secret=True),))
    numbers = count()

    def open_with_key(key: str) -> AbstractAsyncContextManager[Engine]:
        async def open_store(_data_dir: Path) -> Store:
            return await PostgresRunStore.open(database_url, ParamCipher(key))

        monkeypatch.setattr("tests.fakes.engine.open_store", open_store)
        name = f"service-{next(numbers)}"
        return open_engine(tmp_path / name, project, owner=name, shares_database=True)

    return open_with_key


async def test_a_service_with_the_same_key_reads_what_another_has_stored(open_with: OpenWith) -> None:
    queued = await queue_with_secrets(await open_with(ParamCipher(SECRET_KEY)))

    assert await (await open_with(ParamCipher(SECRET_KEY))).read_unmasked_params(queued.id) == SECRETS


@pytest.mark.parametrize("key", [OTHER_KEY, None])
async def test_with_another_key_the_error_says_what_to_set(
    open_with: OpenWith, tmp_path: Path, key: str | None
) -> None:
    queued = await queue_with_secrets(await open_with(ParamCipher(SECRET_KEY)))
    other = await open_with(ParamCipher(key, tmp_path / "solorun.key"))

    with pytest.raises(SecretsUnreadable, match=r"another key\. Set SOLORUN_SECRET_KEY or secret_key_file"):
        await other.read_unmasked_params(queued.id)


async def test_the_file_is_created_for_the_first_secret_and_used_again(open_with: OpenWith, tmp_path: Path) -> None:
    file = tmp_path / "shared" / "solorun.key"
    store = await open_with(ParamCipher(None, file))
    assert not file.parent.exists()

    queued = await queue_with_secrets(store)

    assert file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file]
    assert await (await open_with(ParamCipher(None, file))).read_unmasked_params(queued.id) == SECRETS
    assert await (await open_with(ParamCipher(file.read_text().strip()))).read_unmasked_params(queued.id) == SECRETS


async def test_without_a_key_no_run_with_secrets_is_queued(open_with: OpenWith, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()

    with pytest.raises(StoreUnavailable, match="File exists"):
        await queue_with_secrets(await open_with(ParamCipher(None, tmp_path / "empty" / "solorun.key")))
    with pytest.raises(StoreUnavailable, match="it is empty"):
        await queue_with_secrets(await open_with(ParamCipher(None, tmp_path / "empty")), "glossary")
    with pytest.raises(StoreUnavailable, match="no key is set"):
        await queue_with_secrets(await open_with(None), "site")


@pytest.mark.parametrize(
    ("tamper", "moved"),
    [
        ("UPDATE unmasked_params SET run_id = run_id + 1", 1),
        ("UPDATE unmasked_params SET params = replace(params, '\":\"', '\":\"AAAA')", 0),
        ("UPDATE unmasked_params SET params = left(params, 20)", 0),
    ],
)
async def test_a_value_that_was_changed_or_moved_is_not_read(
    store: PostgresRunStore, foreign: psycopg.Connection, tamper: str, moved: int
) -> None:
    queued = await queue_with_secrets(store)
    foreign.execute(tamper)

    with pytest.raises(SecretsUnreadable):
        await store.read_unmasked_params(queued.id + moved)


async def test_what_an_earlier_version_stored_is_read(store: PostgresRunStore, foreign: psycopg.Connection) -> None:
    queued = await queue_with_secrets(store)
    foreign.execute("""UPDATE unmasked_params SET params = '{"token": "plain"}'""")

    assert await store.read_unmasked_params(queued.id) == {"token": "plain"}


async def test_a_run_is_left_to_a_service_that_can_decrypt_its_secrets(open_with_key: OpenWithKey) -> None:
    queued = await queue_and_stop(open_with_key(SECRET_KEY))

    async with open_with_key(OTHER_KEY) as here:
        await until_refused(here, queued)
        async with open_with_key(SECRET_KEY) as there:
            step = await there.executor.step("extract")
            step.end()
            log = await there.log_of(queued)
            ended = await there.end_of(queued)

    assert step.context.params == {"token": "correct horse"}
    assert ended.status is Status.COMPLETED
    assert log[0].level is Level.WARNING
    assert "its secret parameters were encrypted with another key. Set SOLORUN_SECRET_KEY" in log[0].message


async def test_a_run_whose_secrets_no_service_can_decrypt_fails_and_says_what_to_set(
    open_with_key: OpenWithKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("solorun.runs.dispatcher.REFUSAL_SECONDS", 0.0)
    queued = await queue_and_stop(open_with_key(SECRET_KEY))

    async with open_with_key(OTHER_KEY) as here:
        await until_refused(here, queued)
        here.registry.notify_released()
        ended = await here.end_of(queued)

        assert ended.status is Status.FAILED
        assert ended.error_message == (
            "it could not be started: its secret parameters were encrypted with another key. Set SOLORUN_SECRET_KEY or "
            "secret_key_file to the same key for every service that uses the database."
        )
        assert here.executor.begun == []
        assert (await here.manager.start_run("handbook")).id > queued


async def queue_and_stop(opened: AbstractAsyncContextManager[Engine]) -> int:
    """A service queues a run with a secret parameter behind another run, and stops. That makes the run pending."""
    async with opened as engine:
        await engine.manager.start_run("handbook")
        params = {"token": "correct horse"}
        return (await engine.manager.start_run("handbook", params=params, on_conflict=ConflictPolicy.QUEUE)).id


async def until_refused(engine: Engine, run_id: int) -> None:
    with anyio.fail_after(60):
        while (await engine.store.get_run(run_id)).last_seq == 0:
            await anyio.sleep(0.01)


async def test_doctor_finds_secrets_that_cannot_be_decrypted(open_with: OpenWith, open_store: OpenStore) -> None:
    queued = await queue_with_secrets(await open_with(ParamCipher(OTHER_KEY)))
    store = await open_store()

    (finding,) = await store.check()

    assert (finding.run_id, finding.repair) == (queued.id, None)
    assert "were encrypted with another key" in finding.message
    assert "SOLORUN_SECRET_KEY" in finding.message


def test_the_library_is_loaded_with_the_first_secret() -> None:
    printed = subprocess.run([sys.executable, "-c", LOAD], check=True, capture_output=True, text=True).stdout

    assert printed == "False\nTrue\n"
