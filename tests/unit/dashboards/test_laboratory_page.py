"""The page of a laboratory: what it says of gross errors, of a missing bias, and of rows that were not all kept."""

from __future__ import annotations

import json
import re

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


def drawn(language: str, *rows: dict[str, object], **columns: dict[str, pl.Expr]) -> str:
    """The page of L0001 with these indicators, and with these columns of its rows in other tables."""
    platform = fakes.platform(n_labs=12)
    run = next(run for run, one in platform.opened.items() if one.manifest.programme == "national")
    tables = platform.opened[run].tables
    tables["indicators"] = t.shaped(pl.DataFrame(rows), t.Indicators) if rows else t.empty(t.Indicators)
    for name, changed in columns.items():
        own = [pl.when(pl.col("lab") == "L0001").then(new).otherwise(pl.col(one)).alias(one) for one, new in changed.items()]
        tables[name] = tables[name].with_columns(own)
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


UNDETERMINED = {"status": pl.lit("undetermined"), "reason": pl.lit("bias.set_aside"), "estimate": pl.lit(None, pl.Float64)}


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("proposal", "said"), [("downgrade", "proposal_downgrade"), ("none", "keeps_class")])
def test_a_proposal_is_told_also_of_a_laboratory_without_a_bias(language: str, proposal: str, said: str) -> None:
    words = Words(language)
    page = drawn(language, lab_bias=UNDETERMINED, ratings={"proposal": pl.lit(proposal), "class_in_force": pl.lit("Ⅱ")})
    assert {key for key in ("keeps_class", "proposal_downgrade") if words(f"lab.{key}") in page} == {said}


def test_nothing_is_said_of_others_where_one_laboratory_has_no_bias() -> None:
    page = drawn("en", lab_bias=UNDETERMINED)
    assert "No bias of this laboratory can be claimed" in page
    assert "No laboratory has a bias" not in page


@pytest.mark.parametrize(("n", "says"), [(49, "all 49 rows"), (50, "50 of its rows")])
def test_rows_are_not_called_all_where_only_the_first_are_kept(n: int, says: str) -> None:
    cited = pl.lit([f"P{k}" for k in range(n)])
    assert says in drawn("en", reasons={"evidence": cited})


@pytest.mark.parametrize(("language", "parts"), [("en", {" as original", " as retest"}), ("zh", {"（初检）", "（复检）"})])
def test_it_is_told_which_way_the_difference_of_a_pair_counts(language: str, parts: set[str]) -> None:
    words = Words(language)
    platform = fakes.platform(n_labs=12)
    pairs = next(one.tables["pairs"] for one in platform.opened.values() if one.manifest.programme == "national")
    cited = [pairs.filter(pl.col(f"{side}_lab") == "L0001")["pair"][0] for side in ("original", "retest")]
    page = drawn(language, reasons={"evidence": pl.lit(cited)})
    assert words("evidence.counts") in page and words("word.d") in page
    assert {part for part in parts if re.search(rf"D\u00a0[+−]\d+\.\d\d{part}", page)} == parts


def test_nothing_is_told_of_differences_where_no_reason_cites_any() -> None:
    assert Words("en")("evidence.counts") not in drawn("en", reasons={"evidence": pl.lit([], pl.List(pl.String))})
