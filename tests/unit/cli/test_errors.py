"""What all commands have in common: errors, tokens, addresses."""

from pathlib import Path

import pytest

from solorun.errors import ServiceUnreachable
from solorun.wire import RunPage
from tests.fakes.command_line import Solorun, answer, problem
from tests.fakes.scripted_service import (
    Response,
    json_response,
)


@pytest.mark.parametrize(
    ("refusal", "code", "words"),
    [
        (problem("project-not-found", 404, "There is no project x."), 6, "There is no project x."),
        (problem("run-not-found", 404), 6, "No."),
        (problem("unauthorized", 401), 2, "SOLORUN_TOKEN"),
        (problem("draining", 503), 5, "No."),
        (problem("internal", 500), 1, "No."),
        (json_response(b"hi", 200, "text/html"), 5, "not by a Solorun service"),
        (problem("run-not-found", 404, "a\x1b[2Jb"), 6, "ab"),
    ],
)
async def test_an_error_is_one_sentence_and_an_exit_code(
    solorun: Solorun, refusal: Response, code: int, words: str
) -> None:
    ended = await solorun("show", "x", answers=(refusal,))

    assert ended.code == code
    assert ended.out == ""
    assert words in ended.err
    assert "Traceback" not in ended.err


async def test_an_id_that_no_run_can_have_is_not_found(solorun: Solorun) -> None:
    ended = await solorun("show", "9" * 30)

    assert ended.code == 6
    assert ended.requests == []


async def test_a_url_that_is_none_is_a_fault_of_usage(solorun: Solorun) -> None:
    ended = await solorun("runs", "--url", "runs.example.org")

    assert ended.code == 2
    assert "http://127.0.0.1:8700" in ended.err


async def test_the_token_comes_from_the_environment_or_a_file(
    solorun: Solorun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("from-the-file\n")
    monkeypatch.setenv("SOLORUN_TOKEN", "from-the-environment")
    nothing = answer(RunPage((), None))

    from_environment = await solorun("runs", answers=(nothing,))
    from_file = await solorun("runs", "--token-file", "token", answers=(nothing,))

    assert from_environment.requests[0].headers["authorization"] == "Bearer from-the-environment"
    assert from_file.requests[0].headers["authorization"] == "Bearer from-the-file"


async def test_a_flag_beats_the_token_of_the_environment_and_that_beats_its_file_as_for_the_service(
    solorun: Solorun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "flag").write_text("from-the-flag\n")
    (tmp_path / "variable").write_text("from-the-variable\n")
    monkeypatch.setenv("SOLORUN_TOKEN_FILE", "variable")
    nothing = answer(RunPage((), None))

    file_alone = await solorun("runs", answers=(nothing,))
    monkeypatch.setenv("SOLORUN_TOKEN", "from-the-environment")
    both = await solorun("runs", answers=(nothing,))
    flag = await solorun("runs", "--token-file", "flag", answers=(nothing,))

    assert file_alone.requests[0].headers["authorization"] == "Bearer from-the-variable"
    assert both.requests[0].headers["authorization"] == "Bearer from-the-environment"
    assert flag.requests[0].headers["authorization"] == "Bearer from-the-flag"


async def test_a_token_file_that_is_not_there_is_a_fault_of_usage(solorun: Solorun) -> None:
    ended = await solorun("runs", "--token-file", "nowhere")

    assert ended.code == 2
    assert ended.err == "No such file or directory: nowhere\n"


async def test_an_unknown_command_suggests_the_nearest(solorun: Solorun) -> None:
    ended = await solorun("folow", "17")

    assert ended.code == 2
    assert "follow" in ended.err


async def test_the_version_is_printed(solorun: Solorun) -> None:
    ended = await solorun("--version")

    assert (ended.code, ended.out.split()[0]) == (0, "solorun")


def test_an_error_without_words_of_its_own_has_those_of_its_kind() -> None:
    assert ServiceUnreachable().message == "The service cannot be reached."
