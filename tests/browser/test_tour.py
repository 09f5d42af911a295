"""The tour of the docs, walked as it is written: addresses, clicks and words of each step hold on the demo.

`LABQA_WRITE_IMAGES=1` also takes the tour's pictures into docs/images.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from watching import MARKS, Watched

from labqa.service.wiring import Platform, open_platform
from tests.conftest import Demo

pytestmark = MARKS
DOCS = Path(__file__).parents[2] / "docs"
LANGUAGES = ("zh", "en")
PAGES = {"zh": DOCS / "tour.zh.md", "en": DOCS / "tour.md"}
STEP = re.compile(r"^## (\d)\. ", re.MULTILINE)
TOLD = re.compile(
    r"\*\*(?P<click>.+?)\*\*|`(?P<address>/(?:zh|en)/[^`]*)`|“(?P<seen>.+?)”|!\[.+?\]\((?P<picture>images/.+?)\)", re.DOTALL
)
PICTURED = {1: "h1", 2: "#part-caterpillar", 3: "h1", 4: "h1", 5: "#part-proposals", 6: "h1"}
"""What stands at the top of each step's picture."""
HEIGHT = {2: 980, 3: 860}
WIDTH, LARGEST = 1180, 200 * 1024


@dataclass(frozen=True)
class Step:
    """A step of the tour, in the order of the text: what one clicks, where one then is, what one sees, its picture."""

    number: int
    told: tuple[tuple[str, str], ...]
    commands: tuple[str, ...]

    def of(self, *kinds: str) -> list[str]:
        return [words for kind, words in self.told if kind in kinds]


def steps(language: str) -> list[Step]:
    parts = STEP.split(PAGES[language].read_text("utf-8").split("\n## Where next")[0].split("\n## 接下来")[0])[1:]
    return [_step(int(number), text) for number, text in zip(parts[::2], parts[1::2], strict=True)]


def _step(number: int, text: str) -> Step:
    fenced = re.findall(r"```\n(.*?)\n```", text, flags=re.DOTALL)
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    told = tuple((found.lastgroup, _one_line(found.group(found.lastgroup))) for found in TOLD.finditer(prose))
    return Step(number, told, tuple(fenced))


def _one_line(text: str) -> str:
    """Words as on the screen: a line break of the text is a space, between Chinese characters nothing."""
    return re.sub(r"\s+", " ", re.sub(r"(?<=[^\x00-\x7f])\n(?=[^\x00-\x7f])", "", text))


@pytest.fixture(scope="module")
def platform(demo: Demo) -> Platform:
    return open_platform(demo.home)


def _settled(watched: Watched) -> None:
    watched.tab.wait_for_load_state("networkidle")
    watched.tab.wait_for_function("!document.querySelector('[data-dash-is-loading=true]')")


def _try(watched: Watched, number: int, kind: str, words: str) -> None:
    """What a step says; where it does not hold, the step and its words."""
    try:
        _follow(watched, kind, words)
    except Exception as error:
        raise AssertionError(f"step {number}, {kind}: {words} (at {watched.tab.url})") from error


def _follow(watched: Watched, kind: str, words: str) -> None:
    tab = watched.tab
    if kind == "click":
        tab.locator("a, summary, button").filter(has_text=words).first.click()
    elif kind == "address" and not tab.url.startswith("http"):
        tab.goto(watched.address + words)
    elif kind == "address":
        pattern = re.escape(words).replace("…", "[^/]+")
        tab.wait_for_function(f"/^{pattern.replace('/', chr(92) + '/')}$/.test(decodeURIComponent(location.pathname))")
    else:
        tab.wait_for_function(r"words => document.body.innerText.replace(/\u00a0/g, ' ').includes(words)", arg=words)
    assert kind != "address" or re.fullmatch(re.escape(words).replace("…", "[^/]+"), urlsplit(tab.url).path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_of_the_tour_holds(browser, address, language: str) -> None:
    watched = Watched(browser, address, width=WIDTH)
    for step in steps(language):
        for kind, words in step.told:
            if kind != "picture":
                _try(watched, step.number, kind, words)
            elif os.environ.get("LABQA_WRITE_IMAGES"):
                _picture(watched, step.number, DOCS / words)
    watched.close()


def _picture(watched: Watched, number: int, file: Path) -> None:
    """The part of the page at which the step looks, in a palette."""
    from PIL import Image

    _settled(watched)
    tab = watched.tab
    tab.mouse.move(0, 0)
    tab.wait_for_timeout(800)
    top = tab.evaluate("at => document.querySelector(at).getBoundingClientRect().top + window.scrollY", PICTURED[number])
    clip = {"x": 0, "y": max(0, top - 14) if PICTURED[number] != "h1" else 0, "width": WIDTH, "height": HEIGHT.get(number, 760)}
    tab.add_style_tag(content=".top { position: static !important; }")
    taken = Image.open(io.BytesIO(tab.screenshot(full_page=True, clip=clip)))
    file.parent.mkdir(exist_ok=True)
    taken.convert("RGB").quantize(255, dither=Image.Dither.NONE).save(file, optimize=True)


def test_the_tour_is_the_same_in_both_languages() -> None:
    both = {language: steps(language) for language in LANGUAGES}
    assert [step.number for step in both["zh"]] == [step.number for step in both["en"]] == list(range(1, 8))
    for zh, en in zip(both["zh"], both["en"], strict=True):
        assert [kind for kind, _ in zh.told if kind != "seen"] == [kind for kind, _ in en.told if kind != "seen"]
        assert min(len(zh.of("seen")), len(en.of("seen"))) >= 3 or zh.number == 7
        assert [words[3:] for words in zh.of("address")] == [words[3:] for words in en.of("address")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_of_the_tour_is_there_and_small(language: str) -> None:
    from PIL import Image

    for step in steps(language):
        assert bool(step.of("picture")) == (step.number in PICTURED)
        for name in step.of("picture"):
            assert name.endswith(f".{language}.png") and (DOCS / name).stat().st_size <= LARGEST
            assert Image.open(DOCS / name).mode == "P"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_tour_says_of_verify_is_what_it_answers(demo: Demo, language: str) -> None:
    command, answer = steps(language)[-1].commands
    words = (
        command.replace(".venv/bin/labqa", f"{sys.executable} -m labqa.cli").replace("./.labqa-demo", str(demo.home)).split()
    )
    environment = {**os.environ, "LABQA_LANG": language}
    ran = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout.strip()) == (0, answer), ran.stderr
