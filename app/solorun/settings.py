"""The service's settings and the layout of its data directory, as values. `projects/` reads them from solorun.toml."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
DEFAULT_PORT: Final = 8700
LOG_FORMATS: Final = ("text", "json")
MAX_PORT: Final = 65_535

_DURATION_PART = re.compile(r"(\d{1,20}(?:\.\d{1,20})?)(ms|s|m|h|d)", re.ASCII)
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([kMGT])(i?)B", re.ASCII)
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Settings:
    """How the service runs. All values are validated, and `data_dir` is absolute.

    `token` is the secret itself; None if no token is required. `database_url` is that of a PostgreSQL database; None
    for SQLite in `data_dir`. `secret_key` encrypts secret parameters in that database; None for a key in a file.
    All three are omitted by repr. `artifact_store` is the URL of a bucket; None for a directory. Artifacts and
    workspaces are in `data_dir`, or in `shared_dir` if several hosts share one. Without `execute_runs`,
    workers execute all runs.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    allowed_hosts: tuple[str, ...] = ()
    public_url: str | None = None
    token: str | None = field(default=None, repr=False)
    database_url: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    artifact_store: str | None = None
    shared_dir: Path | None = None
    execute_runs: bool = True
    shutdown_limit_seconds: float = 30.0
    log_format: str = "text"
    otlp_endpoint: str | None = None
    max_streams: int = 5_000
    max_streams_per_client: int = 2_000
    max_projects_per_pattern: int = 1_000

    @property
    def root_path(self) -> str:
        """The path of `public_url`, under which a proxy serves the service: "" or "/solorun"."""
        return urlsplit(self.public_url).path.rstrip("/") if self.public_url else ""


def parse_duration(text: str) -> float:
    """The seconds of "30s", "1.5h", "1h30m" or "500ms". Raises ValueError with a message that shows the format."""
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'"{text}" is not a duration; write it like "30s", "20m" or "1h30m"')
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)


def parse_size(text: str) -> int:
    """The bytes of "500MB", "1.5GB" or "1GiB". Raises ValueError with a message that shows the format."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not a size; write it like "500MB" or "1GiB"')
    number, unit, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** ("kMGT".index(unit) + 1))


def format_duration(seconds: float) -> str:
    """The inverse of `parse_duration`."""
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    parts = []
    for unit in ("d", "h", "m"):
        count, seconds = divmod(seconds, _UNIT_SECONDS[unit])
        if count:
            parts.append(f"{count:g}{unit}")
    if seconds or not parts:
        parts.append(f"{seconds:g}s")
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The paths in the service's data directory. Creates nothing.

    Artifacts, workspaces and the key are in `shared` instead, if it is given: a directory that several hosts share.
    """

    path: Path
    shared: Path | None = None

    @property
    def files(self) -> Path:
        """Where artifacts, workspaces and the key are."""
        return self.shared or self.path

    @property
    def all_artifacts(self) -> Path:
        """The directories of all runs."""
        return self.files / "artifacts"

    @property
    def owner_file(self) -> Path:
        """Names the owner, for the error message of a process that cannot get the lock."""
        return self.path / "solorun.owner.json"

    @property
    def key_file(self) -> Path:
        """The key for the secret parameters of queued runs, if no setting has one."""
        return self.files / "solorun.key"

    def artifacts(self, run_id: int) -> Path:
        """The files of a run that can be downloaded."""
        return self.all_artifacts / str(run_id)

    def workspace(self, project: str) -> Path:
        """The files that a project keeps between its runs."""
        return self.files / "workspaces" / project
