"""Commands that take in, correct and list what was delivered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labqa.cli.options import Encoding, Files, Home, Programme
from labqa.cli.terminal import asked, language, opened, progress_bar, say
from labqa.core.errors import DeliveryError, RegisterError, UsageError
from labqa.core.wording.catalogue import Message, quoted

if TYPE_CHECKING:
    from labqa.service.wiring import Platform

commands = typer.Typer()

REFUSED = 9
"""Exit code of a delivery that was accepted in part: rows were refused."""

REFUSALS_SHOWN = 20


@commands.command()
def template(file: Annotated[Path, typer.Argument(help="Excel file to write.")]) -> None:
    """Write the bilingual delivery template with a filled example. 写出交付模板。"""
    from labqa.service import workbooks

    workbooks.write_template(file)
    say("cli.template_written", file=file)


@commands.command()
def register(
    kind: Annotated[str, typer.Argument(help="labs, items, products or class.")],
    file: Annotated[Path, typer.Argument(help="xlsx, csv or parquet.", readable=False)],
    programme: Programme = None,
    encoding: Encoding = None,
    home: Home = None,
) -> None:
    """Register laboratories, items, products or classes in force. 登记实验室、项目、产品或现行分类。"""
    from labqa.service import intake

    receipt = intake.register(opened(home), kind, file, programme=programme or "national", encoding=encoding)
    key = "cli.already_received" if receipt.already else "cli.registered"
    say(key, file=file.name, rows=receipt.accepted, position=receipt.position, hash=receipt.entry_hash[:12])
    _tell_unread(file, receipt)


@commands.command()
def ingest(
    files: Files,
    profile: Annotated[
        str, typer.Option(help="template, usgs, rmstudy, ceramide, eqa, chromium, or a TOML file.")
    ] = "template",
    programme: Programme = None,
    encoding: Encoding = None,
    mends: Annotated[
        str | None, typer.Option(help="Delivery whose refused rows these are: ledger position or file name.")
    ] = None,
    home: Home = None,
) -> None:
    """Take in delivered results; refused rows are kept with their reasons. 接收交付结果。

    Exit code 0: every row was accepted; 9: some were refused; 3, 4: a file, or a register in one, could not be read (the
    others were). Sent again, a file has the rows judged again that were refused.
    """
    from labqa.service import intake

    platform, ends = opened(home), [0]
    receipts: list[Any] = []
    for file in files:
        try:
            with progress_bar() as progress:
                receipt = intake.ingest(
                    platform, file, profile=profile, programme=programme, encoding=encoding, mends=mends, progress=progress
                )
        except (DeliveryError, RegisterError) as error:
            typer.echo(error.message.text(language()), err=True)
            ends.append(error.exit_code)
            continue
        receipts.append(receipt)
        _tell_receipt(file, receipt)
        ends.append(_tell_refusals(platform, receipt))
    if len(files) > 1:
        _tell_batch(len(files), receipts)
    raise typer.Exit(next((end for end in ends if end not in (0, REFUSED)), max(ends)))


def _tell_batch(files: int, receipts: list[Any]) -> None:
    """What several files brought together."""
    new = [receipt for receipt in receipts if not receipt.already]
    delivered, accepted, refused = (sum(getattr(one, name) for one in new) for name in ("delivered", "accepted", "refused"))
    rows = {"delivered": delivered, "rows": accepted, "refused": refused}
    say("cli.batch", files=files, **rows, already=len(receipts) - len(new), unreadable=files - len(receipts))


def _tell_refusals(platform: Platform, receipt: Any) -> int:
    """The first refusals of a delivery, a sentence each, and the exit code that goes with them."""
    if not receipt.refused:
        return 0
    from labqa.service import queries
    from labqa.service.commands import command
    from labqa.service.viewer import LOCAL_ANALYST

    of_file = queries.refusals(platform, viewer=LOCAL_ANALYST, position=receipt.position)
    for row in of_file.head(REFUSALS_SHOWN).iter_rows(named=True):
        typer.echo(_refusal(row), err=True)
    if of_file.height > REFUSALS_SHOWN:
        typer.echo(Message("cli.more_refusals").text(language()), err=True)
    told = {"programme": receipt.programme}
    if queries.registers(platform, programme=receipt.programme, viewer=LOCAL_ANALYST)["labs"].is_empty():
        register = command(platform, "register", "labs", "FILE", "--programme", receipt.programme)
        typer.echo(Message("cli.nobody_registered", told | {"command": register}).text(language()), err=True)
    export = command(platform, "refusals", str(receipt.position), "--out", Path(f"refused-{receipt.position}.xlsx"))
    typer.echo(Message("cli.to_mend", {"command": export}).text(language()), err=True)
    return REFUSED


def _refusal(row: dict[str, Any]) -> str:
    """The sentence of a refusal, its rule, and what the sentence does not say of column and value."""
    sentence = Message.from_json(row["message"]).text(language())
    column, value = quoted("column", _one_line(row["column"]), language()), quoted("value", row["value"] or "", language())
    place = [text for text in (column, value) if text not in sentence]
    rule = row["rule"].partition(".")[2]
    return Message("cli.refusal", {"sentence": sentence, "rule": " · ".join([rule, *place])}).text(language())


def _one_line(text: str) -> str:
    """A text without the line breaks that headers of the template have."""
    return " ".join(text.split())


def _tell_receipt(file: Path, receipt: Any) -> None:
    key = "already_received" if receipt.already else "received" if receipt.again is None else "judged_again"
    say(
        f"cli.{key}",
        file=file.name,
        rows=receipt.accepted,
        refused=receipt.refused,
        delivered=receipt.delivered,
        position=receipt.position,
        hash=receipt.entry_hash[:12],
    )
    if receipt.read_otherwise:
        say("cli.read_otherwise", file=file.name)
    if receipt.followed:
        say("cli.followed", file=file.name, rows=receipt.followed)
    if receipt.mends is not None:
        say("cli.mends", file=file.name, position=receipt.mends)
    if receipt.encoding:
        say("cli.read_as", file=file.name, encoding=receipt.encoding)
    _tell_unread(file, receipt)


def _tell_unread(file: Path, receipt: Any) -> None:
    if receipt.unread:
        say("cli.unread", file=file.name, columns=", ".join(map(_one_line, receipt.unread)))


@commands.command()
def correct(
    file: Annotated[Path, typer.Argument(readable=False, help="Rows in the shape of a delivery: xlsx, csv or parquet.")],
    reason: Annotated[
        str | None, typer.Option(help="Why the accepted results are wrong; it stands in the ledger. Asked for, if not given.")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="template, usgs, rmstudy, ceramide, eqa, chromium, or a TOML file.")
    ] = "template",
    programme: Programme = None,
    encoding: Encoding = None,
    home: Home = None,
) -> None:
    """Supersede accepted results, with a reason; what was accepted before is kept. 更正已接收的结果，保留原结果。

    What a row leaves empty stays as it was; “/” says that there is nothing, and takes a result back. What the row of an
    original says of its sample holds for all results of the sample.
    """
    from labqa.service import intake

    platform, why = opened(home), reason if reason is not None else asked("cli.reason_asked")
    with progress_bar() as progress:
        receipt = intake.correct(
            platform, file, reason=why, profile=profile, programme=programme, encoding=encoding, progress=progress
        )
    _tell_receipt(file, receipt)
    raise typer.Exit(_tell_refusals(platform, receipt))


@commands.command()
def refusals(
    delivery: Annotated[str | None, typer.Argument(help="Ledger position or file name of one delivery; else all.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Excel file to write: the rows as delivered, to be mended and sent again.")
    ] = None,
    home: Home = None,
    programme: Programme = None,
    limit: Annotated[int, typer.Option(help="Rows to print.")] = 50,
) -> None:
    """List refused rows, or write those of a delivery to be mended. 列出被拒收的行，或导出以便修改后重新报送。"""
    from labqa.service import deliveries, queries, workbooks
    from labqa.service.commands import command
    from labqa.service.viewer import LOCAL_ANALYST

    platform = opened(home)
    if out is not None:
        if delivery is None:
            raise UsageError("cli.out_of_which", command=command(platform, "refusals", "DELIVERY", "--out", out))
        written = workbooks.write_refused(platform, delivery, out, viewer=LOCAL_ANALYST, programme=programme)
        told = {"delivery": written.file_name, "position": written.position, "command": written.command}
        say("cli.refused_written", rows=written.rows, file=out, **told)
        return
    of = None if delivery is None else deliveries.delivery_named(platform, delivery, programme=programme)
    position = None if of is None else of.position
    found = queries.refusals(platform, viewer=LOCAL_ANALYST, programme=programme, position=position, limit=limit)
    for row in found.iter_rows(named=True):
        typer.echo(_refusal(row))
    for row in deliveries.sent_again(platform, viewer=LOCAL_ANALYST, programme=programme, of=of).iter_rows(named=True):
        say("cli.sent_again", **row)
    if found.is_empty():
        say("cli.none_refused")
