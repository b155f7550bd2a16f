"""Behaviour that all commands share: errors, tokens and URLs."""

from pathlib import Path

import msgspec
import pytest

from solorun.cli.errors import report_error
from solorun.client import RunClient
from solorun.errors import ServiceUnreachable
from solorun.status import Status
from solorun.wire.problems import ProblemFieldError
from solorun.wire.runs import RunPage
from tests.fakes.command_line import RUNNING, Solorun, answer, plain, problem
from tests.fakes.scripted_service import Response, end_event, events, json_response, make_run


@pytest.mark.parametrize(
    ("response", "code", "message"),
    [
        (problem("project-not-found", 404, "There is no project x."), 6, "There is no project x."),
        (problem("run-not-found", 404), 6, "No."),
        (problem("unauthorized", 401), 2, "SOLORUN_TOKEN"),
        (problem("draining", 503), 5, "No."),
        (problem("internal", 500), 5, "No."),
        (json_response(b"hi", 200, "text/html"), 5, "not from a Solorun service"),
        (problem("run-not-found", 404, "a\x1b[2Jb"), 6, "ab"),
    ],
)
async def test_an_error_prints_one_sentence_and_sets_the_exit_code(
    solorun: Solorun, response: Response, code: int, message: str
) -> None:
    ended = await solorun("show", "x", answers=(response,))

    assert ended.code == code
    assert ended.out == ""
    assert message in ended.err
    assert "Traceback" not in ended.err


async def test_an_error_is_json_with_json(solorun: Solorun) -> None:
    active = make_run(17)

    ended = await solorun("start", "x", "--json", answers=(problem("run-active", 409, active_run=active),))

    error = msgspec.json.decode(ended.err)["error"]
    assert (ended.code, ended.out) == (3, "")
    assert (error["type"], error["exit_code"], error["active_run"]) == ("run-active", 3, plain(active))
    assert "solorun cancel 17" in error["message"]


async def test_the_faults_of_a_request_are_json_with_json(solorun: Solorun) -> None:
    faults = (ProblemFieldError("/params/x", "not declared"),)

    ended = await solorun("start", "x", "--json", answers=(problem("invalid-request", 422, errors=faults),))

    assert msgspec.json.decode(ended.err)["error"] == {
        "message": "--param x: not declared",
        "type": "invalid-request",
        "exit_code": 2,
        "errors": [{"pointer": "/params/x", "message": "not declared"}],
    }


@pytest.mark.parametrize(
    ("arguments", "kind", "code"),
    [
        (["start", "x", "--json", "--param", "x"], "usage", 2),
        (["start", "--json"], "usage", 2),
        (["show", "1", "--json", "--token-file", "nowhere"], "os-error", 2),
        (["show", "1", "--json"], "service-unreachable", 5),
        (["show", "1", "--json", "--url", "nonsense"], "configuration-invalid", 2),
    ],
)
async def test_every_kind_of_error_is_json_with_json(
    solorun: Solorun, arguments: list[str], kind: str, code: int
) -> None:
    ended = await solorun(*arguments)

    error = msgspec.json.decode(ended.err)["error"]
    assert (ended.code, ended.out) == (code, "")
    assert (error["type"], error["exit_code"]) == (kind, code)
    assert error["message"]


async def test_notes_are_json_with_json(solorun: Solorun) -> None:
    answers = (
        answer(RUNNING),
        answer(RUNNING, 202),
        answer(RUNNING),
        events(end_event(make_run(17, Status.CANCELLED))),
    )

    ended = await solorun("cancel", "17", "--json", answers=answers)

    assert msgspec.json.decode(ended.err) == {"note": "Cancelling run 17…"}


async def test_a_bug_is_one_sentence_without_the_exceptions_text(
    solorun: Solorun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise KeyError("s3cret")

    monkeypatch.setattr(RunClient, "find_run", fail)

    ended = await solorun("show", "1")

    assert ended.code == 2
    assert ended.err.startswith("This is a bug in Solorun: KeyError at test_errors.py:")
    assert len(ended.err.splitlines()) == 1
    assert "s3cret" not in ended.err


@pytest.mark.parametrize("digits", ["9" * 30, "9" * 5000])
async def test_an_impossible_run_id_is_not_found(solorun: Solorun, digits: str) -> None:
    ended = await solorun("show", digits)

    assert ended.code == 6
    assert ended.requests == []
    assert len(ended.err) < 100


async def test_an_invalid_url_is_a_usage_error(solorun: Solorun) -> None:
    ended = await solorun("runs", "--url", "runs.example.org")

    assert ended.code == 2
    assert "http://127.0.0.1:8700" in ended.err


async def test_the_token_is_read_from_the_environment_or_a_file(
    solorun: Solorun, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("from-the-file\n")
    monkeypatch.setenv("SOLORUN_TOKEN", "from-the-environment")
    nothing = answer(RunPage((), None))

    from_environment = await solorun("runs", answers=(nothing,))
    from_file = await solorun("runs", "--token-file", "token", answers=(nothing,))

    assert from_environment.requests[0].headers["authorization"] == "Bearer from-the-environment"
    assert from_file.requests[0].headers["authorization"] == "Bearer from-the-file"


async def test_a_token_flag_overrides_the_environment_which_overrides_its_token_file(
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


async def test_a_missing_token_file_is_a_usage_error(solorun: Solorun) -> None:
    ended = await solorun("runs", "--token-file", "nowhere")

    assert ended.code == 2
    assert ended.err == "No such file or directory: nowhere\n"


async def test_an_unknown_command_suggests_the_closest_one(solorun: Solorun) -> None:
    ended = await solorun("folow", "17")

    assert ended.code == 2
    assert "follow" in ended.err


async def test_the_version_is_printed(solorun: Solorun) -> None:
    ended = await solorun("--version")

    assert (ended.code, ended.out.split()[0]) == (0, "solorun")


@pytest.mark.parametrize(
    ("url", "table", "hint"),
    [
        ("http://127.0.0.1:8700", "port = 9100", " has port 9100: use --url http://127.0.0.1:9100."),
        ("http://127.0.0.1:8700", "port = 8700", ""),
        ("http://127.0.0.1:8700", "port = '9100'", ""),
        ("http://127.0.0.1:8700", "port = [", ""),
        ("http://127.0.0.1:9200", "port = 9100", ""),
    ],
)
def test_the_port_in_the_file_is_named_if_no_service_listens_at_the_default_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, url: str, table: str, hint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "solorun.toml").write_text(f"[service]\n{table}\n")

    code = report_error(ServiceUnreachable(f"The service at {url} cannot be reached: connection refused."))

    said = capsys.readouterr().err.removesuffix("\n")
    assert code == 5
    assert said.endswith(f"The solorun.toml in this directory{hint}" if hint else "--url or SOLORUN_URL.")


def test_an_error_without_a_message_has_the_message_of_its_class() -> None:
    assert ServiceUnreachable().message == "The service cannot be reached."


@pytest.mark.parametrize(
    ("environment", "arguments", "code", "message"),
    [
        ({"ALL_PROXY": "socks5://u:s3cret@proxy"}, ["--url", "http://x.invalid"], 2, "ALL_PROXY: socks5 proxies"),
        ({"http_proxy": "http://:s3cret:port"}, ["--url", "http://x.invalid"], 2, "http_proxy: is not the URL"),
        ({}, ["--url", "http://u:s3cret@127.0.0.1:99999"], 2, "url: 99999 is not a port"),
        ({}, ["--url", "http://u:s3cret@127.0.0.1:1"], 5, "http://127.0.0.1:1 cannot be reached: connection refused"),
        ({}, ["--url", "http://127.0.0.1:1"], 5, "name another one with --url or SOLORUN_URL"),
        ({}, ["--url", "http://x.invalid"], 5, 'the name "x.invalid" does not resolve'),
        ({"SOLORUN_TOKEN": "s3cretö"}, [], 2, "token: contains a space"),
        ({"SSL_CERT_FILE": "none.pem"}, ["--url", "https://x.invalid"], 2, "SSL_CERT_FILE: none.pem cannot be read"),
    ],
)
async def test_surroundings_that_do_not_work_are_one_sentence(
    solorun: Solorun,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    ended = await solorun("runs", *arguments)

    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err
    assert len(ended.err.splitlines()) == 1
    assert "s3cret" not in ended.err


@pytest.mark.parametrize("end", ["\r", "\n", " "])
async def test_white_space_after_a_token_is_stripped(
    solorun: Solorun, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setenv("SOLORUN_TOKEN", f"s3cret-token{end}")

    ended = await solorun("runs", answers=(answer(RunPage((), None)),))

    assert ended.requests[0].headers["authorization"] == "Bearer s3cret-token"


async def test_a_binary_token_file_is_one_sentence(solorun: Solorun, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xff\xfe\x00s3cret" * 1000)

    ended = await solorun("runs", "--token-file", "token")

    assert ended.code == 2
    assert ended.err.startswith("token: contains a space")


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "\udcff"],
        ["runs", "\udcff"],
        ["start", "x", "--param", "a=\udcff"],
        ["start", "x", "--scope", "\udcff"],
        ["log", "17", "--search", "\udcff"],
        ["download", "17", "\udcff", "-o", "x"],
        ["cancel", "17", "--reason", "\udcff"],
    ],
)
async def test_an_argument_that_is_not_utf_8_is_one_sentence(solorun: Solorun, arguments: list[str]) -> None:
    ended = await solorun(*arguments, answers=(answer(RUNNING),))

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "An argument is not valid UTF-8.\n"
