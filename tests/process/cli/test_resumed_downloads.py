"""Downloads of artifacts continue where a lost connection broke them off."""

import os
from pathlib import Path

import pytest

from solorun.client import RunClient
from solorun.errors import ServiceUnreachable, SolorunError
from tests.fakes.command_line import RUNNING, Solorun, answer
from tests.fakes.cutting_proxy import cutting_proxy
from tests.fakes.project_toml import project_toml
from tests.fakes.scripted_service import Response, cut, scripted_service
from tests.fakes.solorun_process import serving_here

TOML = project_toml("dump", {"dump": "head -c 3000000 /dev/urandom > $SOLORUN_ARTIFACTS/big.bin"})


async def test_a_download_survives_a_proxy_that_cuts_it(tmp_path: Path) -> None:
    offsets = [2_000, 100_000, 400_000, 1_000_000]
    async with (
        serving_here(tmp_path, TOML) as url,
        RunClient(url) as direct,
        cutting_proxy(int(url.rpartition(":")[2])) as proxy,
        RunClient(f"http://127.0.0.1:{proxy.port}", max_retry_seconds=0.01) as client,
    ):
        run = await direct.wait_for_run((await direct.start_run("dump")).id)
        await direct.download_artifact(run.id, "big.bin", tmp_path / "whole")

        def cut_again(_: SolorunError) -> None:
            proxy.cut_after = offsets.pop() if offsets else None

        proxy.cut_after = 500_000
        await client.download_artifact(run.id, "big.bin", tmp_path / "resumed", on_disconnect=cut_again)

    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "whole").read_bytes()
    assert os.path.getsize(tmp_path / "whole") == 3_000_000
    assert offsets == []


def partial(body: bytes, total: int = 9, *, start: int = 0, tag: str = '"v1"') -> Response:
    """A response that ends before its Content-Length if `body` does not reach `total`."""
    status = f"206 Part\r\nContent-Range: bytes {start}-{total - 1}/{total}" if start else "200 OK"
    head = f"HTTP/1.1 {status}\r\nContent-Length: {total - start}\r\nETag: {tag}\r\nConnection: close\r\n\r\n"
    return Response((head.encode() + body,))


async def test_a_continued_download_requests_the_rest_of_the_same_version(solorun: Solorun, tmp_path: Path) -> None:
    answers = (answer(RUNNING), partial(b"one "), cut, partial(b"two ", start=4), partial(b"3", start=8))

    ended = await solorun("download", "17", "a.txt", answers=answers)

    assert (ended.code, ended.out) == (0, "Saved a.txt.\n")
    assert "Reconnecting…" in ended.err
    assert (tmp_path / "a.txt").read_bytes() == b"one two 3"
    assert [(request.headers.get("range"), request.headers.get("if-range")) for request in ended.requests[1:]] == [
        (None, None),
        ("bytes=4-", '"v1"'),
        ("bytes=4-", '"v1"'),
        ("bytes=8-", '"v1"'),
    ]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (partial(b"one "), partial(b"new"), "has changed during the download"),
        (partial(b"one "), partial(b" two", start=3), "has changed during the download"),
        (partial(b"one ", tag='W/"v1"'), partial(b"two", start=4), "before the response was complete"),
        (cut, partial(b"one "), "before the response was complete"),
    ],
)
async def test_a_download_that_cannot_be_continued_fails(
    first: Response, second: Response, message: str, tmp_path: Path
) -> None:
    async with scripted_service([first, second]) as service, RunClient(service.url) as client:
        with pytest.raises(ServiceUnreachable, match=message):
            await client.download_artifact(17, "a.txt", tmp_path / "a.txt")

    assert list(tmp_path.iterdir()) == []
