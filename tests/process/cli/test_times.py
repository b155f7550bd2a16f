"""How commands show times: local, with the name of their time zone, which a table has in its headings."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from solorun.cli.render.terminal import write_table
from solorun.wire.runs import ArtifactList, RunPage
from solorun.wire.schedules import ScheduleList
from tests.fakes.command_line import COMPLETED, Solorun, answer
from tests.process.cli.test_queued_runs import QUEUED
from tests.process.cli.test_schedules import NIGHTLY, PAUSED

WINTER = datetime(2026, 11, 23, 14, 5, 1, tzinfo=UTC)
SUMMER = WINTER - timedelta(days=120)


@pytest.fixture(autouse=True)
def _berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_a_column_of_times_names_their_zone_in_its_heading(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(["RUN", "CREATED"], [["2", WINTER], ["1", WINTER], ["0", "-"]])

    assert capsys.readouterr().out.splitlines() == [
        "RUN  CREATED (CET)",
        "2    2026-11-23 15:05:01",
        "1    2026-11-23 15:05:01",
        "0    -",
    ]


def test_a_column_across_a_change_of_clocks_names_both_zones(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(["CREATED"], [[WINTER], [SUMMER], [WINTER]])

    assert capsys.readouterr().out.splitlines()[:3:2] == ["CREATED (CET/CEST)", "2026-07-26 16:05:01"]


def test_a_column_without_times_names_no_zone(capsys: pytest.CaptureFixture[str]) -> None:
    write_table(["NEXT"], [["disabled"]])

    assert capsys.readouterr().out == "NEXT\ndisabled\n"


async def test_due_times_differ_visibly_from_the_zone_of_the_schedule(solorun: Solorun) -> None:
    ended = await solorun("schedules", answers=(answer(ScheduleList((NIGHTLY, PAUSED))),))

    head, first, second = ended.out.splitlines()
    assert re.search(r"TIME ZONE +NEXT \(CET\) +LAST \(CET\) +RESULT", head)
    assert "Europe/Berlin  2026-11-03 04:00:00  2026-11-03 04:00:00" in first
    assert "paused by ada" in second


async def test_runs_name_the_zone_of_their_times(solorun: Solorun) -> None:
    ended = await solorun("runs", answers=(answer(RunPage((COMPLETED,), None)),))

    assert "CREATED (CET)" in ended.out.splitlines()[0]


async def test_a_time_outside_a_table_names_its_zone(solorun: Solorun) -> None:
    run = msgspec.structs.replace(QUEUED, created_at=SUMMER, queue_deadline=WINTER, estimated_start_at=WINTER)

    ended = await solorun(
        "show", "17", answers=(answer(run), answer(ArtifactList((), None, False)), answer(RunPage((), None)))
    )

    facts = {line[:14].strip(): line[14:].strip() for line in ended.out.partition("\n\n")[0].splitlines()}
    assert facts["created"] == "2026-07-26 16:05:01 CEST"
    assert facts["queued until"] == "2026-11-23 15:05:01 CET"
    assert facts["queue"].endswith("begins at about 15:05 CET")
