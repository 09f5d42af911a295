"""The network: what could be judged, what is proposed, how laboratories differ, where pairs differ most."""

from __future__ import annotations

from dash import html

from dashboards.access import ANALYST, Access
from dashboards.address import Address
from dashboards.components import status
from dashboards.components.tables import Column, table
from dashboards.components.text import Component, callout, facts, lead, link, more, note, section, tile, tiles, title
from dashboards.pages import drawings, findings, laboratories, methods, moved, precision, proposals, usage
from dashboards.params import NO_CODE
from dashboards.reading import Reading
from dashboards.words import Words, count, fixed, share


def register(access: Access) -> None:
    """Registers the page."""
    access.page("network", roles=ANALYST, code=NO_CODE)(draw)


def draw(reading: Reading, place: Address, words: Words) -> list[Component]:
    """The page of a run's network."""
    ratable = bool(reading.assessed)
    parts = [
        title(words.programme(reading.manifest.programme), above=words.period(reading.manifest.period)),
        _opening(reading, words),
        _key_figures(reading, place, words),
        findings.section_of(reading, place, words),
    ]
    if ratable:
        parts += [proposals.section_of(reading, place, words), *drawings.of_network(reading, place, words)]
    else:
        parts += [_why_none(reading, words), laboratories.contrasts(reading, place, words)]
    parts += [
        moved.section_of(reading, place, words),
        *drawings.of_pairs(reading, place, words),
        laboratories.section_of(reading, place, words),
        _not_assessed(reading, words) if ratable else None,
        methods.section_of(reading, words),
        precision.section_of(reading, place, words),
        usage.section_of(reading, place, words),
        _provenance(reading, words),
        status.glossary(status.EXPLAINED, words),
    ]
    return [part for part in parts if part is not None]


def _opening(reading: Reading, words: Words) -> Component:
    """How much could be judged, said before anything else."""
    assessed, labs = reading.total("labs_assessed")
    part, _ = reading.total("assessed_share")
    median, _ = reading.total("detectable_bias", "quantile", "median")
    if not assessed:
        return lead(words("network.none_of", labs=count(labs)))
    return lead(
        words("network.assessed", assessed=count(assessed), labs=count(labs), share=share(part)),
        words("network.detectable", median=fixed(median)) if median is not None else "",
    )


def _key_figures(reading: Reading, place: Address, words: Words) -> Component:
    """The totals that have something behind them."""
    results, _ = reading.total("results")
    samples, _ = reading.total("samples")
    assessed, labs = reading.total("labs_assessed")
    refused = link(words("network.tile_refused_below"), place.to(page="refusals")) if reading.refused_rows else ""
    return tiles(
        tile(
            words("network.tile_labs"),
            [count(assessed), html.Span(f" / {count(labs)}", className="tile-of")],
            words("network.tile_labs_below"),
        ),
        tile(words("network.tile_results"), count(results), words("network.tile_results_below", samples=count(samples))),
        *_pair_figures(reading, words),
        tile(words("network.tile_refused"), count(reading.refused_rows), refused),
    )


def _pair_figures(reading: Reading, words: Words) -> list[Component]:
    """Key figures of retests; of those without any basis there is nothing to show."""
    coverage, spot = reading.total("retest_coverage")
    between, _ = reading.total("pairs", "kind", "between")
    duplicates, _ = reading.total("pairs", "kind", "duplicate")
    agreeing, judged = reading.total("agreement_share")
    alike, repeated = reading.total("duplicate_agreement_share")
    flips, n = reading.total("flips", "trigger", "planned")
    expected, _ = reading.total("flips_expected", "trigger", "planned")
    found = [
        (spot, "coverage", share(coverage, places=1), {"n": count(spot)}),
        (between or duplicates, "pairs", count(between or 0), {"duplicates": count(duplicates or 0)}),
        (judged, "agreement", share(agreeing, places=1), {"n": count(judged)}),
        (repeated, "duplicates", share(alike, places=1), {"n": count(repeated)}),
        (n, "flips", count(flips), {"n": count(n), "expected": fixed(expected, places=1)}),
    ]
    return [
        tile(words(f"network.tile_{name}"), value, words(f"network.tile_{name}_below", **said))
        for basis, name, value, said in found
        if basis
    ]


def _reason_rows(reading: Reading, words: Words) -> list[list[Component]]:
    return [[words.reason(reason), count(n)] for reason, n, _ in reading.totals("labs_not_assessed", "reason")]


def _why_none(reading: Reading, words: Words) -> Component:
    """Why no laboratory gets a sign or a rank in this run."""
    columns = (Column(words("network.reason"), first=True), Column(words("network.labs"), figure=True))
    return callout(
        html.H2(words("network.none_assessed")),
        note(words("network.none_assessed_says")),
        table(columns, _reason_rows(reading, words), caption=words("network.none_assessed"), words=words),
        look="open",
    )


def _not_assessed(reading: Reading, words: Words) -> Component | None:
    rows = _reason_rows(reading, words)
    if not rows:
        return None
    columns = (Column(words("network.reason"), first=True), Column(words("network.labs"), figure=True))
    listed = table(columns, rows, caption=words("network.not_assessed"), words=words)
    return section(words("network.not_assessed"), listed, name="not-assessed", says=words("network.not_assessed_says"))


def _provenance(reading: Reading, words: Words) -> Component:
    """What the run was made of: enough to derive it again."""
    made = reading.manifest
    entries, head = reading.ledger_head
    settings = facts([(html.Code(name), str(value)) for name, value in sorted(made.settings.items())], look="settings")
    listed = facts(
        [
            (words("network.run"), html.Code(made.run_id)),
            (words("network.edition"), f"{made.edition} · {made.edition_hash[:16]}"),
            (
                words("network.partitions"),
                ", ".join(words("network.undated") if one == "undated" else one for one in made.partitions),
            ),
            (words("network.data_version"), str(made.data_version)),
            (words("network.code"), html.Code(made.code)),
            (words("network.seed"), str(made.seed)),
            (words("network.ledger"), html.Code(f"{entries}:{head}")),
        ]
    )
    return section(
        words("network.provenance"), listed, more(words("network.settings"), settings) if made.settings else None,
        name="provenance", says=words("network.provenance_says", run=made.run_id), folded=True,
    )  # fmt: skip
