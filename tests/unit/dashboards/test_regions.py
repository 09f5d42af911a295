"""Regions read in the language of the page, and codes in the order in which people count."""

from __future__ import annotations

import pytest

from dashboards.pages.laboratories import block_of
from dashboards.params import Block
from dashboards.regions import PROVINCES, region_name
from labqa.figures.names import in_order


@pytest.mark.parametrize(
    ("delivered", "zh", "en"),
    [
        ("广东", "广东", "Guangdong"), ("广东省", "广东省", "Guangdong"), ("440000", "广东", "Guangdong"),
        ("内蒙古自治区", "内蒙古自治区", "Nei Mongol"), ("西藏", "西藏", "Xizang"), ("陕西省", "陕西省", "Shaanxi"),
        ("山西省", "山西省", "Shanxi"), ("新疆维吾尔自治区", "新疆维吾尔自治区", "Xinjiang"), ("重庆市", "重庆市", "Chongqing"),
        ("华东", "华东", "East"), ("深圳市", "深圳市", "深圳市"), ("Bavaria", "Bavaria", "Bavaria"), (None, None, None),
    ],
)  # fmt: skip
def test_a_known_region_is_named_in_english_and_any_other_stays_as_delivered(delivered, zh, en):
    assert (region_name(delivered, "zh"), region_name(delivered, "en")) == (zh, en)


def test_there_are_31_provincial_regions_each_named_once():
    assert len(PROVINCES) == 31
    assert len(set(PROVINCES.values())) == 31


def test_codes_are_ordered_by_the_numbers_in_them():
    codes = ["Lab10", "Lab2", "Lab1", "2", "10", "1"]
    assert sorted(codes, key=in_order) == ["1", "2", "10", "Lab1", "Lab2", "Lab10"]


def test_a_long_grid_is_sorted_by_the_numbers_in_its_codes():
    rows = [{"lab": code} for code in ("10", "2", None, "1")]
    up = block_of(rows, Block(0, 10, (("lab", False),), ()))
    down = block_of(rows, Block(0, 10, (("lab", True),), ()))
    assert [row["lab"] for row in up] == ["1", "2", "10", None]
    assert [row["lab"] for row in down] == ["10", "2", "1", None]
