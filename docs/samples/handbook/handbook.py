"""The second step: a coroutine. It reports progress, writes an artifact, runs a command, and logs."""

import asyncio
import json

from solorun import StepContext


async def publish(step: StepContext) -> None:
    collected = json.loads((step.workspace / "chapters.json").read_text())
    chapters = collected["chapters"]
    pages = [f"# The handbook ({collected['edition']})"]
    for number, (name, text) in enumerate(chapters.items(), start=1):
        await step.progress(number, len(chapters), name)
        await asyncio.sleep(0)  # a real step would do network I/O here
        pages.append(f"## {name.capitalize()}\n\n{text}")
    (step.artifacts / "handbook.md").write_text("\n\n".join(pages) + "\n")
    await step.run("gzip", "--keep", step.artifacts / "handbook.md")
    await step.log(f"published {len(chapters)} chapters")
