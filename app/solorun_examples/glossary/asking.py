"""Puts a question about each of many entries to the model: some at a time, with progress, failing for no answer."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from solorun.step import StepContext
from solorun_examples.glossary.entries import Entry
from solorun_examples.glossary.model import AnswerUnusable, EndpointUnusable, Model, find_endpoint

T = TypeVar("T")
Answer = Mapping[str, Any]
MAX_DEFINITION_LENGTH: Final = 600


@asynccontextmanager
async def find_model(step: StepContext) -> AsyncIterator[Model | None]:
    """The model that the service's environment configures, or None: then a step works offline. Says which it is."""
    endpoint = find_endpoint(os.environ)
    if endpoint is None:
        if os.environ.get("OPENAI_API_KEY"):
            await step.log(
                "OPENAI_API_KEY alone asks no model: OPENAI_BASE_URL and OPENAI_MODEL are needed too.", "debug"
            )
        await step.log("Working offline, from the documents alone.")
        yield None
        return
    await step.log(f"Asking {endpoint.model}, {endpoint.concurrency} questions at a time.")
    async with Model.connect(endpoint) as model:
        yield model


async def ask_about(
    step: StepContext,
    model: Model,
    entries: Sequence[Entry],
    instruction: str,
    question: Callable[[Entry], str],
    read: Callable[[Entry, Answer], T],
) -> dict[str, T]:
    """What `read` makes of each answer, by term. An entry without a usable answer is missing, and a warning says why.

    `read` raises AnswerUnusable for an answer of the wrong shape. When the endpoint itself is of no use, the rest is
    not asked. Cancelling closes the requests at once.
    """
    answers: dict[str, T] = {}
    waiting = list(reversed(entries))
    done = 0

    async def work() -> None:
        nonlocal done
        while waiting:
            entry = waiting.pop()
            try:
                answers[entry.term] = read(entry, await model.ask(instruction, question(entry)))
            except AnswerUnusable as error:
                await step.log(f"{entry.term}: {error}; what the documents say is kept.", "warning")
            except EndpointUnusable as error:
                if waiting or not refused:
                    refused.append(str(error))
                waiting.clear()
            done += 1
            await step.progress(done, len(entries), entry.term)

    refused: list[str] = []
    # The workers never raise but for our own faults: a group then ends the others.
    async with asyncio.TaskGroup() as group:
        for _ in range(min(model.endpoint.concurrency, len(entries))):
            group.create_task(work())
    if refused:
        await step.log(f"The endpoint {refused[0]}: what the documents say is kept.", "warning")
    return answers


def read_definition(_entry: Entry, answer: Answer) -> str:
    """The definition of an answer, on one line. "" says that the model finds none in what it was shown."""
    text = answer.get("definition")
    if text is None and "definition" in answer:
        return ""
    if not isinstance(text, str) or len(text) > MAX_DEFINITION_LENGTH:
        raise AnswerUnusable("the answer holds no definition of a sentence or two")
    return " ".join(text.split())


def shown(entry: Entry) -> str:
    """What the model is told of an entry: the term, what the documents say, how they use it."""
    said = [f"- {definition.text}" for definition in entry.definitions[:3]]
    used = [f"- {context.text}" for context in entry.contexts]
    parts = [f"Term: {entry.term}"]
    if said:
        parts += ["The documents define it:", *said]
    if used:
        parts += ["The documents use it:", *used]
    return "\n".join(parts)
