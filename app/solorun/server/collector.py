"""Python's collector of reference cycles, set for a process that serves."""

import gc
from typing import Final

YOUNG_OBJECTS: Final = 10_000
"""So many containers more than were freed call the collector. Python's 700 are passed at every flush to a few hundred
streams, and with thousands of streams there is much to walk through: a tenth of a fan-out's time went there."""


def tune() -> None:
    """Call it when all is loaded: what is there now stays for good, and is not looked through again."""
    gc.collect()
    gc.freeze()
    _, middle, old = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS, middle, old)
