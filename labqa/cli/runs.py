"""Commands that evaluate, ask a run for second opinions, report it and serve it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from labqa.cli.options import Home, Programme
from labqa.cli.terminal import face, language, opened, progress_bar, say
from labqa.core.wording.catalogue import Message

commands = typer.Typer()


@commands.command()
def evaluate(
    period: Annotated[str, typer.Option(help="A year (2018), a range (2016-2018), or all.")] = "all",
    edition: Annotated[str, typer.Option(help="Edition of the rules.")] = "cn-2012-26",
    programme: Programme = None,
    home: Home = None,
) -> None:
    """Evaluate every laboratory of a programme and propose classes. 评价全部实验室并提出分类建议。"""
    from labqa.service import evaluations

    with progress_bar() as progress:
        done = evaluations.evaluate(
            opened(home), programme=programme or "national", period=period, edition=edition, progress=progress
        )
    tell_run(done)


def tell_run(done: Any) -> None:
    """What an evaluation found, in sentences."""
    say("cli.evaluated", run=done.run_id, programme=done.programme, period=done.period, pairs=done.pairs)
    say("cli.assessed", assessed=done.labs_assessed, labs=done.labs, share=f"{done.labs_assessed / max(done.labs, 1):.0%}")
    if done.classes:
        say("cli.classes", classes=" · ".join(f"{name} {n}" for name, n in done.classes.items()))
    say(
        "cli.proposals",
        downgrades=done.downgrades,
        by_veto=done.downgrades_by_veto,
        upgrades=done.upgrades,
        first=done.first_ratings,
    )
    if done.moved is not None:
        _tell_moved(done.moved)


def _tell_moved(moved: Any) -> None:
    """Each laboratory whose rating moved, and each correction that came in between."""
    say("cli.moved", labs=moved.labs.height, run=moved.before)
    for row in moved.labs.iter_rows(named=True):
        key = "cli.moved_lab_itself" if row["own_rows"] else "cli.moved_lab"
        say(key, lab=row["lab"], before=_rated(row, "_before"), now=_rated(row, ""), rows=row["own_rows"])
    for row in moved.corrections.iter_rows(named=True):
        say("cli.moved_correction", **row)
    if moved.others:
        say("cli.moved_others", n=moved.others)
    if moved.other_code:
        say("cli.moved_code")


def _rated(row: dict[str, Any], of: str) -> str:
    """Points, class by points and class proposed of a row of moved ratings."""
    found = [row[f"{name}{of}"] for name in ("points", "class_by_points", "class_proposed")]
    return " · ".join("—" if one is None else f"{one:.6g}" if isinstance(one, float) else str(one) for one in found)


@commands.command()
def runs(home: Home = None) -> None:
    """List the evaluation runs. 列出评价运行。"""
    from labqa.service import queries
    from labqa.service.viewer import LOCAL_ANALYST

    platform = opened(home)
    found = queries.run_list(platform, viewer=LOCAL_ANALYST)
    if found.is_empty():
        typer.echo(Message("cli.no_runs", {"home": platform.home}).text(language()), err=True)
    for row in found.iter_rows(named=True):
        typer.echo("  ".join(str(row[name]) for name in ("run", "programme", "period", "edition", "data_version")))


@commands.command()
def mixed(
    run: Annotated[str, typer.Argument(help="Run id.")],
    log: Annotated[bool, typer.Option("--log", help="Logarithms of values above 0 instead of units of σR.")] = False,
    file: Annotated[Path | None, typer.Option(help="CSV file for the effects of laboratories and items.")] = None,
    home: Home = None,
) -> None:
    """Fit a crossed mixed model to a run as a second opinion. 以交叉混合模型作为第二意见。"""
    from labqa.service import opinions
    from labqa.service.viewer import LOCAL_ANALYST

    found = opinions.mixed_model(opened(home), run, viewer=LOCAL_ANALYST, scale="log" if log else "standardised")
    say("cli.mixed_fitted", n=found.n, criterion=found.criterion)
    for row in found.components.iter_rows(named=True):
        say(
            "cli.mixed_component", factor=Message(f"cli.factor_{row['factor']}").text(language()), sd=row["sd"], n=row["groups"]
        )
    if file is not None:
        found.effects.write_csv(file)
        say("cli.mixed_written", rows=found.effects.height, file=file)


@commands.command()
def precision(
    run: Annotated[str, typer.Argument(help="Run id.")],
    file: Annotated[Path | None, typer.Option(help="CSV file for all models of all items.")] = None,
    home: Home = None,
) -> None:
    """Fit repeatability and reproducibility of each item against the level. 拟合各项目精密度与水平的关系。"""
    from labqa.figures.names import named
    from labqa.service import opinions
    from labqa.service.viewer import LOCAL_ANALYST

    found = opinions.precision_levels(opened(home), run, viewer=LOCAL_ANALYST)
    reasons: dict[tuple[str, str], int] = {}
    for row in found.iter_rows(named=True):
        condition = Message(f"precision.{row['condition']}").text(language())
        if row["chosen"] is False:
            continue
        if row["reason"]:
            reasons[condition, row["reason"]] = reasons.get((condition, row["reason"]), 0) + 1
            continue
        name = named(row["item"], {row["item"]: row[f"name_{language()}"] or row["name_en"] or row["item"]})
        told = row | {"unit": "" if row["unit"] == "1" else f" {row['unit']}", "condition": condition, "name": name}
        told["model"] = opinions.model_of(row)
        say("cli.precision_level", **told)
    for (condition, reason), items in reasons.items():
        say("cli.precision_none", condition=condition, items=items, reason=Message(reason).text(language()))
    if file is not None:
        found.write_csv(file)
        say("cli.precision_written", rows=found.height, file=file)


@commands.command()
def report(
    run: Annotated[str, typer.Argument(help="Run to report.")],
    folder: Annotated[Path, typer.Argument(help="Folder for HTML and PDF.")],
    home: Home = None,
) -> None:
    """Write the annual evaluation, zh and en, as HTML and PDF. 生成年度评价报告。"""
    for file in face("report")(opened(home), run, folder):
        typer.echo(str(file))


@commands.command()
def serve(
    port: Annotated[int, typer.Option(help="Port; the next free one if taken.")] = 8050,
    host: Annotated[str, typer.Option(help="Loopback only until there is a login.")] = "127.0.0.1",
    home: Home = None,
) -> None:
    """Serve the dashboards. 启动看板。"""
    face("serve")(opened(home), port=port, host=host, open_browser=bool(os.environ.get("DISPLAY")), announce=typer.echo)
