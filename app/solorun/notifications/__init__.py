"""Sends the deliveries of the outbox: signed webhooks, and everything else through Apprise.

`notifier` claims what is due, with one lane per target. `composer` makes the payload: `message` writes the text, and
`cloud_event` encodes it. `senders` chooses between `webhook` and `apprise`, which send it.
"""

from solorun.notifications.composer import Composer
from solorun.notifications.notifier import Notifier
from solorun.notifications.senders import TargetSender

__all__ = ["Composer", "Notifier", "TargetSender"]
