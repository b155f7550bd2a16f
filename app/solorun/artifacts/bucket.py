"""Connects to a bucket of an S3-compatible store. Its credentials come from the environment."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from obstore.store import S3Store

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

_VARIABLES: Final = (
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"),
)
"""Those that a host application may pass. obstore finds the others in the environment of the process."""
RETRIES: Final["RetryConfig"] = {
    "max_retries": 20,
    "retry_timeout": timedelta(seconds=60),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=10),
        "base": 2,
    },
}
"""An upload is tried for a minute. Readers do not wait as long."""


def open_bucket(url: str, environ: Mapping[str, str]) -> S3Store:
    """The objects below `url`, such as s3://bucket/prefix. Sends nothing yet."""
    config: Any = {name.lower(): environ[name] for name in _VARIABLES if environ.get(name)}
    endpoint = config.get("aws_endpoint_url_s3") or config.get("aws_endpoint_url") or ""
    options: ClientConfig = {
        "allow_http": endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=5),
        # A download takes as long as its reader wants. What bounds a request is how long nothing arrives.
        "timeout": timedelta(days=1),
        "read_timeout": timedelta(seconds=120),
    }
    return S3Store.from_url(url, config=config, client_options=options, retry_config=RETRIES)
