"""Which deliveries are genuine. The values come from the senders' documentation."""

from datetime import UTC, datetime, timedelta

import pytest

from solorun.hook import Verification
from solorun.triggers.verification import SENDERS, TOLERANCE_SECONDS, Delivery

GITHUB_SECRET = b"It's a Secret to Everybody"
GITHUB_SIGNATURE = b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
GITHUB_BODY = b"Hello, World!"

STANDARD_SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDARD_BODY = b'{"test": 2432232314}'
STANDARD = {
    b"webhook-id": b"msg_p5jXN8AQM9LWM0D4loKWxJek",
    b"webhook-timestamp": b"1614265330",
    b"webhook-signature": b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
STANDARD_TIME = datetime.fromtimestamp(1614265330, UTC)


def is_genuine(
    verify: Verification, secret: bytes, headers: dict[bytes, bytes], body: bytes, now: datetime = STANDARD_TIME
) -> bool:
    return SENDERS[verify].is_genuine(secret, Delivery(headers, body), now)


def test_the_example_of_githubs_documentation_is_genuine() -> None:
    headers = {b"x-hub-signature-256": GITHUB_SIGNATURE}

    assert is_genuine(Verification.GITHUB, GITHUB_SECRET, headers, GITHUB_BODY)


@pytest.mark.parametrize(
    ("secret", "signature", "body"),
    [
        (b"It's a secret to everybody", GITHUB_SIGNATURE, GITHUB_BODY),
        (GITHUB_SECRET, GITHUB_SIGNATURE, GITHUB_BODY + b"\n"),
        (GITHUB_SECRET, GITHUB_SIGNATURE.removeprefix(b"sha256="), GITHUB_BODY),
        (GITHUB_SECRET, GITHUB_SIGNATURE[:-1], GITHUB_BODY),
        (GITHUB_SECRET, b"sha256=", GITHUB_BODY),
        (GITHUB_SECRET, "sha256=é".encode(), GITHUB_BODY),
        (GITHUB_SECRET, b"", GITHUB_BODY),
    ],
)
def test_another_secret_signature_or_body_is_not_genuine_for_github(
    secret: bytes, signature: bytes, body: bytes
) -> None:
    assert not is_genuine(Verification.GITHUB, secret, {b"x-hub-signature-256": signature}, body)


def test_githubs_older_signature_is_not_read() -> None:
    assert not is_genuine(Verification.GITHUB, GITHUB_SECRET, {b"x-hub-signature": GITHUB_SIGNATURE}, GITHUB_BODY)


@pytest.mark.parametrize("secret", [STANDARD_SECRET, STANDARD_SECRET.removeprefix(b"whsec_")])
@pytest.mark.parametrize("signatures", [b"%b", b"v1,invalid %b", b"%b v1a,other", b"v1, %b"])
def test_the_example_of_standard_webhooks_is_genuine_among_other_signatures(secret: bytes, signatures: bytes) -> None:
    headers = STANDARD | {b"webhook-signature": signatures % STANDARD[b"webhook-signature"]}

    assert is_genuine(Verification.STANDARD, secret, headers, STANDARD_BODY)


@pytest.mark.parametrize(
    "change",
    [
        {b"webhook-id": b"msg_other"},
        {b"webhook-timestamp": b"1614265331"},
        {b"webhook-timestamp": b" 1614265330"},
        {b"webhook-timestamp": b"-1"},
        {b"webhook-timestamp": b""},
        {b"webhook-signature": b""},
        {b"webhook-signature": STANDARD[b"webhook-signature"].replace(b"v1,", b"v2,")},
    ],
)
def test_another_id_time_or_signature_is_not_genuine_for_standard_webhooks(change: dict[bytes, bytes]) -> None:
    assert not is_genuine(Verification.STANDARD, STANDARD_SECRET, STANDARD | change, STANDARD_BODY)


@pytest.mark.parametrize("secret", [b"whsec_", b"", b"not base64!"])
def test_a_secret_that_is_no_base64_verifies_nothing(secret: bytes) -> None:
    assert not is_genuine(Verification.STANDARD, secret, STANDARD, STANDARD_BODY)


@pytest.mark.parametrize(
    ("seconds", "genuine"),
    [
        (TOLERANCE_SECONDS, True),
        (-TOLERANCE_SECONDS, True),
        (TOLERANCE_SECONDS + 1, False),
        (-TOLERANCE_SECONDS - 1, False),
    ],
)
def test_a_delivery_of_standard_webhooks_is_genuine_for_five_minutes(seconds: int, genuine: bool) -> None:
    now = STANDARD_TIME + timedelta(seconds=seconds)

    assert is_genuine(Verification.STANDARD, STANDARD_SECRET, STANDARD, STANDARD_BODY, now) is genuine


@pytest.mark.parametrize(
    ("headers", "genuine"),
    [
        ({b"authorization": b"Bearer right"}, True),
        ({b"authorization": b"bearer  right"}, True),
        ({b"x-gitlab-token": b"right"}, True),
        ({b"authorization": b"Basic right", b"x-gitlab-token": b"right"}, True),
        ({b"authorization": b"Bearer wrong"}, False),
        ({b"authorization": b"right"}, False),
        ({b"authorization": b"Bearer "}, False),
        ({b"x-gitlab-token": b"righ"}, False),
        ({b"x-gitlab-token": b""}, False),
        ({}, False),
    ],
)
def test_a_token_is_read_from_its_headers(headers: dict[bytes, bytes], genuine: bool) -> None:
    assert is_genuine(Verification.TOKEN, b"right", headers, b"") is genuine
