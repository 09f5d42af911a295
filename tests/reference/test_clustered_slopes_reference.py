"""Bias-reduced clustered slopes against the matrices of the whole regression, computed in R, on unbalanced clusters."""

import numpy as np
import pytest
from reference_cases import HERE, case, column
from validation import agrees

from labqa.stats.network.slopes import clustered_slopes

DATA = HERE / "data" / "sleepstudy.csv"


@pytest.mark.parametrize(("name", "n_cells"), [("sleepstudy_cr2", 1), ("sleepstudy_cr2_cells", 3)])
def test_slope_standard_error_and_df_are_those_of_the_whole_regression(name: str, n_cells: int) -> None:
    known = case(name)
    reaction, days, subject = (column(DATA, one) for one in ("reaction", "days", "subject"))
    kept = days <= 2 + subject % 8
    day = days[kept].astype(np.int64)
    weight = 1.0 / (1.0 + day) if n_cells > 1 else np.ones(len(day))
    cluster = np.unique(subject[kept], return_inverse=True)[1]
    of_all = np.zeros_like(day)
    found = clustered_slopes(of_all, cluster, day % n_cells, days[kept], reaction[kept], weight, n=1, n_cells=n_cells)
    agrees(
        [found.slope[0], found.se[0], found.df[0]],
        [known["expected"][one] for one in ("slope", "se", "df")],
        method="network/clustered_slopes",
        data=f"sleepstudy.csv, unbalanced, {'three weighted intercepts' if n_cells > 1 else 'one intercept'}",
        quantity="slope, SE, df",
        expected_by="R 4.2.2, matrices",
        rel=known["tolerance"]["rel"],
    )
