"""Commands that check, anchor, back up and restore what is kept."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from labqa.cli.options import Anchor, Home, Programme
from labqa.cli.terminal import language, opened, say
from labqa.core.errors import IntegrityError
from labqa.core.wording.catalogue import Message

commands = typer.Typer()


@commands.command()
def verify(
    run: Annotated[str | None, typer.Argument(help="Run to derive again; without it only stored bytes are checked.")] = None,
    home: Home = None,
    anchor: Anchor = None,
) -> None:
    """Find any flipped byte in facts, runs and ledger, and derive a run again. 校验存储并重新推导。"""
    from labqa.service import custody, evaluations
    from labqa.service.viewer import LOCAL_ANALYST

    platform = opened(home, as_found=True)
    _tell_findings(evaluations.verify(platform, run=run, anchor=anchor))
    if custody.entries(platform, viewer=LOCAL_ANALYST, last=1).is_empty():
        say("cli.verified_nothing", home=platform.home)
    else:
        say("cli.verified_run" if run else "cli.verified", run=run)


def _tell_findings(findings: Iterable[Message]) -> None:
    """One sentence a finding, and the exit code of lost integrity if there is any."""
    found = [finding.text(language()) for finding in findings]
    for sentence in found:
        typer.echo(sentence, err=True)
    if found:
        raise SystemExit(IntegrityError.exit_code)


ledger = typer.Typer(no_args_is_help=True, help="Show, check and anchor the ledger. 查看、校验账本及其锚点。")
commands.add_typer(ledger, name="ledger")


@ledger.command("show")
def show_ledger(
    last: Annotated[int, typer.Option(help="Entries to print, counted from the end; 0: all.", min=0)] = 20,
    programme: Programme = None,
    home: Home = None,
) -> None:
    """List entries: position, time, kind, programme, file or run, hash. 列出账本记录。"""
    from labqa.service import custody
    from labqa.service.viewer import LOCAL_ANALYST

    rows = custody.entries(opened(home), viewer=LOCAL_ANALYST, programme=programme, last=last)
    for position, moment, kind, of, what, found in rows.iter_rows():
        typer.echo(f"{position:>6}  {moment}  {kind:<10}  {of or '—':<12}  {what}  {found[:12]}…")


@ledger.command("verify")
def verify_ledger(anchor: Anchor = None, home: Home = None) -> None:
    """Check the chain of entries, against a printed anchor if there is one. 校验账本的哈希链及锚点。"""
    from labqa.service import custody

    platform = opened(home, as_found=True)
    _tell_findings(custody.verify_ledger(platform, anchor=anchor))
    say("cli.ledger_verified" if anchor else "cli.ledger_verified_alone", anchor=custody.anchor(platform))


@ledger.command("anchor")
def print_anchor(home: Home = None) -> None:
    """Print the head of the ledger, `count:hash`, to be kept elsewhere. 打印账本锚点，请另行保存。"""
    from labqa.service import custody

    typer.echo(custody.anchor(opened(home)))


@commands.command()
def backup(
    target: Annotated[Path, typer.Argument(help="New file (.tar), or a folder, in which the ledger's head names it.")],
    home: Home = None,
) -> None:
    """Write facts, runs and ledger to one file, while others may write. 备份（备份期间可继续写入）。"""
    from labqa.service import custody

    path, anchor = custody.backup(opened(home), target)
    say("cli.backed_up", file=path, anchor=anchor)


@commands.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup.", readable=False)],
    home: Home = None,
) -> None:
    """Put a backup back into an empty home, checked byte for byte. 将备份恢复到空的数据目录。"""
    from labqa.service import custody
    from labqa.service.commands import command

    platform = opened(home)
    anchor = custody.restore(platform, file)
    say("cli.restored", file=file, anchor=anchor, command=command(platform, "verify", "--anchor", anchor))
