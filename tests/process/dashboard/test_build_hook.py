"""The build hook: when it builds the dashboard, and its messages without Node."""

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

HOOK = Path(__file__).parents[3] / "app" / "dashboard" / "build_hook.py"

NPM = """#!/bin/sh
echo "$@" >> "$CALLS"
test "$1" = ci && mkdir -p node_modules
test "$3" = build && mkdir -p ../solorun/dashboard/static && echo page > ../solorun/dashboard/static/index.html
exit 0
"""


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    pytest.importorskip("hatchling")
    spec = importlib.util.spec_from_file_location("build_hook", HOOK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path: Path) -> Path:
    source = tmp_path / "app" / "dashboard"
    (source / "src").mkdir(parents=True)
    for name in (
        "package.json",
        "package-lock.json",
        "vite.config.ts",
        "preload_manifest.ts",
        "svelte.config.js",
        "tsconfig.json",
    ):
        (source / name).write_text("{}")
    (source / "index.html").write_text("<div>")
    (source / "src" / "main.ts").write_text("1")
    return tmp_path


@pytest.fixture
def environ(tmp_path: Path) -> Callable[..., dict[str, str]]:
    def make(version: str = "v22.12.0", npm: str = NPM) -> dict[str, str]:
        programs = tmp_path / "programs"
        programs.mkdir(exist_ok=True)
        for name, text in (("node", f"#!/bin/sh\necho {version}\n"), ("npm", npm)):
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        return {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "CALLS": str(tmp_path / "calls")}

    return make


def calls(root: Path) -> list[str]:
    return (root / "calls").read_text().splitlines()


def test_a_first_build_installs_and_builds(hook: Any, root: Path, environ: Callable[..., dict[str, str]]) -> None:
    assert hook.build(root, environ())

    assert calls(root) == ["ci --no-audit --no-fund", "run --silent build"]


def test_an_unchanged_dashboard_is_not_rebuilt(hook: Any, root: Path, environ: Callable[..., dict[str, str]]) -> None:
    hook.build(root, environ())

    assert not hook.build(root, {"PATH": ""})

    assert len(calls(root)) == 2


@pytest.mark.parametrize(
    ("changed", "called"),
    [
        ("src/main.ts", ["run --silent build"]),
        ("package-lock.json", ["ci --no-audit --no-fund", "run --silent build"]),
        ("src/main.test.ts", []),
    ],
)
def test_only_the_steps_that_a_change_requires_are_run(
    hook: Any, root: Path, environ: Callable[..., dict[str, str]], changed: str, called: list[str]
) -> None:
    hook.build(root, environ())

    (root / "app" / "dashboard" / changed).write_text("2")
    hook.build(root, environ())

    assert calls(root)[2:] == called


def test_removed_files_are_rebuilt(hook: Any, root: Path, environ: Callable[..., dict[str, str]]) -> None:
    hook.build(root, environ())
    (root / "app" / "solorun" / "dashboard" / "static" / "index.html").unlink()

    assert hook.build(root, environ())


def test_without_node_the_error_says_what_to_install(hook: Any, root: Path) -> None:
    with pytest.raises(hook.DashboardNotBuilt, match=r"Node \^20\.19 or >= 22\.12.*SOLORUN_SKIP_DASHBOARD=1"):
        hook.build(root, {"PATH": ""})


def test_an_old_node_is_rejected_with_its_version(
    hook: Any, root: Path, environ: Callable[..., dict[str, str]]
) -> None:
    with pytest.raises(hook.DashboardNotBuilt, match=r"is v18\.20\.4"):
        hook.build(root, environ("v18.20.4"))


def test_a_failed_build_shows_its_output_and_is_retried(
    hook: Any, root: Path, environ: Callable[..., dict[str, str]]
) -> None:
    with pytest.raises(hook.DashboardNotBuilt, match="no such module"):
        hook.build(root, environ(npm="#!/bin/sh\nmkdir -p node_modules; echo no such module; exit 1\n"))

    assert hook.build(root, environ())


@pytest.mark.parametrize(
    ("version", "is_enough"),
    [
        ("v20.18.9", False),
        ("v20.19.0", True),
        ("v21.7.0", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.0.0", True),
        ("", False),
    ],
)
def test_supported_versions_of_node(hook: Any, version: str, is_enough: bool) -> None:
    assert hook.is_new_enough(version) is is_enough
