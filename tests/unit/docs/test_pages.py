"""Pages match the code and the samples, their links work, and their prose is wrapped."""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from solorun.cli.app import _app
from tests.unit.docs.pages import DOCS, PAGES, ROOT, SAMPLE, SAMPLES, SITE, fill, fill_navigation, name_of

_LINK = re.compile(r"\]\((?P<address>[^)\s]+)\)")
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
_COMMAND = re.compile(r"(?:[$`] ?|uv run |bin/)solorun (?P<command>[a-z][a-z-]*)(?P<rest>[^`\n#]*)")
_PARSERS: dict[str, Callable[[str], object]] = {"toml": tomllib.loads, "json": json.loads}
_CHECKED_LANGUAGES = re.compile(r"^```(?:python|sh|ini|nginx)$", re.M)
_DECISIONS = sorted((DOCS / "decisions").glob("2*.md"))

_COMMANDS: Any = typer.main.get_command(_app)
_OPTIONS = {
    (name, option)
    for name, command in _COMMANDS.commands.items()
    for option in ["", "--help", *(word for one in command.params for word in [*one.opts, *one.secondary_opts])]
}

each_page = pytest.mark.parametrize("markdown", PAGES, ids=name_of)


@each_page
def test_the_samples_and_generated_blocks_of_a_page_are_up_to_date(markdown: Path) -> None:
    text = markdown.read_text(encoding="utf-8")

    assert fill(text) == text, "update them: uv run python -m tests.unit.docs.pages"


def test_the_site_has_every_page_in_its_navigation() -> None:
    text = SITE.read_text(encoding="utf-8")

    assert fill_navigation(text) == text, "update it: uv run python -m tests.unit.docs.pages"


@each_page
def test_every_relative_link_of_a_page_works(markdown: Path) -> None:
    text = _without_fences(markdown.read_text(encoding="utf-8"))
    addresses = [found["address"] for found in _LINK.finditer(text) if "://" not in found["address"]]

    broken = [address for address in addresses if not _exists(markdown, address)]

    assert broken == []


@each_page
def test_programs_on_a_page_are_samples(markdown: Path) -> None:
    text = markdown.read_text(encoding="utf-8")

    shown = [found for found in SAMPLE.finditer(text) if found["language"] in ("python", "sh", "ini", "nginx")]

    assert len(_CHECKED_LANGUAGES.findall(text)) == len(shown)


@each_page
def test_the_toml_and_json_on_a_page_are_valid(markdown: Path) -> None:
    blocks = _FENCE.findall(markdown.read_text(encoding="utf-8"))

    parsed = [_PARSERS[language](block) for language, block in blocks if language in _PARSERS]

    assert all(parsed)


@each_page
def test_the_commands_on_a_page_exist_with_their_options(markdown: Path) -> None:
    shown = {(found["command"], option) for found, option in _shown_options(markdown.read_text(encoding="utf-8"))}

    assert shown - _OPTIONS == set()


@each_page
def test_a_page_has_one_title(markdown: Path) -> None:
    lines = _without_fences(markdown.read_text(encoding="utf-8")).splitlines()

    assert len([line for line in lines if line.startswith("# ")]) == 1


@each_page
def test_the_prose_of_a_page_wraps_at_120_columns(markdown: Path) -> None:
    lines = _without_fences(markdown.read_text(encoding="utf-8")).splitlines()

    too_long = [line for line in lines if len(line) > 120 and not line.startswith(("|", "#"))]

    assert too_long == []


@pytest.mark.parametrize(
    "markdown", [markdown for markdown in PAGES if markdown.parent != ROOT and markdown.name != "index.md"], ids=name_of
)
def test_every_page_can_be_reached_from_an_index(markdown: Path) -> None:
    indexes = [DOCS / "index.md", DOCS / "decisions" / "index.md"]

    linked = {
        (index.parent / found["address"].partition("#")[0]).resolve()
        for index in indexes
        for found in _LINK.finditer(index.read_text(encoding="utf-8"))
    }

    assert markdown in linked


@pytest.mark.parametrize(
    "sample", [path for path in sorted(SAMPLES.rglob("*")) if path.is_file() and path.suffix != ".pyc"], ids=name_of
)
def test_every_sample_is_shown_on_a_page(sample: Path) -> None:
    shown = {found["path"] for markdown in PAGES for found in SAMPLE.finditer(markdown.read_text(encoding="utf-8"))}

    assert sample.relative_to(DOCS).as_posix() in shown


@pytest.mark.parametrize("markdown", _DECISIONS, ids=name_of)
def test_a_decision_has_a_date_and_a_rejected_alternative(markdown: Path) -> None:
    text = markdown.read_text(encoding="utf-8")

    assert f"\n\n{markdown.name[:10]}\n\n**Decided.**" in text
    assert "\n\n**Why.**" in text
    assert "**Rejected: " in text.replace("\n", " ")


def _shown_options(text: str) -> Iterator[tuple[re.Match[str], str]]:
    for found in _COMMAND.finditer(text):
        yield found, ""
        for option in re.findall(r"(?<= )--?[a-z][a-z-]*", found["rest"]):
            yield found, option


def _exists(markdown: Path, address: str) -> bool:
    path, _, fragment = address.partition("#")
    target = (markdown.parent / path).resolve() if path else markdown
    return target.exists() and (not fragment or fragment in _anchors(target))


def _anchors(markdown: Path) -> set[str]:
    """The anchors that GitHub generates for a page's headings."""
    headings = re.findall(r"^#+ (.+)$", _without_fences(markdown.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _without_fences(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
