"""The gate: nothing is served that did not declare itself, and nothing is answered that was not declared."""

from __future__ import annotations

import json

import dash
import flask
import pytest
from dash import Input, Output, html

from dashboards import access as gate
from dashboards import app as dashboards_app
from dashboards.access import ANALYST, PUBLIC, Access, Unguarded
from dashboards.params import CODE, Text
from labqa.core.errors import UsageError
from tests import fakes

HOST = {"Host": "127.0.0.1:8050"}
OURS = {**HOST, "Origin": "http://127.0.0.1:8050", "Sec-Fetch-Site": "same-origin"}
UPDATE = "/_dash-update-component"


@pytest.fixture(scope="module")
def platform():
    return fakes.platform(n_labs=16)


@pytest.fixture(scope="module")
def served(platform):
    return dashboards_app.create_app(platform)


@pytest.fixture
def client(served):
    return served.server.test_client()


def page_body(pathname: str, search: object = "", **changes: object) -> dict[str, object]:
    """What Dash's page sends to draw an address."""
    body: dict[str, object] = {
        "output": "frame.children",
        "outputs": {"id": "frame", "property": "children"},
        "inputs": [
            {"id": "address", "property": "pathname", "value": pathname},
            {"id": "address", "property": "search", "value": search},
        ],
        "changedPropIds": ["address.pathname"],
        "state": [],
    }
    return body | changes


def click_body(clicked: object) -> dict[str, object]:
    """What Dash's page sends after a click on a figure."""
    return {
        "output": "address.href",
        "outputs": {"id": "address", "property": "href"},
        "inputs": [[{"id": {"type": "figure", "name": "caterpillar"}, "property": "clickData", "value": clicked}]],
        "changedPropIds": [],
        "state": [
            {"id": "address", "property": "pathname", "value": "/zh/"},
            {"id": "address", "property": "search", "value": "?run=abc"},
        ],
    }


def bare_app() -> tuple[dash.Dash, Access]:
    app = dash.Dash("bare", server=flask.Flask("bare", static_folder=None), suppress_callback_exceptions=True)
    app.layout = html.Div(id="there")
    return app, Access(app)


# --- start-up ---------------------------------------------------------------------------------------------------------


def test_an_app_whose_callbacks_all_passed_the_gate_starts():
    _, access = bare_app()
    access.callback(Output("there", "children"), Input("there", "title"), roles=ANALYST, params=(Text(9),))(
        lambda viewer, title: title
    )
    access.check()


def test_a_callback_besides_the_gate_stops_the_start():
    app, access = bare_app()
    app.callback(Output("there", "children"), Input("there", "title"))(lambda title: title)
    with pytest.raises(Unguarded, match=r"there\.children"):
        access.check()


def test_a_clientside_callback_besides_the_gate_stops_the_start():
    app, access = bare_app()
    app.clientside_callback("x => x", Output("there", "children"), Input("there", "title"))
    with pytest.raises(Unguarded, match=r"there\.children"):
        access.check()


def test_a_global_callback_stops_the_start():
    _, access = bare_app()
    dash.callback(Output("there", "children"), Input("there", "title"))(lambda title: title)
    try:
        with pytest.raises(Unguarded, match=r"dash\.callback"):
            access.check()
    finally:
        gate.GLOBAL_CALLBACK_MAP.clear()
        dash._callback.GLOBAL_CALLBACK_LIST.clear()


def test_a_route_on_no_list_stops_the_start():
    app, access = bare_app()
    app.server.add_url_rule("/export", "export", lambda: "all rows")
    with pytest.raises(Unguarded, match="/export"):
        access.check()


def test_a_page_without_roles_stops_the_start():
    _, access = bare_app()
    access.page("open", roles=(), code=CODE)(lambda *_: [])
    with pytest.raises(Unguarded, match="open"):
        access.check()


def test_a_page_registered_with_dash_stops_the_start():
    _, access = bare_app()
    dash.page_registry["elsewhere"] = {}
    try:
        with pytest.raises(Unguarded, match="elsewhere"):
            access.check()
    finally:
        dash.page_registry.clear()


@pytest.mark.parametrize(("roles", "params"), [((), (CODE,)), (ANALYST, ()), (ANALYST, (CODE, CODE))])
def test_a_callback_declares_roles_and_each_parameter(roles, params):
    _, access = bare_app()
    with pytest.raises(Unguarded, match="declares"):
        access.callback(Output("there", "children"), Input("there", "title"), roles=roles, params=params)


def test_mcp_stays_shut_whatever_the_environment_says(monkeypatch, platform):
    monkeypatch.setenv("DASH_MCP_ENABLED", "true")
    app = dashboards_app.create_app(platform)
    assert not [rule.rule for rule in app.server.url_map.iter_rules() if "mcp" in rule.rule]


# --- requests ---------------------------------------------------------------------------------------------------------


def test_the_page_itself_is_answered(client):
    answer = client.post(UPDATE, json=page_body("/en/lab/L0001"), headers=OURS)
    assert answer.status_code == 200
    assert "Guangdong Quality Inspection Institute No. 1" in answer.get_data(as_text=True)


def test_anonymous_gets_the_public_list_and_nothing_else(served, platform):
    lab_names = platform.facts["national"]["labs"]["name_zh"].to_list()
    asked = {
        rule.endpoint: rule.rule.replace("<path:path>", "zh/lab/L0001")
        .replace("<string:package_name>", "dash")
        .replace("<path:fingerprinted_path>", "dash-renderer/build/dash_renderer.min.js")
        .replace("<path:filename>", "labqa.css")
        for rule in served.server.url_map.iter_rules()
    }
    open_to_all = set()
    client = served.server.test_client()
    for endpoint, path in asked.items():
        method = client.post if path == UPDATE else client.get
        body = {"json": page_body("/zh/lab/L0001")} if path == UPDATE else {}
        answer = method(path, headers=OURS, environ_base={"REMOTE_ADDR": "203.0.113.9"}, **body)
        assert not any(name.encode() in answer.data for name in lab_names)
        if answer.status_code < 400:
            open_to_all.add(endpoint)
        else:
            assert answer.status_code == 403
    assert open_to_all == PUBLIC


def test_a_proxy_makes_nobody_the_local_analyst(client):
    assert client.get("/zh/", headers={**HOST, "X-Forwarded-For": "203.0.113.9"}).status_code == 403
    assert client.get("/zh/", headers=HOST).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8050", "127.0.0.1.evil.example", "10.0.0.5:8050", "a@127.0.0.1", ""]
)
def test_a_foreign_host_name_is_refused(client, host):
    assert client.get("/zh/", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://127.0.0.1:8050", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_post_from_another_site_is_refused(client, headers):
    answer = client.post(UPDATE, json=page_body("/zh/"), headers={**HOST, **headers})
    assert answer.status_code == 403
    assert list(answer.get_json()) == ["refused"]


def named(component: str, *properties: str) -> list[dict[str, str]]:
    """Inputs of a component whose values would pass."""
    return [{"id": component, "property": name, "value": value} for name, value in zip(properties, ("/zh/", ""), strict=True)]


FORGED = {
    "another output": page_body("/zh/", output="address.children"),
    "no output": page_body("/zh/", output=None),
    "an output with a list": page_body("/zh/", output=["frame.children"]),
    "other inputs": page_body("/zh/", inputs=named("other", "pathname", "search")),
    "another property": page_body("/zh/", inputs=named("address", "hash", "search")),
    "inputs in another order": page_body("/zh/", inputs=named("address", "search", "pathname")),
    "too few inputs": page_body("/zh/", inputs=[{"id": "address", "property": "pathname", "value": "/zh/"}]),
    "a smuggled state": page_body("/zh/", state=[{"id": "address", "property": "search", "value": "?run=x"}]),
    "inputs that are no list": page_body("/zh/", inputs={"address": 1}),
    "no body": [],
    "a number for the path": page_body(7),  # type: ignore[arg-type]
    "a list for the path": page_body(["/zh/"]),  # type: ignore[arg-type]
    "an object for the query": page_body("/zh/", {"run": "x"}),
    "a path without slash": page_body("zh"),
    "a long path": page_body("/" + "x" * 4000),
    "control characters": page_body("/zh/lab/L\u0000001"),
    "a click that is a text": click_body("lab/L0001"),
    "a click on an object": click_body({"points": [{"customdata": {"lab": 1}}]}),
    "a click with a long place": click_body({"points": [{"customdata": "lab/" + "x" * 999}]}),
}


@pytest.mark.parametrize("body", FORGED.values(), ids=FORGED.keys())
def test_a_forged_body_is_refused_without_data(client, body):
    answer = client.post(UPDATE, json=body, headers=OURS)
    assert answer.status_code in (400, 403)
    assert list(json.loads(answer.data)) == ["refused"]


def test_too_many_figures_are_refused(client):
    body = click_body(None)
    body["inputs"] = [body["inputs"][0] * 50]
    assert client.post(UPDATE, json=body, headers=OURS).status_code == 400


def test_a_click_leads_to_the_laboratory_in_the_same_run(client):
    answer = client.post(UPDATE, json=click_body({"points": [{"customdata": "lab/L0003"}]}), headers=OURS)
    assert answer.get_json()["response"]["address"]["href"] == "/zh/lab/L0003?run=abc"


def test_a_click_leads_to_no_page_that_there_is_not(client):
    answer = client.post(UPDATE, json=click_body({"points": [{"customdata": "javascript:alert/1"}]}), headers=OURS)
    assert "href" not in answer.get_data(as_text=True)


def test_not_there_and_not_yours_read_alike(client):
    answers = [
        client.post(UPDATE, json=page_body(f"/en/{place}"), headers=OURS) for place in ("lab/NOPE", "pair/NOPE", "result/NOPE")
    ]
    contents = [answer.get_json()["response"]["frame"]["children"]["props"]["children"][1] for answer in answers]
    assert contents[0] == contents[1] == contents[2]


def test_a_role_that_is_not_listed_gets_nothing(platform):
    app, access = bare_app()
    access.callback(Output("there", "children"), Input("there", "title"), roles=("expert",), params=(Text(9),))(
        lambda viewer, title: "expert only"
    )
    body = {
        "output": "there.children",
        "outputs": {"id": "there", "property": "children"},
        "inputs": [{"id": "there", "property": "title", "value": "x"}],
        "changedPropIds": [],
    }
    answer = app.server.test_client().post(UPDATE, json=body, headers=OURS)
    assert answer.status_code == 403
    assert b"expert only" not in answer.data


# --- headers, host, port ----------------------------------------------------------------------------------------------


def test_every_answer_carries_the_policy(client):
    for path in ("/zh/", "/_dash-layout", "/assets/labqa.css", "/nowhere/at/all"):
        policy = client.get(path, headers=HOST).headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy.split("style-src")[0]
        assert "unsafe-eval" not in policy


def test_the_page_asks_nothing_of_other_hosts(client):
    html_text = client.get("/zh/", headers=HOST).get_data(as_text=True)
    assert "https://" not in html_text
    assert "http://" not in html_text


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::", "example.org", ""])
def test_any_host_but_this_machine_is_refused_with_a_sentence(platform, host):
    with pytest.raises(UsageError, match="no login"):
        dashboards_app.serve(platform, host=host)


def test_a_taken_port_gives_the_next_free_one():
    first = dashboards_app.listen("127.0.0.1", 18500)
    try:
        second = dashboards_app.listen("127.0.0.1", first.getsockname()[1])
        assert second.getsockname()[1] > first.getsockname()[1]
        second.close()
    finally:
        first.close()


@pytest.mark.parametrize("port", [-1, 0, 65_536])
def test_a_port_that_cannot_be_is_a_sentence(port: int) -> None:
    with pytest.raises(UsageError) as caught:
        dashboards_app.listen("127.0.0.1", port)
    assert all(
        str(port) in caught.value.message.text(language) and "65535" in caught.value.message.text(language)
        for language in ("zh", "en")
    )
