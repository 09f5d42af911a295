"""Gross errors cost points to those who made them and to nobody else; who has little left in the fit does not pass."""

import re
from pathlib import Path

import gross_trials
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from labqa.core.wording.catalogue import Message

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "docs" / "gross.csv"
EVERYWHERE = ("all_1.3", "all_2", "all_1000")


@pytest.fixture(scope="module")
def committed() -> pl.DataFrame:
    return pl.read_csv(TABLE)


def of(table: pl.DataFrame, world: str, who: str) -> dict[str, int]:
    found = table.filter(world=world, who=who)
    assert found["seed"].to_list() == list(gross_trials.SEEDS)
    return found.select(gross_trials.COUNTS).sum().row(0, named=True)


@pytest.mark.parametrize("world", list(gross_trials.WORLDS))
def test_nobody_is_charged_for_the_errors_of_others(committed, world):
    others = of(committed, world, "others")
    assert others["charged"] == 0
    assert others["withheld"] <= 0.01 * others["labs"]


@pytest.mark.parametrize("world", EVERYWHERE)
def test_who_is_wrong_everywhere_does_not_pass(committed, world):
    assert of(committed, world, "wrong")["passed"] == 0


def test_who_has_next_to_nothing_left_is_charged(committed):
    wrong = of(committed, "all_1000", "wrong")
    assert wrong["charged"] >= 0.8 * wrong["labs"]
    assert wrong["withheld"] == wrong["labs"]


@pytest.mark.parametrize("world", [one for one in gross_trials.WORLDS if one.startswith("originals_")])
def test_who_is_wrong_as_first_laboratory_alone_does_not_pass(committed, world):
    """Right in rounds and as second laboratory; at 2 σR it is not always seen."""
    wrong = of(committed, world, "wrong")
    seldom = world == "originals_offset_2"
    assert wrong["withheld"] >= (0.4 if seldom else 0.75) * wrong["labs"]
    assert wrong["passed"] <= (0.6 if seldom else 0.0) * wrong["labs"]


def test_who_is_wrong_in_the_last_half_year_seldom_passes(committed):
    wrong = of(committed, "late_offset_4", "wrong")
    assert wrong["passed"] <= 0.25 * wrong["labs"]


@pytest.mark.parametrize("world", ["offset_4", "offset_8", "family_offset_4"])
def test_who_is_far_off_everywhere_or_in_its_main_product_is_found(committed, world):
    """Eight times δ0 = 0.5 σR and more, three years of evidence."""
    wrong = of(committed, world, "wrong")
    assert wrong["other_points"] == wrong["labs"] == gross_trials.CULPRITS * len(gross_trials.SEEDS)
    assert wrong["passed"] == 0


def test_an_item_of_which_all_results_are_wrong_is_not_passed_over():
    """All of a laboratory's results on an item are off by a factor of ten: no bias is stated, and the item is named."""
    world = gross_trials.WORLDS["item_10"]
    tables, wrong = gross_trials.evaluated(world, 1)
    own = gross_trials.scopes(gross_trials.network_of(world, 1), wrong, world.only)
    told = tables["lab_bias"].filter(scope="item").join(own, on=["lab", "scope_id"], how="inner")
    assert told.height == gross_trials.CULPRITS
    assert not (told["status"] == "assessed").any() and told["estimate"].null_count() == told.height
    aside = told.filter(status="undetermined")
    assert aside.height > 0
    for lab, item in aside.select("lab", "scope_id").iter_rows():
        reasons = tables["reasons"].filter(lab=lab)
        said = [Message.from_json(line) for line in reasons["message"]]
        whole = any(one.key == "bias.set_aside" for one in said)
        assert whole or any(one.key == "rating.item_set_aside" and one.values["item"] == item for one in said)
        assert "accuracy_shown" not in reasons["line"].to_list()


@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_table_of_the_readme_is_the_committed_one(committed, page):
    """Row by row in the order of the worlds; a factor or offset of a world stands in the name of its row."""
    part = re.split(r"^## ", (ROOT / page).read_text("utf-8"), flags=re.MULTILINE)
    (part,) = (text for text in part if "docs/gross.csv" in text)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")][2:]
    assert len(rows) == len(gross_trials.WORLDS)
    for (name, *cells), world in zip(rows, gross_trials.WORLDS, strict=True):
        others, wrong = of(committed, world, "others"), {}
        if not committed.filter(world=world, who="wrong").is_empty():
            wrong = of(committed, world, "wrong")
        expected = [wrong.get(count, "–") for count in gross_trials.COUNTS] + [others[c] for c in gross_trials.COUNTS[:3]]
        assert cells == [str(one) for one in expected], (world, name)
        number = re.search(r"_([\d.]+)$", world)
        assert number is None or re.search(rf"(?<![\d.]){re.escape(number[1])}(?![\d.])", name) or "half" in world, (
            world,
            name,
        )


RECOMPUTED = [
    ("originals_2", 2),
    ("all_1000", 4),
    ("mirrored", 3),
    ("originals_offset_2", 1),
    ("originals_offset_8", 2),
    ("family_offset_4", 1),
    ("late_offset_4", 1),
]


@pytest.mark.parametrize(("world", "seed"), RECOMPUTED)
def test_the_committed_table_is_what_the_code_gives(committed, world, seed):
    expected = committed.filter(world=world, seed=seed).sort(*gross_trials.KEY)
    assert_frame_equal(gross_trials.trial(world, seed).sort(*gross_trials.KEY), expected)


@pytest.mark.long
def test_the_whole_committed_table_is_what_the_code_gives(committed, tmp_path):
    assert_frame_equal(gross_trials.table(tmp_path / "gross.csv"), committed)
