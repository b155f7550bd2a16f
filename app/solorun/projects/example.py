"""The solorun.toml that `solorun init` writes: a project that works at once, and the keys a newcomer needs next."""

from pathlib import Path
from typing import Final

EXAMPLE: Final = '''\
# Solorun's configuration: `solorun check` checks it, `solorun serve` runs it.
# The running service reads it again when it changes ([service] only when it starts).

[service]
# host = "127.0.0.1"        # any other address needs a token: token_file = "/path/to/token"
# port = 8700
# data_dir = ".solorun"     # runs, logs and artifacts; relative to this file

[projects.hello]
title = "Hello, Solorun"
# dir = "."                 # where its commands work; relative to this file
timeout = "10m"             # of the whole run
# cancel_grace = "10s"      # how long a cancelled step may clean up before it is killed
# env = { LANG = "en_US.UTF-8" }
# secrets = ["API_KEY"]     # variables whose values are masked in the log
params = ["name"]           # texts that a start may give: solorun start hello --param name=Ada

# Steps run one after another; the first that fails ends the run. This one is a line for the shell.
[[projects.hello.steps]]
name = "count"
run = """
for number in 1 2 3 4 5; do
  echo "::progress current=$number,total=5::number $number"
  echo "counted to $number"
  sleep 1
done
echo "5" > "$SOLORUN_WORKSPACE/count.txt"
"""

# A list meets no shell. What a step leaves in SOLORUN_WORKSPACE the next one finds, what it leaves in
# SOLORUN_ARTIFACTS can be downloaded.
[[projects.hello.steps]]
name = "greet"
timeout = "1m"
run = ["python3", "-c", """
import os, pathlib

count = pathlib.Path(os.environ["SOLORUN_WORKSPACE"], "count.txt").read_text().strip()
greeting = f"Hello, {os.environ.get('SOLORUN_PARAM_NAME', 'world')}: I counted to {count}."
pathlib.Path(os.environ["SOLORUN_ARTIFACTS"], "greeting.txt").write_text(greeting)
print(greeting)
"""]

# A step can also be a coroutine of yours: call = "module:function", an `async def function(step)`.
# One declaration can stand for many projects: [projects."glossary-*"]
'''


def write_example(path: Path) -> None:
    """Write the example to `path`. Raises FileExistsError rather than touch a file that is there."""
    with path.open("x", encoding="utf-8") as file:
        file.write(EXAMPLE)
