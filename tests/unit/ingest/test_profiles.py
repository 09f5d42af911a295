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


def test_each_profile_that_ships_has_its_programme():
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
        (MINIMAL.replace('name = "mine"', ""), "ingest.profile_lacks"),
        (MINIMAL.replace('sample = ["id"]', ""), "ingest.profile_lacks"),
        ("colour = 1\n" + MINIMAL, "ingest.profile_contradicts"),
        (MINIMAL + "times_comparable = false", "ingest.profile_strayed"),
        (MINIMAL.replace('["id"]', '"id"'), "ingest.profile_shape"),
        (MINIMAL.replace('["id"]', '["id", 3]'), "ingest.profile_shape"),
        (MINIMAL.replace('["sample", "value"]', '"sample"'), "ingest.profile_shape"),
        ('times_comparable = "no"\n' + MINIMAL, "ingest.profile_shape"),
        ("period = 2019\n" + MINIMAL, "ingest.profile_shape"),
        ('declared = "mg/kg"\n' + MINIMAL, "ingest.profile_shape"),
        (MINIMAL + "[declared]\nperiod = 2019", "ingest.profile_shape"),
        (MINIMAL + '[words]\nrole = "original"', "ingest.profile_shape"),
        (MINIMAL + '[declared]\nrole = "ptt"', "ingest.profile_contradicts"),
        (MINIMAL + '[words.role]\nX = "ptt"', "ingest.profile_contradicts"),
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


def test_a_wrong_shape_is_told_with_its_place_and_how_it_is_written(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL.replace('["id"]', '["id", 3]'))
    with pytest.raises(UsageError) as caught:
        profiles.load(path)
    said = caught.value.message.text("en")
    assert "columns.sample" in said and '["id", 3]' in said and 'sample = ["…", "…"]' in said


def test_words_may_say_that_nothing_is_said_and_be_chinese(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL + '[declared]\nrole = "复检"\n[words.qualifier]\nE = ""\nND = "未检出"', encoding="utf-8")
    assert profiles.load(path).words["qualifier"] == {"E": "", "ND": "未检出"}


def test_profiles_are_read_in_utf8_with_or_without_its_mark(tmp_path):
    path = tmp_path / "mine.toml"
    text = MINIMAL.replace('"id"', '"样品编号"')
    path.write_text(text, encoding="utf-8-sig")
    assert profiles.load(path).columns["sample"] == ("样品编号",)
    path.write_text(text, encoding="gbk")
    with pytest.raises(UsageError) as caught:
        profiles.load(path)
    assert caught.value.message.key == "ingest.profile_encoding"


def test_the_fingerprint_tells_profiles_apart_by_what_they_say(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(MINIMAL)
    one = profiles.fingerprint(profiles.load(path))
    path.write_text("# a remark\n" + MINIMAL)
    assert profiles.fingerprint(profiles.load(path)) == one
    path.write_text(MINIMAL + '[declared]\nunit = "mg/kg"')
    assert profiles.fingerprint(profiles.load(path)) != one


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
