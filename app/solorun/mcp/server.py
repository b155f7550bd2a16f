"""Creates the MCP server: its tools with their annotations."""

from importlib.metadata import version
from typing import Final

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

from solorun.client import RunClient
from solorun.mcp.failures import reporting_failures
from solorun.mcp.tools import Tools

_INSTRUCTIONS: Final = (
    "Solorun runs jobs that must never overlap: only one run of a project is active at a time. A run executes the "
    "project's steps. Start a run with start_run, wait for it with follow_run, and use read_failure if it failed. "
    "Runs do real work, such as deployments: start and cancel them only if the user wants that."
)
_READS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_STARTS: Final = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False)
_CANCELS: Final = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True)


def create_server(client: RunClient) -> MCPServer[None]:
    """A server whose tools act through `client`, which stays open as long as the server runs."""
    server: MCPServer[None] = MCPServer(
        "solorun", title="Solorun", instructions=_INSTRUCTIONS, version=version("solorun"), log_level="WARNING"
    )
    tools = Tools(client)
    for annotations, functions in (
        (_READS, (tools.list_projects, tools.list_runs, tools.show_run)),
        (_READS, (tools.follow_run, tools.read_log, tools.read_failure)),
        (_STARTS, (tools.start_run, tools.rerun)),
        (_CANCELS, (tools.cancel_run,)),
    ):
        for function in functions:
            server.add_tool(reporting_failures(function), annotations=annotations, structured_output=True)
    return server
