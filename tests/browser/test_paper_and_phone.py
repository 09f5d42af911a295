"""On paper a page holds all that it folds and pages on the screen; on a phone its drawings and grids keep what tells."""

from __future__ import annotations

import pytest
from watching import MARKS, Watched

from labqa.figures import narrow

pytestmark = MARKS
CLOSED = "document.querySelectorAll('details:not([open])').length"
WIDTHS = "[...document.querySelectorAll('.js-plotly-plot .main-svg:first-child')].map(one => one.clientWidth)"
PAPER = 700
"""CSS pixels between the margins of A4, rounded up."""


@pytest.mark.parametrize(("path", "name"), [("/zh/", "caterpillar"), ("/en/lab/L0001", "forest")])
def test_a_page_is_printed_whole(browser, address, path, name):
    watched = Watched(browser, address)
    watched.open(path, "")
    watched.figures(name)
    watched.tab.wait_for_selector(".grid .ag-row", state="attached")
    watched.tab.wait_for_load_state("networkidle")
    folded = watched.tab.evaluate(CLOSED)
    grids = watched.tab.locator(".grid").count()
    watched.tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert folded > 3 and watched.tab.evaluate(CLOSED) == 0
    assert watched.tab.locator(".printed").count() == grids
    assert 0 < max(watched.tab.evaluate(WIDTHS)) <= PAPER
    watched.tab.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert watched.tab.evaluate(CLOSED) == folded
    assert watched.tab.locator(".printed").count() == 0
    watched.tab.wait_for_function(f"Math.max(...{WIDTHS}) > {PAPER}")
    watched.close()


def test_paper_holds_the_rows_that_the_grid_has_on_its_other_pages(browser, address, platform):
    run = next(run for run in platform.opened.values() if run.manifest.programme == "national")
    pairs = run.tables["pairs"]
    own = pairs.filter((pairs["original_lab"] == "L0001") | (pairs["retest_lab"] == "L0001"))
    watched = Watched(browser, address)
    watched.open("/zh/lab/L0001", "")
    watched.tab.wait_for_selector("#pairs .ag-row", state="attached")
    shown = watched.tab.locator("#pairs .ag-center-cols-container .ag-row").count()
    watched.tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    lines = watched.tab.locator("#pairs + .printed tbody tr").all_inner_texts()
    assert len(lines) == min(own.height, 200) > shown
    assert {line.split()[0] for line in lines} <= set(own["sample"])
    watched.close()


def test_a_map_on_a_phone_keeps_room_for_its_cells(browser, address):
    phone = Watched(browser, address, width=390)
    phone.open("/en/", "National spot checks")
    phone.figures("map")
    plot = "document.querySelector('[id*=\\'\"name\":\"map\"\\'] .js-plotly-plot')"
    phone.tab.wait_for_function(f"{plot}.layout.xaxis.tickangle === -90")
    codes = phone.tab.evaluate(f"{plot}.layout.yaxis.ticktext")
    assert codes and all(code.startswith("L0") and " " not in code for code in codes)
    cells = phone.tab.evaluate(f"{plot}.querySelector('.nsewdrag').getBoundingClientRect().width")
    assert cells > 390 / 2
    phone.close()


def test_a_wide_drawing_keeps_its_whole_names(browser, address):
    watched = Watched(browser, address)
    watched.open("/en/", "National spot checks")
    watched.figures("map")
    plot = "document.querySelector('[id*=\\'\"name\":\"map\"\\'] .js-plotly-plot')"
    assert watched.tab.evaluate(f"{plot}.clientWidth") > narrow.BELOW
    assert " " in watched.tab.evaluate(f"{plot}.layout.yaxis.ticktext")[0]
    watched.close()


def test_on_a_phone_one_reads_why_a_row_was_refused_without_scrolling_sideways(browser, address):
    phone = Watched(browser, address, width=390)
    phone.open("/en/refusals", "Refused rows")
    phone.tab.wait_for_selector("#refusals .ag-row")
    phone.tab.wait_for_function(
        "document.querySelector('#refusals .ag-header-cell').getAttribute('col-id') === 'why'"
        " && document.querySelector('#refusals .ag-header-cell').getBoundingClientRect().right <= window.innerWidth"
    )
    phone.close()
