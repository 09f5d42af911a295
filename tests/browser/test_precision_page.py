"""What is known of the precision of the test methods: reached from the front page, in the figures of published analyses."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from watching import MARKS, Watched

from labqa.service.wiring import Platform, open_platform
from tests.conftest import Demo

pytestmark = MARKS
CASES = json.loads((Path(__file__).parents[1] / "reference" / "expected.json").read_text("utf-8"))["cases"]
KNOWN = {one["id"]: one["expected"] for one in CASES}
METALS = ("Arsenic", "Cadmium", "Chromium", "Lead", "Manganese", "Nickel", "Zinc")
WORDS = {
    "zh": ("检测方法的精密度", "按项目查看精密度", "重复性", "分不清它来自哪一家"),
    "en": ("Precision of the test methods", "See the precision of each item", "repeatability", "does not tell whose it is"),
}


@pytest.fixture(scope="module")
def platform(demo: Demo) -> Platform:
    return open_platform(demo.home)


@pytest.mark.parametrize("language", WORDS)
def test_pooled_repeatability_is_that_of_the_analysis_of_variance(browser, address, demo: Demo, language: str) -> None:
    heading, to_items, repeatability, honest = WORDS[language]
    tab = Watched(browser, address)
    tab.tab.goto(f"{address}/{language}/?run={demo.run_of('rmstudy')}")
    tab.tab.click(f"#part-precision a:has-text('{to_items}')")
    tab.tab.wait_for_selector(f"h1:has-text('{heading}')")
    tab.tab.wait_for_selector("#precision .ag-row")
    assert honest in tab.text()
    rows = tab.tab.locator("#precision .ag-center-cols-container .ag-row").all()
    told = [[cell.inner_text() for cell in row.locator(".ag-cell").all()] for row in rows]
    for metal in METALS:
        (shown,) = (cells for cells in told if cells[0].startswith(metal) and repeatability in cells)
        expected = KNOWN[f"rmstudy_{metal}_precision"]["anova_s_r"]
        assert f"{expected:.{2 - math.floor(math.log10(expected))}f}" in shown
    tab.close()


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("width", [1280, 390])
def test_what_is_undetermined_is_told_with_its_reason(browser, address, demo: Demo, language: str, width: int) -> None:
    """143 analytes, and 44 pairs between laboratories: too few for the reproducibility of any."""
    tab = Watched(browser, address, width=width)
    tab.open(f"/{language}/precision?run={demo.run_of('usgs')}", WORDS[language][0])
    undetermined = tab.tab.inner_text("#part-undetermined")
    assert "143" in undetermined and "15" in undetermined
    assert "143" in tab.tab.inner_text("p.lead") and "47" in tab.tab.inner_text("p.lead")
    tab.close()
