"""Reads an artifact across lost connections: each request continues where the previous response broke off."""

from collections.abc import AsyncGenerator

import httpx

from solorun.client.reconnects import Reconnects
from solorun.client.transport import Connection
from solorun.errors import ServiceDraining, ServiceUnreachable, SolorunError, StoreUnavailable


async def stream_artifact(connection: Connection, path: str, reconnects: Reconnects) -> AsyncGenerator[bytes]:
    """Yield the bytes of the artifact at `path` in chunks, each byte once.

    Raises ServiceUnreachable immediately if nothing has arrived yet, or if the artifact has changed meanwhile.
    """
    received, tag = 0, ""
    while True:
        response = None
        try:
            headers = {"Range": f"bytes={received}-", "If-Range": tag} if received else {}
            response = await connection.open_stream(path, headers=headers)
            starts_at = response.headers.get("Content-Range", "bytes 0-").partition("-")[0]
            if starts_at != f"bytes {received}":
                raise _Changed("The artifact has changed during the download. Download it again.")
            tag = response.headers.get("ETag", "")
            async for chunk in response.aiter_raw():
                received += len(chunk)
                reconnects.record_activity()
                reconnects.record_progress()
                yield chunk
            return
        except httpx.HTTPError as error:
            cause: SolorunError = connection.unreachable(error)
        except _Changed:
            raise
        except (ServiceUnreachable, ServiceDraining, StoreUnavailable) as error:
            cause = error
        finally:
            if response is not None:
                await response.aclose()
        # A weak tag, which some proxies make of ours, does not identify bytes.
        if not received or not tag.startswith('"'):
            raise cause
        await reconnects.wait(cause, f"; {received} bytes were received.")


class _Changed(ServiceUnreachable):
    """What was received is the beginning of another version."""
