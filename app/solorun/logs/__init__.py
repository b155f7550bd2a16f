"""The log path: a step's channel, the writer, the hub and the tail; one file per station."""

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
