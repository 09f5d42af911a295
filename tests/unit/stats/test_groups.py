"""Offsets that point beyond the values are refused: a kernel would read memory that is not theirs."""

from collections.abc import Callable

import numpy as np
import pytest

from labqa.stats import multiplicity
from labqa.stats.monitoring import charts, cusum
from labqa.stats.precision import anova, experiment
from labqa.stats.robust import algorithm_a, hodges_lehmann, location_scale, q_method, qn, sn, tau
from labqa.stats.scores import event_rules, schemes

GROUPED: dict[str, Callable[..., object]] = {
    "AZ²": schemes.az2_by_group,
    "RSZ": schemes.rsz_by_group,
    "SSZ": schemes.ssz_by_group,
    "event score": lambda x, at: event_rules.event_score_by_group(x > 0.5, at),
    "failures": lambda x, at: event_rules.failures_among_the_last_by_group(x > 0.5, at, window=3, at_least=2),
    "adjusted p": lambda x, at: multiplicity.adjusted_by_group(x, at, method="holm"),
    "median": location_scale.median_made_by_group,
    "nIQR": location_scale.niqr_by_group,
    "Algorithm A": algorithm_a.algorithm_a_by_group,
    "Qn": qn.qn_by_group,
    "Sn": sn.sn_by_group,
    "Q method": q_method.q_method_by_group,
    "Hodges–Lehmann": hodges_lehmann.hodges_lehmann_by_group,
    "tau": tau.tau_by_group,
    "ANOVA": lambda x, at: anova.one_way_by_set(x, at, [0, len(at) - 1]),
    "experiment": lambda x, at: experiment.experiment_by_set(x, at, [0, len(at) - 1]),
    "EWMA": lambda x, at: charts.ewma(x, at, weight=0.3, target=0.0, sigma=1.0),
    "CUSUM": lambda x, at: cusum.cusum(x, at, k=0.5, h=4.0),
}


@pytest.mark.parametrize("offsets", [[0, 9], [0, 4, 2], [-1, 3]], ids=["beyond", "falling", "negative"])
@pytest.mark.parametrize("name", GROUPED)
def test_offsets_that_do_not_fit_are_refused(name: str, offsets: list[int]) -> None:
    with pytest.raises(ValueError, match=r"offsets|cells|rise"):
        GROUPED[name](np.array([0.2, 0.1, 0.9, 0.4]), np.array(offsets))
