"""The command line: each command is one call of the service, and says in sentences what it did."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from labqa.core.errors import DeliveryError, IntegrityError, LabQAError, RegisterError, StoreError, UsageError
from labqa.core.wording.catalogue import LANGUAGES, Language, Message

if TYPE_CHECKING:
    from labqa.service.wiring import Platform

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="LabQA: which laboratory is wrong, by how much, and how sure that is. 实验室质量评价。",
)

plan = typer.Typer(no_args_is_help=True, help="Plan next year's retests. 规划下一年度的复检。")
app.add_typer(plan, name="plan")
ledger = typer.Typer(no_args_is_help=True, help="Show, check and anchor the ledger. 查看、校验账本及其锚点。")
app.add_typer(ledger, name="ledger")

REFUSED = 9
"""Exit code of a delivery that was accepted in part: rows were refused."""
REFUSALS_SHOWN = 20

Home = Annotated[Path | None, typer.Option(help="Folder of this platform's data; else LABQA_HOME, else the user-data folder.")]
Programme = Annotated[str | None, typer.Option(help="Programme to which the delivery or run belongs; else the profile's.")]
Anchor = Annotated[str | None, typer.Option(help="Printed ledger head, `count:hash`, against which to check.")]
Encoding = Annotated[str | None, typer.Option(help="Encoding of csv files, such as gb18030; else it is detected.")]
Files = Annotated[list[Path], typer.Argument(readable=False, help="Delivered files: xlsx, csv (UTF-8, GB18030) or parquet.")]


def language() -> Language:
    """Language of the terminal: LABQA_LANG, else Chinese where the locale is Chinese, else English."""
    asked = os.environ.get("LABQA_LANG", "")
    if asked in LANGUAGES:
        return asked
    return "zh" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("zh") else "en"


def say(key: str, **values: object) -> None:
    """Prints one sentence of the catalogue."""
    typer.echo(Message(key, values).text(language()))


def main() -> None:
    """Entry point: an error of ours is a sentence and its exit code, never a traceback."""
    try:
        app(standalone_mode=True)
    except LabQAError as error:
        typer.echo(error.message.text(language()), err=True)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        reason = f"{error.strerror or error} ({error.filename})" if error.filename else error.strerror or error
        typer.echo(Message("cli.system_refused", {"reason": reason}).text(language()), err=True)
        raise SystemExit(StoreError.exit_code) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


@contextmanager
def progress_bar() -> Iterator[Callable[[Message, float], None]]:
    """A bar on a terminal, nothing elsewhere: `progress(what, share of the work that is behind)`."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("", total=None)

        def step(what: Message, share: float) -> None:
            bar.update(task, completed=share, total=1.0, description=what.text(language()))

        yield step


def face(name: str) -> Callable[..., Any]:
    """A face by entry point, so that the command line imports none."""
    found = [entry for entry in entry_points(group="labqa.faces") if entry.name == name]
    if not found:
        raise UsageError("cli.no_face", face=name)
    return cast("Callable[..., Any]", found[0].load())


def opened(home: Path | None, *, as_found: bool = False) -> Platform:
    """The platform of `home`; `as_found`, without setting anything right."""
    from labqa.service.wiring import open_platform

    return open_platform(home, as_found=as_found)


@app.command()
def template(file: Annotated[Path, typer.Argument(help="Excel file to write.")]) -> None:
    """Write the bilingual delivery template with a filled example. 写出交付模板。"""
    from labqa.service import workbooks

    workbooks.write_template(file)
    say("cli.template_written", file=file)


@app.command()
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


@app.command()
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
        _tell_receipt(file, receipt)
        ends.append(_tell_refusals(platform, receipt))
    raise typer.Exit(next((end for end in ends if end not in (0, REFUSED)), max(ends)))


def _tell_refusals(platform: Platform, receipt: Any) -> int:
    """The first refusals of a delivery, a sentence each, and the exit code that goes with them."""
    if not receipt.refused:
        return 0
    from labqa.service import queries
    from labqa.service.viewer import LOCAL_ANALYST

    of_file = queries.refusals(platform, viewer=LOCAL_ANALYST, position=receipt.position)
    for row in of_file.head(REFUSALS_SHOWN).iter_rows(named=True):
        typer.echo(_refusal(row), err=True)
    if of_file.height > REFUSALS_SHOWN:
        typer.echo(Message("cli.more_refusals").text(language()), err=True)
    if queries.registers(platform, programme=receipt.programme, viewer=LOCAL_ANALYST)["labs"].is_empty():
        typer.echo(Message("cli.nobody_registered", {"programme": receipt.programme}).text(language()), err=True)
    typer.echo(Message("cli.to_mend", {"position": receipt.position}).text(language()), err=True)
    return REFUSED


def _refusal(row: dict[str, Any]) -> str:
    """The sentence of a refusal, its rule, and what the sentence does not say of column and value."""
    sentence = Message.from_json(row["message"]).text(language())
    place = [text for name in ("column", "value") if (text := _one_line(row[name] or "")) and text not in sentence]
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


@app.command()
def correct(
    file: Annotated[Path, typer.Argument(readable=False, help="Rows in the shape of a delivery: xlsx, csv or parquet.")],
    reason: Annotated[str, typer.Option(help="Why the accepted results are wrong; it stands in the ledger.")],
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

    platform = opened(home)
    with progress_bar() as progress:
        receipt = intake.correct(
            platform, file, reason=reason, profile=profile, programme=programme, encoding=encoding, progress=progress
        )
    _tell_receipt(file, receipt)
    raise typer.Exit(_tell_refusals(platform, receipt))


@app.command()
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
    from labqa.service.viewer import LOCAL_ANALYST

    platform = opened(home)
    if out is not None:
        if delivery is None:
            raise UsageError("cli.out_of_which")
        written = workbooks.write_refused(platform, delivery, out, viewer=LOCAL_ANALYST, programme=programme)
        told = {"delivery": written.file_name, "position": written.position, "command": written.command}
        say("cli.refused_written", rows=written.rows, file=out, **told)
        return
    position = None if delivery is None else deliveries.delivery_named(platform, delivery, programme=programme).position
    found = queries.refusals(platform, viewer=LOCAL_ANALYST, programme=programme, position=position, limit=limit)
    for row in found.iter_rows(named=True):
        typer.echo(_refusal(row))
    if found.is_empty():
        say("cli.none_refused")


@app.command()
def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder for the deliveries, registers and the truth beside them.")],
    card: Annotated[str, typer.Option(help="demo, calibration, objection, or a TOML file.")] = "demo",
    seed: Annotated[int, typer.Option(help="Seed: the same seed gives the same network.")] = 1,
) -> None:
    """Make a national network with known truth. 模拟一个真值已知的全国实验室网络。"""
    from labqa.service import demonstration

    rows = demonstration.write_simulated(folder, card=card, seed=seed)
    say("cli.simulated", folder=folder, rows=rows)


@app.command()
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


@app.command()
def precision(
    run: Annotated[str, typer.Argument(help="Run id.")],
    file: Annotated[Path | None, typer.Option(help="CSV file for all models of all items.")] = None,
    home: Home = None,
) -> None:
    """Fit repeatability and reproducibility of each item against the level. 拟合各项目精密度与水平的关系。"""
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
        name = row[f"name_{language()}"] or row["name_en"] or row["item"]
        told = row | {"unit": "" if row["unit"] == "1" else f" {row['unit']}", "condition": condition, "name": name}
        told["model"] = opinions.model_named(row, language())
        say("cli.precision_level", **told)
    for (condition, reason), items in reasons.items():
        say("cli.precision_none", condition=condition, items=items, reason=Message(reason).text(language()))
    if file is not None:
        found.write_csv(file)
        say("cli.precision_written", rows=found.height, file=file)


@app.command()
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
    _tell_run(done)


def _tell_run(done: Any) -> None:
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
        say("cli.moved", labs=done.moved.height, run=done.compared_with)
        for row in done.moved.iter_rows(named=True):
            say("cli.moved_lab", lab=row["lab"], before=_rated(row, "_before"), now=_rated(row, ""))


def _rated(row: dict[str, Any], of: str) -> str:
    """Points, class by points and class proposed of a row of moved ratings."""
    found = [row[f"{name}{of}"] for name in ("points", "class_by_points", "class_proposed")]
    return " · ".join("—" if one is None else f"{one:.6g}" if isinstance(one, float) else str(one) for one in found)


@app.command()
def runs(home: Home = None) -> None:
    """List the evaluation runs. 列出评价运行。"""
    from labqa.service import queries
    from labqa.service.viewer import LOCAL_ANALYST

    for row in queries.run_list(opened(home), viewer=LOCAL_ANALYST).iter_rows(named=True):
        typer.echo("  ".join(str(row[name]) for name in ("run", "programme", "period", "edition", "data_version")))


@app.command()
def verify(
    run: Annotated[str | None, typer.Argument(help="Run to derive again; without it only stored bytes are checked.")] = None,
    home: Home = None,
    anchor: Anchor = None,
) -> None:
    """Find any flipped byte in facts, runs and ledger, and derive a run again. 校验存储并重新推导。"""
    from labqa.service import evaluations

    _tell_findings(evaluations.verify(opened(home, as_found=True), run=run, anchor=anchor))
    say("cli.verified_run" if run else "cli.verified", run=run)


def _tell_findings(findings: Iterable[Message]) -> None:
    """One sentence a finding, and the exit code of lost integrity if there is any."""
    found = [finding.text(language()) for finding in findings]
    for sentence in found:
        typer.echo(sentence, err=True)
    if found:
        raise SystemExit(IntegrityError.exit_code)


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


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="New file (.tar), or a folder, in which the ledger's head names it.")],
    home: Home = None,
) -> None:
    """Write facts, runs and ledger to one file, while others may write. 备份（备份期间可继续写入）。"""
    from labqa.service import custody

    path, anchor = custody.backup(opened(home), target)
    say("cli.backed_up", file=path, anchor=anchor)


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A backup.", readable=False)],
    home: Home = None,
) -> None:
    """Put a backup back into an empty home, checked byte for byte. 将备份恢复到空的数据目录。"""
    from labqa.service import custody

    say("cli.restored", file=file, anchor=custody.restore(opened(home), file))


@app.command()
def report(
    run: Annotated[str, typer.Argument(help="Run to report.")],
    folder: Annotated[Path, typer.Argument(help="Folder for HTML and PDF.")],
    home: Home = None,
) -> None:
    """Write the annual evaluation, zh and en, as HTML and PDF. 生成年度评价报告。"""
    for file in face("report")(opened(home), run, folder):
        typer.echo(str(file))


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port; the next free one if taken.")] = 8050,
    host: Annotated[str, typer.Option(help="Loopback only until there is a login.")] = "127.0.0.1",
    home: Home = None,
) -> None:
    """Serve the dashboards. 启动看板。"""
    face("serve")(opened(home), port=port, host=host, open_browser=bool(os.environ.get("DISPLAY")), announce=typer.echo)


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


@app.command()
def warm() -> None:
    """Compile the kernels once, so that the first evaluation does not wait for it. 预编译。"""
    from labqa.service import demonstration

    with progress_bar() as progress:
        demonstration.warm(progress=progress)
    say("cli.warm")


@app.command()
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
        _tell_run(told.evaluation)
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


if __name__ == "__main__":
    main()
