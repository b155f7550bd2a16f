"""The program and the arguments that a command step executes."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from solorun.project import CommandStep

MAX_ARGUMENT_BYTES: Final = 128 * 1024
"""What Linux accepts for one argument, with the NUL at its end."""


@contextmanager
def open_arguments(step: CommandStep) -> Iterator[tuple[Sequence[str], Sequence[int]]]:
    """The program and its arguments, and the descriptors that it has to inherit.

    A script that is too long for an argument is a file without a name: no crash leaves it behind.
    """
    if not isinstance(step.run, str):
        yield step.run, ()
        return
    # A script of several lines ends with its first command that fails, unless the step has its own shell.
    shell = step.shell or (("/bin/sh", "-e") if "\n" in step.run.strip() else ("/bin/sh",))
    data = step.run.encode()
    if len(data) < MAX_ARGUMENT_BYTES:
        yield (*shell, "-c", step.run), ()
        return
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)  # flushes, and on macOS the shell reads from here
        yield (*shell, f"/dev/fd/{file.fileno()}"), (file.fileno(),)
