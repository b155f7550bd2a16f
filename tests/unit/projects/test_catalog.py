"""When solorun.toml is read again, and what stays in effect while it is broken."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from solorun.errors import ConfigurationInvalid, FieldError, ProjectNotFound
from solorun.projects import Catalog, catalog
from solorun.projects.loader import ConfigurationUnreadable

Write = Callable[[str, str], Path]

ONE = '[[projects.one.steps]]\nname = "only"\nrun = "true"\n'
TWO = '[[projects.two.steps]]\nname = "only"\nrun = "true"\n'


def test_opening_needs_a_valid_file(rewrite: Callable[[str], Path]) -> None:
    file = rewrite("[service]\nport = 'x'\n" + ONE)

    with pytest.raises(ConfigurationInvalid, match=r"service\.port"):
        Catalog.open(file)


def test_opening_without_a_file_mentions_init(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match="`solorun init` writes an example"):
        Catalog.open(tmp_path / "solorun.toml")


def test_a_relative_path_starts_at_the_working_directory(
    rewrite: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rewrite(ONE)
    monkeypatch.chdir(tmp_path)

    opened = Catalog.open(Path("solorun.toml"))

    assert opened.path == tmp_path / "solorun.toml"
    assert opened.get_project("one").directory == tmp_path


def test_projects_and_families_are_those_of_the_configuration(rewrite: Callable[[str], Path]) -> None:
    opened = Catalog.open(rewrite(ONE + TWO.replace(".two.", '."two-*".')))

    assert list(opened.configuration.projects.values()) == [opened.get_project("one")]
    assert list(opened.configuration.families) == [opened.configuration.find_family("two-x")]
    assert opened.errors == ()


async def test_a_changed_file_is_read_before_the_next_start(
    rewrite: Callable[[str], Path], errors: Callable[[], list[str]]
) -> None:
    opened = Catalog.open(rewrite(ONE))
    rewrite(TWO)

    await opened.refresh()

    assert opened.get_project("two").name == "two"
    with pytest.raises(ProjectNotFound):
        opened.get_project("one")
    assert errors() == []


async def test_an_unchanged_file_is_not_read_again(rewrite: Callable[[str], Path], readings: list[Path]) -> None:
    opened = Catalog.open(rewrite(ONE))
    readings.clear()

    await opened.refresh()
    await opened.refresh()

    assert readings == []


async def test_a_replaced_file_of_the_same_age_and_size_is_seen(rewrite: Callable[[str], Path], write: Write) -> None:
    file = rewrite(ONE)
    seen = file.stat()
    opened = Catalog.open(file)
    other = write("other.toml", ONE.replace("one", "two"))
    os.utime(other, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    other.replace(file)

    await opened.refresh()

    assert list(opened.configuration.projects) == ["two"]


async def test_a_broken_file_is_reported_once_and_the_last_valid_one_stays(
    rewrite: Callable[[str], Path], errors: Callable[[], list[str]]
) -> None:
    opened = Catalog.open(rewrite(ONE))
    file = rewrite(ONE + "timeout = 3\n")

    await opened.refresh()
    await opened.refresh()

    assert opened.get_project("one").name == "one"
    assert [error.pointer for error in opened.errors] == ["projects.one.steps[0].timeout"]
    assert errors() == [
        f"The last valid configuration stays in effect: {file} has an error: projects.one.steps[0].timeout: "
        'expected a duration like "30s", "20m" or "1h30m", got 3'
    ]


async def test_every_error_has_its_own_line_in_the_log(
    rewrite: Callable[[str], Path], errors: Callable[[], list[str]]
) -> None:
    opened = Catalog.open(rewrite(ONE))
    file = rewrite("a = 1\nb = 2\n" + ONE)

    await opened.refresh()

    head, first, second = errors()
    assert head == f"The last valid configuration stays in effect: {file} has 2 errors:"
    assert first.startswith("  a: unknown key")
    assert second.startswith("  b: unknown key")


async def test_a_corrected_file_is_accepted(rewrite: Callable[[str], Path]) -> None:
    opened = Catalog.open(rewrite(ONE))
    rewrite("broken")
    await opened.refresh()

    rewrite(ONE + TWO)
    await opened.refresh()

    assert opened.errors == ()
    assert opened.get_project("two").name == "two"


async def test_a_file_that_was_emptied_keeps_its_projects(rewrite: Callable[[str], Path]) -> None:
    opened = Catalog.open(rewrite(ONE))
    rewrite("")

    await opened.refresh()

    assert opened.get_project("one").name == "one"
    assert opened.errors == (FieldError("projects", "is missing; declare a project in a table [projects.<name>]"),)


async def test_a_missing_file_is_an_error_until_it_exists_again(
    rewrite: Callable[[str], Path], errors: Callable[[], list[str]]
) -> None:
    file = rewrite(ONE)
    opened = Catalog.open(file)
    file.unlink()
    await opened.refresh()
    await opened.refresh()
    found = opened.errors

    rewrite(ONE)
    await opened.refresh()

    assert [error.message for error in found] == [f"{file} does not exist. `solorun init` writes an example."]
    assert len(errors()) == 1
    assert opened.errors == ()


async def test_a_reload_checks_the_directories_again(rewrite: Callable[[str], Path], tmp_path: Path) -> None:
    opened = Catalog.open(rewrite(ONE))
    rewrite(ONE + '[projects.two]\ndir = "later"\nsteps = [{ name = "a", run = "true" }]\n')
    await opened.refresh()
    (tmp_path / "later").mkdir()
    await opened.refresh()
    found_before = opened.errors

    await opened.reload()

    assert [error.pointer for error in found_before] == ["projects.two.dir"]
    assert opened.errors == ()
    assert opened.get_project("two").directory == tmp_path / "later"


async def test_touching_the_file_is_a_change(rewrite: Callable[[str], Path], readings: list[Path]) -> None:
    opened = Catalog.open(rewrite(ONE))
    readings.clear()
    rewrite(ONE)

    await opened.refresh()

    assert len(readings) == 1


async def test_a_changed_service_table_requires_a_restart(
    rewrite: Callable[[str], Path], errors: Callable[[], list[str]]
) -> None:
    opened = Catalog.open(rewrite("[service]\nport = 1\nhost = '::1'\n" + ONE))
    file = rewrite("[service]\nport = 2\nhost = '::1'\nshutdown_limit = '9s'\n" + ONE)

    await opened.refresh()
    await opened.reload()

    assert errors() == [f"service.port, service.shutdown_limit changed in {file}: restart the service to apply it."]


async def test_a_service_table_changed_back_requires_no_restart(
    rewrite: Callable[[str], Path], errors: Callable[[], list[str]]
) -> None:
    opened = Catalog.open(rewrite(ONE))
    rewrite("[service]\nport = 2\n" + ONE)
    await opened.refresh()
    rewrite(ONE)

    await opened.refresh()

    assert len(errors()) == 1


@pytest.mark.parametrize("refresh", [Catalog.refresh, Catalog.reload])
async def test_an_internal_error_is_reported_and_never_fails_a_start(
    rewrite: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    refresh: Callable[[Catalog], Awaitable[None]],
    errors: Callable[[], list[str]],
) -> None:
    opened = Catalog.open(rewrite(ONE))
    rewrite(TWO)
    monkeypatch.setattr(catalog, "check_document", lambda *_, **__: 1 / 0)

    await refresh(opened)

    assert opened.get_project("one").name == "one"
    assert [error.message for error in opened.errors] == ["could not be checked: ZeroDivisionError('division by zero')"]
    assert len(errors()) == 2


async def test_a_file_that_could_not_be_read_is_read_again_before_the_next_start(
    rewrite: Callable[[str], Path], errors: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Catalog.open(rewrite(ONE))

    def refuse(path: Path) -> bytes:
        raise ConfigurationUnreadable("cannot be read: Too many open files.")

    with monkeypatch.context() as patch:
        patch.setattr(catalog, "read_document", refuse)
        await opened.reload()
        await opened.refresh()
    found = opened.errors

    await opened.refresh()

    assert [error.message for error in found] == ["cannot be read: Too many open files."]
    assert len(errors()) == 1
    assert opened.errors == ()


async def test_a_reload_reports_the_same_errors_again(
    rewrite: Callable[[str], Path], errors: Callable[[], list[str]]
) -> None:
    opened = Catalog.open(rewrite(ONE))
    rewrite("broken")

    await opened.refresh()
    await opened.reload()

    assert len(errors()) == 2
