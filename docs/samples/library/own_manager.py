"""Glossaries, each with a database of its own. A run has the scope full, extract, generate, review or refine."""

import asyncio
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing

from solorun import Coroutine, Function, FunctionContext, Project, Solorun, StepContext


async def extract(step: StepContext) -> None:
    for number, word in enumerate(WORDS, start=1):
        await asyncio.to_thread(query, step.project, "INSERT INTO terms (word) VALUES (?)", word)
        await step.progress(number, len(WORDS), word)


def generate(step: FunctionContext) -> None:
    define_terms(step.project, on_progress=step.progress, on_log=step.log)  # in a thread: a plain function


async def review(step: StepContext) -> None:
    missing = await asyncio.to_thread(query, step.project, "SELECT word FROM terms WHERE definition IS NULL")
    await step.log(f"{len(missing)} terms have no definition", "warning" if missing else "info")


def refine(step: FunctionContext) -> None:
    print("trimmed", query(step.project, "UPDATE terms SET definition = trim(definition) RETURNING word"))


def define_terms(project: str, on_progress: Callable[[int, int, str], None], on_log: Callable[[str], None]) -> None:
    """The library's long call. It knows nothing of Solorun: a cancel is an exception from a callback."""
    for number, word in enumerate(WORDS, start=1):
        on_progress(number, len(WORDS), word)
        query(project, "UPDATE terms SET definition = ? WHERE word = ?", f" What {word} means. ", word)
    on_log(f"defined {len(WORDS)} terms")


def query(project: str, statement: str, *values: str) -> list[tuple[str]]:
    with closing(sqlite3.connect(f"{project}.db")) as database, database:
        database.execute("CREATE TABLE IF NOT EXISTS terms (word, definition)")
        return database.execute(statement, values).fetchall()


WORDS = ["aperture", "baseline", "corona"]
STEPS = [Coroutine("extract", extract), Function("generate", generate, timeout="30m")]
STEPS += [Coroutine("review", review), Function("refine", refine)]
GLOSSARIES = Project("*", STEPS, title="Glossaries", cancel_grace="10s")  # one project for each name, when it starts


async def main(name: str, scope: str) -> None:
    async with Solorun("runs", [GLOSSARIES]) as solo:
        run = await solo.manager.start_run(name, scope=scope)
        async for record in solo.follow(run.id):
            print(record.step, record.data or record.message)
        print((await solo.wait_for_run(run.id)).status)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
