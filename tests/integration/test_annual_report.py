"""The annual evaluation built from synthetic runs: both languages, HTML and PDF, dated and undated, without a missing glyph."""

import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser

import polars as pl
import pytest
import typst
from fontTools.ttLib import TTFont

from labqa.analysis.precision_levels import precision_levels
from labqa.core import tables as t
from labqa.core.wording.catalogue import LANGUAGES, Message
from labqa.figures import paper
from labqa.service.plans import next_year
from reports import annual, build, pdf
from reports.context import Context
from reports.document import Bullets, Chart, Panel, Paragraph, Table
from reports.sections import flagged
from tests import factories

RUNS = {"national": {"assessed": True, "dated": True}, "undated": {"assessed": False, "dated": False}}


def context_of(name):
    given = RUNS[name]
    run = factories.run_tables(**given)
    prints = pl.DataFrame({"table": list(run), "rows": [frame.height for frame in run.values()]}).with_columns(
        content_hash=pl.lit("ab" * 32), file_hash=pl.lit("cd" * 32)
    )
    registers = factories.registers(named=given["dated"], limits=given["dated"], classes=given["dated"])
    manifest = factories.manifest(dated=given["dated"])
    levels = precision_levels(registers["items"], run["pairs"], factories.results(dated=given["dated"]))
    return Context(
        run,
        registers,
        manifest,
        refused=17,
        head=(12, "9f" * 32),
        fingerprints=prints,
        precision_levels=levels.join(registers["items"], on="item", how="left", maintain_order="left"),
        language="zh",
        next_year=next_year(run, tolerated=0.5),
    )


@pytest.fixture(scope="module")
def contexts():
    return {name: context_of(name) for name in RUNS}


@pytest.fixture(scope="module")
def written(contexts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    return {name: build.write(context, folder / name) for name, context in contexts.items()}


def test_the_opening_compares_designs_on_a_network_of_the_same_size(contexts):
    context = contexts["national"]
    samples, pairs = context.tables["samples"], context.tables["pairs"].filter(pl.col("kind") == "between")
    drawn = samples.filter(~pl.col("is_pt"))
    plan = context.next_year.plan
    assert plan.labs == len({*pairs["original_lab"].drop_nulls(), *pairs["retest_lab"].drop_nulls()})
    assert plan.retest_share == pytest.approx(pairs["sample"].n_unique() / drawn.height)
    opening = annual.annual(replace(context, language="en")).sections[0]
    table = next(block for block in opening.blocks if isinstance(block, Table) and "third" in str(block.rows).lower())
    assert [column.head for column in table.columns[1:]] == ["random", "hub", "triangles", "two-stage"]
    assert any(isinstance(block, Chart) and block.spec.kind == "power_curves" for block in opening.blocks)


class Page(HTMLParser):
    """Text of a page, its pictures' alternative texts, and every address it names."""

    def __init__(self, file):
        super().__init__()
        self.text, self.alts, self.addresses = [], [], []
        self.feed(file.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.addresses += [given[name] for name in ("src", "href") if name in given]
        if tag == "img":
            self.alts.append(given.get("alt", ""))

    def handle_data(self, data):
        self.text.append(data.strip())


def page_of(files, language):
    return Page(next(file for file in files if file.name.endswith(f".{language}.html")))


def pages_in(file):
    """Pages of a PDF by the count in its page tree."""
    return max(int(n) for n in re.findall(rb"/Count (\d+)", file.read_bytes()))


def cells(document):
    return [
        cell
        for section in document.sections
        for block in section.blocks
        if isinstance(block, Table)
        for row in block.rows
        for cell in row
    ]


@pytest.mark.parametrize("name", RUNS)
def test_four_files_are_written_and_the_pdf_has_pages(written, name):
    assert sorted(file.suffix for file in written[name]) == [".html", ".html", ".pdf", ".pdf"]
    for file in written[name]:
        if file.suffix == ".pdf":
            assert file.read_bytes().startswith(b"%PDF") and pages_in(file) >= 4


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RUNS)
def test_the_page_fetches_nothing_and_every_picture_has_words(written, name, language):
    page = page_of(written[name], language)
    outside = [address for address in page.addresses if not address.startswith(("#", "data:image/svg+xml"))]
    assert [address for address in outside if address not in {file.name for file in written[name]}] == []
    assert all(page.alts) and (len(page.alts) > 8) is (name == "national")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RUNS)
def test_no_chart_is_empty_and_no_table_has_no_rows(contexts, name, language):
    document = annual.annual(replace(contexts[name], language=language))
    blocks = [block for section in document.sections for block in section.blocks]
    charts = [
        spec
        for block in blocks
        for spec in ((block.spec,) if isinstance(block, Chart) else block.specs if isinstance(block, Panel) else ())
    ]
    assert [spec.kind for spec in charts if spec.is_empty] == []
    assert [block.title for block in blocks if isinstance(block, Table) and not block.rows] == []
    assert [cell for cell in cells(document) if re.search(r"\bNone\b|\bnan\b|[{}]", cell)] == []


def test_the_report_opens_with_what_could_be_assessed(contexts):
    ratings = contexts["national"].tables["lab_bias"].filter(pl.col("scope") == "lab")
    assessed = ratings.filter(pl.col("status") == "assessed")
    median = assessed["detectable"].sort()[round((assessed.height - 1) / 2)]
    opening = annual.annual(replace(contexts["national"], language="en")).sections[0].blocks[0]
    assert opening.text.startswith(f"{assessed.height} of 40 laboratories ({assessed.height / 40:.1%}) could be assessed.")
    assert f"is {median:.2f}\u00a0σR for the median assessed laboratory" in opening.text


def test_the_smallest_bias_that_each_laboratory_could_have_shown_is_listed(contexts):
    document = annual.annual(replace(contexts["national"], language="en"))
    annex = next(block for block in document.sections[-1].blocks if isinstance(block, Table))
    place = [column.head for column in annex.columns].index("Detectable, σR")
    shown = {row[0]: row[place] for row in annex.rows}
    whole = contexts["national"].tables["lab_bias"].filter(pl.col("scope") == "lab")
    assert shown == {row["lab"]: "—" if row["detectable"] is None else f"{row['detectable']:.2f}" for row in whole.to_dicts()}


@pytest.mark.parametrize(
    ("language", "said"), [("en", "None of the 40 laboratories could be assessed"), ("zh", "40 家实验室均无法评定")]
)
def test_a_run_in_which_nothing_is_assessed_says_so_first(contexts, language, said):
    document = annual.annual(replace(contexts["undated"], language=language))
    assert document.sections[0].blocks[0].text.startswith(said)
    proposals = next(section for section in document.sections if section.anchor == "proposals")
    assert all(isinstance(block, Paragraph) for block in proposals.blocks)


@pytest.mark.parametrize("language", LANGUAGES)
def test_objection_retests_stand_beside_what_their_choice_alone_makes(contexts, language):
    document = annual.annual(replace(contexts["national"], language=language))
    retests = next(section for section in document.sections if section.anchor == "retests")
    text = " ".join(block.text for block in retests.blocks if isinstance(block, Paragraph))
    assert "+0.71\u00a0σR" in text and "+0.64\u00a0σR" in text
    (table,) = (block for block in retests.blocks if isinstance(block, Table) and any("+0.71" in row[1] for row in block.rows))
    assert [row[1] for row in table.rows] == [
        "+0.71 [+0.61, +0.81]",
        "+0.64 [+0.54, +0.74]",
        "+0.07 [−0.03, +0.17]",
        "+0.01 [−0.09, +0.11]",
        "+0.02 [−0.08, +0.12]",
    ]
    assert table.rows[1][2] == "[+0.54, +0.94]"
    assert "options_of_network" in [block.spec.kind for block in retests.blocks if isinstance(block, Chart)]


def test_where_it_is_not_offered_the_report_says_why(contexts):
    tables = dict(contexts["national"].tables)
    refused = pl.col("option").is_in(["expected", "conditional"]) & (pl.col("lab") == "")
    tables["lab_selection"] = tables["lab_selection"].with_columns(
        status=pl.when(refused).then(pl.lit("not_offered")).otherwise("status"),
        reason=pl.when(refused).then(pl.lit("selection.few_originals")).otherwise("reason"),
    )
    document = annual.annual(replace(contexts["national"], tables=tables, language="en"))
    retests = next(section for section in document.sections if section.anchor == "retests")
    text = " ".join(block.text for block in retests.blocks if isinstance(block, Paragraph))
    assert "cannot be given here: The items objected to have fewer than 200" in text
    assert "+0.64" not in text


def test_vetoes_stand_apart_with_the_chance_of_a_blameless_laboratory(contexts):
    ratings = contexts["national"].tables["ratings"]
    proposals = annual.annual(replace(contexts["national"], language="en")).sections[5]
    listed = {block.title: [row[0] for row in block.rows] for block in proposals.blocks if isinstance(block, Table)}
    down = ratings.filter(pl.col("proposal") == "downgrade")
    assert listed["Proposed downgrades"] == down.filter(pl.col("ground") == "bias")["lab"].to_list()
    assert listed["Veto met: outlying comparison results"] == down.filter(pl.col("ground") == "veto")["lab"].to_list() != []
    veto = next(block for block in proposals.blocks if isinstance(block, Table) and block.title.startswith("Veto met"))
    assert [column.head for column in veto.columns][-2:] == ["Chance, independent", "Chance, correlated"]
    assert all(cell.endswith("%") for row in veto.rows for cell in row[-2:])


def test_every_downgrade_shows_its_reasons_and_the_rows_it_rests_on(contexts):
    tables = contexts["national"].tables
    proposals = annual.annual(replace(contexts["national"], language="en")).sections[5]
    shown = [block for block in proposals.blocks if isinstance(block, Table) and block.title.endswith("on which this rests")]
    down = tables["ratings"].filter(pl.col("proposal") == "downgrade")
    labs = {ground: down.filter(ground=ground)["lab"].to_list() for ground in ("bias", "veto")}
    assert len(labs["bias"]) > 1 and len(labs["veto"]) > 0
    assert [table.title.split(":")[0] for table in shown] == [*labs["bias"], *labs["veto"]]
    outlying = tables["pt_scores"].filter(pl.col("z").abs() > 3)
    for table in shown:
        lab = table.title.split(":")[0]
        rests_on = outlying.filter(lab=lab) if lab in labs["veto"] else tables["pairs"]
        assert {row[0] for row in table.rows} <= set(rests_on["sample"]) != set()
    told = [sentence for block in proposals.blocks if isinstance(block, Bullets) for sentence in block.sentences]
    assert len(told) == tables["reasons"].filter(pl.col("lab").is_in(down["lab"].to_list())).height
    assert sum("are outlying (|z|\u00a0>\u00a03)" in sentence for sentence in told) == len(labs["veto"])


@pytest.mark.parametrize(
    ("language", "reason"), [("en", "Fewer independent samples than required."), ("zh", "独立样品数量不足。")]
)
def test_reasons_are_whole_sentences_with_figures_as_people_read_them(contexts, language, reason):
    tables = dict(contexts["national"].tables)
    lab = tables["ratings"].filter(ground="veto")["lab"][0]
    said = {"lab": lab, "position": 9, "line": "status", "message": Message("bias.few_samples").to_json(), "evidence": []}
    tables["reasons"] = pl.concat([t.shaped(frame, t.Reasons) for frame in (tables["reasons"], pl.DataFrame([said]))])
    document = annual.annual(replace(contexts["national"], tables=tables, language=language))
    told = [one for part in document.sections for block in part.blocks if isinstance(block, Bullets) for one in block.sentences]
    assert reason in told
    assert any("p\u00a0=\u00a00.000010" in one for one in told)


def test_rows_of_the_proposals_ground_come_first(contexts):
    tables = dict(contexts["national"].tables)
    lab = tables["ratings"].filter(ground="veto")["lab"][0]
    other = {"lab": lab, "position": 0, "line": "gross", "message": Message("bias.few_samples").to_json()}
    cited = [{**other, "evidence": tables["pairs"]["pair"].head(9).to_list()}]
    tables["reasons"] = pl.concat([t.shaped(frame, t.Reasons) for frame in (pl.DataFrame(cited), tables["reasons"])])
    proposals = annual.annual(replace(contexts["national"], tables=tables, language="en")).sections[5]
    (shown,) = (block for block in proposals.blocks if isinstance(block, Table) and block.title.startswith(f"{lab}: rows on"))
    outlying = tables["pt_scores"].filter(pl.col("z").abs() > 3, lab=lab)["sample"]
    assert [row[0] in set(outlying) for row in shown.rows] == [k < len(outlying) for k in range(5)]


def test_the_fingerprint_names_run_edition_ledger_and_tables(written, contexts):
    manifest = contexts["national"].manifest
    named = [manifest.run_id, manifest.edition_hash, manifest.code, "12:" + "9f" * 32, "ab" * 32]
    for language in LANGUAGES:
        text = page_of(written["national"], language).text
        assert [one for one in named if one not in text] == []


def test_programmes_of_duplicates_only_are_described(contexts):
    context = contexts["national"]
    rows = [
        ("pairs", "national", "", 100.0, 100),
        ("pairs", "kind", "duplicate", 100.0, 100),
        ("first_pairs", "quantified", "mixed", 9.0, 9),
        ("spot_check_samples", "national", "", 100.0, 100),
        ("retested_samples", "national", "", 100.0, 100),
        ("retest_coverage", "national", "", 1.0, 100),
        ("duplicate_agreement_share", "national", "", 0.9, 80),
        ("duplicate_agreement_share", "item", "J-PB", 0.9, 80),
        ("labs_assessed", "national", "", 0.0, 22),
    ]
    columns = ["metric", "scope", "scope_id", "value", "n"]
    summary = pl.DataFrame(rows, schema=columns, orient="row").with_columns(period=pl.lit("2018"))
    bare = {name: t.empty(schema) for name, schema in t.RUN_TABLES.items()} | {"summary": t.shaped(summary, t.Summary)}
    document = annual.annual(replace(context, tables=bare, language="en"))
    text = json.loads(pdf.data(document))
    assert "Of 80 assessed duplicates 90.0% agree." in json.dumps(text) and "None of the 22 laboratories" in json.dumps(text)
    assert [b.spec.kind for b in document.sections[3].blocks if isinstance(b, Chart)] == ["agreement_by_item"]


@cache
def glyphs():
    """Characters that the font carried by mplfonts can set."""
    return set(TTFont(pdf.font_folder() / "NotoSansCJKsc-Regular.otf").getBestCmap())


def missing(text):
    """Characters without a glyph; powers of ten are set as raised figures, see the test below."""
    set_as_figures = re.sub("10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", "10", text)
    return {character for character in set_as_figures if ord(character) > 32 and ord(character) not in glyphs()}


def drawn(text):
    """Glyphs that typst draws for a text: their number, and whether the box of a missing one is among them."""
    page = f'#set text(font: "{pdf.FONT}", fallback: false)\n{text}'
    svg = typst.compile((paper.library() + page).encode(), format="svg", font_paths=pdf.fonts()).decode()
    return re.findall(r'<symbol id="(\w+)"', svg)


def test_powers_of_ten_are_drawn_although_the_font_has_no_raised_figures():
    (box,) = drawn("⁷")
    assert box in drawn("10^⁷")
    assert box not in drawn("10⁻⁰¹²³⁴⁵⁶⁷⁸⁹") and len(drawn("10⁻⁰¹²³⁴⁵⁶⁷⁸⁹")) >= 11


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RUNS)
def test_no_glyph_is_missing(contexts, name, language):
    assert missing(pdf.data(annual.annual(replace(contexts[name], language=language)))) == set()


def test_flags_that_name_no_laboratory_make_no_table(contexts):
    flags = contexts["national"].tables["flags"].with_columns(lab=pl.lit(None, dtype=pl.String))
    context = replace(contexts["national"], tables=contexts["national"].tables | {"flags": flags})
    tables = [block.title for block in flagged.section(context).blocks if isinstance(block, Table)]
    assert tables == [context.say("flags_counted")]


def test_a_missing_glyph_would_be_found():
    assert missing("δ₀") == {"₀"}
