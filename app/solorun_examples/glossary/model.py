"""Asks an OpenAI-compatible endpoint for JSON: bounded, retried, cancelled at once.

What a model says is checked by who asks. The key goes into a header and nowhere else: no message and no error of ours
repeats it.
"""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

MAX_ANSWER_BYTES: Final = 1024 * 1024
MAX_WAIT_SECONDS: Final = 60.0
_BUSY: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_THOUGHT: Final = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)


class AnswerUnusable(Exception):
    """The model's answer to one question cannot be used; the next may be."""


class EndpointUnusable(Exception):
    """The endpoint refuses us, or is not there: to ask it again is of no use."""


class EndpointMisconfigured(Exception):
    """A variable that configures the endpoint has a value that cannot be."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the model is, and how to treat it. Times in seconds."""

    url: str
    model: str
    key: str = field(default="", repr=False)
    concurrency: int = 4
    timeout: float = 60.0
    attempts: int = 4
    first_wait: float = 1.0


def find_endpoint(environ: Mapping[str, str]) -> Endpoint | None:
    """The endpoint that the environment configures: OPENAI_BASE_URL and OPENAI_MODEL, a key if it wants one.

    None without these two: documents are sent nowhere because a key happens to be there.
    """
    url, model = environ.get("OPENAI_BASE_URL", "").strip(), environ.get("OPENAI_MODEL", "").strip()
    if not url or not model:
        return None
    try:
        known = httpx.URL(url).scheme in {"http", "https"} and bool(httpx.URL(url).host)
    except httpx.InvalidURL:
        known = False
    if not known:
        raise EndpointMisconfigured("OPENAI_BASE_URL is no URL: it must look like http://127.0.0.1:11434/v1.")
    return Endpoint(
        url.rstrip("/"),
        model,
        environ.get("OPENAI_API_KEY", "").strip(),
        concurrency=int(_number(environ, "GLOSSARY_CONCURRENCY", 4, 1, 64)),
        timeout=_number(environ, "GLOSSARY_TIMEOUT", 60, 0.05, 3600),
        attempts=int(_number(environ, "GLOSSARY_ATTEMPTS", 4, 1, 20)),
        first_wait=_number(environ, "GLOSSARY_FIRST_WAIT", 1, 0, 60),
    )


def _number(environ: Mapping[str, str], name: str, default: float, least: float, most: float) -> float:
    text = environ.get(name, "") or str(default)
    try:
        value = float(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise EndpointMisconfigured(f"{name} is {text!r}: it must be a number from {least:g} to {most:g}.")
    return value


class Model:
    """A model that can be asked. One instance serves many questions at the same time."""

    def __init__(self, endpoint: Endpoint, client: httpx.AsyncClient) -> None:
        self.endpoint = endpoint
        self._client = client
        self._plain = False

    @classmethod
    @asynccontextmanager
    async def connect(cls, endpoint: Endpoint) -> AsyncIterator["Model"]:
        """Leaving it, also by cancellation, closes every connection."""
        headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
        limits = httpx.Limits(max_connections=endpoint.concurrency)
        async with httpx.AsyncClient(headers=headers, timeout=endpoint.timeout, limits=limits) as client:
            yield cls(endpoint, client)

    async def ask(self, instruction: str, question: str) -> Mapping[str, Any]:
        """The JSON object that the model answers.

        Waits and asks again while the endpoint is busy or does not answer in time, and when an answer is no JSON.
        AnswerUnusable when all attempts are used up; EndpointUnusable when it refuses (a wrong key, an unknown model)
        or cannot be reached.
        """
        wait = self.endpoint.first_wait
        failure: Exception = AnswerUnusable("was never asked")
        for attempt in range(self.endpoint.attempts):
            if attempt:
                await asyncio.sleep(wait)
                wait = min(wait * 2, MAX_WAIT_SECONDS)
            try:
                async with asyncio.timeout(self.endpoint.timeout):
                    status, headers, body = await self._post(instruction, question)
            except (TimeoutError, httpx.TimeoutException):
                failure = AnswerUnusable(f"no answer within {self.endpoint.timeout:g} s")
                continue
            except httpx.ConnectError:
                failure = EndpointUnusable("cannot be reached")
                continue
            except httpx.HTTPError as error:
                failure = AnswerUnusable(f"the connection broke ({type(error).__name__})")
                continue
            if status == 200:
                try:
                    return read_answer(body)
                except AnswerUnusable as error:
                    failure = error
                    continue
            if status in _BUSY:
                failure = AnswerUnusable(f"the endpoint is busy (HTTP {status})")
                wait = max(wait * random.uniform(0.8, 1.2), asked_to_wait(headers.get("retry-after", "")))  # noqa: S311
            elif status == 400 and not self._plain and b"temperature" in body:
                self._plain, wait = True, 0.0
            elif status in {400, 413, 422}:
                raise AnswerUnusable(f"the endpoint does not take the question (HTTP {status})")
            else:
                raise EndpointUnusable(f"refuses with HTTP {status}")
        raise failure

    async def _post(self, instruction: str, question: str) -> tuple[int, httpx.Headers, bytes]:
        content: dict[str, Any] = {
            "model": self.endpoint.model,
            "messages": [{"role": "system", "content": instruction}, {"role": "user", "content": question}],
        }
        if not self._plain:
            content["temperature"] = 0
        body = bytearray()
        url = f"{self.endpoint.url}/chat/completions"
        async with self._client.stream("POST", url, json=content) as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise httpx.DecodingError("the answer is too long")
            return response.status_code, response.headers, bytes(body)


def read_answer(body: bytes) -> Mapping[str, Any]:
    """The JSON object in a chat completion: bare, in a code fence, or after a model's thoughts."""
    try:
        text = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError):
        raise AnswerUnusable("the answer is no chat completion") from None
    text = _THOUGHT.sub("", text) if isinstance(text, str) else ""
    begin, end = text.find("{"), text.rfind("}")
    try:
        answer: dict[str, Any] = json.loads(text[begin : end + 1])
    except ValueError:
        raise AnswerUnusable("the answer is not the JSON that was asked for") from None
    return answer


def asked_to_wait(retry_after: str) -> float:
    """The seconds of a Retry-After header, a number or a date; at most a minute, 0 when it says nothing."""
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError):
            return 0.0
    return min(max(seconds, 0.0), MAX_WAIT_SECONDS) if seconds == seconds else 0.0
