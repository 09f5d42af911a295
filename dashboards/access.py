"""The one gate: every callback, page and route passes it, and what has not declared itself is not served.

Dash itself checks output ids and the number of inputs, and nothing else of a callback's body; all pages run through one
callback. So each callback and page declares the roles that may call it and every parameter it takes; routes are denied
unless listed; and `check` refuses to start when anything slipped past.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from ipaddress import ip_address
from typing import Any, NoReturn
from urllib.parse import urlsplit

import dash
import flask
from dash._callback import GLOBAL_API_PATHS, GLOBAL_CALLBACK_MAP

from dashboards.params import Param, Refused, checked
from labqa.service.viewer import LOCAL_ANALYST, Viewer

ANALYST = ("analyst",)
UPDATE = "/_dash-update-component"
PUBLIC = frozenset(
    {"_dash_assets.static", "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>", "/_favicon.ico"}
)
"""Routes that answer anybody: scripts and styles only, never a figure."""
GUARDED = {
    "/": ANALYST,
    "/<path:path>": ANALYST,
    "/_dash-layout": ANALYST,
    "/_dash-dependencies": ANALYST,
    "/_reload-hash": ANALYST,
    UPDATE: ANALYST,
}
"""Routes that answer some roles; a route on neither list answers nobody."""
LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")


class Unguarded(RuntimeError):
    """Something would be served that did not pass the gate; the platform does not start."""


@dataclass(frozen=True)
class Page:
    """A page that declared itself: who may open it, what it takes, and how it is drawn."""

    roles: tuple[str, ...]
    code: Param
    draw: Callable[..., Any]


def local_viewer(request: flask.Request) -> Viewer | None:
    """The local analyst, for a request that comes from this machine and through no proxy; else nobody."""
    try:
        local = ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        local = False
    proxied = any(name in request.headers for name in FORWARDED)
    return LOCAL_ANALYST if local and not proxied else None


class Access:
    """The gate of one app."""

    def __init__(self, app: dash.Dash, *, viewer_of: Callable[[flask.Request], Viewer | None] = local_viewer) -> None:
        """Puts the gate before everything else that a request meets."""
        self.app, self.viewer_of = app, viewer_of
        self.pages: dict[str, Page] = {}
        self._guarded: dict[str, Callable[..., Any]] = {}
        app.server.before_request_funcs.setdefault(None, []).insert(0, self._let_pass)

    def callback(
        self, *dependencies: Any, roles: tuple[str, ...], params: Sequence[Param], prevent_initial_call: bool = False
    ) -> Callable[..., Any]:
        """Registers a callback that `roles` may call with `params`; it receives the viewer first, then checked values."""
        takes = sum(isinstance(one, dash.Input | dash.State) for one in dependencies)
        if not roles or takes != len(params):
            raise Unguarded(f"a callback declares its roles, and one parameter for each of its {takes} inputs and states")

        def declare(function: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(function)
            def guarded(*values: object) -> Any:
                viewer = self.viewer(roles)
                try:
                    taken = checked(params, values)
                except Refused as refusal:
                    refuse(400, str(refusal))
                return function(viewer, *taken)

            before = set(self.app.callback_map)
            self.app.callback(*dependencies, prevent_initial_call=prevent_initial_call)(guarded)
            (output,) = set(self.app.callback_map) - before
            self._guarded[output] = guarded
            return function

        return declare

    def page(self, name: str, *, roles: tuple[str, ...], code: Param) -> Callable[..., Any]:
        """Registers a page that `roles` may open; `code` is what may follow its name in the address."""

        def declare(draw: Callable[..., Any]) -> Callable[..., Any]:
            self.pages[name] = Page(roles, code, draw)
            return draw

        return declare

    def viewer(self, roles: tuple[str, ...]) -> Viewer:
        """Who asks, if in one of `roles`; the request ends otherwise."""
        viewer = self.viewer_of(flask.request)
        if viewer is None or viewer.role not in roles:
            refuse(403, "not yours, or not there")
        return viewer

    def _let_pass(self) -> None:
        """Runs before every request: host, origin, route, role, and the form of a callback's body."""
        request = flask.request
        if own_host(request) is None:
            refuse(400, "this address does not serve here")
        if request.method not in ("GET", "HEAD") and not same_origin(request):
            refuse(403, "a request from another site is not answered")
        endpoint = request.url_rule.endpoint if request.url_rule else ""
        if endpoint in PUBLIC:
            return
        self.viewer(GUARDED.get(endpoint, ()))
        if endpoint == UPDATE:
            self._check_body(request.get_json(silent=True))

    def _check_body(self, body: object) -> None:
        """A callback's body names a declared callback, and exactly its inputs and states."""
        asked = body if isinstance(body, dict) else {}
        output = asked.get("output")
        declared = self.app.callback_map.get(output) if isinstance(output, str) and output in self._guarded else None
        if declared is None:
            refuse(403, "not yours, or not there")
        for part in ("inputs", "state"):
            if not _as_declared(declared[part], asked.get(part, [])):
                refuse(400, "a callback takes the inputs that it declares, and no others")

    def check(self) -> None:
        """Refuses to start if any callback, page or route did not pass the gate."""
        if GLOBAL_CALLBACK_MAP or GLOBAL_API_PATHS or self.app.callback_api_paths:
            raise Unguarded("register callbacks through access.callback, never through dash.callback, and without an API path")
        for output, entry in self.app.callback_map.items():
            if getattr(entry.get("callback"), "__wrapped__", None) is not self._guarded.get(output, self):
                raise Unguarded(f"the callback of {output} was not registered through access.callback")
            if entry["background"] or entry["websocket"] or entry["mcp_enabled"] or entry["allow_dynamic_callbacks"]:
                raise Unguarded(f"the callback of {output} opens a door besides the gate")
        if dash.page_registry:
            raise Unguarded(f"pages are registered through access.page: {', '.join(dash.page_registry)}")
        for name, page in self.pages.items():
            if not page.roles:
                raise Unguarded(f"the page {name} names no roles")
        for rule in self.app.server.url_map.iter_rules():
            if rule.endpoint not in PUBLIC and not GUARDED.get(rule.endpoint):
                raise Unguarded(f"the route {rule.rule} is on no list of access.py")


def refuse(status: int, sentence: str) -> NoReturn:
    """Ends the request with a sentence and no data."""
    flask.abort(flask.Response(json.dumps({"refused": sentence}), status=status, mimetype="application/json"))


def own_host(request: flask.Request) -> str | None:
    """The Host header, if it names this machine; a name that an attacker's DNS points here is not ours."""
    host = request.headers.get("Host", "")
    try:
        split = urlsplit(f"//{host}")
        name = f"[{split.hostname}]" if ":" in (split.hostname or "") else split.hostname
        bare = split.username is None and not split.path and (split.port is None or split.port > 0)
    except ValueError:
        return None
    return host if bare and name in LOOPBACK_NAMES else None


def same_origin(request: flask.Request) -> bool:
    """Whether the browser says that our own page sends this; a request that says nothing is not answered."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin is not None and origin != f"{request.scheme}://{request.headers.get('Host')}":
        return False
    return site == "same-origin" or (site is None and origin is not None)


def _as_declared(declared: Sequence[dict[str, Any]], sent: object) -> bool:
    """Whether a body sends exactly the ids and properties that a callback declares, in their order."""
    if not isinstance(sent, list) or len(sent) != len(declared):
        return False
    return all(_fits(one["id"], one["property"], given) for one, given in zip(declared, sent, strict=True))


def _fits(id_declared: str, name: str, given: object) -> bool:
    """One input or state; a pattern (`{"type": "figure", "name": ALL}`) takes a list of parts that all fit it."""
    if not id_declared.startswith("{"):
        return isinstance(given, dict) and (given.get("id"), given.get("property")) == (id_declared, name)
    pattern = json.loads(id_declared)
    return isinstance(given, list) and all(
        isinstance(part, dict) and part.get("property") == name and _matches(pattern, part.get("id")) for part in given
    )


def _matches(pattern: dict[str, Any], found: object) -> bool:
    """An id of the pattern's keys, equal where the pattern is fixed, a short text where it is open."""
    if not isinstance(found, dict) or found.keys() != pattern.keys():
        return False
    return all(
        isinstance(found[key], str) and len(found[key]) <= 80 if isinstance(part, list) else found[key] == part
        for key, part in pattern.items()
    )
