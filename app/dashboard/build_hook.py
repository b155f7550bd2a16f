"""Hatchling's build hook: puts the built dashboard into the wheel, and builds it only when what it is made of changed.

Node is needed for that alone. A wheel without the dashboard is an error; an editable install without Node only warns.
`SOLORUN_SKIP_DASHBOARD=1` builds without it, and leaves no trace that could be taken for a build.
"""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SKIP_VARIABLE: Final = "SOLORUN_SKIP_DASHBOARD"
NODE_WANTED: Final = "Node ^20.19 or >= 22.12"

_SOURCE: Final = Path("app/dashboard")
_STATIC: Final = Path("app/solorun/dashboard/static")
_STAMP: Final = ".stamp"
_INSTALLED: Final = Path("node_modules/.solorun-lock")
_INPUTS: Final = (
    "package.json",
    "package-lock.json",
    "vite.config.ts",
    "preload_manifest.ts",
    "svelte.config.js",
    "tsconfig.json",
    "index.html",
)


class DashboardNotBuilt(Exception):
    """The dashboard could not be built; the message says what to do."""


class DashboardBuildHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if os.environ.get(SKIP_VARIABLE, "") not in ("", "0"):
            return
        root = Path(self.root)
        try:
            build(root)
        except DashboardNotBuilt as error:
            if version != "editable":
                self.app.abort(str(error))
            self.app.display_warning(f"Solorun is installed without its dashboard. {error}")
            return
        build_data["artifacts"] += [f"/{_STATIC}/index.html", f"/{_STATIC}/preload.json", f"/{_STATIC}/assets/*"]


def build(root: Path, environ: Mapping[str, str] = os.environ) -> bool:
    """Bring the built files up to date; whether there was anything to do. Raises DashboardNotBuilt."""
    source, static = root / _SOURCE, root / _STATIC
    wanted = digest(source, inputs(source))
    if _read(static / _STAMP) == wanted and (static / "index.html").is_file():
        return False
    npm = find_npm(environ)
    _install(source, npm, environ)
    _run([npm, "run", "--silent", "build"], source, environ)
    if not (static / "index.html").is_file():
        raise DashboardNotBuilt(f"The build ran, but there is no {_STATIC}/index.html.")
    (static / _STAMP).write_text(wanted)
    return True


def inputs(source: Path) -> Iterator[Path]:
    """The files that the built ones depend on."""
    yield from (source / name for name in _INPUTS)
    for path in sorted((source / "src").rglob("*")):
        if path.is_file() and not path.name.endswith((".test.ts", "testing.ts")):
            yield path


def digest(base: Path, paths: Iterable[Path]) -> str:
    """One hash of these files' names and contents."""
    hashed = hashlib.sha256()
    for path in paths:
        hashed.update(f"{path.relative_to(base).as_posix()}\0".encode())
        hashed.update(hashlib.sha256(path.read_bytes()).digest())
    return hashed.hexdigest()


def find_npm(environ: Mapping[str, str]) -> str:
    """The npm of a Node that is new enough. Raises DashboardNotBuilt."""
    search = environ.get("PATH")
    node, npm = shutil.which("node", path=search), shutil.which("npm", path=search)
    if node is None or npm is None:
        raise DashboardNotBuilt(
            f"The dashboard needs {NODE_WANTED} to be built, and none was found: install it (https://nodejs.org), "
            f"or set {SKIP_VARIABLE}=1 to do without the dashboard."
        )
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, env=dict(environ)).stdout
    if not is_new_enough(version):
        raise DashboardNotBuilt(
            f"The dashboard needs {NODE_WANTED} to be built, and {node} is {version.strip() or 'unknown'}: "
            f"install a newer one, or set {SKIP_VARIABLE}=1 to do without the dashboard."
        )
    return npm


def is_new_enough(version: str) -> bool:
    match = re.match(r"v(\d+)\.(\d+)", version)
    if match is None:
        return False
    major, minor = int(match[1]), int(match[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def _install(source: Path, npm: str, environ: Mapping[str, str]) -> None:
    wanted = digest(source, [source / "package.json", source / "package-lock.json"])
    if _read(source / _INSTALLED) == wanted:
        return
    _run([npm, "ci", "--no-audit", "--no-fund"], source, environ)
    (source / _INSTALLED).write_text(wanted)


def _run(command: list[str], directory: Path, environ: Mapping[str, str]) -> None:
    done = subprocess.run(
        command,
        cwd=directory,
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        name = " ".join(["npm", *command[1:]])
        raise DashboardNotBuilt(f"`{name}` failed in {_SOURCE} ({NODE_WANTED} is needed):\n{done.stdout[-4000:]}")


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None
