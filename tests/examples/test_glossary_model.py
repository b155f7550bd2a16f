"""The model's endpoint is asked politely and read carefully: it may be slow, busy, wrong or gone."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from solorun_examples.glossary import model as model_module
from solorun_examples.glossary.model import (
    AnswerUnusable,
    Endpoint,
    EndpointMisconfigured,
    EndpointUnusable,
    Model,
    asked_to_wait,
    find_endpoint,
    read_answer,
)
from tests.examples.conftest import StartEndpoint
from tests.examples.endpoint import Behaviour, Reply, completion

GOOD = completion({"definition": "One execution."})


def replies(*given: Reply) -> Behaviour:
    """The replies in turn, the last one from then on."""
    return lambda number, question: given[min(number, len(given) - 1)]


async def ask(url: str, *, timeout_seconds: float = 5, attempts: int = 4) -> Mapping[str, object]:
    endpoint = Endpoint(url, "fake", "sk-very-secret", timeout=timeout_seconds, attempts=attempts, first_wait=0.001)
    async with Model.connect(endpoint) as model:
        return await model.ask("instruction", "question")


async def test_a_question_carries_model_key_and_instruction(start_endpoint: StartEndpoint) -> None:
    endpoint = await start_endpoint(replies(GOOD))

    answer = await ask(endpoint.url)

    assert answer == {"definition": "One execution."}
    assert endpoint.keys == ["Bearer sk-very-secret"]
    assert endpoint.requests == [
        {
            "model": "fake",
            "messages": [{"role": "system", "content": "instruction"}, {"role": "user", "content": "question"}],
            "temperature": 0,
        }
    ]


@pytest.mark.parametrize(
    "trouble",
    [
        Reply(429, headers=("Retry-After: 0",)),
        Reply(503),
        Reply(200, "<html>"),
        completion("no JSON at all"),
        completion("[1]"),
        Reply(hangs=True),
    ],
)
async def test_trouble_that_passes_is_waited_out(start_endpoint: StartEndpoint, trouble: Reply) -> None:
    endpoint = await start_endpoint(replies(trouble, trouble, GOOD))

    answer = await ask(endpoint.url, timeout_seconds=0.2)

    assert answer == {"definition": "One execution."}
    assert len(endpoint.requests) == 3


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        (Reply(429), r"busy \(HTTP 429\)"),
        (Reply(500), r"busy \(HTTP 500\)"),
        (Reply(hangs=True), r"no answer within 0\.2 s"),
        (completion("sorry"), "not the JSON"),
        (Reply(200, "{}"), "no chat completion"),
        (completion(None), "not the JSON"),
        (Reply(200, "x" * 2_000), "connection broke"),
    ],
)
async def test_trouble_that_stays_makes_the_answer_unusable(
    start_endpoint: StartEndpoint, monkeypatch: pytest.MonkeyPatch, trouble: Reply, message: str
) -> None:
    monkeypatch.setattr(model_module, "MAX_ANSWER_BYTES", 1_000)
    endpoint = await start_endpoint(replies(trouble))

    with pytest.raises(AnswerUnusable, match=message):
        await ask(endpoint.url, timeout_seconds=0.2, attempts=2)

    assert len(endpoint.requests) == 2


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refusal_is_final(start_endpoint: StartEndpoint, status: int) -> None:
    endpoint = await start_endpoint(replies(Reply(status, "sk-very-secret is wrong")))

    with pytest.raises(EndpointUnusable) as refusal:
        await ask(endpoint.url)

    assert str(refusal.value) == f"refuses with HTTP {status}"
    assert len(endpoint.requests) == 1


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_question_that_is_not_taken_is_not_repeated(start_endpoint: StartEndpoint, status: int) -> None:
    endpoint = await start_endpoint(replies(Reply(status)))

    with pytest.raises(AnswerUnusable, match="does not take the question"):
        await ask(endpoint.url)

    assert len(endpoint.requests) == 1


async def test_a_model_without_temperature_is_asked_without(start_endpoint: StartEndpoint) -> None:
    endpoint = await start_endpoint(replies(Reply(400, "unsupported value: temperature"), GOOD))

    await ask(endpoint.url)

    assert ["temperature" in request for request in endpoint.requests] == [True, False]


async def test_an_endpoint_that_is_not_there_is_unusable(start_endpoint: StartEndpoint) -> None:
    with pytest.raises(EndpointUnusable, match="cannot be reached"):
        await ask("http://127.0.0.1:1/v1", attempts=2)


async def test_a_wait_that_is_asked_for_is_kept(start_endpoint: StartEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    endpoint = await start_endpoint(replies(Reply(429, headers=("Retry-After: 7",)), GOOD))
    monkeypatch.setattr(asyncio, "sleep", wait)

    await ask(endpoint.url)

    assert waits == [7.0]


def test_a_retry_after_may_be_a_date() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=30)

    assert 25 < asked_to_wait(format_datetime(soon, usegmt=True)) <= 30


@pytest.mark.parametrize(
    ("header", "seconds"), [("2.5", 2.5), ("99999", 60.0), ("-1", 0.0), ("nan", 0.0), ("soon", 0.0), ("", 0.0)]
)
def test_a_retry_after_is_kept_within_reason(header: str, seconds: float) -> None:
    assert asked_to_wait(header) == seconds


@pytest.mark.parametrize(
    "content",
    ['{"a": 1}', '```json\n{"a": 1}\n```', '<think>{"b": 2}</think>\n{"a": 1}', 'Here it is: {"a": 1}. Good?'],
)
def test_json_is_found_in_what_models_put_around_it(content: str) -> None:
    body = json.dumps({"choices": [{"message": {"content": content}}]}).encode()

    assert read_answer(body) == {"a": 1}


@pytest.mark.parametrize("missing", ["OPENAI_BASE_URL", "OPENAI_MODEL"])
def test_a_key_alone_configures_no_endpoint(missing: str) -> None:
    environ = {"OPENAI_BASE_URL": "http://x/v1", "OPENAI_MODEL": "m", "OPENAI_API_KEY": "sk"}

    assert find_endpoint({name: value for name, value in environ.items() if name != missing}) is None


def test_an_endpoint_is_configured_by_the_environment_and_hides_its_key() -> None:
    environ = {"OPENAI_BASE_URL": "http://x/v1/", "OPENAI_MODEL": "m", "OPENAI_API_KEY": "sk-very-secret"}

    endpoint = find_endpoint(environ | {"GLOSSARY_CONCURRENCY": "2", "GLOSSARY_TIMEOUT": "9", "GLOSSARY_ATTEMPTS": "3"})

    assert endpoint == Endpoint("http://x/v1", "m", "sk-very-secret", concurrency=2, timeout=9, attempts=3)
    assert "sk-very-secret" not in repr(endpoint)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_BASE_URL", "localhost:11434"),
        ("OPENAI_BASE_URL", "http://host:port/v1"),
        ("OPENAI_BASE_URL", "file:///etc/passwd"),
        ("GLOSSARY_CONCURRENCY", "0"),
        ("GLOSSARY_CONCURRENCY", "many"),
        ("GLOSSARY_TIMEOUT", "nan"),
    ],
)
def test_a_value_that_cannot_be_is_named(name: str, value: str) -> None:
    with pytest.raises(EndpointMisconfigured, match=name):
        find_endpoint({"OPENAI_BASE_URL": "http://x/v1", "OPENAI_MODEL": "m", name: value})
