"""Commands with which LabQA is tried: simulated networks and the demo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from labqa.cli.runs import tell_run
from labqa.cli.terminal import face, opened, progress_bar, say

commands = typer.Typer()


@commands.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder for the deliveries, registers and the truth beside them.")],
    card: Annotated[str, typer.Option(help="demo, calibration, objection, or a TOML file.")] = "demo",
    seed: Annotated[int, typer.Option(help="Seed: the same seed gives the same network.")] = 1,
) -> None:
    """Make a national network with known truth. 模拟一个真值已知的全国实验室网络。"""
    from labqa.service import demonstration

    rows = demonstration.write_simulated(folder, card=card, seed=seed)
    say("cli.simulated", folder=folder, rows=rows)


@commands.command()
def warm() -> None:
    """Compile the kernels once, so that the first evaluation does not wait for it. 预编译。"""
    from labqa.service import demonstration

    with progress_bar() as progress:
        demonstration.warm(progress=progress)
    say("cli.warm")


@commands.command()
def demo(
    data: Annotated[str, typer.Option(help="usgs, rmstudy, ceramide, eqa, chromium, national, or all.")] = "all",
    home: Annotated[Path, typer.Option(help="Folder of the demo; no other is touched.")] = Path(".labqa-demo"),
    serving: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the dashboards at the end.")] = True,
    port: Annotated[int, typer.Option(help="Port; the next free one if taken.")] = 8050,
) -> None:
    """Run the whole job: ingest, evaluate, propose classes, report, serve. 端到端演示。"""
    from labqa.service import demonstration

    platform = opened(home)
    for name in demonstration.PROGRAMMES if data == "all" else [data]:
        say("cli.demo_step", programme=name)
        with progress_bar() as progress:
            told = demonstration.run(platform, name, progress=progress)
        say("cli.demo_rows", delivered=told.delivered, accepted=told.accepted, refused=told.refused)
        tell_run(told.evaluation)
        if not _reports(home, told.evaluation.run_id):
            for file in face("report")(platform, told.evaluation.run_id, _report_folder(home, told.evaluation.run_id)):
                say("cli.report_written", file=file)
        else:
            for file in _reports(home, told.evaluation.run_id):
                say("cli.report_there", file=file)
    if serving:
        say("cli.demo_end")
        face("serve")(platform, port=port, open_browser=bool(os.environ.get("DISPLAY")), announce=typer.echo)


def _report_folder(home: Path, run_id: str) -> Path:
    return home / "reports" / run_id


def _reports(home: Path, run_id: str) -> list[Path]:
    return sorted(file for file in _report_folder(home, run_id).glob("*") if file.suffix in {".pdf", ".html"})
