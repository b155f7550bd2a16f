"""The interpreter of a server process. Its garbage collector runs rarely, but it runs."""

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from solorun.server import interpreter


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before, seconds = gc.get_threshold(), sys.getswitchinterval()
    yield
    sys.setswitchinterval(seconds)
    gc.set_threshold(*before)
    gc.unfreeze()


class Knot:
    """A cycle."""

    def __init__(self) -> None:
        self.self = self


def test_loaded_objects_are_no_longer_traversed() -> None:
    interpreter.tune()
    assert gc.get_freeze_count() > 10_000
    assert len(gc.get_objects()) < 1_000


def test_a_later_cycle_is_freed_after_enough_allocations() -> None:
    interpreter.tune()
    knot = weakref.ref(Knot())
    few: list[list[int]] = [[] for _ in range(interpreter.YOUNG_OBJECTS // 2)]
    assert knot() is not None
    many: list[list[int]] = [[] for _ in range(2 * interpreter.YOUNG_OBJECTS)]
    assert knot() is None, (len(few), len(many))


def test_the_event_loop_soon_interrupts_a_thread_that_computes() -> None:
    interpreter.tune()
    assert sys.getswitchinterval() == pytest.approx(interpreter.SWITCH_SECONDS)
