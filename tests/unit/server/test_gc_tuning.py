"""The garbage collector of a server process: it runs rarely, but it runs."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from solorun.server import gc_tuning


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


class Knot:
    """A cycle."""

    def __init__(self) -> None:
        self.self = self


def test_loaded_objects_are_no_longer_traversed() -> None:
    gc_tuning.tune()
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < 1_000


def test_a_later_cycle_is_freed_after_enough_allocations() -> None:
    gc_tuning.tune()
    knot = weakref.ref(Knot())
    few: list[list[int]] = [[] for _ in range(gc_tuning.YOUNG_OBJECTS // 2)]
    assert knot() is not None
    many: list[list[int]] = [[] for _ in range(2 * gc_tuning.YOUNG_OBJECTS)]
    assert knot() is None, (len(few), len(many))
