"""The second step, a coroutine: merges the documents' candidates into entries, each with its best definition."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

from solorun.step import StepContext
from solorun_examples.glossary.files import CANDIDATES, ENTRIES
from solorun_examples.glossary.models import Candidate, Entry
from solorun_examples.glossary.pace import pause_seconds
from solorun_examples.glossary.terms import base_form, sort_key


async def generate(step: StepContext) -> None:
    """Requires the candidates from extract."""
    documents = await asyncio.to_thread(CANDIDATES.load, step.workspace)
    entries = merge(documents.values())
    pause = pause_seconds(step.params.get("pace", 0), len(entries))
    for number, entry in enumerate(entries, start=1):
        if entry.definitions:
            await step.log(f"{entry.term}: {entry.definitions[0].text} ({entry.definitions[0].source})")
        await step.progress(number, len(entries), entry.term)
        await asyncio.sleep(pause)
    await asyncio.to_thread(ENTRIES.save, step.workspace, entries)
    defined = sum(bool(entry.definitions) for entry in entries)
    await step.log(f"The documents define {defined} of {len(entries)} candidates.")


def merge(documents: Iterable[Iterable[Candidate]]) -> tuple[Entry, ...]:
    """One entry for each term of all documents, in alphabetical order."""
    groups: defaultdict[str, list[Candidate]] = defaultdict(list)
    for candidate in (one for candidates in documents for one in candidates):
        groups[base_form(candidate.term)].append(candidate)
    entries = []
    for group in groups.values():
        definitions = sorted((one for known in group for one in known.definitions), key=lambda one: -one.strength)
        # The document that defines a term best also decides how it is written.
        writers = [known for known in group if definitions and definitions[0] in known.definitions]
        term = (writers or group)[0].term
        entries.append(Entry(term, sum(known.count for known in group), tuple(definitions)))
    return tuple(sorted(entries, key=lambda entry: sort_key(entry.term)))
