"""Downloads of a log on a real socket are complete, and leave nothing for the next response."""

import pytest

from solorun.record import Stream
from tests.fakes.http_server import OpenServer, request_for


@pytest.mark.parametrize("form", ["log.ndjson", "log.txt"])
@pytest.mark.parametrize("query", ["q=needle", "level=error", "event=artifact", "step=unknown"])
async def test_segments_without_matching_records_do_not_end_the_download(
    open_server: OpenServer, form: str, query: str
) -> None:
    async with open_server() as server:
        run_id, step = await server.begin()
        topic = server.service.hub.find(run_id)
        assert topic is not None
        for seq in range(2, 10):
            await step.context.output.write("deploy", Stream.STDOUT, ["needle" if seq == 9 else "hay"])
            await server.until(lambda seq=seq: topic.run.last_seq == seq)  # type: ignore[misc]

        path = f"/api/v1/runs/{run_id}/{form}?{query}"
        async with server.connect(sent=request_for(path, connection="close")) as connection:
            response = await connection.read_to_close()
        step.end()

    body = response.partition(b"\r\n\r\n")[2]
    assert body.count(b"0\r\n\r\n") == 1
    assert body.endswith(b"0\r\n\r\n")
    assert (b"needle" in body) is (query == "q=needle")
