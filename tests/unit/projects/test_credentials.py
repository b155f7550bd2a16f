"""The files of the token and of the secret key."""

import logging
import os
from pathlib import Path

import pytest

from solorun.projects.credentials import SECRET_KEY, TOKEN, Credential
from solorun.projects.validation import InvalidValue, Node

TEXT = "01d3b567f9a2c4e8"


def write(tmp_path: Path, data: bytes, mode: int = 0o600) -> Path:
    file = tmp_path / "token"
    file.write_bytes(data)
    file.chmod(mode)
    return file


def read_file(file: Path, credential: Credential = TOKEN) -> str:
    return credential.read_file(Node(str(file), "", [], file.parent))


@pytest.mark.parametrize("data", [TEXT, f"{TEXT}\n", f"\r\n {TEXT}\t\r\n"])
def test_whitespace_around_the_token_is_ignored(tmp_path: Path, data: str, caplog: pytest.LogCaptureFixture) -> None:
    assert read_file(write(tmp_path, data.encode())) == TEXT
    assert caplog.records == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"0123456789abcde\n", "shorter than 16 characters"),
        (b"0123456789abcdef\n0123456789abcdef\n", "a space, a line break"),
        (b"0123456789abcdef\x00", "non-ASCII character"),
        ("0123456789abcdefé".encode(), "non-ASCII character"),
        (b"\xff" * 20, "non-ASCII character"),
        (b"x" * 1025, "longer than 1024"),
        (b"x" * 32, "could be guessed; `openssl rand -hex 32`"),
        (b"0123456789abcdef", "could be guessed; `openssl rand -hex 32`"),
        (b"x" * 1_000_000, "longer than 1024"),
    ],
)
def test_an_invalid_token_is_refused_and_not_shown(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(InvalidValue, match=words) as caught:
        read_file(write(tmp_path, data))

    assert "0123" not in str(caught.value)


def test_a_secret_key_is_longer_than_a_token(tmp_path: Path) -> None:
    key = "01d3b567f9a2c4e8" * 2 + "7"

    assert read_file(write(tmp_path, key.encode()), SECRET_KEY) == key
    with pytest.raises(InvalidValue, match="the secret key is shorter than 32 characters"):
        read_file(write(tmp_path, TEXT.encode()), SECRET_KEY)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_can_read_is_a_warning(tmp_path: Path, mode: int, caplog: pytest.LogCaptureFixture) -> None:
    file = write(tmp_path, TEXT.encode(), mode)

    assert read_file(file) == TEXT

    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (f"Other users of this machine can read the token file {file}. Run chmod 600 on it.")


def test_a_directory_is_no_token(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="cannot be read: Is a directory"):
        read_file(tmp_path)


def test_a_token_may_come_through_a_pipe(caplog: pytest.LogCaptureFixture) -> None:
    reading, writing = os.pipe()
    os.write(writing, TEXT.encode())
    os.close(writing)

    try:
        assert read_file(Path(f"/dev/fd/{reading}")) == TEXT
    finally:
        os.close(reading)

    assert caplog.records == []
