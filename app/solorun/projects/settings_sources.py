"""Resolves the service's settings: flags override SOLORUN_<NAME>, which overrides the file. May require a token."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from solorun.errors import ConfigurationInvalid, FieldError
from solorun.projects import service_table
from solorun.projects.credentials import HOW_TO_MAKE_ONE, SECRET_KEY, TOKEN
from solorun.projects.validation import Node, format_value
from solorun.settings import LOOPBACK_HOSTS, Settings

DEFAULT_DATA_DIR: Final = ".solorun"
TOKEN_VARIABLE: Final = "SOLORUN_TOKEN"  # noqa: S105 - the variable's name, not a token
SECRET_KEY_VARIABLE: Final = "SOLORUN_SECRET_KEY"  # noqa: S105
_VARIABLE_OF_FILE: Final = {"token_file": TOKEN_VARIABLE, "secret_key_file": SECRET_KEY_VARIABLE}
"""The variables that contain what otherwise is in a file."""
_READERS: Final[Mapping[str, Callable[[Node], Any]]] = {
    **service_table.SERVICE_READERS,
    "token_file": TOKEN.read_file,
    "secret_key_file": SECRET_KEY.read_file,
    TOKEN_VARIABLE: TOKEN.read,
    SECRET_KEY_VARIABLE: SECRET_KEY.read,
}
_FIELDS: Final = {
    **dict.fromkeys(("token_file", TOKEN_VARIABLE), "token"),
    **dict.fromkeys(("secret_key_file", SECRET_KEY_VARIABLE), "secret_key"),
    "shutdown_limit": "shutdown_limit_seconds",
}
"""The settings whose names are not those of their keys."""


def resolve_settings(
    service: Mapping[str, object],
    environ: Mapping[str, str],
    flags: Mapping[str, Any],
    *,
    base_dir: Path,
    identifies_callers: bool = False,
) -> Settings:
    """The settings for the service.

    `service` is the file's [service] table, `base_dir` the file's directory. `flags` have the names of the table's
    keys; None means not given. `identifies_callers`: a host application does that, so no token is required. Reads the
    files of the token and of the secret key; SOLORUN_TOKEN overrides SOLORUN_TOKEN_FILE. Raises ConfigurationInvalid
    with every error, each with the flag, variable or key that caused it.
    """
    errors: list[FieldError] = []
    given = _find_given(service, environ, flags, base_dir, errors)

    values = {key: node.read(_READERS[key], None) for key, node in given.items()}
    required = bool(values.pop("require_token", False))
    valid = {_FIELDS.get(key, key): value for key, value in values.items() if value is not None}
    settings = Settings(**{"data_dir": (base_dir / DEFAULT_DATA_DIR).absolute(), **valid})
    if not identifies_callers and TOKEN_VARIABLE not in given and "token_file" not in given:
        _refuse_what_needs_a_token(settings, given, required=required)
    if settings.database_url is None and not settings.execute_runs:
        given["execute_runs"].refuse("requires database_url: workers share a PostgreSQL database with the service")
    if errors:
        raise ConfigurationInvalid(errors)
    return settings


def _find_given(
    service: Mapping[str, object],
    environ: Mapping[str, str],
    flags: Mapping[str, Any],
    base_dir: Path,
    errors: list[FieldError],
) -> dict[str, Node]:
    """The value to use of each setting that is given. Relative paths in flags and variables start at the working
    directory. SOLORUN_TOKEN and SOLORUN_SECRET_KEY, under their own names, take the place of files that no flag names.
    """
    unknown = flags.keys() - service_table.SERVICE_READERS.keys()
    if unknown:
        raise TypeError(f"no such settings: {', '.join(sorted(unknown))}")
    given: dict[str, Node] = {}
    for key in service_table.SERVICE_READERS:
        variable = f"SOLORUN_{key.upper()}"
        if (flag := flags.get(key)) is not None:
            value = str(flag) if isinstance(flag, Path) else flag
            given[key] = Node(value, f"--{key.replace('_', '-')}", errors, Path.cwd())
        elif (credential := _VARIABLE_OF_FILE.get(key, "")) in environ:
            # Set to "", it is an error, so that no service runs without a token by mistake.
            given[credential] = Node(environ[credential], credential, errors, Path.cwd())
        # Compose files and unit files set variables to "" that should stay unset.
        elif environ.get(variable, "").strip():
            given[key] = Node(_parse_variable(key, environ[variable]), variable, errors, Path.cwd())
        elif key in service:
            given[key] = Node(service[key], f"service.{key}", errors, base_dir)
    return given


def _parse_variable(key: str, text: str) -> object:
    """The variable's value with the type it would have in TOML."""
    if (key == "port" or key.startswith("max_")) and text.strip().isascii() and text.strip().isdecimal():
        return int(text[:20])
    if key in ("require_token", "execute_runs"):
        return {"true": True, "1": True, "false": False, "0": False}.get(text.strip().lower(), text)
    if key == "allowed_hosts":
        return [name.strip() for name in text.split(",") if name.strip()]
    return text


def _refuse_what_needs_a_token(settings: Settings, given: Mapping[str, Node], *, required: bool) -> None:
    host = settings.host
    public_host = urlsplit(settings.public_url or "http://localhost").hostname
    foreign = [name for name in settings.allowed_hosts if name not in LOOPBACK_HOSTS]
    opening = {
        "require_token": "is set" if required else "",
        "host": "" if host in LOOPBACK_HOSTS else f"{format_value(host)} is reachable from other machines",
        "allowed_hosts": f"{format_value(foreign[0])} is not a loopback host" if foreign else "",
        "public_url": "" if public_host in LOOPBACK_HOSTS else f"{format_value(public_host)} is not a loopback host",
    }
    for key, reason in opening.items():
        if reason and key in given:
            given[key].refuse(
                f"{reason}, so a token is required: put one into a file and set --token-file, SOLORUN_TOKEN_FILE or "
                f"token_file, or set SOLORUN_TOKEN ({HOW_TO_MAKE_ONE})"
            )
