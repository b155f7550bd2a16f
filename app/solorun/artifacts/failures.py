"""Says why an object store failed, without its URL, which the text of its errors contains."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from obstore.exceptions import BaseError, GenericError

from solorun.artifacts.keys import NameTooLong
from solorun.errors import ArtifactNotFound, ArtifactStoreUnavailable

_CODE: Final = re.compile(r"<Code>(\w+)</Code>(?:\s*<Message>([^<]*)</Message>)?")
_STATUS: Final = re.compile(r"status code: ([1-5][0-9]{2} [A-Za-z ]+)")


@contextmanager
def translated_failures() -> Iterator[None]:
    """Raise ArtifactStoreUnavailable in place of every error but FileNotFoundError."""
    try:
        yield
    except (BaseError, TimeoutError) as error:
        raise ArtifactStoreUnavailable(f"The artifact store cannot be used: {describe_failure(error)}.") from error


def describe_failure(error: BaseException) -> str:
    """A short reason. That of the server, if it gave one."""
    if isinstance(error, ArtifactNotFound):
        return "the name is too long" if isinstance(error, NameTooLong) else "no longer a file"
    text = str(error)
    if (found := _CODE.search(text)) is not None:
        return ", ".join(filter(None, (found[1], (found[2] or "").rstrip("."))))
    if (found := _STATUS.search(text)) is not None:
        return found[1].strip()
    if isinstance(error, BaseError):
        return "no credentials were found" if "/latest/" in text else "the connection failed"
    if isinstance(error, TimeoutError):
        return "it does not respond"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def is_unreachable(error: BaseException) -> bool:
    """Whether the failure would be the same for every object."""
    found = _STATUS.search(str(error))
    return isinstance(error, GenericError) and (found is None or found[1].startswith("5"))
