"""Describes network failures for people.

Never with the text of a library's exception, which can contain the token or a password.
"""

import errno
import os
import re
import socket
import ssl
from collections.abc import Iterator
from typing import Final

import httpx

CONNECT_SECONDS: Final = 5.0

_NOT_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"})
_UNREACHABLE: Final = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL})
_STATUS: Final = re.compile(r"[1-5]\d\d")


def describe_failure(error: httpx.HTTPError, host: str) -> str:
    """Why a request failed, as the end of a sentence. `host` is the one that was connected to."""
    match error:
        case httpx.ConnectTimeout():
            return f"connecting took longer than {CONNECT_SECONDS:.0f} s"
        case httpx.ConnectError():
            causes = (_describe_cause(cause, host) for cause in _causes_of(error))
            return next(filter(None, causes), "connection failed")
        case httpx.TimeoutException():
            return "no response in time"
        case httpx.ProxyError():
            status = _STATUS.match(str(error))
            return f"the proxy answered with HTTP {status[0]}" if status else "the proxy refused the connection"
        case httpx.RemoteProtocolError():
            return "the connection was closed before the response was complete, or the response is not HTTP"
        case httpx.NetworkError():
            return "the connection was lost"
        case _:
            return f"the request failed ({type(error).__name__})"


def _causes_of(error: BaseException) -> Iterator[BaseException]:
    """The error and everything that it was raised from."""
    yield error
    group = error.exceptions[::-1] if isinstance(error, BaseExceptionGroup) else ()
    for cause in dict.fromkeys((*group, error.__cause__, error.__context__)):
        if cause is not None:
            yield from _causes_of(cause)


def _describe_cause(cause: BaseException, host: str) -> str | None:
    match cause:
        case ssl.SSLCertVerificationError():
            reason = cause.verify_message.rstrip(".")
            return f"its certificate is not trusted ({reason}); SSL_CERT_FILE can name a file with its CA"
        case ssl.SSLError() if cause.reason in _NOT_TLS:
            return "it does not speak TLS; use http:// instead of https://"
        case ssl.SSLError():
            return f"the TLS handshake failed ({cause.reason})"
        case socket.gaierror() | UnicodeError():
            return f'the name "{host}" does not resolve'
        case ConnectionRefusedError():
            return "connection refused"
        case OSError(errno=number) if number in _UNREACHABLE:
            return os.strerror(number).lower()
        case ConnectionResetError() | BrokenPipeError():
            return "the connection was reset"
        case _:
            return None
