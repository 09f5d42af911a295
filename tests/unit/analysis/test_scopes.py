"""Where no observation has a weight there is no component, and no variance is identified."""

import numpy as np
from bias_networks import CODES, REGISTER, network
from facts import PRODUCTS, results

from labqa.analysis import pairing, yardsticks
from labqa.analysis.bias import fitted
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.scopes import KINDS, variance_components, within_scope


def test_weights_of_nothing_identify_no_variance():
    facts = results(network(1, biases=dict.fromkeys("ABCDEF", 0.0), n_samples=20))
    samples = pairing.samples(facts, PRODUCTS)
    blocks = pairing.blocks(facts, samples)
    scale = yardsticks.yardsticks(REGISTER, blocks, pairing.pairs(facts, samples), facts)
    seen = fitted(facts, samples, blocks, REGISTER, scale, BiasSettings())[2].seen
    assert len(seen.y) == 2 * 20 * len(CODES)
    nothing = np.zeros(len(seen.y))
    parts = list(within_scope(seen, nothing, nothing, seen.y, np.ones(len(seen.y), dtype=bool)))
    found = variance_components(parts, n_labs=len(seen.labs))
    assert parts == [] and found.identified.tolist() == [False] * (len(KINDS) - 1) + [True]  # the anchor's is stated
    assert found.variance.tolist() == [0.0] * (len(KINDS) - 1) + [1.0]
    assert not found.covariance.any()
