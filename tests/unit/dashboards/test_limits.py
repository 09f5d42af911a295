"""No page sends more than 200 rows of anything or 5,000 points of a figure, on a network that has more of everything."""

from __future__ import annotations

from collections.abc import Iterator

import dash
import flask
import polars as pl
import pytest

from dashboards import app as dashboards_app
from dashboards.access import Access
from tests import crowd, fakes
from tests.crowd import LAB, LABS

MOST_ROWS, MOST_POINTS = 200, 5_000
OURS = {"Host": "127.0.0.1:8050", "Origin": "http://127.0.0.1:8050", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def crowded() -> fakes.FakePlatform:
    return crowd.platform()


def places(platform: fakes.FakePlatform) -> dict[str, list[str]]:
    """A code or more of every page there is."""
    run = next(run for run in platform.opened.values() if run.manifest.programme == "national")
    pair = run.tables["pairs"].row(0, named=True)
    return {
        "network": [""],
        "lab": [LAB, "L0002"],
        "pair": [pair["pair"]],
        "product": [pair["product"]],
        "result": [pair["original_result"]],
        "evidence": [f"{LAB}~1", f"~{run.tables['flags']['flag'][0]}"],
        "refusals": [""],
        "usage": [""],
        "precision": [""],
    }


def test_every_page_is_walked(crowded):
    access = Access(dash.Dash("bare", server=flask.Flask("bare", static_folder=None)))
    for page in dashboards_app.PAGES:
        page.register(access)
    assert set(places(crowded)) == set(access.pages)


@pytest.fixture(scope="module")
def client(crowded):
    return dashboards_app.create_app(crowded).server.test_client()


def drawn(client, platform: fakes.FakePlatform, page: str, code: str, language: str) -> object:
    run = next(run_id for run_id, run in platform.opened.items() if run.manifest.programme == "national")
    path = "/".join(part for part in (f"/{language}", page, code) if part)
    inputs = [{"id": "address", "property": "pathname", "value": path}]
    inputs.append({"id": "address", "property": "search", "value": f"?run={run}"})
    body = {
        "output": "frame.children",
        "outputs": {"id": "frame", "property": "children"},
        "inputs": inputs,
        "changedPropIds": ["address.pathname"],
        "state": [],
    }
    answer = client.post("/_dash-update-component", json=body, headers=OURS)
    assert answer.status_code == 200
    return answer.get_json()["response"]["frame"]["children"]


def parts(drawing: object) -> Iterator[tuple[str, dict]]:
    """Every component of a page: its type and what it was given."""
    if isinstance(drawing, list):
        for one in drawing:
            yield from parts(one)
    elif isinstance(drawing, dict) and "props" in drawing:
        yield drawing["type"], drawing["props"]
        yield from parts(drawing["props"].get("children"))


def rows(kind: str, given: dict) -> int:
    """Rows of a grid, table or list."""
    if kind == "AgGrid":
        return len(given.get("rowData") or [])
    children = given.get("children")
    return len(children) if kind in ("Tbody", "Ul", "Ol", "Dl") and isinstance(children, list) else 0


def points(kind: str, given: dict) -> int:
    """Points of a figure as they are sent, ends of whiskers and cells of maps included."""
    traces = given["figure"]["data"] if kind == "Graph" else []
    return sum(sum(map(len, trace["z"])) if "z" in trace else len(trace["x"]) for trace in traces)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("page", ["network", "lab", "pair", "product", "result", "evidence", "refusals", "usage", "precision"])
def test_a_page_sends_no_more_than_a_reader_can_use(client, crowded, page, language):
    for code in places(crowded)[page]:
        drawing = list(parts(drawn(client, crowded, page, code, language)))
        assert len(drawing) > 20
        for kind, given in drawing:
            assert rows(kind, given) <= MOST_ROWS, (kind, given.get("id"), given.get("className"))
            assert points(kind, given) <= MOST_POINTS, given["id"]


@pytest.mark.parametrize("page", ["lab", "product", "evidence", "refusals", "usage"])
def test_the_network_has_more_than_a_page_may_send(client, crowded, page):
    code = places(crowded)[page][0]
    assert max(rows(kind, given) for kind, given in parts(drawn(client, crowded, page, code, "zh"))) == MOST_ROWS


def asked_of_the_grid(first: int, end: int, **how: object) -> dict[str, object]:
    """What the grid of all laboratories sends to be given rows."""
    request = {"startRow": first, "endRow": end, "sortModel": [], "filterModel": {}, "context": None} | how
    return {
        "output": "labs.getRowsResponse",
        "outputs": {"id": "labs", "property": "getRowsResponse"},
        "inputs": [{"id": "labs", "property": "getRowsRequest", "value": request}],
        "changedPropIds": ["labs.getRowsRequest"],
        "state": [
            {"id": "address", "property": "pathname", "value": "/en/"},
            {"id": "address", "property": "search", "value": ""},
        ],
    }


def sent(client, first: int, end: int, **how: object) -> dict:
    answer = client.post("/_dash-update-component", json=asked_of_the_grid(first, end, **how), headers=OURS)
    assert answer.status_code == 200
    return answer.get_json()["response"]["labs"]["getRowsResponse"]


def contains(text: str) -> dict[str, str]:
    return {"filterType": "text", "type": "contains", "filter": text}


def test_the_grid_is_sent_a_block_of_all_laboratories(client):
    answer = sent(client, 100, 200)
    assert answer["rowCount"] == LABS
    assert len(answer["rowData"]) == 100
    assert len({row["lab"] for row in answer["rowData"] + sent(client, 0, 100)["rowData"]}) == 200


def test_every_laboratory_can_be_found(client):
    (row,) = sent(client, 0, 100, filterModel={"lab": contains("l0003~499")})["rowData"]
    assert row["lab"] == "L0003~499"
    assert row["url"].startswith("/en/lab/L0003")
    assert sent(client, 0, 100, filterModel={"lab": contains("nowhere")}) == {"rowData": [], "rowCount": 0}


def test_all_laboratories_are_sorted_not_only_those_sent(client, crowded):
    run = next(run for run in crowded.opened.values() if run.manifest.programme == "national")
    whole = run.tables["lab_bias"].filter((pl.col("scope") == "lab") & (pl.col("status") == "assessed"))["estimate"]
    for downwards, ends in ((True, "desc"), (False, "asc")):
        found = [row["bias"] for row in sent(client, 0, 50, sortModel=[{"colId": "bias", "sort": ends}])["rowData"]]
        expected = [round(value, 2) for value in sorted(whole, reverse=downwards)[:50]]
        assert found == expected
    last = sent(client, LABS - 10, LABS, sortModel=[{"colId": "bias", "sort": "desc"}])["rowData"]
    assert any(row["bias"] is None for row in last) == (whole.len() < LABS)


@pytest.mark.parametrize(
    "request_",
    [
        (0, 101, {}), (-1, 20, {}), (20, 20, {}), (True, 20, {}), (0, "20", {}),
        (0, 20, {"sortModel": [{"colId": "url", "sort": "asc"}]}),
        (0, 20, {"sortModel": [{"colId": "bias", "sort": "up"}]}),
        (0, 20, {"sortModel": "bias"}),
        (0, 20, {"sortModel": [{"colId": "bias", "sort": "asc"}] * 50}),
        (0, 20, {"filterModel": {"interval": contains("1")}}),
        (0, 20, {"filterModel": {"lab": contains("x" * 81)}}),
        (0, 20, {"filterModel": {"lab": {"filterType": "text", "type": "regex", "filter": ".*"}}}),
        (0, 20, {"filterModel": ["lab"]}),
    ],
)  # fmt: skip
def test_a_forged_request_of_the_grid_is_refused(client, request_):
    first, end, how = request_
    answer = client.post("/_dash-update-component", json=asked_of_the_grid(first, end, **how), headers=OURS)
    assert answer.status_code == 400
    assert list(answer.get_json()) == ["refused"]


@pytest.mark.parametrize(("pairs", "cut"), [(199, False), (200, False), (201, True)])
def test_a_product_is_told_to_be_cut_only_where_it_is(pairs, cut):
    platform = crowd.platform()
    run = next(run for run in platform.opened.values() if run.manifest.programme == "national")
    found = run.tables["pairs"]
    product = found["product"][0]
    of_it = crowd.copies(found.filter(pl.col("product") == product).head(1), pairs, "pair")
    first = run.tables["discrepancies"].filter(pl.col("pair") == found.filter(pl.col("product") == product)["pair"][0])
    run.tables["pairs"] = pl.concat([found.filter(pl.col("product") != product), of_it])
    run.tables["discrepancies"] = pl.concat([run.tables["discrepancies"], crowd.copies(first, pairs, "pair")]).unique("pair")
    own = dashboards_app.create_app(platform).server.test_client()
    drawing = drawn(own, platform, "product", product, "en")
    assert max(rows(kind, given) for kind, given in parts(drawing)) == min(pairs, 200)
    assert ("the 200" in str(drawing)) is cut
