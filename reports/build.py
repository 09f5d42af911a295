"""Writes the annual evaluation of a run: HTML and PDF, in each language, from one data context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from labqa.core.wording.catalogue import LANGUAGES, Language, Message
from labqa.service import opinions, queries
from labqa.service.moved import moved_since
from labqa.service.plans import next_year
from labqa.service.viewer import LOCAL_ANALYST
from labqa.service.wiring import Platform
from reports import html, pdf
from reports.annual import annual
from reports.context import Context

Progress = Callable[[Message, float], None]
_READ = (
    "summary", "ratings", "reasons", "flags", "lab_bias", "lab_selection", "pairs", "discrepancies", "pt_scores", "blocks",
    "evidence_use", "yardsticks", "samples",
)  # fmt: skip
"""Tables of a run that the report reads; influences and contrasts alone would take as much memory as all of these."""


def build(
    platform: Platform,
    run_id: str,
    folder: Path,
    *,
    languages: Sequence[Language] = LANGUAGES,
    progress: Progress | None = None,
) -> list[Path]:
    """Write the annual evaluation of `run_id` into `folder`, and return the files written."""
    return write(gather(platform, run_id), folder, languages=languages, progress=progress)


def gather(platform: Platform, run_id: str) -> Context:
    """Everything that the report says of a run, by the same queries that the pages use."""
    viewer = LOCAL_ANALYST
    manifest = queries.manifest(platform, run_id, viewer=viewer)
    tables = {name: queries.table(platform, run_id, name, viewer=viewer) for name in _READ}
    return Context(
        tables=tables,
        registers=queries.registers(platform, programme=manifest.programme, viewer=viewer),
        manifest=manifest,
        refused=queries.refused_rows(platform, viewer=viewer, programme=manifest.programme),
        head=queries.ledger_head(platform, viewer=viewer),
        fingerprints=queries.fingerprints(platform, run_id, viewer=viewer),
        language=LANGUAGES[0],
        precision_levels=opinions.precision_levels(platform, run_id, viewer=viewer),
        next_year=next_year(tables, tolerated=float(str(manifest.settings.get("tolerated_bias", 0.5)))),
        moved=moved_since(platform, run_id, viewer=viewer),
    )


def write(
    context: Context, folder: Path, *, languages: Sequence[Language] = LANGUAGES, progress: Progress | None = None
) -> list[Path]:
    """Write the report that a context holds, one HTML and one PDF a language."""
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for done, language in enumerate(languages):
        if progress is not None:
            progress(Message("reports.writing", {"language": language}), done / len(languages))
        document = annual(replace(context, language=language))
        page, print_ = folder / _name(context, language, "html"), folder / _name(context, language, "pdf")
        html.write(document, page, other=_name(context, "en" if language == "zh" else "zh", "html"))
        pdf.write(document, print_)
        written += [page, print_]
    return written


def _name(context: Context, language: Language, ending: str) -> str:
    return f"annual-evaluation-{context.manifest.programme}-{context.period}.{language}.{ending}"
