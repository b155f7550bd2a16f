"""The fourth step, a coroutine: fixes the entries and leaves the glossary among the run's artifacts."""

import asyncio

from solorun.record import Level
from solorun.step import StepContext
from solorun_examples.glossary.files import ENTRIES, FINDINGS, GLOSSARY, InputMissing, write_atomically
from solorun_examples.glossary.fixes import Fixes
from solorun_examples.glossary.pace import pause_seconds
from solorun_examples.glossary.rendering import render


async def refine(step: StepContext) -> None:
    """Requires the entries from generate and the findings from review."""
    entries = await asyncio.to_thread(ENTRIES.load, step.workspace)
    findings = await asyncio.to_thread(FINDINGS.load, step.workspace)
    if FINDINGS.written_at(step.workspace) < ENTRIES.written_at(step.workspace):
        raise InputMissing(f"{ENTRIES.name} is newer than {FINDINGS.name}: run the step review first.")
    fixes = await asyncio.to_thread(Fixes, entries, findings)
    pause = pause_seconds(step.params.get("pace", 0), len(fixes.actions))
    for number, action in enumerate(fixes.actions, start=1):
        await step.log(action)
        await step.progress(number, len(fixes.actions))
        await asyncio.sleep(pause)
    glossary = await asyncio.to_thread(fixes.glossary)
    page = render(glossary.entries).encode()
    await asyncio.to_thread(write_atomically, step.artifacts / "glossary.md", page)
    await asyncio.to_thread(GLOSSARY.save, step.artifacts, glossary)
    if not glossary.entries:
        await step.log("The glossary is empty: the documents define no terms.", Level.WARNING)
    await step.log(f"Wrote {len(glossary.entries)} entries and dropped {len(glossary.dropped)} candidates.")
