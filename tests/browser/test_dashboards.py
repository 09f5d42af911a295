"""Every page in both languages, in a real Chromium: words and figures are there, nothing is refused, nothing leaves."""

from __future__ import annotations

import re

import polars as pl
import pytest
from watching import MARKS, PATIENCE, Watched, serving

from labqa.service import queries
from labqa.service.viewer import LOCAL_ANALYST
from tests import crowd

pytestmark = MARKS


@pytest.fixture
def watched(browser, address):
    made = Watched(browser, address)
    yield made
    made.close()


def runs(platform) -> dict[str, str]:
    return {run.manifest.programme: run_id for run_id, run in platform.opened.items()}


HEADINGS = {
    "zh": (
        "国家监督抽查",
        "分类建议",
        "广东第1质量检验院",
        "分类评价及理由",
        "该数值由何而来",
        "两个结果的交付原文",
        "交付文本",
        "拒收数据",
        "所依据的数据",
    ),
    "en": (
        "National spot checks",
        "Proposals",
        "Guangdong Quality Inspection Institute No. 1",
        "Rating, and why",
        "What moved this figure",
        "Both results as delivered",
        "Delivered text",
        "Refused rows",
        "Evidence",
    ),
}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_is_whole(watched, platform, language):
    network, proposals, lab, rating, moved, both, raw, refused, evidence = HEADINGS[language]
    tables = platform.opened[runs(platform)["national"]].tables
    largest = tables["discrepancies"].sort(pl.col("d").abs(), descending=True, nulls_last=True)["pair"][0]
    delivered = tables["pairs"].filter(pl.col("pair") == largest)["retest_result"][0]

    watched.open(f"/{language}/", network)
    watched.figures("classes", "caterpillar", "map", "largest", "agreement", "years")
    assert proposals in watched.text()
    watched.tab.wait_for_selector("#labs .ag-row")

    watched.open(f"/{language}/lab/L0001", lab)
    watched.figures("forest", "influence", "without", "options", "scores", "trend")
    assert moved in watched.text()
    watched.tab.wait_for_selector("#part-attribution table a")
    assert rating in watched.text()
    watched.tab.wait_for_selector("#pairs .ag-row")

    watched.open(f"/{language}/pair/{largest}", "")
    watched.figures("pair")
    assert both in watched.text()
    assert "抽查结果 2018.xlsx" in watched.text()

    watched.open(f"/{language}/result/{delivered}", "")
    assert raw in watched.text()

    watched.open(f"/{language}/evidence/L0001~1", evidence)
    watched.tab.wait_for_selector("#evidence .ag-row")

    watched.open(f"/{language}/refusals", refused)
    watched.tab.wait_for_selector("#refusals .ag-row")
    assert "<img src=x onerror=alert(1)>" in watched.text()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_run_without_assessed_laboratories_ranks_nobody(watched, platform, language):
    run = runs(platform)["rmstudy"]
    watched.open(f"/{language}/?run={run}", "LGC")
    watched.tab.wait_for_selector("#labs .ag-row")
    assert watched.tab.locator("[id*='caterpillar']").count() == 0
    assert ("不排名" if language == "zh" else "ranks nobody") in watched.text()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_page_fits_a_phone(browser, address, platform, language):
    tables = platform.opened[runs(platform)["national"]].tables
    for path in ("/", "/lab/L0001", f"/pair/{tables['pairs']['pair'][0]}", "/refusals", f"/?run={runs(platform)['rmstudy']}"):
        phone = Watched(browser, address, width=390)
        phone.open(f"/{language}{path}", "")
        phone.tab.wait_for_load_state("networkidle")
        phone.close()


def test_one_finds_the_way_from_the_country_to_the_delivered_row(watched):
    watched.open("/en/", "National spot checks")
    watched.tab.click("#part-proposals a:has-text('L0001')")
    watched.tab.wait_for_selector("h1:has-text('Guangdong Quality Inspection Institute No. 1')")
    watched.tab.click("#pairs .ag-row a >> nth=0")
    watched.tab.wait_for_selector("#part-both")
    assert "/en/pair/" in watched.tab.url
    watched.tab.click("a.language")
    watched.tab.wait_for_selector("h2:has-text('两个结果的交付原文')")
    assert watched.tab.get_attribute("html", "lang") == "zh"


def test_a_click_on_a_figure_opens_the_laboratory(watched):
    watched.open("/zh/", "国家监督抽查")
    watched.figures("map")
    cell = watched.tab.locator('[id*=\'"name":"map"\'] .nsewdrag')
    cell.scroll_into_view_if_needed()
    size = cell.bounding_box()
    cell.click(position={"x": size["width"] * 0.1, "y": 8})
    watched.tab.wait_for_selector("#part-rating")
    assert "/zh/lab/L" in watched.tab.url


def test_what_moved_a_figure_leads_to_its_pair(watched):
    watched.open("/en/lab/L0001", "Guangdong Quality Inspection Institute No. 1")
    watched.tab.click("#part-attribution details:not(.fold) > summary")
    watched.tab.wait_for_selector("#influences .ag-row")
    watched.tab.click("#part-attribution table a >> nth=0")
    watched.tab.wait_for_selector("#part-both")
    assert "/en/pair/" in watched.tab.url


def test_another_run_is_chosen_in_the_header(watched, platform):
    watched.open("/en/refusals", "Refused rows")
    watched.tab.click("#run-menu")
    watched.tab.click(".run-choice:has-text('LGC')")
    watched.tab.wait_for_selector("h1:has-text('LGC')")
    assert runs(platform)["rmstudy"] in watched.tab.url


def test_the_first_load_stays_under_three_megabytes(browser, address):
    context = browser.new_context()
    tab = context.new_page()
    counting = context.new_cdp_session(tab)
    received: list[float] = []
    counting.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    counting.send("Network.enable")
    tab.goto(f"{address}/zh/", timeout=PATIENCE)
    tab.wait_for_selector("#labs .ag-row", timeout=PATIENCE)
    tab.wait_for_load_state("networkidle", timeout=PATIENCE)
    context.close()
    assert 0.5e6 < sum(received) < 3e6


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_laboratory_shows_how_comparable_it_is(watched, language):
    watched.open(f"/{language}/lab/L0001", "")
    watched.figures("ego", "partners")
    part = watched.tab.locator("#part-comparability")
    assert ("直接与间接证据不一致" if language == "zh" else "direct and indirect disagree") in part.inner_text()
    part.locator("details:not(.fold) > summary").click()
    watched.tab.wait_for_selector("#contrasts .ag-row")
    table = part.locator("#contrasts").inner_text()
    assert ("只有这一条联系" if language == "zh" else "Only this link joins the two laboratories") in table


def test_a_laboratory_without_a_sign_shows_no_signed_difference(watched, platform):
    tables = platform.opened[runs(platform)["national"]].tables
    whole = tables["lab_bias"].filter(pl.col("scope") == "lab")
    lab = whole.filter(pl.col("status") == "undetermined")["lab"][0]
    watched.open(f"/en/lab/{lab}", "")
    watched.figures("ego")
    part = watched.tab.locator("#part-comparability")
    assert "no signed difference is shown" in part.inner_text()
    assert watched.tab.locator('[id*=\'"name":"partners"\']').count() == 0
    part.locator("details:not(.fold) > summary").click()
    watched.tab.wait_for_selector("#contrasts .ag-row")
    rows = " ".join(part.locator("#contrasts .ag-row").all_inner_texts())
    assert rows and "σR" not in rows
    assert not re.search(r"[+−]\d", rows)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_pair_says_whom_the_network_believes_or_that_it_cannot_know(watched, platform, language):
    run = runs(platform)["national"]
    said = {
        "retest": {"zh": "可由复检实验室", "en": "explained by the bias of the retest laboratory"},
        "untold": {"zh": "不能判断，因为", "en": "It cannot be told, because"},
        "nothing": {"zh": "没有需要解释的差异", "en": "nothing to be explained"},
    }
    found: dict[str, str] = {}
    between = platform.opened[run].tables["pairs"].filter(pl.col("kind") == "between")["pair"]
    for pair in between:
        told = queries.pair(platform, run, pair, viewer=LOCAL_ANALYST).explanation
        if told is not None:
            found.setdefault(told.verdict, pair)
        if said.keys() <= found.keys():
            break
    for verdict, sentence in said.items():
        watched.open(f"/{language}/pair/{found[verdict]}", "")
        watched.tab.wait_for_selector("#part-believed")
        assert sentence[language] in watched.tab.inner_text("#part-believed")
    watched.open(f"/{language}/pair/{found['retest']}", "")
    assert ("不能说明谁对谁错" if language == "zh" else "not that it is wrong") in watched.tab.inner_text("#part-believed")


def test_any_of_thousands_of_laboratories_is_found_by_its_code(browser):
    with serving(crowd.platform(), 18750) as there:
        watched = Watched(browser, there)
        watched.open("/en/", "National spot checks")
        watched.tab.wait_for_selector("#labs .ag-row a", state="attached")
        watched.tab.locator("#labs").scroll_into_view_if_needed()
        watched.tab.wait_for_selector("#labs .ag-paging-panel:has-text('1 to 25 of 6,000')")
        watched.tab.fill("#labs .ag-floating-filter >> nth=1 >> input", "l0007~499")
        watched.tab.wait_for_selector("#labs .ag-paging-panel:has-text('1 to 1 of 1')")
        assert watched.tab.inner_text("#labs .ag-row [col-id=lab]") == "L0007~499"
        watched.tab.click("#labs .ag-row a")
        watched.tab.wait_for_selector("#part-bias")
        assert "L0007~499" in watched.text()
        watched.close()
