"""Times the evaluation of a national network, all of it in one warm process: `python -m bench.evaluation [labs …]`.

The network is that of the card `national` (1,000,000 results of 5,000 laboratories, 150,000 pairs of an original and a retest,
comparison rounds), or the same card with fewer laboratories; seed 1. `pipeline.run_tables` is called once on a small network,
so that every kernel is compiled, then once for each number of laboratories, in ascending order so that the peak of memory is
that of the largest so far. CPU seconds of this process; those of the parts are of the functions of `PARTS`, callees
included. Memory is the peak of the process less what it held before the call.
"""

from __future__ import annotations

import functools
import importlib
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from labqa.core.memory import given_back  # noqa: E402

given_back()

import sys  # noqa: E402
import time  # noqa: E402
from collections import defaultdict  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from bench import national  # noqa: E402
from labqa.analysis import pairing  # noqa: E402
from labqa.rating import rulesets  # noqa: E402
from labqa.service import demonstration, pipeline  # noqa: E402
from labqa.service.period import window  # noqa: E402
from labqa.service.pipeline import Facts  # noqa: E402
from labqa.simulate import network  # noqa: E402

PARTS = (
    ("pairing", "samples", "blocks", "pairs"),
    ("yardsticks", "yardsticks", "without_own"),
    ("discrepancy", "discrepancies"),
    ("comparison", "pt_scores"),
    ("swaps", "interchanged"),
    ("bias", "fitted", "without_sample_causes", "weighted"),
    ("network", "variance_components", "Network.whole", "Network.by_family"),
    ("scopes", "fit", "moments", "spread"),
    ("attribution", "lab_influence"),
    ("selection", "lab_selection"),
    ("precision", "lab_precision", "node_variances"),
    ("comparability", "lab_contrasts"),
    ("slopes", "lab_slopes"),
    ("censored", "lab_censored"),
    ("graded", "lab_grades"),
    ("passfail", "lab_agreement"),
    ("weights", "robust_weights", "unfitted"),
    ("integrity", "flags"),
    ("indicators", "indicators"),
)
"""Modules of `labqa.analysis` with the names in them that are timed."""
Seconds = defaultdict[str, float]


def facts(labs: int) -> Facts:
    """The national network with so many laboratories."""
    made = network.simulate(national.of_size(labs), seed=national.SEED)
    return Facts(pairing.arranged(made.results), made.labs, made.capabilities, made.items, made.products, made.class_in_force)


def timed(taken: Seconds) -> None:
    """Wraps the functions of `PARTS` so that their seconds add up in `taken`."""
    for module, *names in PARTS:
        room = importlib.import_module(f"labqa.analysis.{module}")
        for dotted in names:
            *above, last = dotted.split(".")
            owner: Any = functools.reduce(getattr, above, room)
            if hasattr(owner, last):
                setattr(owner, last, _counted(getattr(owner, last), f"{module}.{dotted}", taken))


def _counted(work: Any, label: str, taken: Seconds) -> Any:
    @functools.wraps(work)
    def counted(*given: Any, **named: Any) -> Any:
        began = time.process_time()
        try:
            return work(*given, **named)
        finally:
            taken[label] += time.process_time() - began

    return counted


def memory(field: str) -> float:
    """MB of this process: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def main(sizes: list[int]) -> None:
    """Prints, for each size, what went in, the seconds of the whole and of its parts, and the peak of memory."""
    demonstration.warm()
    taken: Seconds = defaultdict(float)
    timed(taken)
    edition = rulesets.load("cn-2012-26")
    for labs in sorted(sizes):
        given = facts(labs)
        seen = window("all", given.results["period"].unique().to_list(), evidence_years=3, veto_years=3, trend_years=5)
        taken.clear()
        held, began = memory("VmRSS"), time.process_time()
        run = pipeline.run_tables(given, edition, seen)
        whole = time.process_time() - began
        print(
            f"\n{labs} laboratories, {given.results.height} results, {run['pairs'].height} pairs, "
            f"{run['blocks']['used_for_bias'].sum()} blocks in the fit: {whole:.1f} s, {memory('VmHWM') - held:.0f} MB",
            flush=True,
        )
        for label, seconds in taken.items():
            print(f"  {label:34}{seconds:9.1f} s", flush=True)


if __name__ == "__main__":
    main([int(one) for one in sys.argv[1:]] or [national.LABS])
