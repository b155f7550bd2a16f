"""Sends a delivery through Apprise, in a process of its own.

Apprise is synchronous, and its services decide for themselves how long they wait. A process can be killed when it
hangs, its memory is returned, and it gets neither the service's secrets nor its proxies.
"""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

import msgspec

from solorun.notification import NotifyEvent, NotifyTarget, resolve
from solorun.notifications.apprise_process import AppriseRequest, NotifyType
from solorun.notifications.not_delivered import NotDelivered

LIMIT_SECONDS: Final = 40.0
_MODULE: Final = "solorun.notifications.apprise_process"
_INHERITED: Final = (
    *("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "PYTHONPATH"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
)
_TYPES: Final[Mapping[NotifyEvent, NotifyType]] = {
    NotifyEvent.FAILED: "failure",
    NotifyEvent.INTERRUPTED: "failure",
    NotifyEvent.RECOVERED: "success",
    NotifyEvent.COMPLETED: "success",
    NotifyEvent.LATE: "warning",
    NotifyEvent.WAITING: "warning",
}
_MAX_ERROR_CHARACTERS: Final = 300


class AppriseSender:
    """Sends to any service that Apprise knows."""

    def __init__(self, environ: Mapping[str, str], *, max_seconds: float = LIMIT_SECONDS) -> None:
        self._environ = environ
        self._max_seconds = max_seconds

    async def send(self, target: NotifyTarget, event: NotifyEvent, title: str, text: str) -> None:
        """Returns when Apprise has sent it. Raises NotDelivered."""
        url = resolve(target.url, self._environ)
        request = AppriseRequest(url, title, text, _TYPES.get(event, "info"), target.allow_private)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", _MODULE),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={name: self._environ[name] for name in _INHERITED if name in self._environ},
        )
        try:
            async with asyncio.timeout(self._max_seconds):
                _, output = await process.communicate(msgspec.json.encode(request))
        except TimeoutError:
            raise NotDelivered(f"timed out after {self._max_seconds:g} s") from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode != 0:
            last_line = output.decode(errors="replace").strip().rpartition("\n")[2].replace(url, "***")
            raise NotDelivered(last_line[:_MAX_ERROR_CHARACTERS] or f"Apprise exited with code {process.returncode}")
