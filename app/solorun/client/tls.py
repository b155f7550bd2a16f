"""Loads the certificates that the client trusts: those of SSL_CERT_FILE and SSL_CERT_DIR, else the ones of certifi."""

import os
import ssl
from pathlib import Path

import httpx

from solorun.errors import ConfigurationInvalid, FieldError


def create_tls_context() -> ssl.SSLContext:
    """Raises ConfigurationInvalid, which names the variable and its file, if the certificates cannot be loaded."""
    file, directory = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if not file and not directory:
        return httpx.create_ssl_context(trust_env=False)
    # OpenSSL ignores a missing directory, and its errors do not name the file.
    if directory and not Path(directory).is_dir():
        raise ConfigurationInvalid([FieldError("SSL_CERT_DIR", f"there is no directory {directory}")])
    try:
        return ssl.create_default_context(cafile=file or None, capath=directory or None)
    except OSError as error:
        problem = "contains no certificates" if isinstance(error, ssl.SSLError) else f"cannot be read: {error.strerror}"
        raise ConfigurationInvalid([FieldError("SSL_CERT_FILE", f"{file} {problem}")]) from None
