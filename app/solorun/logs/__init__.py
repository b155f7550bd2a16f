"""The log path: a step's channel, the writer, the hub and the tail; one file per station."""

from solorun.logs.channel import Channel
from solorun.logs.hub import FeedOverflow, Hub, RunFeed, Topic
from solorun.logs.masking import Masker
from solorun.logs.tail import Tail
from solorun.logs.writer import Writer

__all__ = ["Channel", "FeedOverflow", "Hub", "Masker", "RunFeed", "Tail", "Topic", "Writer"]
