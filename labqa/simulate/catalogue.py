"""Products and items of a simulated programme: registers as frames, and what the true world needs as arrays."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl

from labqa.core import tables, vocabulary
from labqa.core.errors import UsageError
from labqa.simulate.card import Card
from labqa.simulate.randomness import Array, Index, Mask, stream

CATALOGUES = Path(__file__).parent / "catalogues"
FIELDS: tuple[str, ...] = (
    "item",
    "name_zh",
    "name_en",
    "scale",
    "unit",
    "lower",
    "upper",
    "constant",
    "slope",
    "spread",
    "decimals",
)
FIELDS += ("interval", "loq", "method", "tolerance")
GRADES = "1|1-2|2|2-3|3|3-4|4|4-5|5"


@dataclass(frozen=True)
class Catalogue:
    """Families with their items; arrays have one entry an item unless stated.

    `slots` is families × slots with item indices (−1 beyond a family's last item); `product_slots` says which slots a
    product is tested for; `sigma_constant + sigma_slope × level` is the true σR.
    """

    items: pl.DataFrame
    products: pl.DataFrame
    codes: list[str]
    families: list[str]
    product_codes: list[str]
    slots: Index
    product_family: Index
    product_slots: Mask
    sigma_constant: Array
    sigma_slope: Array
    lower: Array
    upper: Array
    spread: Array
    fail: Array
    lod: Array
    loq: Array
    interval: Array
    decimals: Index
    scale: list[str]

    def of_scale(self, *scales: str) -> Mask:
        """Which items are of one of these scales."""
        return np.array([scale in scales for scale in self.scale])


def build(card: Card, *, seed: int) -> Catalogue:
    """The catalogue that the card names, limited to its scales; which items a product is tested for is drawn."""
    families = _read(card)
    rows = [dict(zip(FIELDS, item, strict=True)) | _of(family, card) for family in families for item in family["items"]]
    frame = _items(rows)
    products = [(*product, k) for k, family in enumerate(families) for product in family["products"]]
    product_family = np.array([product[3] for product in products], dtype=np.int64)
    sizes = np.array([len(family["items"]) for family in families])
    slots = np.full((len(families), sizes.max()), -1, dtype=np.int64)
    for k, start in enumerate(np.cumsum(sizes) - sizes):
        slots[k, : sizes[k]] = np.arange(start, start + sizes[k])
    return Catalogue(
        items=_item_register(frame, card),
        products=_product_register(products, [str(family["code"]) for family in families]),
        codes=frame["item"].to_list(),
        families=[str(family["code"]) for family in families],
        product_codes=[product[0] for product in products],
        slots=slots,
        product_family=product_family,
        product_slots=_product_slots(card, product_family, slots, seed),
        sigma_constant=_floats(frame, "constant") / 2.8,
        sigma_slope=_floats(frame, "slope") / 2.8,
        lower=_floats(frame, "lower"),
        upper=_floats(frame, "upper"),
        spread=_floats(frame, "spread"),
        fail=_floats(frame, "fail"),
        lod=_floats(frame, "lod"),
        loq=_floats(frame, "loq") * card.censoring,
        interval=_floats(frame, "interval"),
        decimals=frame["decimals"].cast(pl.Int64).to_numpy().copy(),
        scale=frame["scale"].to_list(),
    )


def _read(card: Card) -> list[dict[str, Any]]:
    path = CATALOGUES / f"{card.catalogue}.toml"
    path = path if path.is_file() else Path(card.catalogue)
    if not path.is_file():
        raise UsageError("simulate.catalogue_unknown", catalogue=card.catalogue)
    families: list[dict[str, Any]] = tomllib.loads(path.read_text("utf-8"))["families"]
    for family in families:
        family["items"] = [item for item in family["items"] if item[3] in card.scales]
    return [family for family in families if family["items"]]


def _items(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """One row an item, absent limits null; the limit of detection is a third of that of quantification, in one digit."""
    columns = {name: [None if row[name] == "" else row[name] for row in rows] for name in (*FIELDS, "fail", "standard")}
    lod = [float(f"{row['loq'] / 3:.1g}") if row["loq"] > 0 else None for row in rows]
    return pl.DataFrame(columns, strict=False, infer_schema_length=None).with_columns(pl.Series("lod", lod, dtype=pl.Float64))


def _of(family: dict[str, Any], card: Card) -> dict[str, Any]:
    """What an item inherits from its family: judgement standard and the chance that one of its items fails."""
    share = float(family.get("fail", card.quality.sample_fail))
    n_items = min(len(family["items"]), (card.items_per_sample[0] + card.items_per_sample[1]) / 2)
    return {"standard": family["standard"], "fail": 1.0 - (1.0 - share) ** (1.0 / n_items)}


def _product_slots(card: Card, product_family: Index, slots: Index, seed: int) -> Mask:
    """For each product a number of its family's items between the card's bounds, drawn at random."""
    rng = stream(seed, "products")
    present = slots[product_family] >= 0
    n_present = present.sum(axis=1)
    low, high = (np.minimum(bound, n_present) for bound in card.items_per_sample)
    wanted = rng.integers(low, high + 1)
    keys = np.where(present, rng.random(present.shape), 2.0)
    return np.asarray(keys.argsort(axis=1).argsort(axis=1) < wanted[:, None])


def _floats(frame: pl.DataFrame, name: str) -> Array:
    """The column as floats, NaN where it is absent (NaN stays within the simulator)."""
    values: Array = frame[name].cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
    return values


def _item_register(frame: pl.DataFrame, card: Card) -> pl.DataFrame:
    """What the register knows of the items: r and R where the method states them, a tolerance where a rule does."""
    numeric = pl.col("scale").is_in(["ratio", "interval", "count"])
    known = numeric & ((pl.col("tolerance") == "method") | (card.tolerances == "known"))
    ruled = (pl.col("tolerance") == "rule") & ~known & (pl.col("scale") != "binary")
    limit = pl.coalesce(pl.col("upper").cast(pl.Float64), pl.col("lower").cast(pl.Float64), 0.0).abs()
    tolerance = pl.col("constant") + pl.col("slope") * limit
    ratio = card.effects.error  # r / R = σr / σR
    ordinal = pl.col("scale") == "ordinal"
    loq = pl.when(pl.col("loq") > 0).then(pl.col("loq"))
    register = frame.select(
        "item", "name_zh", "name_en", "scale", "unit", "method",
        grades=pl.when(pl.col("scale") == "ordinal").then(pl.lit(GRADES)),
        lower_limit="lower",
        lower_inclusive=pl.when(pl.col("lower").is_not_null()).then(True),
        upper_limit="upper",
        upper_inclusive=pl.when(pl.col("upper").is_not_null()).then(True),
        rounding_interval=pl.when(pl.col("interval") > 0).then(pl.col("interval")),
        compare_method=pl.when(pl.col("interval") > 0).then(pl.lit("rounded")).otherwise(pl.lit("full")),
        repeatability_constant=pl.when(known).then((pl.col("constant") * ratio).round_sig_figs(3)),
        repeatability_slope=pl.when(known).then((pl.col("slope") * ratio).round_sig_figs(3)),
        reproducibility_constant=pl.when(known).then("constant"),
        reproducibility_slope=pl.when(known).then("slope"),
        rule_tolerance=pl.when(ruled & ordinal).then(0.5).when(ruled).then(tolerance.round_sig_figs(3)),
        lod="lod",
        loq=loq,
        severity=pl.when(pl.col("scale") == "ordinal").then(pl.lit("minor")).otherwise(pl.lit("major")),
        judgement_standard="standard",
    )  # fmt: skip
    return tables.shaped(register, tables.Items)


def _product_register(products: list[tuple[str, str, str, int]], families: list[str]) -> pl.DataFrame:
    columns = ("product", "name_zh", "name_en")
    frame = pl.DataFrame({name: [product[k] for product in products] for k, name in enumerate(columns)})
    return tables.shaped(frame.with_columns(family=pl.Series([families[p[3]] for p in products])), tables.Products)


def locations(catalogue: Catalogue, card: Card) -> Array:
    """Centre of the true values, items × years, such that the stated share of results fails.

    On the scale of `spread` (logarithm for ratio and count). With a limit the centre lies z(share) total SDs inside it, the
    total SD being √(spread² + σR²) at the limit; with two limits in their middle; a latent centre for binary items.
    """
    years = np.arange(card.n_years)
    centres: Array = np.empty((len(catalogue.codes), card.n_years))
    for k, scale in enumerate(catalogue.scale):
        change = np.clip(1.0 + card.quality.yearly * (years - (card.n_years - 1) / 2), 0.2, 5.0)
        margins = np.array([NormalDist().inv_cdf(1.0 - catalogue.fail[k] * one) for one in change])
        centres[k] = _centre(catalogue, k, scale, margins)
    return centres


def _centre(catalogue: Catalogue, k: int, scale: str, margins: Array) -> Array:
    low, high, spread = catalogue.lower[k], catalogue.upper[k], catalogue.spread[k]
    if scale in (str(vocabulary.Scale.RATIO), str(vocabulary.Scale.COUNT)):
        if not (np.isnan(low) or np.isnan(high)):
            return np.full_like(margins, np.log((low + high) / 2))
        limit = high if np.isnan(low) else low
        sigma = catalogue.sigma_constant[k] + catalogue.sigma_slope[k] * limit
        shift: Array = margins * np.hypot(spread, sigma / limit)
        return np.asarray(np.log(limit) + (shift if np.isnan(high) else -shift))
    sigma = catalogue.sigma_constant[k]
    shift = margins * np.hypot(spread, sigma)
    if scale == str(vocabulary.Scale.BINARY):
        return shift
    if not (np.isnan(low) or np.isnan(high)):
        return np.full_like(margins, (low + high) / 2)
    # a grade is the nearest half: the lowest conforming grade starts a quarter below itself
    offset = 0.25 if scale == str(vocabulary.Scale.ORDINAL) else 0.0
    return np.asarray(low - offset + shift if np.isnan(high) else high - shift)
