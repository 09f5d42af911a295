"""The page of a laboratory: how many of its test runs hold a gross error, or that there are too few to say."""

from __future__ import annotations

import json

import polars as pl
import pytest
from plotly.utils import PlotlyJSONEncoder

from dashboards import address
from dashboards.pages import laboratory
from dashboards.reading import Reading
from dashboards.words import Words
from labqa.core import tables as t
from labqa.service.viewer import LOCAL_ANALYST
from tests import fakes

GROSS = {"lab": "L0001", "scope": "lab", "scope_id": "", "indicator": "gross_share", "estimate": 0.1875, "n": 16}
ASSESSED = GROSS | {"status": "assessed", "lower": 0.04, "upper": 0.46, "evidence": ["P1"]}
FEW = GROSS | {"status": "not_assessed", "reason": "indicators.few_samples", "lower": 0.04, "upper": 0.46, "evidence": ["P1"]}


def drawn(language: str, *rows: dict[str, object]) -> str:
    platform = fakes.platform(n_labs=12)
    run = next(run for run, one in platform.opened.items() if one.manifest.programme == "national")
    platform.opened[run].tables["indicators"] = t.shaped(pl.DataFrame(rows), t.Indicators) if rows else t.empty(t.Indicators)
    page = laboratory.draw(Reading(platform, LOCAL_ANALYST, run), address.read(f"/{language}/lab/L0001", ""), Words(language))
    return json.dumps(page, cls=PlotlyJSONEncoder, ensure_ascii=False)


@pytest.mark.parametrize(("language", "says"), [("zh", "16 批的 19%  [4%, 46%]"), ("en", "19% of 16  [4%, 46%]")])
def test_the_share_stands_with_its_interval(language: str, says: str) -> None:
    assert says in drawn(language, ASSESSED)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_share_is_told_of_too_few(language: str) -> None:
    page = drawn(language, FEW)
    assert "19%" not in page
    assert Words(language).reason("indicators.few_samples") in page


def test_the_word_is_explained() -> None:
    assert "a pair does not say who made it" in drawn("en")
    assert "仅凭一对结果不能判断差错出自哪一方" in drawn("zh")
