"""How `solorun hooks` shows the hooks of a project."""

import json
from datetime import UTC, datetime

import msgspec

from solorun.hook import DeliveryOutcome, HookDelivery, Verification
from solorun.wire.projects import HookSummary, ProjectSummary
from tests.fakes.command_line import Solorun, answer

AT = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
SITE = ProjectSummary(
    name="site",
    title="Site",
    steps=(),
    scopes=("full",),
    params=(),
    current_run=None,
    last_run=None,
    hooks=(
        HookSummary(
            "push",
            "/hooks/site/push",
            Verification.GITHUB,
            HookDelivery(AT, "push", DeliveryOutcome.STARTED, 17),
        ),
        HookSummary("tag", "/hooks/site/tag", Verification.TOKEN),
    ),
)


async def test_hooks_lists_the_address_and_the_last_delivery_of_each_hook(solorun: Solorun) -> None:
    ended = await solorun("hooks", "site", answers=(answer(SITE),))

    rows = [line.split() for line in ended.out.splitlines()[1:]]
    assert rows[0][:2] + rows[0][-3:] == ["push", "/hooks/site/push", "push", "started", "17"]
    assert rows[1] == ["tag", "/hooks/site/tag", "never"]


async def test_hooks_prints_json(solorun: Solorun) -> None:
    ended = await solorun("hooks", "site", "--json", answers=(answer(SITE),))

    assert [json.loads(line) for line in ended.out.splitlines()] == list(msgspec.to_builtins(SITE.hooks))


async def test_a_project_without_hooks_says_so(solorun: Solorun) -> None:
    ended = await solorun("hooks", "site", answers=(answer(msgspec.structs.replace(SITE, hooks=())),))

    assert "site has no hooks" in ended.out
