"""The network kernels on real data, against statsmodels, SciPy and NumPy as independent computations.

LGC's round on metals: 29 laboratories, 8 analytes, 5 replicates. Each sample is an analyte and a replicate; its results stand
in a shuffled order (seed 5), and a pair are two results at most 3 places apart.
USGS: pairs of original and first replicate with both laboratories recorded.
"""

import csv

import numpy as np
import pytest
import statsmodels.api as sm
from reference_cases import SHIPPED
from scipy.sparse import coo_array, csgraph
from validation import agrees

from labqa.stats.network.components import paired
from labqa.stats.network.effect_errors import effect_errors
from labqa.stats.network.huber import EFFICIENT, huber_pairs
from labqa.stats.network.laplacian import fit_pairs
from labqa.stats.network.resistance import effective_resistance
from labqa.stats.network.sandwich import clustered_covariance, dyadic_covariance

METALS = "lgc_rmstudy_metals.csv, ln results of one sample, pairs of 3 neighbours"
USGS = "usgs_inl_original_retest_sitesA.csv, original and first replicate"
OLS, RLM = "statsmodels WLS", "statsmodels RLM, HuberT"


@pytest.fixture(scope="module")
def metals() -> dict[str, np.ndarray]:
    """Pairs (a, b, delta, weight) of ln results, sample (analyte × replicate) and number of laboratories."""
    with (SHIPPED / "rmstudy" / "lgc_rmstudy_metals.csv").open(encoding="utf-8") as opened:
        rows = [row for row in csv.DictReader(opened) if float(row["value"]) > 0]
    labs = sorted({row["lab"] for row in rows})
    samples = sorted({(row["analyte"], row["replicate"]) for row in rows})
    shuffle = np.random.default_rng(5)
    a, b, delta, sample = [], [], [], []
    for name, key in enumerate(samples):
        here = [row for row in rows if (row["analyte"], row["replicate"]) == key]
        here = [here[i] for i in shuffle.permutation(len(here))]
        for step in (1, 2, 3):
            for one, two in zip(here, here[step:], strict=False):
                a.append(labs.index(one["lab"]))
                b.append(labs.index(two["lab"]))
                delta.append(np.log(float(one["value"]) / float(two["value"])))
                sample.append(name)
    analyte = np.array([samples[one][0] for one in sample])
    spread = {name: np.median(np.abs(np.array(delta)[analyte == name])) for name in set(analyte)}
    weight = np.array([1.0 / spread[name] ** 2 for name in analyte])
    return {
        "a": np.array(a), "b": np.array(b), "delta": np.array(delta), "weight": weight / weight.mean(),
        "sample": np.array(sample), "n": np.array(len(labs)),
    }  # fmt: skip


def design(m: dict[str, np.ndarray]) -> np.ndarray:
    """e_a − e_b of each pair, without the first laboratory."""
    n = int(m["n"])
    return (np.eye(n)[m["a"]] - np.eye(n)[m["b"]])[:, 1:]


def contrasts(n: int) -> np.ndarray:
    return np.hstack([-np.ones((n - 1, 1)), np.eye(n - 1)])


def test_plain_fit(metals: dict[str, np.ndarray]) -> None:
    m, n = metals, int(metals["n"])
    found = fit_pairs(m["a"], m["b"], m["delta"], m["weight"], n=n)
    expected = sm.WLS(m["delta"], design(m), weights=m["weight"]).fit()
    # two direct solutions in float64; the design has a condition number of about 5
    agrees(
        found.effect[1:] - found.effect[0], expected.params, method="network/fit_pairs", data=METALS,
        quantity="28 contrasts", expected_by=OLS, rel=1e-9, abs=1e-11,
    )  # fmt: skip


@pytest.mark.parametrize("update", [False, True])
def test_huber_fit(metals: dict[str, np.ndarray], update: bool) -> None:
    m, n = metals, int(metals["n"])
    root = np.sqrt(m["weight"])
    model = sm.RLM(root * m["delta"], root[:, None] * design(m), M=sm.robust.norms.HuberT(EFFICIENT))
    expected = model.fit(update_scale=update, tol=1e-14, maxiter=10_000)
    scale = None if update else float(expected.scale)
    found = huber_pairs(m["a"], m["b"], m["delta"], m["weight"], n=n, scale=scale, tolerance=1e-10)
    # RLM stops when its reweighting has all but stopped to move, ours at a gradient of 1e-10 (scale: settled to 1e-9)
    quantity = f"28 contrasts, scale {'estimated' if update else 'held'}"
    agrees(
        found.effect[1:] - found.effect[0], expected.params, method="network/huber_pairs", data=METALS,
        quantity=quantity, expected_by=RLM, abs=1e-8, scale=float(np.abs(expected.params).max()),
    )  # fmt: skip
    if update:
        agrees(
            found.scale, float(expected.scale), method="network/huber_pairs", data=METALS, quantity="scale",
            expected_by=RLM, rel=1e-7,
        )  # fmt: skip


def test_clustered_by_sample(metals: dict[str, np.ndarray]) -> None:
    m, n = metals, int(metals["n"])
    expected = sm.WLS(m["delta"], design(m), weights=m["weight"]).fit(cov_type="cluster", cov_kwds={"groups": m["sample"]})
    effect = fit_pairs(m["a"], m["b"], m["delta"], m["weight"], n=n).effect
    score = m["weight"] * (m["delta"] - effect[m["a"]] + effect[m["b"]])
    found = clustered_covariance(m["a"], m["b"], m["weight"], score, m["sample"], n=n, contrasts=contrasts(n))
    agrees(
        np.sqrt(np.diag(found.covariance)), expected.bse, method="network/clustered_covariance", data=METALS,
        quantity="28 standard errors", expected_by=OLS + ", cov_type cluster", rel=1e-8,
    )  # fmt: skip
    agrees(
        found.covariance.ravel(), np.asarray(expected.cov_params()).ravel(), method="network/clustered_covariance",
        data=METALS, quantity="covariance", expected_by=OLS + ", cov_type cluster", rel=1e-6,
        abs=1e-9 * float(np.max(expected.bse**2)), scale=float(np.max(expected.bse**2)),
    )  # fmt: skip


def test_dyadic_by_laboratory_and_analyte(metals: dict[str, np.ndarray]) -> None:
    m, n = metals, int(metals["n"])
    effect = fit_pairs(m["a"], m["b"], m["delta"], m["weight"], n=n).effect
    score = m["weight"] * (m["delta"] - effect[m["a"]] + effect[m["b"]])
    analyte = m["sample"] // 5
    one, two = m["a"] * 8 + analyte, m["b"] * 8 + analyte
    found = dyadic_covariance(m["a"], m["b"], m["weight"], score, one, two, n=n, contrasts=contrasts(n))
    x = design(m)
    linked = (
        (one[:, None] == one) | (one[:, None] == two) | (two[:, None] == one) | (two[:, None] == two)
    )  # the definition: all pairs of pairs that share a laboratory × analyte
    bread = np.linalg.inv(x.T @ (m["weight"][:, None] * x))
    expected = bread @ (x * score[:, None]).T @ linked @ (x * score[:, None]) @ bread
    agrees(
        found.ravel(), expected.ravel(), method="network/dyadic_covariance", data=METALS, quantity="covariance",
        expected_by="NumPy, double sum over all pairs of pairs", abs=1e-10 * float(np.abs(expected).max()),
        scale=float(np.abs(expected).max()),
    )  # fmt: skip


def test_errors_and_resistance(metals: dict[str, np.ndarray]) -> None:
    m, n = metals, int(metals["n"])
    adjacency = coo_array((m["weight"], (m["a"], m["b"])), shape=(n, n)).toarray()
    inverse = np.linalg.pinv(csgraph.laplacian(adjacency + adjacency.T), hermitian=True)
    by = "SciPy csgraph.laplacian, NumPy pinv"
    agrees(
        effect_errors(m["a"], m["b"], m["weight"], n=n).error, np.sqrt(np.diag(inverse)), method="network/effect_errors",
        data=METALS, quantity="29 standard errors at σ = 1", expected_by=by, rel=1e-9,
    )  # fmt: skip
    i, j = np.triu_indices(n, 1)
    agrees(
        effective_resistance(m["a"], m["b"], m["weight"], i, j, n=n).resistance,
        np.diag(inverse)[i] + np.diag(inverse)[j] - 2 * inverse[i, j], method="network/effective_resistance",
        data=METALS, quantity="406 resistances", expected_by=by, rel=1e-8,
    )  # fmt: skip


def test_components_of_the_usgs_laboratories() -> None:
    with (SHIPPED / "usgs" / "usgs_inl_original_retest_sitesA.csv").open(encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    of_pair: dict[str, dict[str, str]] = {}
    for row in rows:
        of_pair.setdefault(row["pair_id"], {})[row["role"]] = row["lab"]
    labs = sorted({row["lab"] for row in rows} - {""})
    met = [(one["original"], one["retest1"]) for one in of_pair.values() if one.get("original") and one.get("retest1")]
    a, b = (np.array([labs.index(one[end]) for one in met if one[0] != one[1]]) for end in (0, 1))
    found = paired(a, b, n=len(labs))
    _, label = csgraph.connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(len(labs),) * 2), directed=False)
    smallest = [int(np.flatnonzero(label == label[i])[0]) for i in range(len(labs))]
    agrees(
        found.component, smallest, method="network/components", data=USGS, quantity="component of each laboratory",
        expected_by="SciPy csgraph.connected_components",
    )  # fmt: skip
    adjacency = coo_array((np.ones(len(a)), (a, b)), shape=(len(labs),) * 2).toarray()
    signless = np.abs(csgraph.laplacian(adjacency + adjacency.T))
    least = [np.linalg.eigvalsh(signless[np.ix_(label == one, label == one)])[0] < 1e-9 for one in label]
    agrees(
        found.bipartite, least, method="network/bipartite", data=USGS, quantity="bipartite or not",
        expected_by="NumPy eigvalsh of the signless Laplacian",
    )  # fmt: skip
