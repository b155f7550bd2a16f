"""A start whose answer does not arrive."""

import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api

LOSE_AN_ANSWER = """
window.received = [];
const send = window.fetch;
window.fetch = async (request, options) => {
  const answer = await send(request, options);
  if (request.method !== 'POST' || received.length) return answer;
  received.push((await answer.json()).id);
  return lose(answer);
};
"""
"""The first that a start gets. `received` has the id of its run."""
LOST = "const lose = () => { throw new TypeError('no connection') };"
CUT = """
const cut = () => Promise.reject(new TypeError('the connection was lost'));
const lose = answer => Object.assign(answer, { json: cut, text: cut });
"""
"""It ends after its head."""


@pytest.mark.parametrize("loss", [LOST, CUT], ids=["lost", "cut"])
def test_a_start_whose_answer_is_lost_starts_one_run_and_opens_it(
    open_page: OpenPage, context: BrowserContext, api: Api, loss: str
) -> None:
    context.add_init_script(LOSE_AN_ANSWER + loss)
    page = open_page("/p/novel")

    page.get_by_role("button", name="Start run").click()

    expect(page.get_by_role("heading", name=re.compile(r"#\d+"))).to_be_visible()
    received = page.evaluate("received")
    assert [int(page.url.rpartition("/")[2])] == received
    assert api.run(received[0] + 1)["status"] == 404  # a problem: no other run was started
