"""The README in both languages: what it shows runs as it stands, the two say the same, and every link leads somewhere."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READMES = {"en": ROOT / "README.md", "zh": ROOT / "README.zh.md"}
PAGES = [*READMES.values(), ROOT / "docs" / "tour.md", ROOT / "docs" / "tour.zh.md"]
FENCED = re.compile(r"```.*?```", re.DOTALL)
LINK = re.compile(r"\]\(([^)]+)\)")


def text(language: str) -> str:
    return READMES[language].read_text("utf-8")


def prose(language: str) -> str:
    """Without code and the targets of links."""
    return LINK.sub("]", FENCED.sub("", text(language)))


def headings(markdown: str) -> list[str]:
    return re.findall(r"^(#+) .+$", FENCED.sub("", markdown), flags=re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as code hosts make them."""
    titles = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text("utf-8")), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("language", READMES)
def test_the_example_of_the_readme_runs(language: str) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", text(language), flags=re.DOTALL)
    ran = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "AlgorithmA(centre=10.16" in ran.stdout


def test_both_languages_have_the_same_parts_and_commands() -> None:
    assert headings(text("zh")) == headings(text("en"))
    assert len(headings(text("en"))) >= 7
    assert FENCED.findall(text("zh")) == FENCED.findall(text("en"))
    assert len(re.findall(r"^[|-]", prose("zh"), re.MULTILINE)) == len(re.findall(r"^[|-]", prose("en"), re.MULTILINE))


def test_both_languages_quote_the_same_figures_and_names() -> None:
    figures = {language: Counter(re.findall(r"\d+(?:[.,]\d+)*", prose(language))) for language in READMES}
    assert figures["zh"] == figures["en"] and figures["en"].total() > 60
    own = {"docs/tour.md", "docs/tour.zh.md"}
    names = {language: sorted(set(re.findall(r"`([^`]+)`", prose(language))) - own) for language in READMES}
    assert names["zh"] == names["en"]


def test_each_names_the_other_at_the_top() -> None:
    assert "](README.zh.md)" in text("en").split("\n\n")[1]
    assert "](README.md)" in text("zh").split("\n\n")[1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(FENCED.sub("", page.read_text("utf-8"))) if "://" not in link]
    assert links
    for link in links:
        file, _, anchor = link.partition("#")
        there = (page.parent / file).resolve()
        assert there.exists(), link
        assert not anchor or anchor in anchors(there), link
