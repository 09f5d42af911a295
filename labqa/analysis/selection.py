"""What changes with how retests were chosen: LAB_SELECTION, option by option, of each laboratory and of the network."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from labqa.analysis import given_first, refits
from labqa.analysis.bias_settings import BiasSettings
from labqa.analysis.chosen import first_results, scaled_pairs
from labqa.analysis.differences import of_network
from labqa.analysis.evidence import WITHOUT_SIGN
from labqa.analysis.gross import SET_ASIDE
from labqa.analysis.network import Network
from labqa.analysis.occasions import DIFFER
from labqa.core import tables as t
from labqa.core.vocabulary import OptionStatus, Scope, SelectionOption

_NOTHING_SAID = (SET_ASIDE, DIFFER)
"""Reasons for which nothing is said of a laboratory's bias however its retests are chosen."""
_ESTIMATES = [name for name in t.LabSelection.column_names() if name in WITHOUT_SIGN or name.startswith("sensitivity")]


@dataclass(frozen=True, kw_only=True)
class SelectionSettings:
    """`min_originals`: first results of an item from which the truths are estimated; `most_censored`: share of them that may
    lie beyond a reporting limit; `cap`: largest weight of a planned retest, in medians."""

    min_originals: int = 200
    most_censored: float = 0.2
    cap: float = 5.0


def lab_selection(
    results: pl.DataFrame,
    pairs: pl.DataFrame,
    blocks: pl.DataFrame,
    items: pl.DataFrame,
    yardsticks: pl.DataFrame,
    lab_bias: pl.DataFrame,
    network: Network | None,
    settings: BiasSettings,
    selection: SelectionSettings | None = None,
) -> pl.DataFrame:
    """LAB_SELECTION; `blocks`, `lab_bias` and `network` are what the default fit made of them."""
    chosen, components = selection or SelectionSettings(), network.components if network is not None else None
    rows = scaled_pairs(results, pairs, items, yardsticks)
    given = given_first.given_first(rows, first_results(results, items, yardsticks), lab_bias, settings, chosen)
    found = [
        _default(lab_bias),
        refits.refitted(results, blocks, items, yardsticks, lab_bias, components, settings, cap=chosen.cap),
        given.labs,
        of_network(rows, given, level=settings.level, cap=chosen.cap),
    ]
    rows = t.shaped(pl.concat([t.shaped(part, t.LabSelection) for part in found]), t.LabSelection).sort("lab", "option")
    return _withheld(rows, lab_bias)


def _withheld(rows: pl.DataFrame, lab_bias: pl.DataFrame) -> pl.DataFrame:
    """Rows of which those that the options assess say nothing where LAB_BIAS does not for `_NOTHING_SAID`."""
    whole = lab_bias.filter(pl.col("scope") == str(Scope.LAB), pl.col("reason").is_in(_NOTHING_SAID))
    told = rows.join(whole.select("lab", why="reason"), on="lab", how="left", maintain_order="left")
    lost = pl.col("why").is_not_null() & (pl.col("status") == str(OptionStatus.ASSESSED))
    return t.shaped(
        told.with_columns(
            *(pl.when(~lost).then(pl.col(name)).alias(name) for name in _ESTIMATES),
            status=pl.when(lost).then(pl.lit(str(OptionStatus.UNDETERMINED))).otherwise("status"),
            reason=pl.when(lost).then("why").otherwise("reason"),
        ),
        t.LabSelection,
    )


def _default(lab_bias: pl.DataFrame) -> pl.DataFrame:
    """The biases as they stand in LAB_BIAS."""
    known = [str(OptionStatus.ASSESSED), str(OptionStatus.NOT_ASSESSED), str(OptionStatus.UNDETERMINED)]
    whole = lab_bias.filter((pl.col("scope") == str(Scope.LAB)) & pl.col("status").is_in(known))
    return whole.with_columns(option=pl.lit(str(SelectionOption.DEFAULT)), n_pairs="n_blocks")
