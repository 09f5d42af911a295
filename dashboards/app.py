"""The dashboards as an app: everything it serves passes the gate, comes from this machine and stays on it."""

from __future__ import annotations

import os
import socket
import webbrowser
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import dash
import flask
import waitress
from flask_compress import Compress

from dashboards import shell
from dashboards.access import Access
from dashboards.address import Address
from dashboards.headers import add_headers
from dashboards.pages import delivered, evidence, laboratories, laboratory, network, pair, precision, product, refusals, usage
from dashboards.readings import Readings
from labqa.core.errors import UsageError
from labqa.core.wording.catalogue import LANGUAGES
from labqa.service.wiring import Platform

HERE = Path(__file__).parent
PAGES = (network, laboratory, pair, product, delivered, evidence, refusals, usage, precision)
TRIED_PORTS, LAST_PORT = 50, 65_535


def create_app(platform: Platform) -> dash.Dash:
    """The app on a platform; raises Unguarded if anything in it did not pass the gate."""
    server = flask.Flask("dashboards", static_folder=None)
    server.config["MAX_CONTENT_LENGTH"] = 256 * 1024
    server.config["COMPRESS_ALGORITHM"] = ["br", "gzip"]
    server.config["COMPRESS_BR_LEVEL"] = 2  # a page grows by a tenth, and is compressed in half the time
    server.config["COMPRESS_CACHE_KEY"] = _kept_compressed
    app = dash.Dash(
        "dashboards",
        server=server,
        title="LabQA",
        update_title=None,
        assets_folder=str(HERE / "assets"),
        serve_locally=True,
        use_pages=False,
        enable_mcp=False,
        add_log_handler=False,
        suppress_callback_exceptions=True,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    app.index_string = (HERE / "assets" / "index.html").read_text("utf-8")
    app.layout = shell.layout()
    access = Access(app)
    for page in PAGES:
        page.register(access)
    readings = Readings(platform)
    shell.register(access, readings)
    laboratories.register(access, readings)
    server.before_request(_to_language)
    add_headers(app)
    Compress(server).cache = _Kept()
    access.check()
    return app


class _Kept(dict[str, bytes]):
    """Scripts as compressed once, since they never change while the app runs."""

    def set(self, key: str, value: bytes) -> None:
        """Keeps what was compressed; the key is the algorithm, `;`, and `_kept_compressed`."""
        if not key.endswith(";"):
            self[key] = value


def _kept_compressed(request: flask.Request) -> str:
    """Key of what is kept compressed: scripts and styles; nothing of a viewer's."""
    return request.path if request.path.startswith("/_dash-component-suites/") else ""


def _to_language() -> flask.typing.ResponseReturnValue | None:
    """The bare address leads to the browser's language."""
    if flask.request.path != "/":
        return None
    language = flask.request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
    return flask.redirect(Address("en" if language == "en" else "zh", run=flask.request.args.get("run", "")).url)


def serve(
    platform: Platform,
    *,
    port: int = 8050,
    host: str = "127.0.0.1",
    open_browser: bool = False,
    announce: Callable[[str], object] = print,
) -> None:
    """Serves the dashboards on this machine until interrupted; on the next free port if `port` is taken."""
    check_host(host)
    app = create_app(platform)
    listening = listen(host, port)
    address = f"http://{host}:{listening.getsockname()[1]}/"
    announce(address)
    if open_browser:
        webbrowser.open(address)
    waitress.serve(app.server, sockets=[listening], threads=6, ident=None, clear_untrusted_proxy_headers=False)


def check_host(host: str) -> None:
    """Raises UsageError for any address but this machine's own: there is no login yet."""
    try:
        own = ip_address(host).is_loopback and host == "127.0.0.1"
    except ValueError:
        own = host == "localhost"
    if not own:
        raise UsageError("dashboards.host_refused", host=host)


def listen(host: str, port: int) -> socket.socket:
    """A socket on `port` or the next free one."""
    if not 0 < port <= LAST_PORT:
        raise UsageError("dashboards.port_range", port=port, last=LAST_PORT)
    last = min(port + TRIED_PORTS - 1, LAST_PORT)
    for tried in range(port, last + 1):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if os.name == "posix":  # a port just left may be taken again; elsewhere the option would let two programs share one
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, tried))
            listening.listen(128)
            return listening
        except OSError:
            listening.close()
    raise UsageError("dashboards.no_port", first=port, last=last)
