"""Registers read from files: Chinese or English headers, words of the field, errors that name row and column."""

from datetime import date

import pytest

from labqa.core import tables
from labqa.core.errors import RegisterError
from labqa.ingest.registers import Registers, read_register


def register(tmp_path, kind, text):
    path = tmp_path / f"{kind}.csv"
    path.write_text(text, encoding="utf-8")
    return read_register(kind, path)


def test_laboratories_with_their_capabilities(tmp_path):
    text = "实验室代码,中文名称,地区,检测能力\nL1,甲所,上海,01.02:2014-01-01/2019-12-31; 03.01:2015-01-01/\nL2,乙所,,05.01\n"
    found = register(tmp_path, "labs", text)
    assert found["labs"].select("lab", "name_zh", "region").rows() == [("L1", "甲所", "上海"), ("L2", "乙所", None)]
    assert found["capabilities"].rows() == [
        ("L1", "01.02", date(2014, 1, 1), date(2019, 12, 31)),
        ("L1", "03.01", date(2015, 1, 1), None),
        ("L2", "05.01", date(1900, 1, 1), None),
    ]


def test_items_with_limits_and_what_follows_from_them(tmp_path):
    text = "item,scale,unit,upper limit,compare method,LOD,reproducibility constant,reproducibility slope\n"
    text += "PB,比率,mg/kg,90,修约值,0.5,1,0.1\nCF,ordinal,,,,,,\n"
    lead, fastness = register(tmp_path, "items", text)["items"].to_dicts()
    assert (lead["scale"], lead["upper_limit"], lead["upper_inclusive"], lead["compare_method"]) == (
        "ratio",
        90.0,
        True,
        "rounded",
    )
    assert (lead["lod"], lead["reproducibility_constant"], lead["reproducibility_slope"]) == (0.5, 1.0, 0.1)
    assert (fastness["unit"], fastness["compare_method"], fastness["upper_inclusive"]) == ("1", "full", None)


def test_products_and_classes(tmp_path):
    products = register(tmp_path, "products", "产品代码,中文名称\n01.02.03.04,T恤\n")["products"]
    assert products.select("product", "family").rows() == [("01.02.03.04", "01.02")]
    text = "lab,valid from,class,points\nL1,2018-04-01,Ⅰ,101\nL2,2018年4月1日,二类,97.5\nL3,2018-04-01,III,\n"
    in_force = register(tmp_path, "class", text)["class_in_force"]
    assert in_force.select("lab", "lab_class", "points").rows() == [("L1", "Ⅰ", 101.0), ("L2", "Ⅱ", 97.5), ("L3", "Ⅲ", None)]


@pytest.mark.parametrize(
    ("kind", "text", "key"),
    [
        ("people", "a\n1\n", "ingest.register_kind"),
        ("labs", "name\nx\n", "ingest.register_column"),
        ("labs", "lab,region\nL1,x\n,y\n", "ingest.register_key"),
        ("labs", "lab\nL1\nL1\n", "ingest.register_twice"),
        ("labs", "lab,capabilities\nL1,01.02:2014-13-01/\n", "ingest.register_value"),
        ("items", "item,scale,unit\nPB,big,mg/kg\n", "ingest.register_value"),
        ("items", "item,scale,unit,upper limit\nPB,ratio,mg/kg,ten\n", "ingest.register_value"),
        ("items", "item,scale,unit,LOD\nPB,ratio,mg/kg,-1\n", "ingest.register_below"),
        ("items", "item,scale,unit,rounding interval\nPB,ratio,mg/kg,0\n", "ingest.register_below"),
        ("items", "item,scale,unit\nPB,ratio,\n", "ingest.register_missing"),
        ("items", "item,scale,unit,lower limit,upper limit\nPB,ratio,mg/kg,9,1\n", "ingest.register_limits"),
        ("class", "lab,valid from,class\nL1,2018-04-01,\n", "ingest.register_missing"),
        ("labs", "lab,capabilities\nL1,01.02:2015-01-01/2014-01-01\n", "ingest.register_period"),
        ("labs", "lab,capabilities\nL1,01.02; 01.02\n", "ingest.register_capability_twice"),
        ("labs", "lab,name_en\nA,B\nlab,name_en\n", "ingest.header_again"),
        ("class", "lab,valid from,class\nL1,2018-02-30,Ⅰ\n", "ingest.register_value"),
        ("class", "lab,valid from,class\nL1,2018-04-01,Ⅴ\n", "ingest.register_value"),
    ],
)
def test_a_register_that_is_wrong(tmp_path, kind, text, key):
    with pytest.raises(RegisterError) as caught:
        register(tmp_path, kind, text)
    assert caught.value.message.key == key
    assert caught.value.message.text("zh") and caught.value.message.text("en")


def test_the_row_that_breaks_a_rule_is_named_once_and_on_one_line(tmp_path):
    text = 'item,scale,unit,"检出限\nLOD"\nPB,ratio,mg/kg,1\nCD,ratio,mg/kg,-2\n'
    with pytest.raises(RegisterError) as caught:
        register(tmp_path, "items", text)
    for told in (caught.value.message.text("zh"), caught.value.message.text("en")):
        assert "\n" not in told and told.count("items.csv") == 1 and "“检出限 LOD”" in told and "“-2”" in told
    assert "row 3," in caught.value.message.text("en") and "第 3 行" in caught.value.message.text("zh")


def test_what_a_file_brings_replaces_what_was_registered(tmp_path):
    old = register(tmp_path, "labs", "lab,region\nL1,old\nL2,old\n")
    new = register(tmp_path, "labs", "lab,region\nL2,new\nL3,new\n")
    merged = Registers(labs=old["labs"]).with_found(new)
    assert merged.labs.select("lab", "region").rows() == [("L1", "old"), ("L2", "new"), ("L3", "new")]
    tables.Labs.validate(merged.labs)


@pytest.mark.parametrize(("written", "meant"), [("1,234.5", 1234.5), ("1,234,567", 1234567.0), ("1234", 1234.0)])
def test_a_limit_may_have_thousands_marks_where_they_can_be_nothing_else(tmp_path, written, meant):
    found = register(tmp_path, "items", f'item,scale,unit,upper limit\nPB,ratio,mg/kg,"{written}"\n')
    assert found["items"]["upper_limit"].to_list() == [meant]


@pytest.mark.parametrize("written", ["1,5", "1,234", "0,05", "1 234"])
def test_a_limit_that_can_be_read_in_two_ways_is_refused(tmp_path, written):
    with pytest.raises(RegisterError) as caught:
        register(tmp_path, "items", f'item,scale,unit,upper limit\nPB,ratio,mg/kg,"{written}"\n')
    assert (caught.value.message.key, caught.value.message.values["value"]) == ("ingest.register_value", written)
