from pathlib import Path

import pytest

from tests.fakes.files import find_files_with


def test_the_text_is_found_in_names_and_in_bytes(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "bytes").write_bytes(b"\xffsecret")
    (tmp_path / "secret.txt").touch()
    (tmp_path / "other").write_text("nothing")

    assert set(find_files_with("secret", tmp_path)) == {tmp_path / "below" / "bytes", tmp_path / "secret.txt"}


def test_a_file_that_is_removed_meanwhile_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "removed").write_text("secret")
    (tmp_path / "kept").write_text("secret")
    read_bytes = Path.read_bytes

    def remove_before_reading(path: Path) -> bytes:
        if path.name == "removed":
            path.unlink()
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", remove_before_reading)

    assert find_files_with("secret", tmp_path) == [tmp_path / "kept"]
