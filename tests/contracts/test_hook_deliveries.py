"""The last delivery to each hook."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from solorun.hook import DeliveryOutcome, HookDelivery
from solorun.store import Store
from tests.contracts.builders import NOW
from tests.contracts.conftest import OpenStore

PUSH = HookDelivery(NOW, "push", DeliveryOutcome.STARTED, 1)


async def test_a_hook_without_deliveries_has_no_last_one(store: Store) -> None:
    assert await store.list_last_deliveries() == {}


async def test_only_the_last_delivery_to_a_hook_is_kept(store: Store) -> None:
    last = HookDelivery(NOW + timedelta(seconds=1), "", DeliveryOutcome.IGNORED, reason="A ping starts no run.")

    await store.record_delivery("site", "push", PUSH)
    await store.record_delivery("site", "tag", PUSH)
    await store.record_delivery("shop", "push", PUSH)
    await store.record_delivery("site", "push", last)

    assert await store.list_last_deliveries() == {("site", "push"): last, ("site", "tag"): PUSH, ("shop", "push"): PUSH}


@pytest.mark.parametrize("outcome", DeliveryOutcome)
async def test_a_delivery_is_read_as_it_was_recorded(open_store: OpenStore, outcome: DeliveryOutcome) -> None:
    delivery = replace(PUSH, event="Push Hook", outcome=outcome, reason="é\n'")
    await (await open_store()).record_delivery("site", "push", delivery)

    assert await (await open_store()).list_last_deliveries() == {("site", "push"): delivery}
