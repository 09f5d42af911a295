"""The page of refused rows: told to be cut only where it is, and what was mended and sent again stands below."""

from __future__ import annotations

import json

import pytest
from plotly.utils import PlotlyJSONEncoder

from dashboards import address
from dashboards.pages import refusals
from dashboards.reading import Reading
from dashboards.words import Words
from labqa.core.errors import AccessDenied
from labqa.service.viewer import LOCAL_ANALYST, Viewer
from labqa.store.chain import Entry
from tests import crowd, fakes

MENDED = {"file_name": "一季度.xlsx", "raw": "a", "accepted": 5, "refused": 3}
MENDING = {"file_name": "改好的.xlsx", "raw": "b", "accepted": 2, "refused": 1, "mends": 3}


def reading_of(platform: fakes.FakePlatform, viewer: Viewer = LOCAL_ANALYST) -> Reading:
    return Reading(platform, viewer, next(run for run, one in platform.opened.items() if one.manifest.programme == "national"))


def drawn(platform: fakes.FakePlatform, language: str = "en") -> str:
    page = refusals.draw(reading_of(platform), address.read(f"/{language}/refusals", ""), Words(language))
    return json.dumps(page, cls=PlotlyJSONEncoder, ensure_ascii=False)


@pytest.mark.parametrize(("rows", "cut"), [(199, False), (200, False), (201, True)])
def test_it_is_told_to_be_cut_only_where_it_is(rows: int, cut: bool) -> None:
    platform = fakes.platform(n_labs=12)
    platform.facts["national"]["refusals"] = crowd.copies(fakes.refusals().head(1), rows, "file_name")
    assert ("the first 200 entries" in drawn(platform)) is cut


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_was_sent_again_stands_below(language: str) -> None:
    platform = fakes.platform(n_labs=12)
    heading = {"zh": "重新报送的文件", "en": "Sent again as"}[language]
    assert heading not in drawn(platform, language)
    entries = [Entry(place, "delivery", told, "", "", "") for place, told in ((3, MENDED), (4, MENDING))]
    platform.ledger = fakes.FakeLedger(tuple(entries))
    page = drawn(platform, language)
    assert heading in page and all(name in page for name in ("一季度.xlsx", "改好的.xlsx"))


def test_a_laboratory_is_not_told_what_others_sent_again() -> None:
    viewer = Viewer(role="lab_manager", name="manager", lab="L0001")
    with pytest.raises(AccessDenied):
        _ = reading_of(fakes.platform(n_labs=12), viewer).sent_again
