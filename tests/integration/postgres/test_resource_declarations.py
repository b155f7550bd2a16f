"""Services on one database whose solorun.toml declares other resources."""

import asyncio
import logging

import pytest

from solorun.runs import ResourceDeclarations, resource_declarations
from tests.fakes.declared_projects import DeclaredProjects
from tests.fakes.engine import Engine


async def test_a_service_warns_once_if_another_one_declares_other_resources(
    engines: tuple[Engine, Engine], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "solorun.runs")
    here, there = (declarations_of(engine) for engine in engines)
    await declare(here, gpu=1, disk=3)
    await here.compare()
    await declare(there, gpu=2)

    await here.compare()
    await here.compare()
    await there.compare()

    replaced, warning = [record for record in caplog.records if "resources" in record.message]
    assert (replaced.levelname, warning.levelname) == ("INFO", "WARNING")
    assert replaced.message.endswith(": gpu has 2 slots instead of 1, disk has none instead of 3")
    assert "apply to all: gpu has 2 slots instead of 1, disk has none instead of 3. Use the same" in warning.message

    await declare(here, gpu=2)
    await here.compare()
    await declare(there, gpu=4)
    await here.compare()

    assert "gpu has 4 slots instead of 2" in caplog.messages[-1]


async def test_other_resources_are_found_although_a_look_has_failed_unexpectedly(
    engines: tuple[Engine, Engine], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource_declarations, "WATCH_SECONDS", 0.01)
    here, there = engines
    await declare(declarations_of(here), gpu=1)
    await declare(declarations_of(there), gpu=2)
    here.faults.fail("list_resources", RuntimeError("can't start new thread"))

    watching = asyncio.create_task(declarations_of(here).watch())
    await here.until(lambda: "apply to all: gpu has 2 slots instead of 1" in caplog.text)

    watching.cancel()


def declarations_of(engine: Engine) -> ResourceDeclarations:
    return engine.manager.dispatcher.resources


async def test_a_service_whose_file_has_changed_too_does_not_warn(
    engines: tuple[Engine, Engine], caplog: pytest.LogCaptureFixture
) -> None:
    here, there = (declarations_of(engine) for engine in engines)
    await declare(here, gpu=1)
    await declare(there, gpu=2)
    here.projects = DeclaredProjects(resources={"gpu": 2})

    await here.compare()

    assert "resources" not in caplog.text
    assert here.declared == {"gpu": 2}


async def declare(declarations: ResourceDeclarations, **slots: int) -> None:
    declarations.projects = DeclaredProjects(resources=slots)
    await declarations.declare()
