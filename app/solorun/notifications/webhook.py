"""Sends a delivery to a webhook: one POST, signed after Standard Webhooks, to an address that was checked.

Follows no redirects, uses no proxy, and reads nothing of the answer but its head. Imported with the first delivery,
because of httpx.
"""

import asyncio
import base64
import hashlib
import hmac
import ssl
from collections.abc import Mapping
from typing import Final

import httpx

from solorun.notification import NotifyTarget, decode_secret, find_webhook_fault, resolve
from solorun.notifications.addresses import Resolve, find_addresses, resolve_host
from solorun.notifications.cloud_event import MEDIA_TYPE
from solorun.notifications.not_delivered import NotDelivered

LIMIT_SECONDS: Final = 15.0
_CONNECT_SECONDS: Final = 5.0
_MAX_RETRY_AFTER_SECONDS: Final = 3600


class WebhookSender:
    """Sends to any webhook."""

    def __init__(
        self, environ: Mapping[str, str], *, max_seconds: float = LIMIT_SECONDS, resolve_host: Resolve = resolve_host
    ) -> None:
        self._environ = environ
        self._max_seconds = max_seconds
        self._resolve_host = resolve_host
        self._tls: ssl.SSLContext = httpx.create_ssl_context()

    async def send(
        self, target: NotifyTarget, message_id: str, payload: bytes, *, timestamp: int, trace: Mapping[str, str]
    ) -> None:
        """Returns when the receiver has answered 2xx. Raises NotDelivered."""
        url = resolve(target.url, self._environ)
        if fault := find_webhook_fault(url, allow_private=target.allow_private):
            raise NotDelivered(f"its URL is invalid: {fault}")
        try:
            key = decode_secret(resolve(target.secret, self._environ))
        except ValueError as error:
            raise NotDelivered(f"its secret {error}") from None
        signature = sign(key, message_id, timestamp, payload)
        headers = {"content-type": MEDIA_TYPE, "user-agent": "Solorun", **trace, **signature}
        try:
            async with asyncio.timeout(self._max_seconds):
                await self._post(httpx.URL(url), headers, payload, allow_private=target.allow_private)
        except TimeoutError:
            raise NotDelivered(f"timed out after {self._max_seconds:g} s") from None
        except httpx.InvalidURL:
            raise NotDelivered("its URL is invalid") from None
        except httpx.TransportError as error:
            raise NotDelivered(_describe(error)) from None

    async def _post(self, url: httpx.URL, headers: dict[str, str], payload: bytes, *, allow_private: bool) -> None:
        port = url.port or (443 if url.scheme == "https" else 80)
        addresses = await find_addresses(url.host, port, allow_private=allow_private, resolve_host=self._resolve_host)
        timeout = httpx.Timeout(self._max_seconds, connect=_CONNECT_SECONDS)
        user = httpx.BasicAuth(url.username, url.password) if url.userinfo else httpx.Auth()
        # Without a client, which would log the URL and the secret that may be in it.
        async with httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False) as transport:
            for index, address in enumerate(addresses):
                request = httpx.Request(
                    "POST",
                    url.copy_with(host=address),
                    content=payload,
                    headers={"host": url.netloc.decode("ascii"), **headers},
                    # The certificate has to be that of the name.
                    extensions={"sni_hostname": url.host, "timeout": timeout.as_dict()},
                )
                try:
                    response = await transport.handle_async_request(next(user.auth_flow(request)))
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    if index == len(addresses) - 1:
                        raise
                else:
                    await response.aclose()
                    _check(response)
                    return


def sign(key: bytes, message_id: str, timestamp: int, payload: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks."""
    signed = b"%b.%d.%b" % (message_id.encode(), timestamp, payload)
    signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


def _check(response: httpx.Response) -> None:
    """Raises NotDelivered for any status but 2xx."""
    if response.is_success:
        return
    after = response.headers.get("retry-after", "")
    seconds = (
        min(int(after), _MAX_RETRY_AFTER_SECONDS) if after.isascii() and after.isdecimal() and len(after) < 9 else 0
    )
    why = "; redirects are not followed" if response.has_redirect_location else ""
    raise NotDelivered(f"answered {response.status_code}{why}", seconds)


def _describe(error: httpx.TransportError) -> str:
    match error:
        case httpx.ConnectTimeout():
            return f"no connection after {_CONNECT_SECONDS:g} s"
        case httpx.TimeoutException():
            return "did not answer"
        case httpx.ConnectError():
            return f"could not connect: {error}"
        case _:
            return f"the connection broke: {str(error) or type(error).__name__}"
