"""Python's collector of reference cycles, set for a process that serves."""

import gc
from typing import Final

YOUNG_OBJECTS: Final = 10_000
"""So many containers more than were freed call the collector. Python's 700 are passed at every flush to a few hundred
streams, and with thousands of streams there is much to walk through: a tenth of a fan-out's time went there."""
_OLDER: Final = (3, 2)
"""So many calls until older ones are looked through as well: all of them as often as Python does by itself, every
60,000 objects, so that cycles hold no more memory than they would."""


def tune() -> None:
    """Call it when all is loaded: what is there now stays for good, and is not looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *_OLDER)
