"""The pages of the data sets: every figure is counted from the file here, or stands in expected.json; none goes stale.

A page is Chinese, then English, then a table of its figures: what, value, whence. A figure in the text must stand in the table.
"""

from __future__ import annotations

import csv
import json
import math
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from labqa.analysis.bias_settings import BiasSettings

ROOT = Path(__file__).parents[2]
DATA, PAGES = ROOT / "data", ROOT / "docs" / "data"
KNOWN = {one["id"]: one["expected"] for one in json.loads((ROOT / "tests/reference/expected.json").read_text("utf-8"))["cases"]}
NON_DETECT = {"<", "R", "U"}
METALS = ["Arsenic", "Cadmium", "Chromium", "Copper", "Lead", "Manganese", "Nickel", "Zinc"]
MATERIALS, CERAMIDES = ["NIST SRM", "NIST hTAG", "NIST DB", "NIST YAA"], ["16:0", "18:0", "24:0", "24:1"]
ANALYTES = {
    "Chloride_wf": "chloride", "Sodium_wf": "sodium", "Sulfate_wf": "sulfate", "Nitrate_wf": "nitrate",
    "Chromium_wf": "chromium", "Tritium_wu": "tritium", "Sr_90_wu": "strontium", "Specific_cond_at_25C": "conductance",
    "pH": "pH", "Trichloroethene_wu": "trichloroethene", "Iron_wf": "iron",
}  # fmt: skip
MEAN = "EQA Method Mean"
Figures = dict[str, str]


@cache
def rows(file: str) -> list[dict[str, str]]:
    with (DATA / file).open(encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def whole(number: float) -> str:
    return f"{number:,.0f}"


def digits(number: float, n: int = 3) -> str:
    """`n` significant digits, as the pages write them; what is 0 but for the last bits of an optimiser is 0."""
    if abs(number) < 1e-6:
        return "0"
    return f"{number:,.{max(n - 1 - math.floor(math.log10(abs(number))), 0)}f}".replace("-", "−")


def usgs() -> Figures:
    found: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for row in rows("usgs/usgs_inl_original_retest_sitesA.csv"):
        found[row["pair_id"]][row["role"]] = row
    first = [(roles["original"], roles["retest1"]) for roles in found.values()]
    lost = Counter(sum(row["qualifier"] in NON_DETECT for row in pair) for pair in first)
    labs = [(a["lab"], b["lab"]) for a, b in first]
    every = rows("usgs/usgs_inl_original_retest_sitesA.csv")
    several = sum(len({row["lab"] for row in roles.values()} - {""}) >= 2 for roles in found.values())
    told = {
        "results": whole(len(every)),
        "pairs": whole(len(first)),
        "both quantified": whole(lost[0]),
        "both non-detect": whole(lost[2]),
        "one non-detect": whole(lost[1]),
        "pairs between two named laboratories": whole(sum(bool(a and b) and a != b for a, b in labs)),
        "blocks of two named laboratories": whole(several),
        "pairs of one laboratory": whole(sum(bool(a) and a == b for a, b in labs)),
        "pairs with a missing laboratory": whole(sum(not (a and b) for a, b in labs)),
        "rows without a laboratory": f"{sum(not row['lab'] for row in every) / len(every):.0%}",
        "laboratories named": whole(len({row["lab"] for row in every} - {""})),
        "analytes": whole(len({row["pcode"] for row in every})),
        "first year": min(row["sample_time"][:4] for row in every),
        "last year": max(row["sample_time"][:4] for row in every),
    }
    expected = KNOWN["usgs_inl_pair_classes"]
    assert [lost[0], lost[2], lost[1]] == [expected[key] for key in ("both_quantified", "both_nondetect", "one_nondetect")]
    for name in ANALYTES:
        known = KNOWN[f"usgs_inl_{name}"]
        told |= {
            f"{ANALYTES[name]}: pairs": whole(known["n_pairs"]),
            f"{ANALYTES[name]}: equal": whole(known["n_exact_zero"]),
            f"{ANALYTES[name]}: s_r": digits(known["s_r_from_pairs"]),
            f"{ANALYTES[name]}: robust SD": digits(known["robust_sd_diff_MADe"] / 2**0.5),
        }
    for name in ("Tritium_wu", "Sr_90_wu"):
        known = KNOWN[f"usgs_inl_{name}"]
        told[f"{ANALYTES[name]}, pairs with both stated SDs"] = whole(known["n_with_both_sd"])
        told[f"{ANALYTES[name]}, zeta beyond 1.96"] = whole(known["n_zeta_gt_1p96"])
        told[f"{ANALYTES[name]}, zeta beyond 3"] = whole(known["n_zeta_gt_3"])
    return told


def rmstudy() -> Figures:
    every = rows("rmstudy/lgc_rmstudy_metals.csv")
    crossed = KNOWN["rmstudy_crossed_reml"]
    zeros = [row for row in every if float(row["value"]) == 0.0]
    assert {(row["lab"], row["analyte"]) for row in zeros} == {("Lab23", "Nickel")}
    told = {
        "results": whole(len(every)),
        "laboratories": whole(len({row["lab"] for row in every})),
        "metals": whole(len({row["analyte"] for row in every})),
        "replicates": max(row["replicate"] for row in every),
        "zeros of Lab23": whole(len(zeros)),
        "log SD between laboratories": digits(crossed["sd_lab"]),
        "log SD of laboratory and metal": digits(crossed["sd_lab_analyte"]),
        "log SD of replicates": digits(crossed["sd_residual"]),
    }
    for metal in METALS:
        precision, robust = KNOWN[f"rmstudy_{metal}_precision"], KNOWN[f"robust_rmstudy_{metal}"]
        assert precision["n"] == sum(row["analyte"] == metal for row in every)
        told |= {
            f"{metal}: laboratories": whole(precision["labs"]),
            f"{metal}: s_r": digits(precision["anova_s_r"]),
            f"{metal}: s_R": digits(precision["anova_s_R"]),
            f"{metal}: x*": digits(robust["algA_mu_exact_factor"], 4),
            f"{metal}: s*": digits(robust["algA_s_exact_factor"]),
        }
    return told


def chromium() -> Figures:
    wide: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows("chromium/lgc_chromium_youden.csv"):
        wide[row["lab"]][row["material"]] = float(row["value"])
    known = KNOWN["chromium_swap"]
    above = [lab for lab, both in wide.items() if both["RM"] > both["QC"]]
    assert above == [known["swapped_lab"]]
    others = [both for lab, both in wide.items() if lab not in above]
    correlation = statistics.correlation
    assert correlation([b["QC"] for b in wide.values()], [b["RM"] for b in wide.values()]) == pytest.approx(known["pearson"])
    return {
        "results": whole(sum(map(len, wide.values()))),
        "laboratories": whole(len(wide)),
        "materials": whole(len({material for both in wide.values() for material in both})),
        "laboratory that interchanged": known["swapped_lab"],
        "median QC": digits(statistics.median(both["QC"] for both in wide.values()), 4),
        "median RM": digits(known["median_RM"], 4),
        "QC of L28": digits(wide["L28"]["QC"], 4),
        "RM of L28": digits(wide["L28"]["RM"], 4),
        "correlation": digits(known["pearson"]),
        "correlation without L28": digits(correlation([b["QC"] for b in others], [b["RM"] for b in others])),
    }


def ceramide() -> Figures:
    every = rows("ceramide/ceramide_ring_trial_34labs.csv")
    valued = [row for row in every if row["conc_multi_point"]]
    sets = {(row["lab"], row["dataset_id"], row["protocol"]) for row in every}
    per_lab = Counter(lab for lab, _, _ in sets)
    protocols = Counter(protocol for _, _, protocol in sets)
    ratios = relative_to_the_median(valued)
    published = [KNOWN[f"ceramide_published_median_{one}"]["median_of_means"] for one in ("16:0", "18:0")]
    told = {
        "rows": whole(len(every)),
        "rows without a value": whole(len(every) - len(valued)),
        "results": whole(len(valued)),
        "laboratories": whole(len(per_lab)),
        "data sets": whole(len(sets)),
        "laboratories with two data sets": whole(sum(n == 2 for n in per_lab.values())),
        "data sets by the SOP": whole(protocols["SOP"]),
        "data sets by other protocols": whole(protocols["Others"]),
        "materials": whole(len({row["material"] for row in every})),
        "ceramides": whole(len({row["analyte"] for row in every})),
        "published median 16:0": digits(published[0], 4),
        "published median 18:0": digits(published[1], 4),
    }
    for name, left_out in (("all laboratories", ()), ("all but 17, 22 and 34", ("17", "22", "34"))):
        spread = [
            statistics.stdev(math.log(values[n]) for lab, values in ratios.items() if lab not in left_out)
            for n in range(len(MATERIALS) * len(CERAMIDES))
        ]
        told[f"log SD of means, {name}"] = digits(statistics.median(spread))
    for lab in ("17", "22", "34"):
        told[f"laboratory {lab}: least ratio"] = f"{min(ratios[lab]):.2f}"
        told[f"laboratory {lab}: largest ratio"] = f"{max(ratios[lab]):.2f}"
    for material in MATERIALS:
        for one in CERAMIDES:
            known, name = KNOWN[f"ceramide_{material}_{one}"], f"{material} {one}"
            assert known["n"] == sum((row["material"], row["analyte"]) == (material, f"Cer d18:1/{one}") for row in valued)
            told |= {
                f"{name}: median": digits(known["median_of_dataset_means"], 4),
                f"{name}: x*": digits(known["algA_mu"], 4),
                f"{name}: s*": digits(known["algA_s"]),
                f"{name}: log SDs": " / ".join(digits(known[f"sd_log_{part}"]) for part in ("between", "sample", "injection")),
            }
    return told


def relative_to_the_median(valued: list[dict[str, str]]) -> dict[str, list[float]]:
    """Means of each laboratory over the median of all laboratories' means, one a material and ceramide."""
    means: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in valued:
        means[row["material"], row["analyte"]][row["lab"]].append(float(row["conc_multi_point"]))
    ratios: dict[str, list[float]] = defaultdict(list)
    for labs in means.values():
        middle = statistics.median(statistics.mean(some) for some in labs.values())
        for lab, some in labs.items():
            ratios[lab].append(statistics.mean(some) / middle)
    return ratios


def eqa() -> Figures:
    every, known = rows("eqa/eqa_haemolysis_index.csv"), KNOWN["eqa_hidx_crossed"]
    assigned = {row["sample"]: float(row["h_index"]) for row in every if row["analyser"] == MEAN}
    tested = [row for row in every if row["analyser"] != MEAN]
    of_lab = Counter(row["analyser"][:5] for row in tested)
    above = Counter(row["analyser"][:5] for row in tested if float(row["h_index"]) > assigned[row["sample"]])
    both = Counter(sample for sample, _ in {(row["sample"], row["analyser"][:5]) for row in tested})
    told = {
        "results": whole(len(every)),
        "samples": whole(len(assigned)),
        "dates": whole(len({row["date"] for row in every})),
        "laboratories": whole(len(of_lab)),
        "analysers": whole(len({row["analyser"] for row in tested})),
        "samples of both laboratories": whole(sum(n == 2 for n in both.values())),
        "results of laboratory 1": whole(of_lab["Lab 1"]),
        "of them above the method mean": whole(above["Lab 1"]),
        "results of laboratory 2": whole(of_lab["Lab 2"]),
        "of laboratory 2 above the method mean": whole(above["Lab 2"]),
        "SD of samples": digits(known["sd_sample"]),
        "SD of analysers": digits(known["sd_analyser"]),
        "SD of residuals": digits(known["sd_residual"]),
    }
    ratios: dict[str, list[float]] = defaultdict(list)
    for row in tested:
        ratios[f"{row['analyser']}: ratio {row['date'][:4]}"].append(float(row["h_index"]) / assigned[row["sample"]])
    for name, effect in known["blup_analyser"].items():
        told[f"{name}: effect"] = digits(effect)
        for year in ("2020", "2021"):
            some = ratios[f"{name}: ratio {year}"]
            told[f"{name}: ratio {year}"] = f"{statistics.median(some):.3f}" if some else "—"
    return told


PAGES_OF: dict[str, Callable[[], Figures]] = {
    "usgs": usgs, "rmstudy": rmstudy, "ceramide": ceramide, "eqa": eqa, "chromium": chromium,
}  # fmt: skip
NUMBER = re.compile(r"(?<![\w.,])[−-]?\d[\d,]*(?:\.\d+)?%?")
NAMES = re.compile(r"`[^`]*`|\]\([^)]*\)|SRM 1950|Lab23|L28")
"""What holds digits and is no figure: code, addresses, names."""
RULES = {str(number) for number in (BiasSettings().min_samples, BiasSettings().min_partners, BiasSettings().min_labs)}
"""What a laboratory needs to be assessed: samples, partners, laboratories that are connected."""


def text_of(programme: str) -> str:
    return (PAGES / f"{programme}.md").read_text("utf-8")


def table_of(page: str) -> Figures:
    """Figures of the tables by the English names, which stand after the Chinese ones, of their row and column."""
    told: Figures = {}
    columns: list[str] = []
    for line in page.splitlines():
        cells = [cell.strip().split(" · ")[-1] for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            columns = []
        elif not columns:
            columns = cells
        elif not set(cells[0]) <= {"-"}:
            assert not any(f"{cells[0]}: {column}" in told for column in columns)
            for column, value in zip(columns[1:], cells[1:], strict=True):
                if column != "From":
                    told[cells[0] if column == "Value" else f"{cells[0]}: {column}"] = value
    return told


@pytest.mark.parametrize("programme", PAGES_OF)
def test_every_figure_of_the_table_is_counted_or_known(programme: str) -> None:
    assert table_of(text_of(programme)) == PAGES_OF[programme]()


@pytest.mark.parametrize("programme", PAGES_OF)
def test_the_text_names_no_figure_that_the_table_does_not_hold(programme: str) -> None:
    page = text_of(programme)
    prose = NAMES.sub("", "\n".join(line for line in page.splitlines() if not line.startswith("|")))
    table = "\n".join(line for line in page.splitlines() if line.startswith("|"))
    held = set(NUMBER.findall(table)) | RULES
    assert set(NUMBER.findall(prose)) <= held, set(NUMBER.findall(prose)) - held


@pytest.mark.parametrize("programme", PAGES_OF)
def test_the_page_says_in_both_languages_what_was_found_and_what_could_not_be_assessed(programme: str) -> None:
    page = text_of(programme)
    heads = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    assert heads == [
        "发现了什么", "不能评价什么，为什么", "What was found", "What could not be assessed, and why", "数字 · Figures"
    ]  # fmt: skip
    assert f"labqa demo --data {programme}" in page and f"](../../data/{programme}/README.md)" in page
    assert f"](docs/data/{programme}.md)" in (ROOT / "README.md").read_text("utf-8")
