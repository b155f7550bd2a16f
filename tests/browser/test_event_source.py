"""The event stream as other clients read it: EventSource and `curl -N` receive the same records."""

import shutil
import subprocess

import pytest

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api
from tests.fakes.running_service import ServedService

READ_WITH_EVENT_SOURCE = """
address => new Promise(resolve => {
  const seen = [];
  const source = new EventSource(address);
  for (const kind of ['log', 'step', 'progress', 'group', 'artifact', 'cancel', 'end'])
    source.addEventListener(kind, event => {
      seen.push([event.lastEventId, kind, event.data]);
      if (kind === 'end') { source.close(); resolve(seen); }
    });
})
"""


@pytest.mark.skipif(shutil.which("curl") is None, reason="requires curl: apt-get install curl")
def test_an_event_source_and_curl_read_the_same_stream(service: ServedService, api: Api, open_page: OpenPage) -> None:
    run_id = api.start("flood", params={"lines": "3000"})
    address = f"/api/v1/runs/{run_id}/events"

    by_browser = open_page("/").evaluate(READ_WITH_EVENT_SOURCE, address)
    by_curl = subprocess.run(
        ["curl", "--silent", "--no-buffer", service.url + address], capture_output=True, text=True, check=True
    ).stdout

    blocks = [block.split("\n") for block in by_curl.split("\n\n") if block.startswith("id: ")]
    received = [[line.split(": ", 1)[1] for line in block if not line.startswith("retry: ")] for block in blocks]
    assert by_browser == received
    assert received[-1][1] == "end"
