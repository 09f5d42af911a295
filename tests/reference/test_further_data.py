"""Methods on public data beyond the cases of `expected.json`, against R and certified values.

R 4.2.2 with MASS 7.3-58.2, lme4 1.1-31, metafor 3.8-1, metadat 1.2-0 and robustbase 0.95-0, as Debian 12 ships them.
"""

from __future__ import annotations

import numpy as np
import pytest
from precision_data import design, rows
from validation import agrees

from labqa.stats.network.between import between_sd
from labqa.stats.network.crossed import crossed_reml
from labqa.stats.precision.anova import one_way
from labqa.stats.precision.decimal_shift import shifted
from labqa.stats.precision.nested import nested
from labqa.stats.precision.reml import nested_reml
from labqa.stats.robust.hodges_lehmann import hodges_lehmann
from labqa.stats.robust.qn import qn
from labqa.stats.robust.sn import sn
from labqa.stats.robust.tau import tau

COOP = "coop_metals.csv"
# of each specimen: sums of squares of lm(conc ~ lab + lab:batch) for laboratory, batch, error; variances and REML
# criterion of lmer(conc ~ 1 + (1 | lab) + (1 | lab:batch)), bobyqa to 1e-10
SPECIMENS = {
    "S1": ((1.890213889, 0.2044, 0.11335), (0.060168235, 0.0053680554, 0.0062972224), -42.043160066),
    "S2": ((4.663991667, 1.395133333, 0.11155), (0.13608954, 0.055031947, 0.0061972221), -14.767388991),
    "S3": ((3.225347222, 0.4416666667, 0.17415), (0.10137731, 0.013565278, 0.0096750001), -22.395828718),
    "S4": ((0.6389138889, 2.0115, 0.09255), (0, 0.075382516, 0.0051416667), -23.552045739),
    "S5": ((16.32768056, 7.2049, 1.74065), (0.44418793, 0.25185279, 0.096702777), 60.654555688),
    "S6": ((3.166325, 1.3032, 0.46915), (0.087444172, 0.041268055, 0.026063889), 8.334197467),
    "S7": ((3.655888889, 0.4689, 0.4868), (0.11535047, 0.0060152772, 0.027044444), -2.548471987),
}
# lmer(conc ~ specimen + (1 | lab) + (1 | lab:specimen) + (1 | lab:specimen:batch)): SDs, coefficients, SEs, criterion
WHOLE = (
    (0.27685981, 0.23946906, 0.25476685, 0.15906972),
    (0.5080555556, -0.1422222222, 0.5688888889, 0.1338888889, 7.253333333, 1.277777778, 0.8025),
    (0.16322243, 0.16653129, 0.16653129, 0.16653129, 0.16653129, 0.16653129, 0.16653129),
    86.266828146,
)
# Newcomb's passage times of light less 24 800 ns (Stigler 1977, doi:10.1214/aos/1176343997): many ties, two outliers
LIGHT = np.array(
    [
        28,
        -44,
        29,
        30,
        24,
        28,
        37,
        32,
        36,
        27,
        26,
        28,
        29,
        26,
        27,
        22,
        23,
        20,
        25,
        25,
        36,
        23,
        31,
        32,
        24,
        27,
        33,
        16,
        24,
        29,
        36,
        21,
        28,
        26,
        27,
        27,
        32,
        25,
        28,
        24,
        40,
        21,
        31,
        32,
        28,
        26,
        30,
        27,
        26,
        24,
        32,
        29,
        34,
        -2,
        25,
        19,
        36,
        29,
        30,
        22,
        28,
        33,
        39,
        25,
        16,
        23,
    ],
    dtype=np.float64,
)
# dat.normand1999, standardised mean differences and their variances by escalc(measure = "SMD")
STAY = (
    -0.355169640940107,
    -0.347940022739099,
    -2.31756916016373,
    -1.88798225293685,
    -0.383964141169701,
    0.172148669069591,
    0.272052073852932,
    -0.424596271894261,
    0.289556230080755,
)
STAY_VARIANCE = (
    0.0130646755415297,
    0.0644688760988567,
    0.0458121102801828,
    0.160617735936173,
    0.205433278392224,
    0.0369105700003619,
    0.0602671258364327,
    0.0148630384193327,
    0.0362717341580545,
)
STAY_TAU = (0.891252029990901, 0.570424790121124, 1.76306647708337)


@pytest.mark.parametrize("constant", ["1", "1000000", "1000000000000"])
def test_the_largest_sets_of_nist(constant: str) -> None:
    # SmLs03, SmLs06, SmLs09: of 9 treatments the first at .4, the others .1 below and above in turn; of 2001 replicates the
    # first there, the others .1 below and above in turn
    centre = np.array([4, *[3, 5] * 4])
    tenths = centre[:, None] + np.array([0, *[-1, 1] * 1000])
    texts = [f"{constant}.{one}" for one in tenths.ravel()]
    cells = np.arange(0, len(texts) + 1, 2001)
    name = {"1": "SmLs03", "1000000": "SmLs06", "1000000000000": "SmLs09"}[constant]
    certified = {"ss_between": 160.08, "ss_within": 180.0, "f": 2001.0, "r_squared": 0.470712773465067, "residual_sd": 0.1}
    found = one_way(shifted(texts).values, cells)
    about = {"method": "precision/decimal_shift", "data": f"nist_strd_{name}", "expected_by": "NIST StRD, certified"}
    for quantity, value in certified.items():
        agrees(getattr(found, quantity), value, quantity=quantity, rel=1e-13, **about)
    # what their float64 numbers determine: 12, 10 and 4 digits of F
    digits = {"SmLs03": 1e-12, "SmLs06": 1e-10, "SmLs09": 1e-4}[name]
    of_floats = one_way(np.array(texts, dtype=np.float64), cells).f
    agrees(of_floats, certified["f"], quantity="F", rel=digits, **about | {"method": "precision/one_way_anova"})


@pytest.mark.parametrize("specimen", SPECIMENS)
def test_laboratories_and_batches_of_the_cooperative_trial(specimen: str) -> None:
    sums, variances, criterion = SPECIMENS[specimen]
    data = design(COOP, "conc", "lab", "batch", keep=lambda row: row["specimen"] == specimen)
    found, fitted = nested(data.values, data.levels), nested_reml(data.values, data.levels)
    agrees(found.ss[0], sums, method="precision/nested", data=f"{COOP} {specimen}", quantity="SS", expected_by="R", rel=1e-8)
    about = {"method": "precision/nested_reml", "data": f"{COOP} {specimen}", "expected_by": "R lme4"}
    agrees(fitted.variance, variances, quantity="variances", rel=1e-5, abs=1e-9, **about)
    agrees(fitted.criterion, criterion, quantity="criterion", rel=1e-9, **about)


def test_the_cooperative_trial_as_a_whole() -> None:
    read = rows(COOP)
    y = np.array([float(row["conc"]) for row in read])
    codes = [
        np.unique(["/".join(row[one] for one in names) for row in read], return_inverse=True)[1]
        for names in (("lab",), ("lab", "specimen"), ("lab", "specimen", "batch"), ("specimen",))
    ]
    x = np.eye(7)[codes.pop()]
    x[:, 0] = 1.0
    found = crossed_reml(y, x, codes)
    about = {"method": "network/crossed_reml", "data": COOP, "expected_by": "R lme4"}
    for quantity, value, expected in zip(("SDs", "coefficients", "SEs"), found[:3], WHOLE, strict=False):
        agrees(value, expected, quantity=quantity, rel=2e-5, **about)
    agrees(found.criterion, WHOLE[3], quantity="criterion", rel=1e-9, **about)


def test_scales_of_tied_values_with_outliers() -> None:
    location, scale = tau(LIGHT)
    known = {
        "qn": ("Qn", qn(LIGHT), 6.30340502009038),
        "sn": ("Sn", sn(LIGHT), 4.7704),
        "tau": ("location and scale", (location, scale), (27.2466517911104, 5.05952222814871)),
        "hodges_lehmann": ("location", hodges_lehmann(LIGHT), 27.5),
    }
    for method, (quantity, found, expected) in known.items():
        by = "R" if method == "hodges_lehmann" else "R robustbase"
        # robustbase's factors of Qn and Sn have ten and five digits
        about = {"data": "Newcomb's passage times of light", "expected_by": by, "rel": 1e-9 if method != "sn" else 1e-5}
        agrees(found, expected, method=f"robust/{method}", quantity=quantity, **about)


def test_between_sd_and_its_profile_interval() -> None:
    found = between_sd(np.zeros(len(STAY), dtype=np.int64), np.array(STAY), np.array(STAY_VARIANCE), n=1)
    about = {"method": "network/between_sd", "data": "dat.normand1999", "expected_by": "R metafor, rma(method = 'PM'), confint"}
    for quantity, value, expected in zip(("τ", "lower end", "upper end"), found, STAY_TAU, strict=True):
        agrees(value, expected, quantity=quantity, rel=1e-7, **about)
