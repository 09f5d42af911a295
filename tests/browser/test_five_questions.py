"""What a reader who knows nothing asks first is answered from the screens of the demo, each within three clicks.

The answers expected here are counted from the stored tables and the delivered files, not asked of the pages' own code.
"""

from __future__ import annotations

import csv
import re

import polars as pl
import pytest
from watching import MARKS, Watched

from labqa.service.wiring import Platform, open_platform
from tests.conftest import Demo

pytestmark = MARKS
MOST_CLICKS = 3
LANGUAGES = ("zh", "en")


@pytest.fixture(scope="module")
def platform(demo: Demo) -> Platform:
    return open_platform(demo.home)


@pytest.fixture(scope="module")
def tables(demo: Demo) -> dict[str, pl.DataFrame]:
    """The stored tables of the national run, as any other program would read them."""
    folder = demo.home / "runs" / demo.run_of("national")
    return {file.stem: pl.read_parquet(file) for file in folder.glob("*.parquet")}


class Reader(Watched):
    """Somebody who starts at the front page and counts each click."""

    clicks = 0

    def start(self, language: str) -> None:
        self.open(f"/{language}/", "国家监督抽查" if language == "zh" else "National spot checks")

    def click(self, what: str, then: str) -> None:
        self.clicks += 1
        assert self.clicks <= MOST_CLICKS
        self.tab.click(what)
        self.tab.wait_for_selector(then)

    def part(self, name: str) -> str:
        return self.text(f"#part-{name}")


@pytest.fixture
def reader(browser, address):
    made = Reader(browser, address)
    yield made
    made.close()


def product_names(demo: Demo) -> dict[str, dict[str, str]]:
    with (demo.home / "deliveries" / "registers" / "products.csv").open(encoding="utf-8") as file:
        return {row["product"]: {"zh": row["name_zh"], "en": row["name_en"]} for row in csv.DictReader(file)}


def line_of(demo: Demo, file: str, row: str) -> str:
    """A line of a delivered file, as an editor numbers it."""
    content = (demo.home / "deliveries" / file).read_bytes().splitlines()[int(row) - 1]
    return content.decode("latin-1")  # UTF-8 and GB18030 write codes and digits alike


@pytest.mark.parametrize("language", LANGUAGES)
def test_which_product_agrees_worst(reader: Reader, demo: Demo, tables, language: str) -> None:
    judged = tables["pairs"].join(tables["discrepancies"], on="pair").filter(pl.col("period") == 2018)
    judged = judged.filter((pl.col("kind") == "between") & pl.col("category").is_not_null())
    alike = pl.col("category").is_in(["agree", "within_limits"])
    counted = judged.group_by("product").agg(n=pl.len(), share=alike.mean()).filter(pl.col("n") >= 10)
    worst = counted.sort("share").row(0, named=True)
    name = product_names(demo)[worst["product"]][language]
    reader.start(language)
    said = reader.part("findings")
    assert name in said and f"{worst['share']:.1%}" in said and str(worst["n"]) in said
    reader.click(f"#part-findings a:has-text('{name}')", "#pairs .ag-row")
    assert f"/product/{worst['product']}" in reader.tab.url
    reader.click("#pairs .ag-row a >> nth=0", "#part-both")


@pytest.mark.parametrize("language", LANGUAGES)
def test_which_laboratory_differs_most_and_how_sure_that_is(reader: Reader, tables, language: str) -> None:
    whole = tables["lab_bias"].filter((pl.col("scope") == "lab") & (pl.col("status") == "assessed"))
    first, second = whole.sort(pl.col("estimate").abs(), descending=True).head(2).iter_rows(named=True)
    reader.start(language)
    said = reader.part("findings").replace("−", "-")
    assert first["lab"] in said and f"[{first['lower']:+.2f}, {first['upper']:+.2f}]" in said
    assert {"zh": "尚不能断定", "en": "cannot be told"}[language] in said  # L210 and L260 lie 3.25 σR off, on either side
    reader.click("#part-findings a[href='#part-caterpillar']", "#part-caterpillar table")
    listed = reader.part("caterpillar").replace("−", "-")
    assert listed.index(first["lab"]) < listed.index(second["lab"])
    reader.tab.wait_for_function("document.querySelector('#part-caterpillar').getBoundingClientRect().top < 300")
    reader.click(f"#part-caterpillar td a:has-text('{first['lab']}')", "#part-rating")
    assert f"{first['estimate']:+.2f} σR" in reader.text("p.lead")


@pytest.mark.parametrize("language", LANGUAGES)
def test_why_a_laboratory_is_proposed_for_class_three_and_on_which_rows_that_rests(
    reader: Reader, demo: Demo, tables, language: str
) -> None:
    third = tables["ratings"].filter((pl.col("class_proposed") == "Ⅲ") & (pl.col("ground") == "bias")).sort("lab")
    lab = third["lab"][0]
    reader.start(language)
    reader.click(f"#part-proposals td a:has-text('{lab}')", "#part-rating")
    why = reader.part("rating")
    assert f"{third['points'][0]:g}" in why and "Ⅲ" in why
    assert {"zh": "80 分及以上，不足 96 分", "en": "80 points or more, less than 96"}[language] in why
    charged = tables["reasons"].filter((pl.col("lab") == lab) & (pl.col("points") < 0)).row(0, named=True)
    reason = reader.tab.locator("#part-rating .reasons > li").nth(charged["position"])
    assert "−4.0" in reason.inner_text() and re.search(r"[一-鿿]|[a-z]{4}", reason.inner_text().split("·")[0])
    reader.clicks += 1
    reason.locator("a").last.click()
    reader.tab.wait_for_selector("#evidence .ag-row a")
    found = reader.tab.locator("#evidence .ag-center-cols-container .ag-row").all_inner_texts()
    rows = [text.replace("\u00a0", " ") for text in found]
    assert len(rows) == len(charged["evidence"])
    for shown in rows:
        sample, places = shown.split()[0], re.findall(r"(\d{4}-(?:originals|retests)\.csv)\D+(\d+)", shown)
        assert len(places) == 2 or sample.startswith("PT")
        lines = [line_of(demo, *place) for place in places]
        assert all(sample in line for line in lines)
        assert not lines or any(lab in line for line in lines)
    reader.click("#evidence .ag-row a >> nth=0", "#part-both, h1")


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_refused_on_delivery(reader: Reader, demo: Demo, language: str) -> None:
    reader.start(language)
    refused = int(re.search(r"161563 rows delivered, 161533 accepted, (\d+) refused", demo.printed).group(1))
    assert refused == 161563 - 161533
    said = reader.part("findings")
    assert f" {refused} 行被拒收" in said or f"{refused} delivered rows were refused" in said
    reader.click("#part-findings li:last-child a", "#refusals .ag-row")
    shown = reader.text()
    assert "2014-originals.csv" in shown and "furlong" in shown and "L999X" in shown
    assert "L999X" in line_of(demo, "2014-originals.csv", "19625")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answers_fit_a_phone(browser, address, tables, language: str) -> None:
    lab = tables["ratings"].filter(pl.col("class_proposed") == "Ⅲ")["lab"][0]
    for path in ("/", "/product/01.01.03.01", f"/evidence/{lab}~1"):
        phone = Reader(browser, address, width=390)
        phone.open(f"/{language}{path}", "")
        phone.tab.wait_for_load_state("networkidle")
        phone.close()
