"""Why there is no mixed model is said in either language."""

import re

import polars as pl
import pytest
from bias_networks import REGISTER, network
from facts import PRODUCTS, results

from labqa.analysis import mixed, pairing, yardsticks
from labqa.analysis.bias_settings import BiasSettings
from labqa.core.errors import EvaluationError


def why_not(facts: pl.DataFrame) -> EvaluationError:
    samples = pairing.samples(facts, PRODUCTS)
    blocks = pairing.blocks(facts, samples)
    scale = yardsticks.yardsticks(REGISTER, blocks, pairing.pairs(facts, samples), facts)
    with pytest.raises(EvaluationError) as told:
        mixed.second_opinion(facts, samples, blocks, REGISTER, scale, BiasSettings())
    return told.value


def facts(n_samples: int = 20) -> pl.DataFrame:
    return results(network(1, biases=dict.fromkeys("ABCDEF", 0.0), n_samples=n_samples))


@pytest.mark.parametrize(
    ("of", "key"),
    [
        (facts().filter(role="original"), "mixed.no_pairs"),
        (facts().with_columns(value=pl.lit(50.0)), "mixed.no_scatter"),
        (facts(mixed.MOST_GROUPS // 2), "mixed.many_groups"),
    ],
)
def test_the_cause_is_said_in_both_languages(of: pl.DataFrame, key: str) -> None:
    said = why_not(of).message
    assert said.key == key
    assert not re.search("[a-zA-Z]", said.text("zh")) and re.search("[a-z]", said.text("en"))
