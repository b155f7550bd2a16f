"""The functions of coroutine steps, and errors about modules that do not work."""

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from solorun.errors import ConfigurationInvalid
from solorun.project import CoroutineStep
from solorun.projects.configuration import Configuration
from solorun.projects.loader import check_document

Check = Callable[[str], Configuration]
FindErrors = Callable[[str], dict[str, str]]
Write = Callable[[str, str], Path]

GOOD = "async def main(step): ...\n"


def declare(project: str, call: str, directory: str = ".") -> str:
    return f'[projects.{project}]\ndir = "{directory}"\nsteps = [{{ name = "main", call = "{call}" }}]\n'


def test_a_coroutine_is_found_in_the_projects_directory(check: Check, write: Write) -> None:
    write("work/handbook_a/__init__.py", "")
    write("work/handbook_a/generate.py", GOOD)

    project = check(declare("p", "handbook_a.generate:main", "work")).get_project("p")

    [step] = project.steps
    assert isinstance(step, CoroutineStep)
    assert step.function is sys.modules["handbook_a.generate"].main
    assert (step.call, step.kind) == ("handbook_a.generate:main", "coroutine")


def test_a_coroutine_may_come_from_a_package_without_init(check: Check, write: Write) -> None:
    write("spaced_b/generate.py", GOOD)

    assert check(declare("p", "spaced_b.generate:main")).get_project("p").name == "p"


def test_a_coroutine_may_come_from_an_installed_package(check: Check, write: Write) -> None:
    # A directory that merely has a package's name (a data directory, say) does not hide the package.
    write("anyio/notes.txt", "")

    assert check(declare("p", "anyio:sleep")).get_project("p").name == "p"


def test_the_directory_is_appended_to_the_path_once(check: Check, write: Write, tmp_path: Path) -> None:
    write("steps_c.py", GOOD)
    write("steps_d.py", GOOD)

    check(declare("p", "steps_c:main") + declare("q", "steps_d:main"))

    assert sys.path[-1] == str(tmp_path)
    assert sys.path.count(str(tmp_path)) == 1


def test_an_invalid_file_leaves_the_path_unchanged(find_errors: FindErrors, write: Write) -> None:
    write("steps_e.py", GOOD)
    before = list(sys.path)

    find_errors("nonsense = 1\n" + declare("p", "steps_e:main"))

    assert sys.path == before


def test_a_plain_function_is_a_step(check: Check, write: Write) -> None:
    write("handbook_p.py", "def main(step): ...")

    [step] = check(declare("p", "handbook_p:main")).get_project("p").steps

    assert isinstance(step, CoroutineStep)
    assert (step.call, step.kind) == ("handbook_p:main", "function")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", 'the module "broken" has no "main"'),
        ("async def mian(step): ...", 'the module "broken" has no "main"; did you mean "mian"?'),
        ("def __getattr__(name): 1 / 0", 'the module "broken" has no "main"'),
        ("class main: ...", "is not a function; write async def main(step: StepContext) -> None, or def main(step: F"),
        ("def main(step): yield", 'contains "yield"'),
        ("main = 5", "is not a function"),
        ("async def main(step): yield", 'contains "yield"'),
        ("async def main(): ...", "must accept the step as its only argument"),
        ("async def main(step, other): ...", "must accept the step as its only argument"),
        ("def (", "importing broken failed: SyntaxError"),
        ("import no_such_module_g", "importing broken failed: ModuleNotFoundError: No module named 'no_such_module_g'"),
        ("\n1 / 0", "importing broken failed: ZeroDivisionError: division by zero ("),
        ("raise SystemExit(2)", "importing broken calls sys.exit"),
        ("import asyncio\nraise asyncio.CancelledError", "importing broken failed: asyncio.exceptions.CancelledError"),
        ("raise ValueError('x' * 5000)", "importing broken failed: ValueError: xxx"),
    ],
)
def test_an_unusable_module_is_an_error_of_its_step(
    find_errors: FindErrors, write: Write, source: str, words: str
) -> None:
    write("broken.py", source)

    errors = find_errors(declare("p", "broken:main"))

    assert list(errors) == ["projects.p.steps[0].call"]
    assert words in errors["projects.p.steps[0].call"]
    assert len(errors["projects.p.steps[0].call"]) < 500


def test_an_import_error_has_the_file_and_the_line(find_errors: FindErrors, write: Write) -> None:
    file = write("broken_h.py", "\n\n1 / 0")

    [message] = find_errors(declare("p", "broken_h:main")).values()

    assert message.endswith(f"({file}, line 3)")


@pytest.mark.parametrize(
    ("call", "missing"), [("absent_i:main", "absent_i"), ("absent_i.x:main", "absent_i"), ("pack_i.x:main", "pack_i.x")]
)
def test_a_missing_module_is_named(
    find_errors: FindErrors, write: Write, tmp_path: Path, call: str, missing: str
) -> None:
    write("pack_i/__init__.py", "")

    [message] = find_errors(declare("p", call)).values()

    assert message == f'no module "{missing}" in {tmp_path} or in the installed packages'


@pytest.mark.parametrize("call", ["json:main", "random.generate:main"])
def test_a_module_named_like_one_of_the_standard_library_is_an_error(
    find_errors: FindErrors, write: Write, call: str
) -> None:
    write("json.py", GOOD)
    write("random/__init__.py", "")
    write("random/generate.py", GOOD)

    [message] = find_errors(declare("p", call)).values()

    assert "is a module of the standard library" in message
    assert "rename it" in message


def test_a_module_named_like_an_installed_one_is_an_error(find_errors: FindErrors, write: Write) -> None:
    own = write("anyio.py", GOOD)

    [message] = find_errors(declare("p", "anyio:main")).values()

    assert message.startswith(f"{own} and ")
    assert message.endswith('are both the module "anyio", but Python keeps only one; rename one of them')


def test_the_same_module_name_in_two_projects_is_an_error_of_the_second(find_errors: FindErrors, write: Write) -> None:
    first = write("a/steps_j.py", GOOD)
    second = write("b/steps_j.py", GOOD)

    errors = find_errors(declare("first", "steps_j:main", "a") + declare("second", "steps_j:main", "b"))

    assert errors == {
        "projects.second.steps[0].call": (
            f'{second} and {first} are both the module "steps_j", but Python keeps only one; rename one of them'
        )
    }


def test_a_module_imported_indirectly_is_not_shared_with_another_project(find_errors: FindErrors, write: Write) -> None:
    write("a/steps_k.py", "import settings_k\n" + GOOD)
    write("a/settings_k.py", "")
    write("b/other_k.py", "import settings_k\n" + GOOD)
    write("b/settings_k.py", "")

    errors = find_errors(declare("first", "steps_k:main", "a") + declare("second", "other_k:main", "b"))

    assert list(errors) == ["projects.second.steps[0].call"]
    assert 'are both the module "settings_k"' in errors["projects.second.steps[0].call"]


def test_parts_of_a_namespace_package_are_distinguished(find_errors: FindErrors, write: Write) -> None:
    write("a/space_l/generate.py", GOOD)
    write("b/space_l/generate.py", GOOD)

    errors = find_errors(
        declare("first", "space_l.generate:main", "a") + declare("second", "space_l.generate:main", "b")
    )

    assert list(errors) == ["projects.second.steps[0].call"]
    assert "was imported instead" in errors["projects.second.steps[0].call"]


def test_projects_that_share_a_directory_share_its_modules(check: Check, write: Write) -> None:
    write("steps_m.py", GOOD)

    configuration = check(declare("p", "steps_m:main") + declare("q", "steps_m:main"))

    assert configuration.get_project("p").steps == configuration.get_project("q").steps


def test_a_function_added_to_a_loaded_module_needs_a_restart(
    check: Check, find_errors: FindErrors, write: Write
) -> None:
    write("steps_n.py", GOOD)
    check(declare("p", "steps_n:main"))
    write("steps_n.py", GOOD + "async def added(step): ...\n")

    [message] = find_errors(declare("p", "steps_n:added")).values()

    assert message.endswith("changes to imported code take effect after a restart of the service")


def test_a_module_that_became_a_package_needs_a_restart(check: Check, find_errors: FindErrors, write: Write) -> None:
    old = write("steps_o.py", GOOD)
    check(declare("p", "steps_o:main"))
    old.unlink()
    write("steps_o/__init__.py", GOOD)

    [message] = find_errors(declare("p", "steps_o:main")).values()

    assert message == f'the module "steps_o" was imported from {old}, which is gone; restart the service'


def test_a_module_that_failed_is_imported_again(check: Check, find_errors: FindErrors, write: Write) -> None:
    write("steps_p.py", "1 / 0")
    find_errors(declare("p", "steps_p:main"))
    write("steps_p.py", GOOD)

    assert check(declare("p", "steps_p:main")).get_project("p").name == "p"


def test_a_module_written_within_one_tick_of_the_clock_is_found(check: Check, write: Write, tmp_path: Path) -> None:
    write("steps_t.py", GOOD)
    check(declare("p", "steps_t:main"))
    importlib.util.find_spec("a_name_that_makes_python_list_the_directory")
    seen = tmp_path.stat()
    write("steps_u.py", GOOD)
    os.utime(tmp_path, ns=(seen.st_atime_ns, seen.st_mtime_ns))

    assert check(declare("p", "steps_u:main")).get_project("p").name == "p"


def test_a_module_without_an_origin_is_accepted(find_errors: FindErrors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "made_q", ModuleType("made_q"))

    assert find_errors(declare("p", "made_q:main")).keys() == {"projects.p.steps[0].call"}


def test_a_module_may_remove_its_directory_from_the_path(find_errors: FindErrors, write: Write) -> None:
    write("steps_s.py", "import sys\nsys.path.pop()\n")

    assert list(find_errors(declare("p", "steps_s:main"))) == ["projects.p.steps[0].call"]


def test_a_name_too_long_for_a_file_is_a_missing_module(find_errors: FindErrors) -> None:
    [message] = find_errors(declare("p", "x" * 300 + ":main")).values()

    assert message.startswith("no module")


def test_an_invalid_directory_is_not_searched(find_errors: FindErrors) -> None:
    assert list(find_errors(declare("p", "absent:main", "nowhere"))) == ["projects.p.dir"]


def test_ctrl_c_interrupts_an_import(write: Write, tmp_path: Path) -> None:
    write("steps_r.py", "raise KeyboardInterrupt")

    with pytest.raises(KeyboardInterrupt):
        check_document(tmp_path / "solorun.toml", declare("p", "steps_r:main").encode())


def test_coroutine_errors_are_reported_with_all_others(write: Write, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid) as caught:
        check_document(tmp_path / "solorun.toml", f"x = 1\n{declare('p', 'absent:main')}timeout = 3".encode())

    assert [error.pointer for error in caught.value.errors] == ["x", "projects.p.steps[0].call", "projects.p.timeout"]
