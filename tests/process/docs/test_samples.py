"""The samples work: configurations are valid, and clients run against a service with the sample project."""

import asyncio
import os
import re
import shutil
import sys
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.json import decode, encode

from solorun.cli.commands.init import EXAMPLE
from solorun.errors import ConfigurationInvalid
from solorun.notification import NotifyTarget, TargetKind
from solorun.notifications.not_delivered import NotDelivered
from solorun.notifications.webhook import WebhookSender
from solorun.projects import Catalog, resolve_settings
from tests.unit.docs.pages import DOCS, SAMPLES, name_of

_SERVES = re.compile(r"at (http://\S+) ")
_TOKEN = "no-secret-just-a-sample"
_WAIT_SECONDS = 60.0


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*/solorun.toml")), ids=name_of)
async def test_a_sample_configuration_is_valid(path: Path) -> None:
    environ = _environ() | {"SOLORUN_TOKEN": _TOKEN}

    code, output = await _run([sys.executable, "-m", "solorun", "check", "--config", str(path)], environ)

    assert (code, output.splitlines()[0]) == (0, f"{path} is valid.")


@pytest.mark.parametrize(
    ("table", "expected"),
    [('host = "0.0.0.0"', "token"), ('public_url = "https://runs.example.org"', "token"), ("ports = 1", "port")],
)
def test_a_service_table_that_the_pages_call_invalid_is_refused(table: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "solorun.toml"
    path.write_text(f"[service]\n{table}\n" + EXAMPLE.read_text("utf-8").partition("\n[service]\n")[2])

    with pytest.raises(ConfigurationInvalid, match=expected):
        resolve_settings(Catalog.open(path).configuration.service, {}, {}, base_dir=tmp_path)


async def test_the_client_sample_follows_its_run_to_the_end(tmp_path: Path) -> None:
    async with _service(tmp_path) as url:
        code, output = await _run([sys.executable, str(SAMPLES / "client.py"), url], _environ())

    lines = output.splitlines()
    assert (code, lines[0], lines[-1]) == (0, "1 info collect started", "run 1 is completed")
    assert "info published 3 chapters" in output


async def test_the_short_client_sample_follows_its_run_to_the_end(tmp_path: Path) -> None:
    program = (SAMPLES / "short_client.py").read_text(encoding="utf-8")

    async with _service(tmp_path) as url:
        program = program.replace("http://127.0.0.1:8700", url)
        code, output = await _run([sys.executable, "-c", program], _environ())

    assert (code, output.splitlines()[-1]) == (0, "completed")


async def test_the_rerun_sample_repeats_the_second_step_of_the_latest_run(tmp_path: Path) -> None:
    async with _service(tmp_path) as url:
        await _run([sys.executable, str(SAMPLES / "client.py"), url], _environ())
        code, output = await _run([sys.executable, str(SAMPLES / "rerun.py"), url], _environ())

    assert (code, output) == (0, "collect: completed in run 1\nrun 2, a rerun of run 1, is completed\n")


@pytest.mark.skipif(shutil.which("curl") is None, reason="requires curl: apt-get install curl")
async def test_the_curl_sample_reads_the_stream_to_its_end(tmp_path: Path) -> None:
    async with _service(tmp_path) as url:
        environ = _environ() | {"SOLORUN_URL": url}
        code, output = await _run(["sh", str(SAMPLES / "curl.sh")], environ, cwd=tmp_path)

    assert code == 0, output
    assert '"status":"pending"' in output
    assert "event: end\ndata: {" in output


@pytest.mark.skipif(shutil.which("curl") is None, reason="requires curl: apt-get install curl")
async def test_the_cancel_sample_cancels_an_active_run(tmp_path: Path) -> None:
    async with _service(tmp_path) as url:
        with (tmp_path / "handbook" / "collect.py").open("a", encoding="utf-8") as program:
            program.write("import time\ntime.sleep(600)\n")
        code, output = await _run(["sh", str(SAMPLES / "cancel.sh")], _environ() | {"SOLORUN_URL": url}, cwd=tmp_path)

    assert code == 0, output
    assert output.startswith("202\n")
    run = decode(output.partition("event: end\ndata: ")[2].splitlines()[0])
    assert (run["status"], run["cancel_reason"]) == ("cancelled", "wrong edition")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_retry_sample_starts_one_run_however_often_it_runs(tmp_path: Path) -> None:
    async with _service(tmp_path) as url:
        environ = _environ() | {"SOLORUN_URL": url}
        answers = [await _run(["sh", str(SAMPLES / "retry.sh")], environ, cwd=tmp_path) for _ in range(2)]

    first, second = (decode(output) for _, output in answers)
    assert (first["id"], second["id"]) == (1, 1)
    assert (first["replayed"], second["replayed"]) == (False, True)


async def test_the_webhook_sample_accepts_what_is_signed_and_refuses_the_rest() -> None:
    secret = "whsec_" + b64encode(bytes(32)).decode()
    target = NotifyTarget("crm", TargetKind.WEBHOOK, "$HOOK_URL", secret="$HOOK_SECRET", allow_private=True)
    message = encode({"id": "1", "type": "solorun.run.failed", "data": {"title": "etl failed"}})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(SAMPLES / "webhook_receiver.py"), "0"),
        env=_environ() | {"HOOK_SECRET": secret},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            url = (await process.stdout.readline()).decode().strip()
            good = WebhookSender({"HOOK_URL": url, "HOOK_SECRET": secret})
            bad = WebhookSender({"HOOK_URL": url, "HOOK_SECRET": "whsec_" + b64encode(b"x" * 32).decode()})
            for _ in range(2):
                await good.send(target, "1", message, timestamp=int(datetime.now(UTC).timestamp()), trace={})
            with pytest.raises(NotDelivered, match="answered 401"):
                await bad.send(target, "1", message, timestamp=int(datetime.now(UTC).timestamp()), trace={})
            lines = [(await process.stdout.readline()).decode() for _ in range(2)]
    finally:
        process.kill()
        await process.wait()

    assert lines == ["solorun.run.failed: etl failed\n", "refused: No matching signature found\n"]


def test_the_stream_in_the_guide_is_valid() -> None:
    guide = (DOCS / "guides" / "follow-and-cancel.md").read_text(encoding="utf-8")

    events = re.findall(r"^id: (\d+)\nevent: (\w+)\ndata: (\{.+\})$", guide, re.M)

    assert [(event, f'"seq":{seq},' in data) for seq, event, data in events] == [("progress", True), ("log", True)]


@asynccontextmanager
async def _service(directory: Path) -> AsyncIterator[str]:
    """Serves a copy of the sample project and yields its URL."""
    project = directory / "handbook"
    shutil.copytree(SAMPLES / "handbook", project, ignore=shutil.ignore_patterns("__pycache__"))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "solorun", "serve", "--port", "0"),
        cwd=project,
        env=_environ(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(_WAIT_SECONDS):
            line = (await process.stdout.readline()).decode()
        found = _SERVES.search(line)
        assert found, f"the service did not start: {line!r}"
        yield found[1]
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(_WAIT_SECONDS):
            await process.wait()


async def _run(argv: list[str], environ: dict[str, str], *, cwd: Path | None = None) -> tuple[int | None, str]:
    """The exit code, and stdout and stderr combined."""
    process = await asyncio.create_subprocess_exec(
        *argv, env=environ, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(_WAIT_SECONDS):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, output.decode()


def _environ() -> dict[str, str]:
    """This process's environment, without the settings of another Solorun service."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SOLORUN_")}
    return kept | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
