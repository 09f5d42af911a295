"""The network of the card `national`, as it stands or with fewer laboratories: `python -m bench.national folder [labs]`.

Writes the deliveries, the registers and the truth to `folder`, as `labqa simulate` does of a card as it stands; seed 1.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from labqa.simulate import card as cards
from labqa.simulate import deliveries, network
from labqa.simulate.card import Card

LABS = 5000
SEED = 1


def of_size(labs: int) -> Card:
    """The card `national` with so many laboratories; smaller ones keep its shares and its round sizes."""
    card = cards.load("national")
    share = labs / card.labs.n
    fewer = replace(
        card.labs,
        n=labs,
        blameless=int(card.labs.blameless * share),
        small=int(card.labs.small * share),
        groups=max(int(card.labs.groups * share), 1),
    )
    rounds = replace(card.rounds, per_family_year=max(round(card.rounds.per_family_year * share), 1))
    return replace(card, labs=fewer, rounds=rounds)


def write(folder: Path, labs: int) -> int:
    """Writes the deliveries of so many laboratories below `folder`; returns the rows delivered."""
    made = network.simulate(of_size(labs), seed=SEED)
    deliveries.deliveries(made, folder)
    return made.results.height


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else LABS), "results")
