"""Resolves the service's settings: flags override SOLORUN_<NAME>, which overrides the file. May require a token."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from solorun.errors import ConfigurationInvalid, FieldError
from solorun.projects import service_table
from solorun.projects.service_table import SERVICE_KEYS
from solorun.projects.token import HOW_TO_MAKE_ONE, read_token_file, token
from solorun.projects.validation import InvalidValue, Node, duration, format_value, path
from solorun.settings import (
    DEFAULT_PORT,
    LOOPBACK_HOSTS,
    MAX_PROJECTS_PER_PATTERN,
    MAX_STREAMS,
    MAX_STREAMS_PER_CLIENT,
    Settings,
)

T = TypeVar("T")
D = TypeVar("D")

DEFAULT_DATA_DIR: Final = ".solorun"
DEFAULT_SHUTDOWN_LIMIT_SECONDS: Final = 30.0
TOKEN_VARIABLE: Final = "SOLORUN_TOKEN"  # noqa: S105 - the variable's name, not a token


def resolve_settings(
    service: Mapping[str, object],
    environ: Mapping[str, str],
    flags: Mapping[str, Any],
    *,
    base_dir: Path,
) -> Settings:
    """The settings for the service.

    `service` is the file's [service] table, `base_dir` the file's directory. `flags` have the names of the table's
    keys; None means not given. Reads the token file; SOLORUN_TOKEN overrides SOLORUN_TOKEN_FILE. Raises
    ConfigurationInvalid with every error, each with the flag, variable or key that caused it.
    """
    sources = _Sources(service, environ, flags, base_dir)
    settings = Settings(
        host=sources.read("host", lambda _: service_table.host, "127.0.0.1"),
        port=sources.read("port", lambda _: _port, DEFAULT_PORT),
        data_dir=sources.read("data_dir", service_table.data_dir, base_dir / DEFAULT_DATA_DIR).absolute(),
        allowed_hosts=sources.read("allowed_hosts", lambda _: service_table.allowed_hosts, ()),
        public_url=sources.read("public_url", lambda _: service_table.public_url, None),
        shutdown_limit_seconds=sources.read("shutdown_limit", lambda _: duration, DEFAULT_SHUTDOWN_LIMIT_SECONDS),
        token=_read_token(sources),
        max_streams=sources.read("max_streams", lambda _: service_table.limit, MAX_STREAMS),
        max_streams_per_client=sources.read(
            "max_streams_per_client", lambda _: service_table.limit, MAX_STREAMS_PER_CLIENT
        ),
        max_projects_per_pattern=sources.read(
            "max_projects_per_pattern", lambda _: service_table.limit, MAX_PROJECTS_PER_PATTERN
        ),
    )
    _refuse_what_needs_a_token(settings, sources)
    if sources.errors:
        raise ConfigurationInvalid(sources.errors)
    return settings


class _Sources:
    """The sources of settings. Relative paths in flags and variables start at the working directory."""

    def __init__(
        self, service: Mapping[str, object], environ: Mapping[str, str], flags: Mapping[str, Any], base_dir: Path
    ) -> None:
        unknown = flags.keys() - set(SERVICE_KEYS)
        if unknown:
            raise TypeError(f"no such settings: {', '.join(sorted(unknown))}")
        self.errors: list[FieldError] = []
        self._service = service
        self._environ = environ
        self._flags = flags
        self._base_dir = base_dir

    def find(self, key: str) -> tuple[Node, Path] | None:
        """The value to use, and the directory where relative paths start."""
        flag = self._flags.get(key)
        if flag is not None:
            value = str(flag) if isinstance(flag, Path) else flag
            return Node(value, f"--{key.replace('_', '-')}", self.errors), Path.cwd()
        variable = f"SOLORUN_{key.upper()}"
        # Compose files and unit files set variables to "" that should stay unset.
        if self._environ.get(variable, "").strip():
            return Node(_parse_variable(key, self._environ[variable]), variable, self.errors), Path.cwd()
        if key in self._service:
            return Node(self._service[key], f"service.{key}", self.errors), self._base_dir
        return None

    def read(self, key: str, reader_at: Callable[[Path], Callable[[Node], T]], default: D) -> T | D:
        found = self.find(key)
        return found[0].read(reader_at(found[1]), default) if found else default

    def find_token_variable(self) -> Node | None:
        """SOLORUN_TOKEN if it is set. Set to "", it is an error, so that no service runs without a token by mistake."""
        value = self._environ.get(TOKEN_VARIABLE)
        return None if value is None else Node(value, TOKEN_VARIABLE, self.errors)

    @property
    def has_token(self) -> bool:
        """Whether a token was given, valid or not."""
        return self.find_token_variable() is not None or self.find("token_file") is not None


def _parse_variable(key: str, text: str) -> object:
    """The variable's value with the type it would have in TOML."""
    if (key == "port" or key.startswith("max_")) and text.strip().isascii() and text.strip().isdecimal():
        return int(text[:20])
    if key == "require_token":
        return {"true": True, "1": True, "false": False, "0": False}.get(text.strip().lower(), text)
    if key == "allowed_hosts":
        return [name.strip() for name in text.split(",") if name.strip()]
    return text


def _port(node: Node) -> int:
    if str(node.value).startswith("tcp://"):
        raise InvalidValue(
            "is what Kubernetes sets for a Service named solorun; set enableServiceLinks: false for the pod"
        )
    return service_table.port(node)


def _read_token(sources: _Sources) -> str | None:
    variable = sources.find_token_variable()
    file = sources.find("token_file")
    flag_wins = file is not None and file[0].pointer.startswith("--")
    if variable is not None and not flag_wins:
        return variable.read(token, None)
    if file is None:
        return None
    node, base_dir = file
    return node.read(lambda node: read_token_file(path(base_dir)(node)), None)


def _refuse_what_needs_a_token(settings: Settings, sources: _Sources) -> None:
    required = sources.read("require_token", lambda _: service_table.switch, False)
    if sources.has_token:
        return
    public_host = urlsplit(settings.public_url or "http://localhost").hostname
    foreign = [name for name in settings.allowed_hosts if name not in LOOPBACK_HOSTS]
    opening = {
        "require_token": "is set" if required else "",
        "host": "" if settings.is_loopback else f"{format_value(settings.host)} is reachable from other machines",
        "allowed_hosts": f"{format_value(foreign[0])} is not a loopback host" if foreign else "",
        "public_url": "" if public_host in LOOPBACK_HOSTS else f"{format_value(public_host)} is not a loopback host",
    }
    for key, reason in opening.items():
        found = sources.find(key)
        if reason and found:
            found[0].refuse(
                f"{reason}, so a token is required: put one into a file and set --token-file, SOLORUN_TOKEN_FILE or "
                f"token_file, or set SOLORUN_TOKEN ({HOW_TO_MAKE_ONE})"
            )
