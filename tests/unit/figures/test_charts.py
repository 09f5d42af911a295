"""Charts: what they show, in which order, how much of it, and what they say when there is nothing."""

import json
from collections import Counter

import polars as pl
import pytest

from labqa.core import tables as t
from labqa.core.wording.catalogue import LANGUAGES
from labqa.figures import names, narrow, paper, screen
from labqa.figures.charts import (
    agreement,
    biases,
    classes,
    comparability,
    ego,
    influence,
    maps,
    options,
    pairs,
    rounds,
    slopes,
    trends,
)
from labqa.figures.spec import COLOURS, MOST_POINTS, Axis, Series, Spec
from tests import factories

RUNS = {"dated": {}, "undated": {"n_labs": 29, "assessed": False, "dated": False}, "few": {"n_labs": 5}}


@pytest.fixture(scope="module")
def runs():
    return {name: factories.run_tables(**given) for name, given in RUNS.items()}


@pytest.fixture(scope="module")
def registers():
    return factories.registers()


def scored(run):
    return run["pairs"].join(run["discrepancies"], on="pair", how="left", maintain_order="left")


def every_chart(run, registers, language, *, period):
    labs, items, products = registers["labs"], registers["items"], registers["products"]
    summary, differences, bias = run["summary"], scored(run), run["lab_bias"]
    called = {"product": names.names(products, "product", language), "item": names.names(items, "item", language), "family": {}}
    return [
        classes.class_distribution(run["ratings"], language),
        biases.caterpillar(bias, labs, language),
        biases.lab_forest(bias, items, "L0001", language),
        options.options_of_lab(run["lab_selection"], "L0001", language, delta_0=0.5),
        options.options_of_network(run["lab_selection"], language),
        slopes.lab_slopes(run["lab_slopes"], items, "L0001", language),
        maps.heat_map_bias(bias, labs, products, language),
        maps.heat_map_discrepancy(differences, labs, products, language),
        pairs.largest_discrepancies(differences, items, language),
        *(trends.five_year_trend(summary, language, measure=measure) for measure in trends.MEASURES),
        trends.lab_trend(differences, run["pt_scores"], "L0001", language),
        *(agreement.agreement_by(summary, called[by], language, by=by, period=period) for by in ("product", "family", "item")),
        rounds.z_bars(run["pt_scores"], items, "L0001", language),
        comparability.partner_forest(contrasts_of(run, "L0001"), labs, "L0001", language),
        ego.ego_network(contrasts_of(run, "L0001"), run["lab_contrasts"], labs, "L0001", language),
        influence.contributions(moved(run, "L0001")[0], items, "L0001", language),
        influence.without(*moved(run, "L0001"), labs, "L0001", language, delta_0=0.5),
    ]


def contrasts_of(run, lab):
    """Rows of LAB_CONTRASTS with the laboratory first; L0001 has the smallest code, so none is turned."""
    return run["lab_contrasts"].filter(pl.col("lab") == lab)


def moved(run, lab):
    """LAB_INFLUENCE of a laboratory as a whole with sample, item and pair of its blocks, and its bias."""
    mine = run["lab_influence"].filter((pl.col("lab") == lab) & (pl.col("scope") == "lab"))
    blocks = run["blocks"].select("block", "sample", "item")
    rows = mine.join(blocks, left_on="what", right_on="block", how="left", maintain_order="left")
    first = run["pairs"].unique("block", keep="first", maintain_order=True).select("block", "pair")
    rows = rows.join(first, left_on="what", right_on="block", how="left", maintain_order="left")
    bias = run["lab_bias"].filter((pl.col("lab") == lab) & (pl.col("scope") == "lab"))["estimate"]
    return rows, bias[0] if len(bias) else None


def test_bars_of_contributions_are_the_blocks_in_their_order(runs, registers):
    rows, _ = moved(runs["dated"], "L0001")
    spec = influence.contributions(rows, registers["items"], "L0001", "en")
    shown = rows.filter(pl.col("kind") == "row").sort("rank")
    drawn = sorted((at, value, pair) for one in spec.series for at, value, pair in zip(one.y, one.x, one.ids, strict=True))
    assert [value for _, value, _ in drawn] == shown["contribution"].to_list()
    assert [pair for _, _, pair in drawn] == [pair or "" for pair in shown["pair"]]
    assert spec.y.categories[0].startswith(shown["sample"][0][:8]) and (spec.n_shown, spec.n_total) == (
        shown.height,
        shown["n_all"][0],
    )
    assert {one.name: all(value >= 0 for value in one.x) for one in spec.series} in (
        {"raises the bias": True},
        {"lowers it": False},
        {"raises the bias": True, "lowers it": False},
    )


def test_without_runs_from_the_bias_as_it_is_to_what_would_remain(runs, registers):
    rows, estimate = moved(runs["dated"], "L0001")
    spec = influence.without(rows, estimate, registers["labs"], "L0001", "zh", delta_0=0.5)
    assert [one.name for one in spec.series] == ["剔除一个样品", "剔除一家伙伴对共同样品的结果"]
    for one in spec.series:
        for value, low, high in zip(one.x, one.lower, one.upper, strict=True):
            assert {low, high} == {value, estimate}
    lost = rows.with_columns(shift=pl.lit(None, dtype=pl.Float64), without=pl.lit(None, dtype=pl.Float64))
    assert influence.without(lost, estimate, registers["labs"], "L0001", "zh", delta_0=0.5).is_empty


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RUNS)
def test_every_chart_is_drawn_by_both_renderers_or_says_why_not(runs, registers, name, language):
    specs = every_chart(runs[name], registers, language, period="all" if name == "undated" else "2018")
    assert len({spec.kind for spec in specs}) == len(specs)
    for spec in specs:
        assert spec.title and spec.caption and spec.alt and spec.empty and spec.n_shown <= spec.n_total
        assert json.loads(spec.to_json())["kind"] == spec.kind
        drawn = screen.draw(spec)
        assert bool(drawn["data"]) is not spec.is_empty
        assert spec.is_empty or drawn["layout"]["meta"]["alt"] == spec.alt
        for shape in ("rects", "segments", "points") if not spec.is_empty else ():
            for one in paper.drawing(spec)[shape]:
                for end in ("x", "y"):
                    at = one[end] if isinstance(one[end], list) else [one[end]]
                    assert all(-1e-9 <= fraction <= 1 + 1e-9 for fraction in at), (spec.kind, one)


def test_an_undated_run_without_evidence_shows_no_chart_of_what_was_not_assessed(runs, registers):
    specs = {spec.kind: spec for spec in every_chart(runs["undated"], registers, "en", period="all")}
    shown = {kind for kind, spec in specs.items() if not spec.is_empty}
    assert shown == {"z_bars"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_empty_tables_give_empty_charts(registers, language):
    run = {name: t.empty(schema) for name, schema in t.RUN_TABLES.items()}
    assert all(spec.is_empty for spec in every_chart(run, registers, language, period="2018"))


def test_class_counts_are_those_of_the_ratings(runs):
    ratings = runs["dated"]["ratings"].to_dicts()
    held, would = classes.class_distribution(runs["dated"]["ratings"], "en").series
    kinds = ["Ⅰ", "Ⅱ", "Ⅲ", "Ⅳ", None]
    assert held.y == tuple(Counter(row["class_in_force"] for row in ratings)[kind] for kind in kinds)
    assert would.y == tuple(Counter(row["class_proposed"] or row["class_in_force"] for row in ratings)[kind] for kind in kinds)
    assert held.y != would.y


def test_caterpillar_stands_in_order_of_bias_and_names_its_laboratories(runs, registers):
    bias = runs["dated"]["lab_bias"]
    spec = biases.caterpillar(bias, registers["labs"], "zh")
    placed = sorted((x, lab, y) for series in spec.series for x, lab, y in zip(series.x, series.ids, series.y, strict=True))
    known = bias.filter(pl.col("scope") == "lab").drop_nulls("estimate").sort("lab")
    assessed = known.filter(pl.col("status") == "assessed").sort("estimate")
    whole = pl.concat([assessed, known.filter(pl.col("status") != "assessed")])
    assert [lab for _, lab, _ in placed] == whole["lab"].to_list()
    assert [y for _, _, y in placed] == pytest.approx(whole["estimate"].to_list())
    beyond = {lab for series in spec.series if series.colour == "alarm" for lab in series.ids}
    assert beyond == {row["lab"] for row in assessed.to_dicts() if row["lower"] > 0.5 or row["upper"] < -0.5}
    assert "L0001" in beyond


def test_a_limit_keeps_the_largest_biases_and_says_so(runs, registers):
    bias = runs["dated"]["lab_bias"]
    spec = biases.caterpillar(bias, registers["labs"], "en", limit=3)
    assessed = bias.filter((pl.col("scope") == "lab") & (pl.col("status") == "assessed"))
    largest = assessed.sort(pl.col("estimate").abs(), descending=True).head(3)["lab"]
    assert {lab for series in spec.series for lab in series.ids} == set(largest)
    assert spec.n_shown == 3 and "3 are drawn" in spec.caption
    assert "are drawn" not in biases.caterpillar(bias, registers["labs"], "en").caption


def test_an_extreme_unassessed_interval_does_not_stretch_the_axis(runs, registers):
    far = pl.when((pl.col("lab") == "L0002") & (pl.col("scope") == "lab"))
    changed = [
        far.then(pl.lit(value)).otherwise(pl.col(name)).alias(name) for name, value in (("estimate", -40.0), ("lower", -90.0))
    ]
    known = far.then(pl.lit("not_assessed")).otherwise(pl.col("status")).alias("status")
    spec = biases.caterpillar(runs["dated"]["lab_bias"].with_columns(*changed, known), registers["labs"], "en")
    low, high = spec.y.range
    assert -low == high < 5
    unassessed = next(series for series in spec.series if "L0002" in series.ids)
    assert unassessed.y[unassessed.ids.index("L0002")] == low
    assert "−40.00" in unassessed.hover[unassessed.ids.index("L0002")]


def test_heat_map_leaves_what_is_not_assessed_without_a_colour(runs, registers):
    bias = runs["dated"]["lab_bias"].filter(pl.col("scope") == "family")
    cell = maps.heat_map_bias(runs["dated"]["lab_bias"], registers["labs"], registers["products"], "en").series[0]
    families = sorted(bias.drop_nulls("estimate")["scope_id"].unique())
    known = {(row["lab"], row["scope_id"]): row for row in bias.to_dicts()}
    for lab, x, step in zip(cell.ids, cell.x, cell.steps, strict=True):
        row = known[lab, families[int(x)]]
        assert (step is None) is (row["status"] != "assessed")
        assert step is None or (step == 3) is (-0.5 <= row["estimate"] < 0.5)
    assert None in cell.steps and len(set(cell.steps)) > 4


def test_both_laboratories_of_a_pair_count_in_the_discrepancy_map(registers):
    row = {"kind": "between", "category": "discrepant", "family": "01.01", "original_lab": "L0001", "retest_lab": "L0002"}
    frame = pl.DataFrame([row] * 5 + [{**row, "category": "agree"}] * 5)
    cell = maps.heat_map_discrepancy(frame, registers["labs"], registers["products"], "en").series[0]
    assert sorted(cell.ids) == ["L0001", "L0002"]
    assert set(cell.steps) == {4}


def test_largest_discrepancies_come_first_with_the_reproducibility_limit(runs, registers):
    spec = pairs.largest_discrepancies(scored(runs["dated"]), registers["items"], "en", limit=7)
    rows = scored(runs["dated"]).sort("r_ratio", descending=True).head(7)
    found = sorted((y, x) for series in spec.series for x, y in zip(series.x, series.y, strict=True))
    assert [x for _, x in found] == rows["r_ratio"].to_list()
    assert [line.at for line in spec.lines] == [1.0]
    assert spec.n_shown == 7 < spec.n_total


def test_agreement_lists_the_worst_first_and_few_pairs_last(runs):
    rows = [("a", 0.9, 100), ("b", 0.5, 50), ("c", 0.1, 3), ("", 0.8, 153)]
    summary = pl.DataFrame(
        [
            {
                "metric": "agreement_share",
                "scope": "item" if code else "national",
                "scope_id": code,
                "period": "2018",
                "value": v,
                "n": n,
            }
            for code, v, n in rows
        ]
    )
    spec = agreement.agreement_by(summary, {"b": "Lead"}, "en", by="item", period="2018")
    assert spec.y.categories == ("Lead (n=50)", "a (n=100)", "c (n=3)")
    assert [series.colour for series in spec.series] == ["main", "quiet"]
    assert spec.lines[0].at == 0.8


def test_the_trend_needs_two_dated_years(runs):
    summary = runs["dated"]["summary"]
    spec = trends.five_year_trend(summary, "en", measure="retest_coverage")
    assert spec.x.categories == ("2014", "2015", "2016", "2017", "2018")
    one = summary.filter(pl.col("period") == "2018")
    assert trends.five_year_trend(one, "en", measure="retest_coverage").is_empty


@pytest.mark.parametrize(("years", "named"), [(10, range(2001, 2011)), (37, range(2001, 2038, 4)), (35, range(2003, 2036, 4))])
def test_of_many_years_every_few_are_named(years, named):
    rows = {"metric": "results", "scope": "national", "scope_id": "", "value": 5.0, "n": 5}
    summary = t.shaped(pl.DataFrame([rows | {"period": str(2001 + k)} for k in range(years)]), t.Summary)
    spec = trends.five_year_trend(summary, "en", measure="results")
    assert [tick["label"] for tick in paper.ticks(spec.x)] == [str(year) for year in named]
    assert (spec.series[0].text is None) is (years > 10), "their values would stand on each other"


def test_the_own_side_of_a_pair_gives_the_sign_of_the_trend():
    row = {"kind": "between", "period": 2018, "d": 2.0}
    frame = pl.DataFrame([{**row, "original_lab": "A", "retest_lab": "B"}])
    scores = t.empty(t.PtScores)
    assert trends.lab_trend(frame, scores, "B", "en").series[0].y == (2.0,)
    assert trends.lab_trend(frame, scores, "A", "en").series[0].y == (-2.0,)


def test_z_bars_are_cut_but_keep_their_value(registers):
    scores = pl.DataFrame(
        [
            {"lab": "L0001", "result": str(k), "item": "T-PH", "round": "1", "sample": "s", "z": z}
            for k, z in enumerate([0.1, -2.5, 3.5, 40.0])
        ]
    )
    spec = rounds.z_bars(scores, registers["items"], "L0001", "en")
    bars = {series.colour: series for series in spec.series}
    assert bars["alarm"].y == (3.5, rounds.EDGE) and "40.00" in bars["alarm"].hover[1]
    assert bars["second"].y == (-2.5,) and bars["main"].y == (0.1,)


PAIR = {"original_lab": "A", "retest_lab": "B", "sample": "S1"}
ITEM = {"item": "i", "name_en": "Lead", "unit": "mg/kg", "lower_limit": None, "upper_limit": 90.0}


def test_a_pair_shows_results_tolerance_and_limit():
    first, second = {"value": 80.0, "u": 3.0, "raw": "80.0"}, {"value": 95.0, "u": None, "raw": "95"}
    spec = pairs.pair_figure(PAIR, {"sigma_R": 5.0}, first, second, ITEM, "en")
    assert (spec.bands[0].low, spec.bands[0].high) == (66.0, 94.0)
    assert [line.at for line in spec.lines] == [90.0]
    assert [(series.x, series.lower, series.upper) for series in spec.series] == [
        ((80.0,), (74.0,), (86.0,)),
        ((95.0,), (None,), (None,)),
    ]
    assert spec.x.range[0] < 66 and spec.x.range[1] > 95


@pytest.mark.parametrize(("limit", "side"), [(95.0, "right"), (None, "left"), (60.0, "left")])
def test_a_limit_does_not_strike_out_the_word_of_the_band(limit, side):
    first, second = {"value": 80.0, "u": 3.0, "raw": "80.0"}, {"value": 150.0, "u": None, "raw": "150"}
    spec = pairs.pair_figure(PAIR, {"sigma_R": 5.0}, first, second, ITEM | {"upper_limit": limit}, "en")
    word = screen.draw(spec)["layout"]["annotations"][0]
    assert (word["text"], word["xanchor"]) == (spec.bands[0].label, side)


def test_a_result_is_never_cut_short_beside_a_narrow_drawing_of_a_pair():
    first, second = {"value": 1.0625, "u": 0.1, "raw": "1.0625"}, {"value": 11.93, "u": None, "raw": "11.93"}
    spec = pairs.pair_figure(PAIR | {"original_lab": "L000295"}, {"sigma_R": 0.3}, first, second, ITEM, "en")
    beside = narrow.changes(spec)["yaxis.ticktext"]
    assert [label.split(": ")[1] for label in beside] == ["1.0625", "11.93"]


def test_a_censored_result_is_an_open_point_at_its_limit():
    first, second = {"value": None, "upper": 0.5, "u": 0.1, "raw": "<0.5"}, {}
    spec = pairs.pair_figure(PAIR, {"sigma_R": None}, first, second, ITEM, "en")
    assert [(series.x, series.symbol) for series in spec.series] == [((0.5,), "circle-open")]
    assert spec.y.categories == ("original A: <0.5", "retest B: —")


def test_more_points_than_can_be_told_apart_are_refused():
    def spec_of(n):
        dots = Series("n", "point", tuple(map(float, range(n))), tuple(map(float, range(n))))
        return Spec("kind", "en", "t", "c", "a", Axis(), Axis(), (dots,))

    assert not spec_of(MOST_POINTS).is_empty
    with pytest.raises(ValueError, match="5000"):
        spec_of(MOST_POINTS + 1)


def test_columns_of_different_length_are_refused():
    with pytest.raises(ValueError, match="2 x, but 1 hover"):
        Series("n", "point", (1.0, 2.0), (1.0, 2.0), hover=("one",))


def test_a_country_of_laboratories_fits():
    labs = [f"L{k:05d}" for k in range(6_000)]
    frame = pl.DataFrame(
        {"lab": labs, "scope": "lab", "scope_id": "", "estimate": [k / 6000 for k in range(6000)]}
    ).with_columns(lower=pl.col("estimate") - 1, upper=pl.col("estimate") + 1, status=pl.lit("assessed"), n_samples=pl.lit(30))
    register = t.shaped(pl.DataFrame({"lab": labs}), t.Labs)
    spec = biases.caterpillar(frame, register, "en")
    assert spec.n_shown <= 1_000 and spec.n_total == 6_000
    assert f"Of these 6,000, {spec.n_shown} are drawn" in spec.caption
    assert sum(len(trace["x"]) for trace in screen.draw(spec)["data"]) <= MOST_POINTS
    assert {lab for series in spec.series for lab in series.ids} == set(labs[-spec.n_shown :])


def test_laboratories_left_out_of_the_order_leave_a_gap():
    labs = [f"L{k:05d}" for k in range(2_001)]
    frame = pl.DataFrame(
        {"lab": labs, "scope": "lab", "scope_id": "", "estimate": [k / 1000 - 1 for k in range(2_001)]}
    ).with_columns(lower=pl.col("estimate") - 1, upper=pl.col("estimate") + 1, status=pl.lit("assessed"), n_samples=pl.lit(30))
    spec = biases.caterpillar(frame, t.shaped(pl.DataFrame({"lab": labs}), t.Labs), "en")
    at = {lab: x for series in spec.series for lab, x in zip(series.ids, series.x, strict=True)}
    half = spec.n_shown // 2
    assert set(at) == {*labs[:half], *labs[-half:]}
    assert at[labs[half - 1]] - at[labs[0]] == half - 1
    gap = next(band for band in spec.bands if band.axis == "x")
    assert at[labs[half - 1]] < gap.low < gap.high < at[labs[-half]]
    assert gap.label == f"{2_001 - spec.n_shown:,} not drawn"
    assert "The upright band stands for those nearer to zero" in spec.caption


def test_a_country_of_product_families_fits():
    cells = [(f"L{k:03d}", f"{code:02d}.01", code / 50) for k in range(60) for code in range(120) if k < 30 or code < 90]
    frame = pl.DataFrame(cells, schema=["lab", "scope_id", "estimate"], orient="row").with_columns(
        scope=pl.lit("family"), status=pl.lit("assessed"), n_samples=pl.lit(9)
    )
    spec = maps.heat_map_bias(frame, t.empty(t.Labs), t.empty(t.Products), "en")
    drawn = screen.draw(spec)["data"][0]["z"]
    assert len(drawn) == 40 and len(drawn[0]) == 40
    assert "Of 120 product families the 40 with most laboratories" in spec.caption


def test_a_figure_is_never_offered_for_upload():
    assert screen.CONFIG["showSendToCloud"] is False and screen.CONFIG["displaylogo"] is False


def test_the_dark_theme_has_every_colour():
    assert set(screen._DARK) == set(COLOURS)


def luminance(colour):
    """Relative luminance of WCAG 2."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_marks_stand_out_on_white_and_text_is_readable():
    contrast = {role: 1.05 / (luminance(colour) + 0.05) for role, colour in COLOURS.items()}
    assert all(contrast[role] >= 3 for role in ("main", "second", "alarm", "limit"))
    assert contrast["text"] >= 7


def test_round_ticks_and_decades():
    ticks = paper.ticks(Axis(range=(0.0, 1480.0)))
    assert [tick["label"] for tick in ticks] == ["0", "500", "1,000"]
    assert [tick["at"] for tick in ticks] == pytest.approx([0, 500 / 1480, 1000 / 1480])
    assert [tick["label"] for tick in paper.ticks(Axis(range=(0.8, 1.0), percent=True))] == ["80%", "85%", "90%", "95%", "100%"]
    assert paper.fraction(Axis(log=True, range=(0.1, 10.0)), 1.0) == pytest.approx(0.5)
    assert paper.fraction(Axis(range=(4.5, -0.5)), 0.0) == pytest.approx(0.9)


def test_names_fall_back_to_the_other_language_and_the_code():
    register = t.shaped(
        pl.DataFrame({"lab": ["a", "b", "c"], "name_zh": ["甲", "乙", None], "name_en": ["A", None, None]}), t.Labs
    )
    assert names.names(register, "lab", "en") == {"a": "A", "b": "乙", "c": "c"}
    assert names.shortened("甲乙丙丁", 5) == "甲乙…" and names.shortened("short", 5) == "short"


def test_laboratories_are_not_ranked_where_none_is_assessed(runs, registers):
    bias = runs["dated"]["lab_bias"].with_columns(status=pl.lit("not_assessed"))
    assert biases.caterpillar(bias, registers["labs"], "en").is_empty


def test_partners_that_disagree_stand_first_and_are_marked(runs, registers):
    found = contrasts_of(runs["dated"], "L0001")
    off = found.filter(~pl.col("agree"))["other"].to_list()
    spec = comparability.partner_forest(found, registers["labs"], "L0001", "en")
    assert off
    marked = spec.series[-1]
    assert (marked.symbol, set(marked.ids)) == ("cross", set(off))
    assert sorted(marked.y) == [2.0 * k for k in range(len(off))]
    known = found.filter(pl.col("network").is_not_null() & (pl.col("other") != ""))
    indirect = next(series for series in spec.series if series.name.startswith("indirect"))
    without = set(known.filter(pl.col("indirect").is_null())["other"])
    assert without and not without & set(indirect.ids)


def test_links_are_as_wide_as_samples_are_many_and_bridges_stand_out(runs, registers):
    found = contrasts_of(runs["dated"], "L0001").filter(pl.col("other") != "")
    spec = ego.ego_network(found, runs["dated"]["lab_contrasts"].clear(), registers["labs"], "L0001", "en")
    edges = [series for series in spec.series if series.mark == "edge"]
    assert sum(len(series.x) for series in edges) == 3 * min(found.height, 24)
    nodes = {name: series.symbol for series in spec.series if series.mark == "point" for name in series.ids or ()}
    bridges = set(found.filter(pl.col("bridge"))["other"]) & set(nodes)
    assert bridges and {name for name, symbol in nodes.items() if symbol == "diamond-open"} == bridges


@pytest.mark.parametrize(
    ("samples", "classes_named"),
    [
        ([9, 5, 4, 2, 1, 1], {"5 or more": 2, "3 to 4": 1, "2": 1, "1": 2}),
        ([9, 8, 7, 6, 5, 5], {"8 or more": 2, "7": 1, "6": 1, "5": 2}),
        ([200, 120, 60, 20, 3], {"70 or more": 2, "20 to 69": 2, "3 to 8": 1}),
        ([1, 1, 1], {"1 or more": 3}),
    ],
)
def test_the_classes_of_links_tell_the_partners_apart(runs, registers, samples, classes_named):
    one = contrasts_of(runs["dated"], "L0001").filter(pl.col("other") != "").head(1)
    found = pl.concat(
        one.with_columns(other=pl.lit(f"P{k}"), n_samples=pl.lit(n, dtype=one["n_samples"].dtype), bridge=False, agree=True)
        for k, n in enumerate(samples)
    )
    spec = ego.ego_network(found, runs["dated"]["lab_contrasts"].clear(), registers["labs"], "L0001", "en")
    own = [series for series in spec.series if series.mark == "edge"]
    assert {series.name.removeprefix("samples in common: "): len(series.x) // 3 for series in own} == classes_named
    assert [series.stroke for series in own] == sorted((series.stroke for series in own), reverse=True)


def test_no_bridge_and_no_disagreement_is_left_out_for_lack_of_room(runs, registers):
    one = contrasts_of(runs["dated"], "L0001").filter(pl.col("other") != "").head(1)
    kind = one["n_samples"].dtype
    many = [
        one.with_columns(other=pl.lit(f"P{k}"), n_samples=pl.lit(9, dtype=kind), bridge=False, agree=True) for k in range(30)
    ]
    bridge = one.with_columns(other=pl.lit("bridge"), n_samples=pl.lit(1, dtype=kind), bridge=True, agree=None)
    off = one.with_columns(other=pl.lit("off"), n_samples=pl.lit(1, dtype=kind), bridge=False, agree=False)
    spec = ego.ego_network(pl.concat([*many, off, bridge]), one.clear(), registers["labs"], "L0001", "zh")
    assert {"bridge", "off"} < {name for series in spec.series for name in series.ids or ()}


def test_without_partners_both_say_so(registers):
    none = t.empty(t.LabContrasts)
    assert comparability.partner_forest(none, registers["labs"], "L0001", "zh").is_empty
    assert ego.ego_network(none, none, registers["labs"], "L0001", "zh").is_empty


@pytest.mark.parametrize("language", LANGUAGES)
def test_codes_stand_as_people_count(runs, registers, language):
    called = {f"L{n:04}": f"L{n}" for n in range(1, 3_000)}
    bias = runs["dated"]["lab_bias"].with_columns(pl.col("lab").replace(called))
    spec = biases.caterpillar(bias, registers["labs"], language)
    placed = [lab for _, lab in sorted((x, lab) for series in spec.series for x, lab in zip(series.x, series.ids, strict=True))]
    unknown = set(bias.filter((pl.col("scope") == "lab") & (pl.col("status") != "assessed"))["lab"])
    last = [int(lab[1:]) for lab in placed if lab in unknown]
    assert last == sorted(last) and last != sorted(last, key=str)
    families = [f"F{n}" for n in (10, 9, 2)]
    row = {"kind": "between", "category": "agree", "original_lab": "L10", "retest_lab": "L2"}
    cells = maps.heat_map_discrepancy(
        pl.DataFrame([row | {"family": family} for family in families] * 5), registers["labs"], registers["products"], language
    )
    assert cells.x.categories == ("F2", "F9", "F10")
    assert [label.split()[0] for label in cells.y.categories] == ["L2", "L10"]
