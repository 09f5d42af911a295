"""What holds of every rating, whatever the indicators: nobody is moved without an assessment, a reason and a figure."""

from __future__ import annotations

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from labqa.core import tables as t
from labqa.core.vocabulary import LabClass, Status, values
from labqa.core.wording.catalogue import Message
from labqa.rating import classify, rulesets

EDITION = rulesets.load("cn-2012-26")
LABS = ["A", "B", "C"]
ORDER = values(LabClass)
some = st.one_of(st.none(), st.floats(-4, 4))
spread = st.one_of(st.none(), st.floats(0, 1))


@st.composite
def indicator(draw: st.DrawFn, lab: str, scope: str, scope_id: str, name: str) -> dict[str, object]:
    estimate, se = draw(some), draw(spread)
    whole = estimate is not None and se is not None
    status = draw(st.sampled_from(values(Status)))
    return {
        "lab": lab,
        "scope": scope,
        "scope_id": scope_id,
        "indicator": name,
        "estimate": abs(estimate) if estimate is not None and name != "bias" else estimate,
        "se": se,
        "df": draw(st.one_of(st.none(), st.floats(1, 500))),
        "lower": estimate - 2 * se if whole else None,
        "upper": estimate + 2 * se if whole else None,
        "n": draw(st.integers(0, 200)),
        "zero": draw(st.sampled_from(["anchored", "relative"])),
        "status": status,
        "reason": None,
        "evidence": ["e"],
    }


@st.composite
def national(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Indicators and classes in force of three laboratories; anything may be missing."""
    names = [("lab", "", "bias"), ("item", "pb", "bias"), ("item", "cd", "bias"), ("lab", "", "precision_ratio")]
    names += [
        ("lab", "", "pt_outliers_3"),
        ("lab", "", "pair_outliers_3"),
        ("lab", "", "pt_correlation"),
        ("lab", "", "flip_excess"),
    ]
    rows = [draw(indicator(lab, *name)) for lab in LABS for name in names if draw(st.integers(0, 4)) > 0]
    held = [(lab, draw(st.sampled_from(ORDER)), draw(st.one_of(st.none(), st.floats(60, 110)))) for lab in LABS[:2]]
    schema = {"lab": pl.String, "lab_class": pl.String, "points": pl.Float64}
    classes = pl.DataFrame(held, schema=schema, orient="row").with_columns(valid_from=pl.lit(date(2018, 1, 1)))
    return pl.DataFrame(rows, schema=t.empty(t.Indicators).schema), t.shaped(classes, t.ClassInForce)


def rate(indicators: pl.DataFrame, classes: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    labs = t.shaped(pl.DataFrame({"lab": LABS}), t.Labs)
    return classify.rate(indicators, classes, labs, EDITION, date(2018, 12, 31))


@given(national())
@settings(max_examples=120, deadline=None)
def test_nobody_is_moved_without_assessment_and_reason(drawn: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    indicators, classes = drawn
    ratings, reasons = rate(indicators, classes)
    t.Ratings.validate(ratings)
    t.Reasons.validate(reasons)
    assert ratings["lab"].to_list() == LABS
    for row in ratings.iter_rows(named=True):
        lines = reasons.filter(pl.col("lab") == row["lab"])
        by_veto = row["ground"] == "veto"
        if row["status"] == "not_assessed":
            assert row["points"] is None and row["class_by_points"] is None
            assert by_veto or row["proposal"] == "none"
        else:
            assert lines["points"].sum() == row["points"] or abs(lines["points"].sum() - row["points"]) <= 0.005
        if row["proposal"] == "none":
            assert row["class_proposed"] is None and row["ground"] is None
        if row["proposal"] == "downgrade":
            assert ORDER.index(row["class_proposed"]) > ORDER.index(row["class_in_force"])
            assert by_veto or (lines["points"] < 0).any()
            assert lines.filter(pl.col("ground") == row["ground"]).height > 0
        if row["proposal"] == "upgrade":
            assert ORDER.index(row["class_proposed"]) < ORDER.index(row["class_in_force"])
            assert (lines.filter(pl.col("line") != "carried")["points"] > 0).any()
        if row["class_in_force"] is None:
            assert row["proposal"] in ("none", "first_rating")
        assert row["veto"] == (row["veto_outliers"] >= 3)
        for language in ("zh", "en"):
            texts = [Message.from_json(line).text(language) for line in lines["message"]]  # type: ignore[arg-type]
            assert all(texts) and not any("None" in text or "nan" in text for text in texts)


@given(national(), st.randoms())
@settings(max_examples=30, deadline=None)
def test_the_order_of_rows_changes_nothing(drawn: tuple[pl.DataFrame, pl.DataFrame], random: object) -> None:
    indicators, classes = drawn
    order = list(range(indicators.height))
    random.shuffle(order)  # type: ignore[attr-defined]
    first, second = rate(indicators, classes), rate(indicators[order], classes.reverse())
    assert first[0].equals(second[0]) and first[1].equals(second[1])


@given(st.floats(0, 0.5), st.floats(0.001, 1), st.integers(1, 400))
@settings(max_examples=100, deadline=None)
def test_a_bias_estimated_within_the_bound_never_takes_points(size: float, se: float, df: int) -> None:
    row = {"lab": "A", "scope": "lab", "scope_id": "", "indicator": "bias", "estimate": size, "se": se, "df": float(df)}
    row |= {
        "lower": size - se,
        "upper": size + se,
        "n": 40,
        "zero": "relative",
        "status": "assessed",
        "reason": None,
        "evidence": [],
    }
    indicators = pl.DataFrame([row], schema=t.empty(t.Indicators).schema)
    ratings, _ = rate(indicators, t.empty(t.ClassInForce))
    assert ratings.filter(pl.col("lab") == "A")["points"].item() >= 100.0
