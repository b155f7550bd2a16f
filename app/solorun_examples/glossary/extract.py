"""The first step, a command: reads the documents and saves their candidates. Reports by workflow commands on stdout."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from solorun_examples.glossary.candidates import scan
from solorun_examples.glossary.documents import DocumentsUnusable, find_documents, read_blocks, select
from solorun_examples.glossary.files import CANDIDATES, InputMissing
from solorun_examples.glossary.models import Candidate
from solorun_examples.glossary.pace import pause_seconds
from solorun_examples.glossary.project import DOCUMENTS
from solorun_examples.glossary.terms import base_form


def main(environ: Mapping[str, str] = os.environ) -> int:
    root = Path(environ.get("GLOSSARY_DOCUMENTS") or DOCUMENTS).resolve()
    wanted, pace = environ.get("SOLORUN_PARAM_DOCUMENTS", ""), environ.get("SOLORUN_PARAM_PACE") or 0
    try:
        documents = extract(root, Path(environ["SOLORUN_WORKSPACE"]), wanted, pace=float(pace))
    except DocumentsUnusable as error:
        _print(f"::error::{error}")
        return 1
    terms = {base_form(candidate.term) for candidates in documents.values() for candidate in candidates}
    _print(f"::notice::Found {len(terms)} candidate terms in {len(documents)} documents.")
    return 0


def extract(root: Path, workspace: Path, wanted: str = "", *, pace: float = 0) -> dict[str, tuple[Candidate, ...]]:
    """Scan the documents that are wanted, keep what is known of the others, and save the candidates of all."""
    names = find_documents(root)
    chosen = select(names, wanted)
    try:
        known = CANDIDATES.load(workspace)
    except InputMissing:
        known = {}
    documents = {name: known[name] for name in names if name in known and name not in chosen}
    _print(f"Reading {len(chosen)} of {len(names)} documents in {root.name}/")
    _print("::group::Documents")
    for number, name in enumerate(chosen, start=1):
        try:
            documents[name] = scan(name, read_blocks(root / name))
        except DocumentsUnusable as error:
            _print(f"::warning::{error}")
        else:
            defined = sum(bool(candidate.definitions) for candidate in documents[name])
            _print(f"{name}: {len(documents[name])} candidates, {defined} of them defined")
        _print(f"::progress current={number},total={len(chosen)}::{name}")
        time.sleep(pause_seconds(pace, len(chosen)))
    _print("::endgroup::")
    documents = dict(sorted(documents.items()))
    CANDIDATES.save(workspace, documents)
    return documents


def _print(line: str) -> None:
    # Terms and file names are in any language, whatever the locale says.
    sys.stdout.buffer.write(f"{line}\n".encode())
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
