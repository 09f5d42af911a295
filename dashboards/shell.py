"""What stands around every page: header with run and language, the page itself, the foot with its fingerprint."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Input, Output, State, dcc, html, no_update

from dashboards import address
from dashboards.access import ANALYST, Access, Page
from dashboards.address import Address
from dashboards.components.text import Component, link, note, title
from dashboards.params import NO_CODE, PATH, RUN, SEARCH, Click, Each, Refused
from dashboards.reading import Reading
from dashboards.readings import Readings
from dashboards.words import Words
from labqa.core.errors import LabQAError
from labqa.service.viewer import Viewer

MOST_RUNS = 30


def layout() -> Component:
    """The empty frame: it holds no figure; the gate fills it."""
    frame = html.Div(html.P("LabQA …", className="waiting"), id="frame")
    return dmc.MantineProvider([dcc.Location(id="address", refresh="callback-nav"), frame], forceColorScheme="light")


def register(access: Access, readings: Readings) -> None:
    """Registers the two callbacks of the app: one draws the page of an address, one follows a click on a figure."""

    @access.callback(
        Output("frame", "children"),
        Input("address", "pathname"),
        Input("address", "search"),
        roles=ANALYST,
        params=(PATH, SEARCH),
    )
    def show(viewer: Viewer, pathname: str, search: str | None) -> Component:
        """The page of an address, or the sentence why there is none."""
        place = address.read(pathname, search) or Address("zh", page="nowhere")
        return _framed(access, readings, viewer, place)

    @access.callback(
        Output("address", "href"),
        Input({"type": "figure", "name": ALL}, "clickData"),
        State("address", "pathname"),
        State("address", "search"),
        roles=ANALYST,
        params=(Each(Click(), most=12), PATH, SEARCH),
        prevent_initial_call=True,
    )
    def follow(viewer: Viewer, clicks: list[str | None], pathname: str, search: str | None) -> Any:
        """The address of the laboratory or pair that was clicked."""
        del viewer
        here, clicked = address.read(pathname, search), next((click for click in clicks if click), None)
        page, _, code = (clicked or "").partition("/")
        return here.to(page=page, code=code).url if here and code and page in access.pages else no_update


def _framed(access: Access, readings: Readings, viewer: Viewer, place: Address) -> Component:
    """Header, page and foot; errors of ours become a sentence in the page's place."""
    words = Words(place.language)
    try:
        reading = readings.opened(viewer, str(RUN.check(place.run)))
        if reading is None:
            return _bare(place, words, words("shell.no_runs"))
        header = _header(reading, place, words)
    except (LabQAError, Refused) as error:
        return _bare(place.to(run=""), words, _sentence(error, words))
    try:
        page = access.pages.get(place.page)
        if page is None or viewer.role not in page.roles:
            raise Refused(place.page)
        content = _drawn(page, reading, place.to(code=str(page.code.check(place.code))), words)
    except (LabQAError, Refused) as error:
        content = [title(words("shell.not_found")), note(_sentence(error, words))]
    return html.Div([header, html.Main(content, id="content"), _foot(reading, words)], className="shell", lang=words.language)


def _drawn(page: Page, reading: Reading, place: Address, words: Words) -> Component:
    """The content of a page; that of a page of the whole run is drawn once for each language of a reading."""
    if page.code is not NO_CODE:
        return page.draw(reading, place, words)
    return reading.kept(("page", place), lambda: page.draw(reading, place, words))


def _sentence(error: Exception, words: Words) -> str:
    """What a person is told: our own errors in their words, anything else as not found."""
    return error.message.text(words.language) if isinstance(error, LabQAError) else words("shell.no_such_place")


def _bare(place: Address, words: Words, sentence: str) -> Component:
    content = [title(words("shell.nothing")), note(sentence), link(words("shell.to_start"), Address(place.language))]
    return html.Div(
        [html.Header(_brand(place, words), className="top"), html.Main(content, id="content")],
        className="shell",
        lang=words.language,
    )


def _brand(place: Address, words: Words) -> Component:
    mark = html.Span([html.Span("Lab", className="mark-lab"), html.Span("QA", className="mark-qa")], className="mark")
    return link(
        [mark, html.Span(words("shell.name"), className="mark-name")], Address(place.language, run=place.run), look="brand"
    )


def _header(reading: Reading, place: Address, words: Words) -> Component:
    entries = [
        link(words(f"shell.to_{page}"), place.to(page=page, code=""), look="here" if place.page == page else "")
        for page in ("network", "refusals")
    ]
    return html.Header(
        [
            _brand(place, words),
            html.Nav(entries, className="nav"),
            _run_menu(reading, place, words),
            _languages(place, words),
        ],
        className="top",
    )


def _run_menu(reading: Reading, place: Address, words: Words) -> Component:
    """The runs, newest first, each an address of its own; a laboratory's page is kept within its programme."""
    now = reading.manifest
    choices = []
    for row in reading.runs.head(MOST_RUNS).iter_rows(named=True):
        keep = place.page == "lab" and row["programme"] == now.programme
        there = place.to(run=row["run"]) if keep else Address(place.language, run=row["run"])
        named = [
            html.Span(words.programme(row["programme"]), className="run-programme"),
            html.Span(words.period(row["period"]), className="run-period"),
            html.Span(
                words("shell.run_detail", edition=row["edition"], version=row["data_version"], run=row["run"][:8]),
                className="run-detail",
            ),
        ]
        choices.append(link(named, there, look="run-choice" + (" here" if row["run"] == reading.run else "")))
    target = html.Button(
        [
            html.Span(words("shell.run"), className="run-label"),
            html.Span(f"{words.programme(now.programme)} · {words.period(now.period)}", className="run-now"),
            html.Span("▾", className="run-caret"),
        ],
        className="run-button",
        id="run-menu",
    )
    menu = dmc.Popover(
        [
            dmc.PopoverTarget(target),
            dmc.PopoverDropdown(html.Div([html.P(words("shell.run_help"), className="run-help"), *choices], className="runs")),
        ],
        position="bottom-end",
        withinPortal=False,
    )
    return html.Div(menu, className="run-menu")


def _languages(place: Address, words: Words) -> Component:
    """The other language, at the same place; a whole page load, so that the browser knows its language."""
    other = "en" if place.language == "zh" else "zh"
    return html.A(
        words("shell.other_language"), href=place.to(language=other).url, className="language", hrefLang=other, lang=other
    )


def _foot(reading: Reading, words: Words) -> Component:
    entries, head = reading.ledger_head
    return html.Footer(
        [
            html.P(words("shell.proposals_are_not_decisions")),
            html.P(
                words(
                    "shell.fingerprint", run=reading.run, version=reading.manifest.data_version, entries=entries, head=head[:16]
                ),
                className="fingerprint",
            ),
        ]
    )
