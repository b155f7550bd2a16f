"""The pages of the documentation, with their samples and generated blocks.

`python -m tests.unit.docs.pages` updates both; a test fails if a page is out of date.
"""

import json
import re
from itertools import takewhile
from pathlib import Path
from typing import Final

from tests.unit.docs.generated import GENERATED

ROOT: Final = Path(__file__).resolve().parents[3]
DOCS: Final = ROOT / "docs"
SAMPLES: Final = DOCS / "samples"
PAGES: Final = (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))

SAMPLE: Final = re.compile(
    r"(<!-- sample: (?P<path>\S+) -->\n```(?P<language>\w+)\n)(?P<text>.*?)(?=^```$)", re.M | re.S
)
"""A fenced block that shows a whole sample file. Its path is relative to `docs/`."""

_BLOCK: Final = re.compile(r"(<!-- generated: (?P<name>[\w ]+) -->\n)(?P<text>.*?)(?=<!-- end -->)", re.S)


SITE: Final = ROOT / "zensical.toml"
_SECTIONS: Final = ("guides", "operations", "concepts", "reference", "decisions")
_NAVIGATION: Final = re.compile(r"(?<=# generated: nav\n).*?(?=# end$)", re.M | re.S)


def fill_navigation(text: str) -> str:
    """The configuration of the site with all pages in its navigation: what a newcomer reads first comes first."""
    pages = [page.relative_to(DOCS) for page in PAGES if page.is_relative_to(DOCS)]
    first = [Path("index.md"), Path("quickstart.md")]
    lines = [f"  {json.dumps(page.as_posix())}," for page in first]
    for section in _SECTIONS:
        inside = sorted((page for page in pages if page.parts[0] == section), key=lambda page: page.stem != "index")
        listed = (f"    {json.dumps(page.as_posix())}," for page in inside)
        lines += [f"  {{ {section.capitalize()} = [", *listed, "  ] },"]
    lines += [f"  {json.dumps(page.as_posix())}," for page in pages if len(page.parts) == 1 and page not in first]
    return _NAVIGATION.sub(lambda _: "\n".join(["nav = [", *lines, "]", ""]), text)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def fill(text: str) -> str:
    """The page's text with every sample and generated block up to date."""
    text = SAMPLE.sub(lambda found: found[1] + (DOCS / found["path"]).read_text(encoding="utf-8"), text)
    return _BLOCK.sub(lambda found: found[1] + GENERATED[found["name"]]() + "\n", text)


def without_generated_blocks(text: str) -> str:
    """The page's text with each generated block replaced by as many empty lines."""
    return _BLOCK.sub(lambda found: found[1] + "\n" * found["text"].count("\n"), text)


def rows_after(marker: str, text: str) -> list[list[str]]:
    """The cells of the first table after `marker`, without its header row."""
    _, found, rest = text.partition(marker)
    assert found, f"{marker!r} is missing"
    lines = rest.splitlines()
    begin = next(at for at, line in enumerate(lines) if line.startswith("|"))
    table = list(takewhile(lambda line: line.startswith("|"), lines[begin:]))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def codes(text: str) -> list[str]:
    """The code spans of a text."""
    return re.findall(r"`([^`]+)`", text)


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(fill(page.read_text(encoding="utf-8")), encoding="utf-8")
    SITE.write_text(fill_navigation(SITE.read_text(encoding="utf-8")), encoding="utf-8")
