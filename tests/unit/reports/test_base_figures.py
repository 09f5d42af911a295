"""Base figures and trend: a figure that is 0 in every year is a figure; one that no year has is left out."""

import polars as pl
import pytest

from reports.context import Context
from reports.document import Panel, Table
from reports.sections.base import section
from tests import factories


def context(language, *, agreeing, pairs=40.0, years=2):
    """Years up to 2018 with 40 pairs each, of which `agreeing` is the share that agrees; None: no year tells."""
    told = {"results": 80.0, "pairs": pairs} | ({} if agreeing is None else {"agreement_share": agreeing})
    rows = [
        {"metric": metric, "scope": "national", "scope_id": "", "period": period, "value": value, "n": 40}
        for period in (*(str(2019 - years + k) for k in range(years)), "2017-2018")
        for metric, value in told.items()
    ]
    return Context(
        tables={"summary": pl.DataFrame(rows)},
        registers=factories.registers(4, named=True, limits=True, classes=True),
        manifest=factories.manifest(dated=True),
        refused=0,
        head=(1, "ab" * 32),
        fingerprints=pl.DataFrame(),
        precision_levels=pl.DataFrame(),
        language=language,
    )


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(("agreeing", "shown"), [(0.0, True), (0.9, True), (None, False)])
def test_a_trend_of_zeros_is_drawn(language, agreeing, shown):
    blocks = section(context(language, agreeing=agreeing)).blocks
    drawn = {spec.kind for block in blocks if isinstance(block, Panel) for spec in block.specs}
    assert ("trend_agreement_share" in drawn) is shown and "trend_pairs" in drawn
    (table,) = (block for block in blocks if isinstance(block, Table))
    assert len(table.rows) == 2 + shown


def test_a_count_that_is_zero_in_every_year_is_told_and_not_drawn_as_bars_without_height():
    blocks = section(context("zh", agreeing=None, pairs=0.0)).blocks
    assert {spec.kind for block in blocks if isinstance(block, Panel) for spec in block.specs} == {"trend_results"}
    (table,) = (block for block in blocks if isinstance(block, Table))
    assert table.rows[-1][1:] == ("0", "0")


@pytest.mark.parametrize(("years", "heads", "first"), [(7, 8, "已接收结果"), (8, 4, "2011"), (37, 4, "1982")])
def test_many_years_stand_below_each_other(years, heads, first):
    blocks = section(context("zh", agreeing=0.9, years=years)).blocks
    (table,) = (block for block in blocks if isinstance(block, Table))
    assert (len(table.columns), table.rows[0][0]) == (heads, first)
    assert all(len(row) == heads for row in table.rows)
    assert "80" in table.rows[0]
