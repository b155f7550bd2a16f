"""The process that sends one notification through Apprise. If it was not sent, the last line of stderr says why.

Without `allow_private` it connects only to public addresses, whatever a name resolves to and wherever a redirect leads.
"""

import logging
import sys
from typing import Any, Literal

import msgspec

from solorun.notifications.addresses import is_public

NotifyType = Literal["info", "success", "warning", "failure"]


class AppriseRequest(msgspec.Struct, frozen=True):
    """What the process reads from its standard input, as JSON."""

    url: str
    title: str
    text: str
    type: NotifyType
    allow_private: bool


def send(request: AppriseRequest) -> str | None:
    """Returns None if it was sent, else why not."""
    try:
        import apprise
    except ImportError:
        return "requires another package: pip install 'solorun[notify]'"
    guard, warnings = _AddressGuard(), _LastWarning()
    if not request.allow_private:
        sys.addaudithook(guard.check)
    logging.getLogger("apprise").addHandler(warnings)
    sender = apprise.Apprise()
    if not sender.add(request.url):
        return "its URL is none that Apprise knows"
    if sender.notify(
        body=request.text,
        title=request.title,
        notify_type=apprise.NotifyType(request.type),
        body_format=apprise.NotifyFormat.TEXT,
    ):
        return None
    if guard.refused is not None:
        return f"{guard.refused} is a private address; set allow_private = true if that is intended"
    return warnings.text or "Apprise could not send it"


class _AddressGuard:
    """An audit hook, which sees every address that Python connects or sends to. `refused` is one that is not public."""

    refused: str | None = None

    def check(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("socket.connect", "socket.sendto"):
            return
        address = arguments[1]
        host = str(address[0]) if isinstance(address, tuple) else "a local socket"
        try:
            allowed = is_public(host)
        except ValueError:
            allowed = False  # A name would be resolved after this check.
        if not allowed:
            self.refused = host
            raise ConnectionRefusedError(f"{host} is a private address")


class _LastWarning(logging.Handler):
    """Keeps the last warning. Apprise's messages contain no secrets of the URL."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()


if __name__ == "__main__":
    sys.exit(send(msgspec.json.decode(sys.stdin.buffer.read(), type=AppriseRequest)))
