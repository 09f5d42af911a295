"""A real Chromium that keeps every complaint, and a server of the dashboards for it to look at."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import waitress

from dashboards import app as dashboards_app

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 60_000
"""Milliseconds: a page is there in one or two seconds, on a machine that is busy in twenty."""

MARKS = [pytest.mark.browser]
if CHROMIUM is None and os.environ.get("CI") != "true":
    MARKS.append(pytest.mark.skip(reason="Chromium is not installed: apt-get install chromium fonts-noto-cjk"))


@contextmanager
def serving(platform, port: int) -> Iterator[str]:
    """The address of the dashboards of a platform, while they are served."""
    listening = dashboards_app.listen("127.0.0.1", port)
    server = waitress.create_server(dashboards_app.create_app(platform).server, sockets=[listening], threads=6)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.close()


@contextmanager
def chromium() -> Iterator:
    """A browser without a window."""
    assert CHROMIUM, "with CI=true Chromium must be there: apt-get install chromium fonts-noto-cjk"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Watched:
    """A tab that keeps every complaint of the browser and every request to another host."""

    def __init__(self, browser, address: str, *, width: int = 1440) -> None:
        self.address, self.complaints = address, []
        self.tab = browser.new_context(viewport={"width": width, "height": 900}).new_page()
        self.tab.set_default_timeout(PATIENCE)
        self.tab.on("console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None)
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("request", lambda sent: None if self.own(sent.url) else self.complaints.append(f"asked {sent.url}"))
        self.tab.on("response", lambda got: self.complaints.append(f"{got.status} {got.url}") if got.status >= 400 else None)

    def own(self, url: str) -> bool:
        return url.startswith((self.address, "data:", "blob:"))

    def open(self, path: str, heading: str) -> None:
        self.tab.goto(self.address + path)
        self.tab.wait_for_selector(f"h1:has-text('{heading}')")

    def figures(self, *names: str) -> None:
        for name in names:
            self.tab.wait_for_selector(f'[id*=\'"name":"{name}"\'] .main-svg >> nth=0', state="attached")

    def text(self, of: str = "body") -> str:
        """What is to be read there; where a line must not break counts as a space."""
        return self.tab.inner_text(of).replace("\u00a0", " ")

    def close(self) -> None:
        self.tab.wait_for_timeout(300)
        too_wide = self.tab.evaluate("document.documentElement.scrollWidth > window.innerWidth")
        self.tab.context.close()
        assert self.complaints == []
        assert not too_wide
