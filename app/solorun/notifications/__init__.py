"""Sends the deliveries of the outbox: signed webhooks, and everything else through Apprise.

`notifier` claims what is due, with one lane per target. `composer` makes the payload: `message` writes the text, and
`cloud_event` encodes it. `senders` chooses between `webhook` and `apprise`, which send it: to public `addresses` only,
and in an `apprise_process`. What the target did not accept is `not_delivered`, and sent again.
"""

from solorun.notifications.composer import Composer
from solorun.notifications.notifier import Notifier
from solorun.notifications.senders import TargetSender

__all__ = ["Composer", "Notifier", "TargetSender"]
