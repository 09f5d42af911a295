"""What is delivered wrong and then corrected is what would have been delivered right, and no correction is half done."""

from __future__ import annotations

import csv
import itertools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from labqa.core import tables
from labqa.ingest import profiles
from labqa.ingest.deliver import Delivery, read_delivery
from labqa.ingest.harmonise import Purpose
from labqa.ingest.registers import Registers

OF_SAMPLE = ("round", "period", "product", "sampler", "drawn on")
KEY = ("sample", "item", "lab", "role", "replicate")
OF_RESULT = {
    "trigger": ("计划", "异议", "expert"),
    "tested on": ("", "{day}", "{later}"),
    "run": ("", "b1", "b2"),
    "verdict": ("合格", "不合格", "未判定"),
    "method": ("", "GB 1", "GB 2"),
    "report": ("", "R-1"),
    "retest blind": ("", "是", "no"),
    "selection probability": ("", "0.2", "30%"),
}
VALUES = {
    "PB": (("12.5", "mg/kg"), ("12.50", "mg/kg"), ("12500", "ug/kg"), ("1.25", "mg/kg"), ("<0.01", "mg/kg"), ("/", "mg/kg")),
    "CF": (("4", ""), ("4-5", ""), ("3", ""), ("/", "")),
}
HEADERS = (*KEY, *OF_SAMPLE, "value", "unit", "u", *OF_RESULT)
REGISTERS = Registers(
    labs=tables.shaped(pl.DataFrame({"lab": [*"ABCD"]}), tables.Labs),
    items=tables.shaped(
        pl.DataFrame({"item": ["PB", "CF"], "scale": ["ratio", "ordinal"], "unit": ["mg/kg", "1"], "compare_method": "full"}),
        tables.Items,
    ),
)
TEMPLATE = profiles.load("template")
NAMES = {"u": "standard uncertainty"}
SETTINGS = settings(max_examples=60, deadline=None)
Row = dict[str, str]

descriptions = st.fixed_dictionaries(
    {
        "named": st.sampled_from([("2018-1", ""), ("2018-2", ""), ("2019-1", ""), ("spring", "2018")]),
        "product": st.sampled_from(["", "01.02.03.04", "01.02.03.05"]),
        "sampler": st.sampled_from(["", "A", "office"]),
        "drawn on": st.sampled_from(["", "2018-02-01", "2018-03-01"]),
    }
).map(lambda said: {**said, "round": said["named"][0], "period": said["named"][1]})


def of_result(draw: st.DrawFn, key: Row) -> Row:
    """All that one result says of itself."""
    row = {name: draw(st.sampled_from(words)) for name, words in OF_RESULT.items()}
    month = "04" if key["role"] in {"retest", "referee"} else "03"
    row["tested on"] = row["tested on"].format(day=f"2018-{month}-10", later=f"2018-{month}-12")
    if key["role"] not in {"retest", "referee"}:
        row |= {"trigger": "", "retest blind": "", "selection probability": ""}
    value, unit = draw(st.sampled_from(VALUES[key["item"]]))
    taken_back = value == "/"
    measured = key["item"] == "PB" and not taken_back
    return row | {
        "value": value,
        "unit": unit,
        "u": draw(st.sampled_from(["", "0.5", "0.25"])) if measured else "",
        "verdict": "" if taken_back else row["verdict"],
    }


@st.composite
def histories(draw: st.DrawFn) -> list[list[Row]]:
    """The same results as they were said one time after another, each time with other words in some places."""
    keys: list[Row] = []
    for sample in draw(st.sampled_from([("S1",), ("S1", "S2"), ("S1", "S2", "S3")])):
        for item in draw(st.sampled_from([("PB",), ("PB", "CF")])):
            tested = [("A", "original"), *draw(st.sampled_from([[], [("B", "retest")], [("B", "retest"), ("C", "referee")]]))]
            tested += draw(st.sampled_from([[], [("D", "pt")]]))
            keys += [dict(zip(KEY, (sample, item, *one, "1"), strict=True)) for one in tested]
    samples = sorted({key["sample"] for key in keys})
    said: list[list[Row]] = []
    for _ in range(draw(st.integers(2, 4))):
        of_sample = {name: draw(descriptions) for name in samples}
        now = []
        for place, key in enumerate(keys):
            anew = not said or draw(st.booleans())
            own = of_result(draw, key) if anew else {n: said[-1][place][n] for n in (*OF_RESULT, "value", "unit", "u")}
            lead = key["role"] in {"original", "pt"}
            told = {name: of_sample[key["sample"]][name] if lead else "" for name in OF_SAMPLE}
            now.append(key | told | own)
        if said and draw(st.booleans()):  # the samples as before
            now = [row | {n: old[n] for n in OF_SAMPLE} for row, old in zip(now, said[-1], strict=True)]
        said.append(now)
    return said


def read(rows: Sequence[Mapping[str, str]], known: pl.DataFrame | None = None, purpose: Purpose = "deliver") -> Delivery:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "delivery.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, HEADERS, quoting=csv.QUOTE_ALL)
            writer.writerow({name: NAMES.get(name, name) for name in HEADERS})
            writer.writerows(rows)
        before = tables.empty(tables.Results) if known is None else known
        return read_delivery(path, TEMPLATE, REGISTERS, programme="national", known=before, purpose=purpose)


def corrections(was: list[Row], now: list[Row], whole: bool, speaker: int) -> list[Row]:
    """Rows that say what differs, and nothing else; or `whole` rows, wherever anything differs."""
    made = []
    for old, new in zip(was, now, strict=True):
        leads = [key for key in was if key["sample"] == old["sample"] and key["round"]]
        speaks = leads[speaker % len(leads)] is old
        compared = [name for name in HEADERS if name not in OF_SAMPLE or speaks]
        differs = {name for name in compared if old[name] != new[name]}
        if not differs:
            continue
        if "value" in differs or "unit" in differs:
            differs |= {"value", "unit", "u", "verdict"}
        if "u" in differs and new["u"]:
            differs |= {"unit"}
        if whole:
            differs |= {name for name in compared if new[name]}
        said = {name: new[name] or ("/" if old[name] else "") for name in differs - {"period", "verdict"}}
        said |= {name: new[name] for name in differs & {"period", "verdict"}}
        if "unit" in said and not ({"value", "u"} & said.keys()):
            del said["unit"]
        if not new["unit"]:
            said["unit"] = ""
        made.append(dict.fromkeys(HEADERS, "") | {name: new[name] for name in KEY} | said)
    return made


def last(results: pl.DataFrame) -> pl.DataFrame:
    """What holds of each result, without what tells its revisions apart; by hand, not by our own code."""
    keys = ["sample", "item", "lab", "role", "replicate"]
    rows = results.sort("revision").unique(keys, keep="last", maintain_order=True).sort(keys)
    return rows.drop("result", "revision", "file", "row")


@SETTINGS
@given(histories(), st.booleans(), st.integers(0, 9), st.randoms(use_true_random=False))
def test_corrected_results_are_those_delivered_right_at_once(
    said: list[list[Row]], whole: bool, speaker: int, order: object
) -> None:
    first = read(said[0])
    assert first.refusals.is_empty()
    known = first.results
    for was, now in itertools.pairwise(said):
        rows = corrections(was, now, whole, speaker)
        if not rows:
            continue
        order.shuffle(rows)  # type: ignore[attr-defined]
        found = read(rows, known, "correct")
        assert found.refusals.is_empty(), found.refusals["message"].to_list()
        assert found.results.height - found.n_following == len(rows)
        known = pl.concat([known, found.results])
        right = read(now)
        assert right.refusals.is_empty()
        assert last(known).equals(last(right.results)), (last(known), last(right.results))
    assert known["result"].is_unique().all()


words = {
    "sample": ("S1", "S2", "S3", "S1", "S4"),
    "item": ("PB", "CF"),
    "lab": ("A", "A", "B", "C", "D"),
    "role": ("original", "original", "retest", "referee", "pt"),
    "replicate": ("", "1"),
    "round": ("", "", "2018-1", "2018-2", "2019-1", "spring"),
    "period": ("", "", "2018", "2019"),
    "product": ("", "01.02.03.04", "01.02.03.05", "/"),
    "sampler": ("", "A", "office", "/"),
    "drawn on": ("", "2018-02-01", "soon"),
    "value": ("", "", "7", "<0.01", "/", "x"),
    "unit": ("", "mg/kg", "m"),
    "u": ("", "", "0.5", "/"),
    "trigger": ("", "计划"),
    "tested on": ("", "2018-03-11", "2018-04-11", "2018-05-01", "2018-01-01", "/"),
    "run": ("", "b9", "/"),
    "verdict": ("", "合格", "/"),
    "method": ("", "GB 1"),
    "report": ("", "R-9"),
    "retest blind": ("", "是"),
    "selection probability": ("", "0.1"),
}
anything = st.lists(st.fixed_dictionaries({name: st.sampled_from(w) for name, w in words.items()}), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None)
@given(histories(), st.lists(anything, min_size=1, max_size=3))
def test_whatever_is_sent_what_holds_between_results_holds_afterwards(said: list[list[Row]], sent: list[list[Row]]) -> None:
    known = read(said[0]).results
    for rows in sent:
        found = read(rows, known, "correct")
        accepted = found.results.height - found.n_following
        assert accepted + found.refusals["row"].n_unique() == len(rows)
        tables.Results.validate(found.results)
        known = pl.concat([known, found.results])
        agree(last(known))
    assert known["result"].is_unique().all()


def agree(results: pl.DataFrame) -> None:
    """One description a sample, one year a round, retests by others and afterwards."""
    for name in ("round", "period", "product", "sampler", "drawn_on"):
        assert (results.group_by("sample").agg(pl.col(name).n_unique())[name] == 1).all(), name
    assert (results.group_by("round").agg(pl.col("period").n_unique())["period"] == 1).all()
    held = results.filter(pl.col("qualifier") != "not_applicable")
    originals = held.filter(role="original").group_by("sample", "item").agg("lab", first=pl.col("tested_on").min())
    again = held.filter(pl.col("role").is_in(["retest", "referee"])).join(originals, on=["sample", "item"])
    assert not (again["tested_on"] < again["first"]).any()
    assert not again.select(pl.col("lab").is_in("lab_right")).to_series().any()
