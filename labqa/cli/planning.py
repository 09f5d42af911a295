"""Commands that plan next year's retests."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from labqa.cli.terminal import language, progress_bar

commands = typer.Typer()

plan = typer.Typer(no_args_is_help=True, help="Plan next year's retests. 规划下一年度的复检。")
commands.add_typer(plan, name="plan")


@plan.command()
def power(
    labs: Annotated[int, typer.Option(help="Laboratories.")] = 300,
    samples: Annotated[int, typer.Option(help="Samples a year, all laboratories together.")] = 20_000,
    items: Annotated[int, typer.Option(help="Items per sample.")] = 10,
    families: Annotated[int, typer.Option(help="Product families in which every laboratory tests.")] = 2,
    retest_share: Annotated[float, typer.Option(help="Share of the samples that is retested.")] = 0.05,
    design: Annotated[str, typer.Option(help="random, hub, triangles, two-stage, or all.")] = "all",
    bias: Annotated[float, typer.Option(help="Bias to find, in σR.")] = 1.0,
    tolerated: Annotated[float, typer.Option(help="Bias that is tolerated, in σR.")] = 0.5,
    error_rate: Annotated[float, typer.Option(help="One-sided error rate of the test.")] = 0.001,
    target_power: Annotated[float, typer.Option(help="Probability with which the bias is to be found.")] = 0.8,
    third_tests: Annotated[float, typer.Option(help="Triangles: share of retested samples with a third test.")] = 0.03,
    hubs: Annotated[int, typer.Option(help="Hub: laboratories that retest for all others.")] = 3,
    first_stage: Annotated[float, typer.Option(help="Two-stage: share of the retests in the first.")] = 0.5,
    followed: Annotated[float, typer.Option(help="Two-stage: share of the laboratories followed up.")] = 0.2,
    years: Annotated[int, typer.Option(help="Years of retests pooled, 1 to 3.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of the networks drawn.")] = 1,
) -> None:
    """How many samples, partners and referees it takes to find a bias; designs compared. 功效：需要多少样品与仲裁。"""
    settings = {name: value for name, value in locals().items() if name != "design"}
    from labqa.service import plans

    with progress_bar() as progress:
        _tell_plan(plans.power(design=design, progress=progress, **settings))


def _tell_plan(found: Any) -> None:
    """Opening, table and notes; as wide as the table, wherever it goes."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    for sentence in found.opening:
        typer.echo(sentence.text(language()))
    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for name in ("", *(one.text(language()) for one in found.header)):
        shown.add_column(name, justify="right" if name else "left", no_wrap=True)
    for label, cells in found.rows:
        shown.add_row(label.text(language()), *(cell.text(language()) for cell in cells))
    console = Console(width=500, highlight=False, markup=False, no_color=True)
    typer.echo()
    console.print(shown)
    for sentence in found.notes:
        typer.echo(sentence.text(language()))
