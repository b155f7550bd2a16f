"""Hatchling's build hook: adds the built dashboard to the wheel, and rebuilds it only if its source has changed.

Only this build needs Node. Without Node, building a wheel fails and an editable install warns.
`SOLORUN_SKIP_DASHBOARD=1` skips the build and writes nothing that could be mistaken for one.
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
NODE_REQUIREMENT: Final = "Node ^20.19 or >= 22.12"

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
    """The dashboard could not be built. The message says what to do."""


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
            self.app.display_warning(f"Solorun will be installed without its dashboard. {error}")
            return
        build_data["artifacts"] += [f"/{_STATIC}/index.html", f"/{_STATIC}/preload.json", f"/{_STATIC}/assets/*"]


def build(root: Path, environ: Mapping[str, str] = os.environ) -> bool:
    """Update the built files if needed, and return whether it was. Raises DashboardNotBuilt."""
    source, static = root / _SOURCE, root / _STATIC
    expected = digest(source, inputs(source))
    if _read(static / _STAMP) == expected and (static / "index.html").is_file():
        return False
    npm = find_npm(environ)
    _install(source, npm, environ)
    _run([npm, "run", "--silent", "build"], source, environ)
    if not (static / "index.html").is_file():
        raise DashboardNotBuilt(f"The build succeeded, but did not write {_STATIC}/index.html.")
    (static / _STAMP).write_text(expected)
    return True


def inputs(source: Path) -> Iterator[Path]:
    """The source files of the build."""
    yield from (source / name for name in _INPUTS)
    for path in sorted((source / "src").rglob("*")):
        if path.is_file() and not path.name.endswith((".test.ts", "testing.ts")):
            yield path


def digest(base: Path, paths: Iterable[Path]) -> str:
    """A hash of the names and contents of these files."""
    hashed = hashlib.sha256()
    for path in paths:
        hashed.update(f"{path.relative_to(base).as_posix()}\0".encode())
        hashed.update(hashlib.sha256(path.read_bytes()).digest())
    return hashed.hexdigest()


def find_npm(environ: Mapping[str, str]) -> str:
    """The path of npm, if Node is recent enough. Raises DashboardNotBuilt."""
    search = environ.get("PATH")
    node, npm = shutil.which("node", path=search), shutil.which("npm", path=search)
    if node is None or npm is None:
        raise DashboardNotBuilt(
            f"Building the dashboard requires {NODE_REQUIREMENT}, which was not found. Install it "
            f"(https://nodejs.org), or set {SKIP_VARIABLE}=1 to install without the dashboard."
        )
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, env=dict(environ)).stdout
    if not is_new_enough(version):
        raise DashboardNotBuilt(
            f"Building the dashboard requires {NODE_REQUIREMENT}, but {node} is {version.strip() or 'unknown'}. "
            f"Install a newer one, or set {SKIP_VARIABLE}=1 to install without the dashboard."
        )
    return npm


def is_new_enough(version: str) -> bool:
    match = re.match(r"v(\d+)\.(\d+)", version)
    if match is None:
        return False
    major, minor = int(match[1]), int(match[2])
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def _install(source: Path, npm: str, environ: Mapping[str, str]) -> None:
    expected = digest(source, [source / "package.json", source / "package-lock.json"])
    if _read(source / _INSTALLED) == expected:
        return
    _run([npm, "ci", "--no-audit", "--no-fund"], source, environ)
    (source / _INSTALLED).write_text(expected)


def _run(command: list[str], directory: Path, environ: Mapping[str, str]) -> None:
    result = subprocess.run(
        command,
        cwd=directory,
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        name = " ".join(["npm", *command[1:]])
        raise DashboardNotBuilt(
            f"`{name}` failed in {_SOURCE} ({NODE_REQUIREMENT} is required):\n{result.stdout[-4000:]}"
        )


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None
