"""The third step, a coroutine: reports what is wrong with the entries."""

import asyncio
from collections import Counter

from solorun.record import Level
from solorun.step import StepContext
from solorun_examples.glossary.checks import check
from solorun_examples.glossary.files import ENTRIES, FINDINGS
from solorun_examples.glossary.models import Problem
from solorun_examples.glossary.pace import pause_seconds


async def review(step: StepContext) -> None:
    """Requires the entries from generate."""
    entries = await asyncio.to_thread(ENTRIES.load, step.workspace)
    findings = await asyncio.to_thread(check, entries)
    pause = pause_seconds(step.params.get("pace", 0), len(findings))
    for number, finding in enumerate(findings, start=1):
        # Only a person can settle a conflict; refine fixes the rest.
        level = Level.WARNING if finding.problem is Problem.CONFLICTING else Level.INFO
        if finding.problem is not Problem.MISSING:
            await step.log(f"{finding.problem}: {finding.term}. {finding.reason}", level)
        await step.progress(number, len(findings), finding.term)
        await asyncio.sleep(pause)
    if missing := [finding.term for finding in findings if finding.problem is Problem.MISSING]:
        await step.log(f"missing: {', '.join(missing)}")
    await asyncio.to_thread(FINDINGS.save, step.workspace, findings)
    counts = Counter(finding.problem for finding in findings)
    summary = ", ".join(f"{counts[problem]} {problem}" for problem in Problem if counts[problem])
    await step.log(f"Reviewed {len(entries)} entries: {summary or 'no problems'}.")
