"""Verifies that a delivery comes from the owner of a hook's secret. Compares in constant time, and reads no body."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from solorun.hook import Verification
from solorun.idempotency_key import KEY_HEADER

TOLERANCE_SECONDS: Final = 300
"""How far the time of a Standard Webhooks delivery may be from ours."""

_STANDARD_PREFIX: Final = b"whsec_"
_TIMESTAMP: Final = re.compile(rb"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request to a hook: its headers, by lower-case name, and its body as sent."""

    headers: Mapping[bytes, bytes]
    body: bytes

    def header(self, name: str) -> bytes:
        """b"" without the header."""
        return self.headers.get(name.encode(), b"")


@dataclass(frozen=True, slots=True)
class Sender:
    """A kind of sender. `id_header` identifies a delivery, and `event_header` names its event, if there are such.

    With `requires_id`, a delivery without an id could be repeated, and is refused.
    """

    is_genuine: Callable[[bytes, Delivery, datetime], bool]
    id_header: str
    requires_id: bool = True
    event_header: str | None = None


def _is_signed_by_github(secret: bytes, delivery: Delivery, _now: datetime) -> bool:
    """GitHub signs the body. Gitea and Forgejo send the same headers."""
    expected = b"sha256=" + hmac.new(secret, delivery.body, hashlib.sha256).hexdigest().encode()
    return hmac.compare_digest(expected, delivery.header("x-hub-signature-256"))


def _is_signed_by_the_standard(secret: bytes, delivery: Delivery, now: datetime) -> bool:
    """Standard Webhooks signs id, timestamp and body. There may be several signatures, of which one must be valid."""
    key, timestamp = decode_standard_secret(secret), delivery.header("webhook-timestamp")
    signed = b".".join((delivery.header("webhook-id"), timestamp, delivery.body))
    expected = b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256"))
    signatures = delivery.header("webhook-signature").split(b" ")
    is_signed = any(hmac.compare_digest(expected, signature) for signature in signatures)
    is_timed = _TIMESTAMP.fullmatch(timestamp) and abs(now.timestamp() - int(timestamp)) <= TOLERANCE_SECONDS
    return bool(key and is_signed and is_timed)


def _has_token(secret: bytes, delivery: Delivery, _now: datetime) -> bool:
    """GitLab sends the token in its own header."""
    scheme, _, credentials = delivery.header("authorization").partition(b" ")
    token = credentials.strip() if scheme.lower() == b"bearer" else delivery.header("x-gitlab-token")
    return hmac.compare_digest(hashlib.sha256(secret).digest(), hashlib.sha256(token).digest())


def decode_standard_secret(secret: bytes) -> bytes:
    """The key, which is sent in Base64; b"" if it is not valid."""
    try:
        return base64.b64decode(secret.removeprefix(_STANDARD_PREFIX), validate=True)
    except binascii.Error:
        return b""


SENDERS: Final = {
    Verification.GITHUB: Sender(_is_signed_by_github, "x-github-delivery", event_header="x-github-event"),
    Verification.STANDARD: Sender(_is_signed_by_the_standard, "webhook-id"),
    # GitLab sends the header with a retry. The owner of a token needs no old delivery to start a run.
    Verification.TOKEN: Sender(_has_token, KEY_HEADER.lower(), requires_id=False, event_header="x-gitlab-event"),
}
