"""The second step: a coroutine. It awaits, logs and leaves a file that can be downloaded."""

import asyncio
import json

from solorun import StepContext


async def publish(step: StepContext) -> None:
    collected = json.loads((step.workspace / "chapters.json").read_text())
    chapters = collected["chapters"]
    pages = [f"# The handbook ({collected['edition']})"]
    for number, (name, text) in enumerate(chapters.items(), start=1):
        await step.progress(number, len(chapters), name)
        await asyncio.sleep(0)  # here a real step would await a network
        pages.append(f"## {name.capitalize()}\n\n{text}")
    (step.artifacts / "handbook.md").write_text("\n\n".join(pages) + "\n")
    await step.log(f"published {len(chapters)} chapters")
