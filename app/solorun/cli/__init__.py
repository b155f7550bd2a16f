"""The command line, based on `RunClient` and the server.

`app` assembles the commands of `commands/` into a `command_group`, and returns one of the `exit_codes`; `errors` turns
exceptions into messages. Before a command begins, `descriptors` opens closed standard descriptors and `text_arguments`
reads UTF-8. Commands share `options`, `param_types` and `completion`. `client` connects them to the service, or
`configuration` reads solorun.toml. `starting` and `given_params` belong to commands that start runs, and `waiting` and
`interrupts` to those that wait. `render/` prints, and `demo/` starts the processes of the demo.
"""

from solorun.cli.app import main

__all__ = ["main"]
