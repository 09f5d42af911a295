"""The simulation card: what a network is made of, read from a TOML file and fixed before a run."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from labqa.core.errors import UsageError

CARDS = Path(__file__).parent / "cards"
KINDS = ("bias_mean", "bias_items", "imprecise", "copier", "echo", "fabricator", "self_sampler")
TRUTHS = ("normal", "skewed", "bimodal")
STYLES = ("random", "regional", "hubs", "sparse")


@dataclass(frozen=True, kw_only=True)
class LabSettings:
    """How many laboratories there are, of which kind, and where."""

    n: int
    blameless: int
    new: int
    small: int
    families: tuple[int, int]
    groups: int
    group_size: int
    regions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RetestSettings:
    """Shares of samples tested again, by what asks for it."""

    planned: float
    objection: float
    expert: float
    referee: float


@dataclass(frozen=True, kw_only=True)
class RoundSettings:
    """Comparison rounds: how many a laboratory and year, how large, and how many with an assigned value."""

    per_lab_year: tuple[int, int]
    items: tuple[int, int]
    per_family_year: int
    assigned: float
    assigned_u: float


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """How the retest laboratory is chosen: at random, mostly within the region, mostly a hub, or among the few next ones.

    `partners` is the number of next laboratories, in a circle drawn for each family, of a sparse network.
    """

    style: str
    bridge: float
    hubs: int
    hub_share: float
    partners: int = 1


@dataclass(frozen=True, kw_only=True)
class Effects:
    """Standard deviations of the effects in σR; the item error is the remainder to a variance of 1.

    `degradation` is what the items named in `degrading` lose a day after sampling, in σR; comparison samples are stable.
    """

    lab_mean: float
    lab_item: float
    sample_lab: float
    lab_run: float
    heterogeneity: float
    error_df: int
    precision_spread: float
    degradation: float = 0.0
    degrading: tuple[str, ...] = ()

    @property
    def error(self) -> float:
        """SD of the item error: √(1 − sum of the other variances)."""
        others = (self.lab_mean, self.lab_item, self.sample_lab, self.lab_run, self.heterogeneity)
        return float((1.0 - sum(sd * sd for sd in others)) ** 0.5)


@dataclass(frozen=True, kw_only=True)
class FaultSettings:
    """Shares of gross errors, unit slips, swapped samples and work out of scope; ordinary laboratories only.

    Of the gross errors, the share `gross_up` is positive; they happen in the share `gross_labs` of the laboratories only, to
    whose results they are so much the more frequent.
    """

    gross: float
    gross_size: tuple[float, float]
    unit_slip: float
    swap: float
    out_of_scope: float
    gross_up: float = 0.5
    gross_labs: float = 1.0


@dataclass(frozen=True, kw_only=True)
class QualitySettings:
    """Share of samples that fail, and its relative change a year."""

    sample_fail: float
    yearly: float


@dataclass(frozen=True, kw_only=True)
class BlamelessSettings:
    """What a blameless laboratory never exceeds: |bias| on any item in σR, and the precision ratio."""

    bound: float
    precision: float


@dataclass(frozen=True, kw_only=True)
class Planted:
    """A kind of fault and one size for each laboratory that has it (σR, ratio or share, by kind)."""

    kind: str
    sizes: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Card:
    """Everything that a simulated network is made of; with a seed it determines every frame.

    `truths` is the shape of the true values on the scale of their spread: normal, skewed (a gamma distribution of shape 1.5) or
    bimodal (two normals).
    """

    programme: str
    catalogue: str
    first_year: int
    n_years: int
    scales: tuple[str, ...]
    tolerances: str
    censoring: bool
    samples_per_lab_year: tuple[int, int]
    items_per_sample: tuple[int, int]
    run_days: int
    labs: LabSettings
    retests: RetestSettings
    rounds: RoundSettings
    network: NetworkSettings
    effects: Effects
    faults: FaultSettings
    quality: QualitySettings
    blameless: BlamelessSettings
    planted: tuple[Planted, ...] = ()
    truths: str = "normal"


SECTIONS: dict[str, type] = {
    "labs": LabSettings,
    "retests": RetestSettings,
    "rounds": RoundSettings,
    "network": NetworkSettings,
    "effects": Effects,
    "faults": FaultSettings,
    "quality": QualitySettings,
    "blameless": BlamelessSettings,
}


def load(name_or_path: str | Path) -> Card:
    """The card of that name among the shipped ones, or of that TOML file."""
    shipped = CARDS / f"{name_or_path}.toml"
    path = shipped if shipped.is_file() else Path(name_or_path)
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in CARDS.glob("*.toml")))
        raise UsageError("simulate.card_unknown", card=str(name_or_path), known=known)
    try:
        return _checked(from_table(tomllib.loads(path.read_text("utf-8"))))
    except (TypeError, ValueError, AttributeError) as cause:
        raise UsageError("simulate.card_invalid", card=str(name_or_path), cause=str(cause)) from cause


def from_table(table: dict[str, Any]) -> Card:
    """A card from a parsed TOML table; TypeError names a missing or an unknown setting."""
    read = {name: _frozen(value) for name, value in table.items() if name not in SECTIONS and name != "planted"}
    for name, section in SECTIONS.items():
        unknown = set(table[name]) - {field.name for field in fields(section)} if name in table else {name}
        if unknown:
            raise TypeError(f"[{name}] {', '.join(sorted(unknown))}")
        read[name] = section(**{key: _frozen(value) for key, value in table[name].items()})
    planted = tuple(Planted(kind=one["kind"], sizes=tuple(one["sizes"])) for one in table.get("planted", []))
    return Card(**read, planted=planted)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _checked(card: Card) -> Card:
    """The card itself, if it can be carried out; ValueError says why not."""
    others = 1.0 - sum(sd * sd for sd in (card.effects.lab_mean, card.effects.lab_item, card.effects.sample_lab))
    others -= card.effects.lab_run**2 + card.effects.heterogeneity**2
    n_planted = sum(len(one.sizes) for one in card.planted)
    special = card.labs.blameless + card.labs.new + card.labs.small + n_planted
    checks = {
        "effects: variances sum to 1 or more": others <= 0,
        "labs: blameless + new + small + planted exceed n": special > card.labs.n,
        "planted: unknown kind": any(one.kind not in KINDS for one in card.planted),
        "truths: unknown shape": card.truths not in TRUTHS,
        "network: unknown style": card.network.style not in STYLES,
        "network: a sparse network needs partners of 1 or more": card.network.style == "sparse" and card.network.partners < 1,
        "faults: gross over gross_labs exceeds 1": card.faults.gross > card.faults.gross_labs,
        "effects: error_df must be 0 or at least 3": 0 < card.effects.error_df < 3,
    }
    for sentence, broken in checks.items():
        if broken:
            raise ValueError(sentence)
    return card
