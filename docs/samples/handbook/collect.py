"""The first step: a command. It uses a few environment variables and prints workflow commands."""

import json
import os
from pathlib import Path

CHAPTERS = {"arriving": "Where the keys are.", "working": "Who does what.", "leaving": "What to hand over."}

workspace = Path(os.environ["SOLORUN_WORKSPACE"])
edition = os.environ.get("SOLORUN_PARAM_EDITION", "draft")

chapters = {}
for number, (name, text) in enumerate(CHAPTERS.items(), start=1):
    print(f"::progress current={number},total={len(CHAPTERS)}::{name}")
    print(f"collecting {name}")
    chapters[name] = text

if edition == "draft":
    print("::warning::no edition was given: this is a draft")
(workspace / "chapters.json").write_text(json.dumps({"edition": edition, "chapters": chapters}))
