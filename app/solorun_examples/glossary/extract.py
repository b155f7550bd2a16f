"""The first step, a command: reads the documents and leaves the candidates. Speaks workflow commands on stdout."""

import io
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from solorun_examples.glossary.candidates import DEFAULT_LIMIT, collect, see
from solorun_examples.glossary.declaration import default_documents
from solorun_examples.glossary.documents import DocumentsUnusable, find_documents, narrow, read_document
from solorun_examples.glossary.entries import Candidate, Kind
from solorun_examples.glossary.workspace import VERSION, CandidatesFile, Sightings, SightingsFile, find, save

Say = Callable[[str], None]


def extract(root: Path, workspace: Path, wanted: str, limit: int, say: Say) -> tuple[Candidate, ...]:
    """Read the documents that are wanted, keep what is known of the others, write the candidates of all.

    DocumentsUnusable when there is nothing to read.
    """
    names = find_documents(root)
    chosen = narrow(names, wanted)
    known = find(workspace, SightingsFile)
    earlier = known.documents if known is not None and known.root == str(root) else {}
    sightings = {name: seen for name, seen in earlier.items() if name in names}
    say(f"Reading {len(chosen)} of {len(names)} documents in {root.name}/")
    say("::group::Documents")
    for number, name in enumerate(chosen, start=1):
        sightings.pop(name, None)
        try:
            document = read_document(root, name)
        except DocumentsUnusable as error:
            say(f"::warning::{error}")
        else:
            sightings[name] = seen = see(document)
            say(f"Read {name}: {len(document.blocks)} blocks, {_defined(seen)} passages that may define a term")
        say(f"::progress current={number},total={len(chosen)}::{name}")
    say("::endgroup::")
    if not sightings:
        raise DocumentsUnusable(f"None of the {len(chosen)} documents could be read.")
    found, dropped = collect(sightings, limit)
    save(workspace, SightingsFile(VERSION, str(root), dict(sorted(sightings.items()))))
    save(workspace, CandidatesFile(VERSION, str(root), tuple(sorted(sightings)), found, dropped))
    return found


def main(environ: Mapping[str, str] = os.environ) -> int:
    workspace = environ.get("SOLORUN_WORKSPACE")
    if not workspace:
        _complain("SOLORUN_WORKSPACE is not set: extract is a step of a Solorun project.")
        return 2
    named = environ.get("GLOSSARY_DOCUMENTS")
    root = Path(named) if named else default_documents()
    limit = environ.get("GLOSSARY_LIMIT", str(DEFAULT_LIMIT))
    if not limit.isdecimal() or int(limit) < 1:
        _complain(f"GLOSSARY_LIMIT is {limit!r}: it must be a whole number of candidates, from 1.")
        return 2
    try:
        found = extract(root.resolve(), Path(workspace), environ.get("SOLORUN_PARAM_DOCUMENTS", ""), int(limit), _say)
    except DocumentsUnusable as error:
        _complain(str(error))
        return 1
    _summarise(found)
    return 0


def _summarise(found: tuple[Candidate, ...]) -> None:
    if not found:
        _say("::warning::The documents hold nothing that looks like a term.")
    for kind in Kind:
        seen = [candidate for candidate in found if kind in candidate.kinds]
        if seen:
            best = sorted(seen, key=lambda candidate: (-candidate.count, candidate.term))[:6]
            _say(f"{kind.value}: {len(seen)}, among them {', '.join(candidate.term for candidate in best)}")
    defined = sum(bool(candidate.passages) for candidate in found)
    _say(f"::notice::Found {len(found)} candidate terms; the documents define {defined} of them.")


def _defined(seen: Sightings) -> int:
    return sum(map(len, seen.passages.values()))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _complain(message: str) -> None:
    _say(f"::error::{message}")


if __name__ == "__main__":
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Terms and file names are of any language, whatever the locale says.
        sys.stdout.reconfigure(encoding="utf-8")
    sys.exit(main())
