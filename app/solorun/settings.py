"""The service's settings as values, and their precedence: a flag beats SOLORUN_<NAME> beats the file.

Reading files is not done here: see `projects/` for solorun.toml.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

LOOPBACK_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
DEFAULT_PORT: Final = 8700

_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Settings:
    """How the service runs. Every value is checked; `data_dir` is absolute.

    `token` is the secret itself (never printed: repr leaves it out), None when nobody is asked for one.
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    allowed_hosts: tuple[str, ...] = ()
    public_url: str | None = None
    token: str | None = field(default=None, repr=False)
    shutdown_limit_seconds: float = 30.0

    @property
    def root_path(self) -> str:
        """The path of `public_url` below which a proxy serves the service: "" or "/solorun"."""
        return urlsplit(self.public_url).path.rstrip("/") if self.public_url else ""

    @property
    def is_loopback(self) -> bool:
        return self.host in LOOPBACK_HOSTS


def parse_duration(text: str) -> float:
    """Seconds of "30s", "1.5h", "1h30m", "500ms".

    Raises ValueError, whose message says what a duration looks like.
    """
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f'"{text}" is not a duration; write it like "30s", "20m" or "1h30m"')
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)
