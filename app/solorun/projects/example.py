"""The solorun.toml that `solorun init` writes: a project that works as it is, and the keys you need next."""

from pathlib import Path
from typing import Final

EXAMPLE: Final = '''\
# Solorun's configuration: `solorun check` checks it, `solorun serve` runs it.
# The service reads it again when it changes (but [service] only when it starts).

[service]
# host = "127.0.0.1"        # other addresses require a token: token_file = "/path/to/token"
# port = 8700
# data_dir = ".solorun"     # runs, logs and artifacts; relative to this file

[projects.hello]
title = "Hello, Solorun"
# dir = "."                 # the working directory of its commands; relative to this file
timeout = "10m"             # of the whole run
# cancel_grace = "10s"      # how long a cancelled step may clean up before it is killed
# env = { LANG = "en_US.UTF-8" }
# secrets = ["API_KEY"]     # variables whose values are masked in the log
params = ["name"]           # parameters a start may set: solorun start hello --param name=Ada

# Steps run one after another; the first failure ends the run. This step is a shell script.
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

# A list runs without a shell. Files in SOLORUN_WORKSPACE are kept for later steps and runs; files in SOLORUN_ARTIFACTS
# can be downloaded.
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

# A step can be a coroutine in your own code instead: call = "module:function", an `async def function(step)`.
# A pattern declares many projects: [projects."glossary-*"]
'''


def write_example(path: Path) -> None:
    """Write the example to `path`. Raises FileExistsError if the file exists."""
    with path.open("x", encoding="utf-8") as file:
        file.write(EXAMPLE)
