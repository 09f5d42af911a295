"""A period names the years asked for; what an edition looks back on is read beside them."""

from datetime import date

import pytest

from labqa.core.errors import UsageError
from labqa.service.period import window

THERE = [2012, 2014, 2015, 2016, 2017, 2018, None]
LOOKBACK = {"evidence_years": 3, "veto_years": 3, "trend_years": 5}


def test_a_year_reads_what_its_edition_looks_back_on() -> None:
    found = window("2018", THERE, **LOOKBACK)
    assert found.asked == (2018,)
    assert found.evidence == found.veto == (2016, 2017, 2018)
    assert found.read == found.trend == (2014, 2015, 2016, 2017, 2018)
    assert found.as_of == date(2018, 12, 31)


def test_a_range_is_evaluated_as_a_whole() -> None:
    found = window("2014-2017", THERE, **LOOKBACK)
    assert found.asked == found.evidence == (2014, 2015, 2016, 2017)
    assert found.veto == (2015, 2016, 2017)


def test_undated_rounds_are_in_all_only() -> None:
    assert None not in window("2012-2018", THERE, **LOOKBACK).read
    found = window("all", THERE, **LOOKBACK)
    assert found.read == (2012, 2014, 2015, 2016, 2017, 2018, None)
    assert window("all", [None], **LOOKBACK).asked == (None,)


@pytest.mark.parametrize("period", ["last year", "18", "2019", "2013", "2018-2016", "2018-"])
def test_what_holds_no_results_is_refused_with_a_sentence(period: str) -> None:
    with pytest.raises(UsageError) as caught:
        window(period, THERE, **LOOKBACK)
    assert period in caught.value.message.text("en") and period in caught.value.message.text("zh")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_range_written_backwards_is_told_the_way_round(language: str) -> None:
    with pytest.raises(UsageError) as caught:
        window("2018-2016", THERE, **LOOKBACK)
    assert "2016-2018" in caught.value.message.text(language)
