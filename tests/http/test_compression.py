"""Large JSON responses are compressed for clients that accept gzip. Nothing else is."""

import gzip

import pytest

from tests.fakes.application import OpenServed

RUNS = "/api/v1/runs"


@pytest.mark.parametrize(
    ("path", "accepted", "is_compressed"),
    [
        (RUNS, "gzip", True),
        (RUNS, "br, gzip;q=0.5", True),
        (RUNS, "identity", False),
        (RUNS, "gzip;q=0, br", False),
        ("/livez", "gzip", False),
        (f"{RUNS}/1/log.ndjson", "gzip", False),
        (f"{RUNS}/1/artifacts/large.json", "gzip", False),
        (f"{RUNS}/1/events", "gzip", False),
    ],
)
async def test_large_json_responses_are_compressed_and_nothing_else(
    open_served: OpenServed, path: str, accepted: str, is_compressed: bool
) -> None:
    async with open_served() as served:
        run_id, step = await served.begin()
        (step.context.artifacts / "large.json").write_text("[" + "0, " * 5_000 + "0]")
        step.end()
        await served.end_of(run_id)
        for _ in range(9):
            await served.complete(lines=["a line"] * 200)
        plain = await served.client.get(path, headers={"accept-encoding": "identity"})
        async with served.client.stream("GET", path, headers={"accept-encoding": accepted}) as response:
            raw = b"".join([piece async for piece in response.aiter_raw()])

    assert response.status_code == 200
    assert response.headers.get("content-encoding") == ("gzip" if is_compressed else None)
    assert (gzip.decompress(raw) if is_compressed else raw) == plain.content
    if is_compressed:
        assert response.headers["vary"] == "Accept-Encoding"
        assert int(response.headers["content-length"]) == len(raw) < len(plain.content) / 4
