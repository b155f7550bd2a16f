"""Finds the functions that steps call by importing their modules, which executes the user's code.

Python keeps one module per name for the life of the process. A module that another one shadows is therefore an error,
and changes to imported code take effect only after a restart. Importing blocks, so a running service does it in a
thread.
"""

import importlib
import importlib.util
import inspect
import os
import sys
import threading
import traceback
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from solorun.errors import FieldError
from solorun.projects.step_tables import StepFunction, check_function
from solorun.projects.validation import InvalidValue, Node, format_value, suggest

_MAX_CAUSE_CHARS = 200


class CoroutineLoader:
    """The imports of one reading of the file. `find` is a FindFunction."""

    def __init__(self) -> None:
        self._homes: dict[Path, str] = {}
        self._added: list[str] = []
        self._shadowed: set[tuple[Path, str]] = set()

    def find(self, call: str, node: Node, directory: Path) -> StepFunction:
        self._join_path(directory, node)
        module_name, _, function_name = call.partition(":")
        top, _, _ = module_name.partition(".")
        was_loaded = module_name in sys.modules
        importlib.invalidate_caches()
        self._refuse_shadowed(directory, top)
        module = _import(module_name, directory)
        own_file = _find_file(directory, module_name)
        if own_file and not _is_same_file(own_file, module.__file__):
            self._shadowed.add((directory, top))
            raise InvalidValue(
                f"{module_name} means {own_file} here, but {module.__file__} was imported instead; rename one of them"
            )
        return _take_function(module, function_name, was_loaded=was_loaded)

    def find_module_collisions(self) -> list[FieldError]:
        """Modules imported from one project's directory that exist in another project's directory too.

        The second project would silently use the first one's module.
        """
        loaded = list(_loaded_from(self._homes))
        return [
            FieldError(
                pointer,
                f"{_find_file(home, name)} and {file} are both the module {format_value(name)}, but Python keeps only "
                "one; rename one of them",
            )
            for home, pointer in self._homes.items()
            for name, file in loaded
            if (own_file := _find_file(home, name))
            and not _is_same_file(own_file, str(file))
            and (home, name) not in self._shadowed
        ]

    def withdraw(self) -> None:
        """Remove from sys.path what this reading added, because its configuration is invalid."""
        for entry in self._added:
            # A module may have removed it itself.
            with suppress(ValueError):
                sys.path.remove(entry)

    def _join_path(self, directory: Path, node: Node) -> None:
        self._homes.setdefault(directory, node.pointer)
        if str(directory) not in sys.path:
            # At the end, so that a project's random.py does not replace the standard one.
            sys.path.append(str(directory))
            self._added.append(str(directory))

    def _refuse_shadowed(self, directory: Path, top: str) -> None:
        own_file = _find_file(directory, top)
        origin = _find_origin(top)
        if own_file is None or _is_same_file(own_file, origin):
            return
        self._shadowed.add((directory, top))
        if top in sys.stdlib_module_names:
            raise InvalidValue(
                f"{format_value(top)} is a module of the standard library, so {own_file} cannot be imported; rename it"
            )
        if origin and not Path(origin).exists():
            raise InvalidValue(
                f"the module {format_value(top)} was imported from {origin}, which is gone; restart the service"
            )
        raise InvalidValue(
            f"{own_file} and {origin} are both the module {format_value(top)}, but Python keeps only one; "
            "rename one of them"
        )


def _import(module_name: str, directory: Path) -> ModuleType:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise InvalidValue(
                f"no module {format_value(error.name)} in {directory} or in the installed packages"
            ) from None
        raise InvalidValue(_format_import_error(module_name, error)) from None
    except SystemExit:
        raise InvalidValue(
            f'importing {module_name} calls sys.exit; put a script\'s code under if __name__ == "__main__"'
        ) from None
    except BaseException as error:  # a module may raise anything
        if isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread():
            raise
        raise InvalidValue(_format_import_error(module_name, error)) from None


def _format_import_error(module_name: str, error: BaseException) -> str:
    cause = traceback.format_exception_only(error)
    line = cause[-1 if isinstance(error, SyntaxError) else 0].strip().partition("\n")[0][:_MAX_CAUSE_CHARS]
    frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    file, number = (error.filename, error.lineno) if isinstance(error, SyntaxError) else frames[-1]
    return f"importing {module_name} failed: {line} ({file}, line {number})"


def _take_function(module: ModuleType, name: str, *, was_loaded: bool) -> StepFunction:
    try:
        function = getattr(module, name)
    except Exception:  # noqa: BLE001 - a module's own __getattr__ may raise anything
        hint = suggest(name, [key for key, value in vars(module).items() if inspect.isfunction(value)])
        restart = "changes to imported code take effect after a restart of the service" if was_loaded else ""
        ends = "; ".join(filter(None, (hint, restart)))
        raise InvalidValue(
            f"the module {format_value(module.__name__)} has no {format_value(name)}{ends and '; ' + ends}"
        ) from None
    return check_function(function, name)


def _find_file(directory: Path, module_name: str) -> Path | None:
    """The file of a regular module or package of this directory."""
    stem = directory.joinpath(*module_name.split("."))
    candidates = (stem / "__init__.py", stem.with_name(f"{stem.name}.py"))
    # Unlike Path.is_file, this is False instead of an error if access is denied.
    return next((file for file in candidates if os.path.isfile(file)), None)  # noqa: PTH113


def _find_origin(top: str) -> str | None:
    """The file that a top-level module is, or would be, imported from. Executes no code."""
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:
        # __main__, for example, is loaded but has no spec.
        return None
    return spec.origin if spec else None


def _loaded_from(homes: Collection[Path]) -> Iterator[tuple[str, Path]]:
    """The top-level modules that were imported from these directories, and their files."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) if "." not in name else None
        if isinstance(file, str):
            path = Path(file)
            home = path.parent.parent if path.name == "__init__.py" else path.parent
            if home in homes:
                yield name, path


def _is_same_file(file: Path, other: str | None) -> bool:
    try:
        return other is not None and file.samefile(other)
    except OSError:
        return False
