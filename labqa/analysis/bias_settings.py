"""Settings of the bias fit and of what is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class BiasSettings:
    """Settings of the bias fit; an edition may set them.

    `delta0` is the tolerated |bias| in σR, `alpha` the one-sided error rate that the tests of a laboratory share, `swing` the
    share by which a yardstick may be off;
    `corner` and `end` bound the redescending weights in SDs; `max_anchor_se` is the largest error of the zero, in σR, at which
    assigned values anchor a component; `max_gross` is the estimated share of gross errors from which a component is refused (a
    true share of 20 % shows as about 16 %, since near ones hide), `max_lean` that by which those of one laboratory may lean
    to one side.
    """

    delta0: float = 0.5
    alpha: float = 0.001
    swing: float = 0.3
    min_samples: int = 12
    min_item_samples: int = 6
    min_partners: int = 3
    min_labs: int = 5
    max_bridge: float = 0.5
    include_objection: bool = False
    robust: bool = True
    scale: Literal["standardised", "raw"] = "standardised"
    blunder: float = 10.0
    corner: float = 3.0
    end: float = 4.5
    max_anchor_se: float = 0.25
    max_gross: float = 0.125
    max_lean: float = 0.2
    level: float = 0.95
