"""A host program: it declares the projects of a solorun.toml in Python, mounts Solorun and serves it with uvicorn."""

import sys
import tomllib
from pathlib import Path
from typing import Any, NoReturn

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from solorun import Command, Project, Solorun


def run(*, port: int) -> NoReturn:
    """Serve the projects of the working directory until a signal, which uvicorn repeats after the shutdown."""
    solo = _declare(tomllib.loads(Path("solorun.toml").read_text()))
    app = Starlette(routes=[Mount("/", solo.app)], lifespan=solo.lifespan)
    uvicorn.Server(uvicorn.Config(app, port=port)).run()
    sys.exit()


def _declare(tables: dict[str, Any]) -> Solorun:
    projects = []
    for name, table in tables["projects"].items():
        steps = [Command(step["name"], step["run"]) for step in table.pop("steps")]
        projects.append(Project(name, steps, **table))
    return Solorun(".solorun", projects, **tables.get("service", {}))
