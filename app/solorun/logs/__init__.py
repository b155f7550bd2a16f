"""The log path: a step's channel, the writer, the hub and the tail; one file per station.

A `channel` masks each line (`masking`, with `secret_forms` in a `secret_index`; `wrapped_base64` and `held_lines` for
secrets that a line break has cut), limits what a run writes (`limited_output`) and derives the run's state from its
records (`projection`, `step_changes`). The `writer` commits batches from all channels in one transaction, and gathers
them for 10 to 100 ms while records keep coming. The `hub` keeps what is new in memory. A `tail` follows one run through
store and hub; new segments are pushed to it (`fan_out`) for as long as it keeps up. A `run_feed` follows all runs.
"""

from solorun.logs.channel import Channel
from solorun.logs.fan_out import Receiver
from solorun.logs.hub import Hub, Topic
from solorun.logs.limited_output import DiskReserve, LimitedOutput
from solorun.logs.masking import Masker
from solorun.logs.run_feed import FeedOverflow
from solorun.logs.step_changes import StepChange
from solorun.logs.tail import Tail
from solorun.logs.writer import Writer, WriterLimits

__all__ = [
    "Channel",
    "DiskReserve",
    "FeedOverflow",
    "Hub",
    "LimitedOutput",
    "Masker",
    "Receiver",
    "StepChange",
    "Tail",
    "Topic",
    "Writer",
    "WriterLimits",
]
