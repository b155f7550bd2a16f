"""The notification target of the trials. It receives everything; no notifier sends it."""

from solorun.notification import DECLARABLE_EVENTS, NotifyTarget, TargetKind

TARGET = NotifyTarget("ops", TargetKind.WEBHOOK, "https://example.org", events=DECLARABLE_EVENTS)
