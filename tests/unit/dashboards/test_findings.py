"""What the front page answers first: laboratories by the size of their bias, places of delivered rows, bands of classes."""

from __future__ import annotations

import polars as pl
import pytest

from dashboards.pages import findings
from dashboards.reading import Reading
from dashboards.words import Words
from labqa.core.wording.catalogue import Message
from labqa.service import queries
from labqa.service.viewer import LOCAL_ANALYST, Viewer
from tests import fakes


@pytest.fixture(scope="module")
def platform():
    return fakes.platform(n_labs=24)


def run_of(platform, programme: str = "national") -> str:
    return next(run for run, opened in platform.opened.items() if opened.manifest.programme == programme)


def reading_of(platform, *rows: tuple[str, str, float | None, float, float]) -> Reading:
    """A reading whose laboratories have these biases: code, status, estimate, ends of the interval."""
    made = Reading(platform, LOCAL_ANALYST, run_of(platform))
    names = ("lab", "status", "estimate", "lower", "upper")
    made.__dict__["whole_bias"] = pl.DataFrame(rows, schema=names, orient="row")
    return made


def test_the_farthest_laboratory_is_so_on_either_side(platform) -> None:
    found = reading_of(
        platform,
        ("A", "assessed", 1.0, 0.7, 1.3),
        ("B", "assessed", -3.0, -3.4, -2.6),
        ("C", "assessed", 2.5, 2.3, 2.7),
        ("D", "assessed", 0.1, -0.4, 0.6),
        ("E", "not_assessed", None, -9.0, 9.0),
    )
    assert found.farthest["lab"].to_list() == ["B", "C", "A", "D"]
    assert found.farthest["least"].to_list() == [2.6, 2.3, 0.7, 0.0]
    assert found.farthest["most"].to_list() == [3.4, 2.7, 1.3, 0.6]
    assert findings.as_far(found) == 1, "C reaches 2.7, B may be as small as 2.6"


def test_an_item_is_called_by_its_name_in_a_sentence(platform) -> None:
    reading = Reading(platform, LOCAL_ANALYST, run_of(platform))
    item = reading.registers["items"].row(0, named=True)
    line = Message(
        "rating.item_hangs_on_yardstick", {"item": item["item"], "estimate": 1.0, "bound": 0.5, "swing": 30}
    ).to_json()
    assert f"{item['name_zh']} · {item['item']}" in reading.sentence(line, Words("zh"))
    plain = Message("rating.carried_points", {"lab_class": "Ⅱ", "points": 97.3})
    assert reading.sentence(plain.to_json(), Words("en")) == plain.text("en")


def test_bands_are_those_of_the_law(platform) -> None:
    bands = queries.bands(platform, run_of(platform), viewer=LOCAL_ANALYST)
    assert [name for name, _ in bands] == ["Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ"]
    assert [low for _, low in bands][:3] == [100, 96, 80]


def test_places_of_delivered_rows_are_bound_to_the_viewer(platform) -> None:
    run, results = run_of(platform), platform.facts["national"]["results"].head(40)
    asked = results["result"].to_list()
    every = queries.delivered_places(platform, run, asked, viewer=LOCAL_ANALYST)
    assert dict(every.select("result", "row").iter_rows()) == dict(results.select("result", "row").iter_rows())
    lab = results.drop_nulls("lab")["lab"][0]
    own = queries.delivered_places(platform, run, asked, viewer=Viewer("lab_manager", "manager", lab))
    assert set(own["result"]) == set(results.filter(pl.col("lab") == lab)["result"])
    assert own.height < every.height
