"""`solorun schema`: print the JSON Schema of solorun.toml, which editors check and complete the file with."""

from importlib.resources import files
from typing import Final

from solorun.cli.render.terminal import write

SCHEMA: Final = files("solorun.projects") / "solorun.schema.json"


def schema() -> None:
    """Print the JSON Schema of solorun.toml, for editors that check and complete the file."""
    write(SCHEMA.read_text("utf-8"))
