"""Control charts, run lengths and changes of level against printed tables and other people's data."""

import math

import numpy as np
import pytest
from reference_cases import HERE, case, column
from validation import agrees

from labqa.stats.monitoring import change_points, charts, cusum, run_length

HANDBOOK = "NIST/SEMATECH e-Handbook 6.3.2.4, printed"


def test_tabular_cusum_of_montgomery() -> None:
    found = case("cusum_montgomery")
    file, params = HERE / "data" / found["dataset"], found["params"]
    chart = cusum.cusum(column(file, "x"), target=params["target"], k=params["K"], h=params["H"], headstart=params["start"])
    for name, sums in (("printed_sH", chart.upper), ("printed_sL", chart.lower)):
        agrees(
            sums,
            column(file, name),
            method="monitoring/cusum",
            data=found["dataset"],
            quantity=name.removeprefix("printed_"),
            expected_by="Montgomery & Runger, table 16-8, printed",
            abs=found["tolerance"]["abs"],
        )
    assert np.count_nonzero(chart.signal) == found["expected"]["signals"]


def test_ewma_of_the_nist_handbook() -> None:
    found = case("ewma_nist")
    file, params, expected = HERE / "data" / found["dataset"], found["params"], found["expected"]
    chart = charts.ewma(
        column(file, "x"),
        weight=params["lambda"],
        target=params["target"],
        sigma=params["s"],
        multiple=params["L"],
        limits=params["limits"],
    )
    computed = {"ewma": chart.level, "ucl": chart.upper[-1], "lcl": chart.lower[-1]}
    for name, values in computed.items():
        agrees(
            values,
            expected[name],
            method="monitoring/ewma",
            data=found["dataset"],
            quantity=name,
            expected_by="the recursion and limits computed in R",
            rel=found["tolerance"]["rel"],
        )
    # The handbook prints levels to two decimals, limits to four, the lower one cut (47.41157), not rounded.
    printed = {"ewma": (chart.level, column(file, "recalled_ewma"), 0.00501), "limits": (
        [chart.upper[0], chart.lower[0]], [52.5884, 47.4115], 1e-4
    )}  # fmt: skip
    for name, (values, wanted, half_unit) in printed.items():
        agrees(
            values, wanted, method="monitoring/ewma", data=found["dataset"], quantity=name, expected_by=HANDBOOK, abs=half_unit
        )
    assert np.count_nonzero(chart.signal) == expected["signals"]


def test_constants_of_control_charts() -> None:
    # The four decimals of every table of control chart constants (ISO 7870-2, ASTM MNL 7).
    sizes = (2, 3, 4, 5, 6, 8, 10, 15, 20, 25)
    tabled_c4 = (0.7979, 0.8862, 0.9213, 0.9400, 0.9515, 0.9650, 0.9727, 0.9823, 0.9869, 0.9896)
    tabled_d2 = (1.128, 1.693, 2.059, 2.326, 2.534, 2.847, 3.078, 3.472, 3.735, 3.931)
    where = {"data": "n = 2 … 25", "expected_by": "ISO 7870-2, tabled, recalled"}
    agrees(charts.c4(sizes), tabled_c4, method="monitoring/c4", quantity="c4", abs=0.5001e-4, **where)
    agrees([charts.d2(n) for n in sizes], tabled_d2, method="monitoring/d2", quantity="d2", abs=0.5001e-3, **where)
    exact = {"data": "n = 2, 3", "expected_by": "closed form"}
    root = math.sqrt(math.pi)
    agrees([charts.d2(2), charts.d2(3)], [2 / root, 3 / root], method="monitoring/d2", quantity="d2", rel=1e-12, **exact)
    agrees(charts.c4([2, 3]), [math.sqrt(2 / math.pi), root / 2], method="monitoring/c4", quantity="c4", rel=1e-14, **exact)


def test_c4_of_large_groups_against_rational_arithmetic() -> None:
    # Γ(x + ½)/Γ(x) from its recurrence in exact fractions: the join at n = 201 and beyond.
    from fractions import Fraction

    for n in (100, 199, 200, 201, 202, 203, 300, 1001):
        ratio = math.prod((Fraction(j, j - 1) for j in range(2 + n % 2, n, 2)), start=Fraction(1))
        start = 1 / math.sqrt(math.pi) if n % 2 == 0 else math.sqrt(math.pi) / 2
        assert charts.c4(n) == pytest.approx(math.sqrt(2 / (n - 1)) * start * float(ratio), rel=1e-14)


def test_moving_range_chart_of_a_worked_example() -> None:
    # Flow rates of the handbook's 6.3.2.2: mean 50.81, mean moving range 1.8778, limits 55.8041 and 45.8159.
    flow = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
    chart = charts.individuals(flow)
    agrees(
        [chart.centre[0], chart.upper[0], chart.lower[0]],
        [50.81, 55.8041, 45.8159],
        method="monitoring/individuals",
        data="flow rates, n = 10",
        quantity="centre, limits",
        expected_by="NIST/SEMATECH e-Handbook 6.3.2.2, printed, recalled",
        # 3 · 1.8778 · (1/1.128 − 1/1.128379) = 0.0017
        abs=0.0025,
    )
    assert not chart.signal.any()


def test_limits_of_means_by_the_tabled_factor() -> None:
    # A3 = 3/(c4 √n): 1.427 for n = 5.
    chart = charts.means([10.0, 12.0, 11.0], [1.0, 2.0, 3.0], [5, 5, 5])
    agrees(
        [chart.upper[0], chart.lower[0]],
        [11 + 1.427 * 2, 11 - 1.427 * 2],
        method="monitoring/means",
        data="three subgroups of 5",
        quantity="limits",
        expected_by="factor A3 of ISO 7870-2, tabled, recalled",
        abs=0.0005 * 2,
    )


SHIFTS = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0)
CUSUM_TABLE = {
    (4.0, 0.0): (168, 74.2, 26.6, 13.3, 8.38, 4.75, 3.34, 2.62, 2.19),
    (5.0, 0.0): (465, 139, 38.0, 17.0, 10.4, 5.75, 4.01, 3.11, 2.57),
    (4.0, 2.0): (149, 62.7, 20.1, 8.97, 5.29, 2.86, 2.01, 1.59, 1.32),
    (5.0, 2.5): (430, 122, 28.7, 11.2, 6.35, 3.37, 2.36, 1.86, 1.54),
}
EWMA_TABLE = {
    (0.4, 3.054): (500, 224, 71.2, 28.4, 14.3, 5.9, 3.5, 2.5, 2.0),
    (0.25, 2.998): (500, 170, 48.2, 20.1, 11.1, 5.5, 3.6, 2.7, 2.3),
    (0.2, 2.962): (500, 150, 41.8, 18.2, 10.5, 5.5, 3.7, 2.9, 2.4),
    (0.1, 2.814): (500, 106, 31.3, 15.9, 10.3, 6.1, 4.4, 3.4, 2.9),
    (0.05, 2.615): (500, 84.1, 28.8, 16.4, 11.4, 7.1, 5.2, 4.2, 3.5),
}


@pytest.mark.parametrize(("h", "headstart"), list(CUSUM_TABLE))
def test_run_lengths_of_the_cusum(h: float, headstart: float) -> None:
    agrees(
        [run_length.cusum(k=0.5, h=h, shift=shift, headstart=headstart) for shift in SHIFTS],
        CUSUM_TABLE[h, headstart],
        method="monitoring/cusum_run_length",
        data=f"k = 0.5, h = {h}, headstart {headstart}",
        quantity="ARL at shifts 0 to 3",
        expected_by="Lucas & Crosier 1982, tabled, recalled",
        # Markov chain of the table against the integral equation: 139 for 139.49, 1.32 for 1.329
        rel=0.007,
    )


@pytest.mark.parametrize(("weight", "multiple"), list(EWMA_TABLE))
def test_run_lengths_of_the_ewma(weight: float, multiple: float) -> None:
    agrees(
        [run_length.ewma(weight=weight, multiple=multiple, shift=shift) for shift in SHIFTS],
        EWMA_TABLE[weight, multiple],
        method="monitoring/ewma_run_length",
        data=f"λ = {weight}, L = {multiple}",
        quantity="ARL at shifts 0 to 3",
        expected_by="Lucas & Saccucci 1990, tabled, recalled",
        # three digits above 10, one decimal below: half a unit of the last
        rel=0.005,
        abs=0.051,
    )


def test_run_lengths_in_the_shewhart_limit() -> None:
    # λ = 1: each value alone; ARL = 1/(Φ(−L − δ) + Φ(−L + δ)).
    def tail(x: float) -> float:
        return 0.5 * math.erfc(x / math.sqrt(2.0))

    agrees(
        [run_length.ewma(weight=1.0, multiple=3.0, shift=shift) for shift in SHIFTS],
        [1 / (tail(3.0 + shift) + tail(3.0 - shift)) for shift in SHIFTS],
        method="monitoring/ewma_run_length",
        data="λ = 1, L = 3",
        quantity="ARL at shifts 0 to 3",
        expected_by="closed form",
        rel=1e-9,
    )


def test_siegmund_is_close_to_the_integral_equation() -> None:
    for k, h in ((0.25, 8.0), (0.5, 4.0), (0.5, 5.0), (0.75, 4.0)):
        for shift in (0.0, k, 1.0):
            exact = run_length.cusum_one_sided(k=k, h=h, shift=shift)
            assert run_length.siegmund(k=k, h=h, shift=shift) == pytest.approx(exact, rel=0.06)


NILE = """
    1120 1160 963 1210 1160 1160 813 1230 1370 1140 995 935 1110 994 1020 960 1180 799 958 1140 1100 1210 1150 1250 1260
    1220 1030 1100 774 840 874 694 940 833 701 916 692 1020 1050 969 831 726 456 824 702 1120 1100 832 764 821
    768 845 864 862 698 845 744 796 1040 759 781 865 845 944 984 897 822 1010 771 676 649 846 812 742 801
    1040 860 874 848 890 744 749 838 1050 918 986 797 923 975 815 1020 906 901 1170 912 746 919 718 714 740
"""
"""Annual flow of the Nile at Aswan 1871–1970 in 10^8 m³ (Cobb 1978, table 1)."""


def test_the_nile_changed_in_1898() -> None:
    volume = np.array(NILE.split(), dtype=np.float64)
    where = {"data": "Nile at Aswan 1871–1970", "expected_by": "Cobb 1978, doi:10.1093/biomet/65.2.243, recalled", "abs": 0.0}
    several = change_points.several_changes(volume)
    single = change_points.single_change(volume)
    agrees(several.position, [28], method="monitoring/several_changes", quantity="years before the change", **where)
    agrees(single.position, [28], method="monitoring/single_change", quantity="years before the change", **where)
    assert single.p[0] == 1 / 2000
