"""Profiles: those that ship, and what a wrong one is told."""

import pytest

from labqa.core import tables
from labqa.core.errors import DeliveryError, UsageError
from labqa.ingest import profiles
from labqa.ingest.deliver import read_delivery
from labqa.ingest.registers import Registers

MINIMAL = """
name = "mine"
required = ["sample", "value"]
[columns]
sample = ["id"]
value = ["x"]
"""


def test_four_profiles_ship_each_with_its_programme():
    assert profiles.shipped() == ["ceramide", "chromium", "eqa", "rmstudy", "template", "usgs"]
    programmes = [profiles.load(name).programme for name in profiles.shipped()]
    assert programmes == ["ceramide", "chromium", "eqa", "rmstudy", "national", "usgs"]


def test_a_profile_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL)
    assert profiles.load(path).columns == {"sample": ("id",), "value": ("x",)}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("name = ", "ingest.profile_unreadable"),
        (MINIMAL.replace('name = "mine"', ""), "ingest.profile_unreadable"),
        ("colour = 1\n" + MINIMAL, "ingest.profile_unreadable"),
        (MINIMAL + 'weight = ["w"]', "ingest.profile_contradicts"),
        ('decimal_mark = ";"\n' + MINIMAL, "ingest.profile_contradicts"),
        ('decimal_mark = ","\nthousands_mark = ","\n' + MINIMAL, "ingest.profile_contradicts"),
        ('date_system = "1800"\n' + MINIMAL, "ingest.profile_contradicts"),
        ('period = "monthly"\n' + MINIMAL, "ingest.profile_contradicts"),
        ('derive = ["people"]\n' + MINIMAL, "ingest.profile_contradicts"),
        (MINIMAL + '[derived_scale]\n"%" = "logarithmic"', "ingest.profile_contradicts"),
    ],
)
def test_a_profile_that_cannot_be_used(tmp_path, text, key):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        profiles.load(path)
    assert caught.value.message.key == key
    assert caught.value.message.text("zh")


def test_an_unknown_profile_names_those_there_are():
    with pytest.raises(UsageError, match="usgs"):
        profiles.load("nowhere")


@pytest.mark.parametrize(
    ("header", "key"),
    [("sample,item", "ingest.columns_missing"), ("sample,样品编号,item,lab,unit,value,role", "ingest.columns_ambiguous")],
)
def test_a_file_whose_columns_do_not_fit_the_profile(tmp_path, header, key):
    path = tmp_path / "a.csv"
    path.write_text(header + "\n" + ",".join("x" for _ in header.split(",")) + "\n")
    with pytest.raises(DeliveryError) as caught:
        read_delivery(path, profiles.load("template"), Registers(), programme="p", known=tables.empty(tables.Results))
    assert caught.value.message.key == key
    assert "a.csv" in caught.value.message.text("zh")
