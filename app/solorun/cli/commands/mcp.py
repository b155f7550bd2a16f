"""`solorun mcp`: serve the Model Context Protocol on stdin and stdout, for AI agents."""

import asyncio
import signal

from solorun.cli.client import Client, connected
from solorun.errors import ConfigurationInvalid, FieldError


@connected
async def mcp(*, client: Client) -> None:
    """Let AI agents start, follow and cancel runs. They can read logs, too. Serves the Model Context Protocol.

    An agent's program starts this command and talks to it through stdin and stdout.
    """
    try:
        from solorun.mcp import create_server
    except ModuleNotFoundError as error:
        message = f"`solorun mcp` requires another package: pip install 'solorun[mcp]' ({error})."
        raise ConfigurationInvalid([FieldError("", message)]) from None
    # Ctrl-C ends the process: the thread that reads stdin cannot be interrupted.
    asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    await create_server(client).run_stdio_async()
