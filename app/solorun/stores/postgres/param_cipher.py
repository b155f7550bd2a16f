"""Encrypts the secret parameters of runs: PostgreSQL keeps deleted values in its files, its log and its backups."""

import base64
import errno
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import cryptography  # noqa: F401 - a missing package fails here, its large part is imported with the first value
import msgspec

from solorun.errors import SecretsUnreadable, StoreUnavailable
from solorun.settings import DataDirectory, Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HOW_TO_SHARE_THE_KEY: Final = (
    "Set SOLORUN_SECRET_KEY or secret_key_file to the same key for every service that uses the database."
)

_MEMBER: Final = "$aes-256-gcm"
"""The only member of an encrypted value. No parameter has this name."""
_PREFIX: Final = f'{{"{_MEMBER}":'
_PURPOSE: Final = b"solorun: secret parameters"
_NONCE_BYTES: Final = 12

_decode = msgspec.json.Decoder(dict[str, str]).decode


class ParamCipher:
    """AES-256-GCM, with a key that all services of a database share. Its methods are called on threads.

    The key is derived from `key`, or else from the content of `file`, which the first value creates. Without both, it
    refuses every value. A value can be decrypted only for its own run.
    """

    def __init__(self, key: str | None = None, file: Path | None = None) -> None:
        self._key = key
        self._file = file

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The cipher of a service with these settings."""
        return cls(settings.secret_key, DataDirectory(settings.data_dir, settings.shared_dir).key_file)

    def encrypt(self, run_id: int, text: str) -> str:
        """Returns a JSON object. Raises StoreUnavailable if there is no key."""
        try:
            key = self._read_key(create=True)
        except OSError as error:
            raise StoreUnavailable(f"Secret parameters cannot be encrypted: {self._file}: {error.strerror}.") from error
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + _cipher(key).encrypt(nonce, text.encode(), _bind(run_id))
        return msgspec.json.encode({_MEMBER: base64.b64encode(sealed).decode()}).decode()

    def decrypt(self, run_id: int, stored: str) -> str:
        """Returns what an earlier version has stored as it is: not encrypted. Raises SecretsUnreadable."""
        if not stored.startswith(_PREFIX):
            return stored
        from cryptography.exceptions import InvalidTag

        try:
            key = self._read_key(create=False)
            sealed = base64.b64decode(_decode(stored)[_MEMBER])
            return _cipher(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bind(run_id)).decode()
        except (OSError, ValueError, msgspec.DecodeError, InvalidTag) as error:
            raise SecretsUnreadable(
                f"its secret parameters were encrypted with another key. {HOW_TO_SHARE_THE_KEY}"
            ) from error

    def _read_key(self, *, create: bool) -> str:
        if self._key is not None:
            return self._key
        if self._file is None:
            raise OSError(errno.EINVAL, "no key is set")
        if create and not self._file.exists():
            _create(self._file)
        text = self._file.read_text(encoding="utf-8", errors="replace").strip()
        if not text:
            raise OSError(errno.EINVAL, "it is empty")
        return text


def _cipher(key: str) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(hmac.digest(key.encode(), _PURPOSE, "sha256"))


def _bind(run_id: int) -> bytes:
    return b"run %d" % run_id


def _create(file: Path) -> None:
    """Complete and on disk before its name exists: a value must not outlive its key."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}-{secrets.token_hex(8)}")
    unfinished.touch(0o600, exist_ok=False)
    try:
        with unfinished.open("w", encoding="ascii") as opened:
            opened.write(f"{secrets.token_hex(32)}\n")
            opened.flush()
            os.fsync(opened.fileno())
        with suppress(FileExistsError):  # another thread or host was faster
            file.hardlink_to(unfinished)
    finally:
        unfinished.unlink()
    descriptor = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
