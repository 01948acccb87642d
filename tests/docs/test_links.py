"""Links lead somewhere, and files that the pages name exist."""

import re
from pathlib import Path

import pytest

from tests.checks.sources import core_modules
from tests.docs.pages import ROOT, pages

LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
FILE = re.compile(r"`((?:kito|tests|docs|examples|benchmarks|tools|\.github|\.ci)/[\w./-]*)`")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)

# Made by the verb that the page names beside it, or to be made by whoever follows the page.
MADE = {"kito/cli.py"}


def anchors(page: Path) -> set[str]:
    titles = HEADING.findall(page.read_text("utf-8"))
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text("utf-8")):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path) -> None:
    for name in FILE.findall(page.read_text("utf-8")):
        assert name in MADE or (ROOT / name).exists(), name


def test_the_architecture_tells_every_module_of_the_core() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    assert [path.stem for path in core_modules() if not re.search(rf"\b{path.stem}\b", text)] == []
