"""`artifact_store` selects a bucket, for the service and for the doctor."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from solorun.artifacts import DirectoryArtifacts, bucket, find_secrets, open_artifact_store
from solorun.artifacts.object_store import ObjectArtifacts
from solorun.cli import main
from solorun.errors import ConfigurationInvalid
from solorun.settings import DataDirectory, Settings
from solorun.stores.sqlite import SqliteRunStore
from tests.fakes.project_toml import project_toml
from tests.fakes.s3_server import ENVIRON, SECRET


def test_the_url_selects_the_artifact_store(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    in_a_bucket = Settings(tmp_path, artifact_store="s3://artifacts/solorun")

    assert isinstance(open_artifact_store(Settings(tmp_path), directory, ENVIRON), DirectoryArtifacts)
    assert isinstance(open_artifact_store(in_a_bucket, directory, ENVIRON), ObjectArtifacts)
    assert find_secrets(Settings(tmp_path), ENVIRON) == {}
    assert find_secrets(in_a_bucket, ENVIRON) == {"AWS_SECRET_ACCESS_KEY": SECRET}


def test_without_the_client_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "solorun.artifacts.bucket", None)

    with pytest.raises(ConfigurationInvalid, match=r"artifact_store: .* pip install 'solorun\[s3\]'"):
        open_artifact_store(Settings(tmp_path, artifact_store="s3://artifacts"), DataDirectory(tmp_path), {})


def test_doctor_reports_a_bucket_that_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(bucket.RETRIES, "retry_timeout", timedelta(milliseconds=50))
    for name, value in {**ENVIRON, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SOLORUN_ARTIFACT_STORE", "s3://artifacts")
    (tmp_path / "solorun.toml").write_text(project_toml("handbook", {"extract": "true"}))
    asyncio.run(create_database(tmp_path / "data"))

    code = main(["doctor", "--config", str(tmp_path / "solorun.toml"), "--data-dir", str(tmp_path / "data")])

    assert code == 0
    assert "The artifact store cannot be used: the connection failed." in caplog.text
    assert SECRET not in caplog.text


async def create_database(data_dir: Path) -> None:
    await (await SqliteRunStore.open(data_dir)).close()
