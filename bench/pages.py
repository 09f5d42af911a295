"""Times the dashboards while five users click: `python -m bench.pages home [clicks a user]`.

Serves the newest run of a home in a process of its own (`labqa serve`) and sends over HTTP what the browser sends: the callback
that draws a page, for every page there is, of laboratories, pairs, products and results drawn at random (seed 1), in both
languages; the one that sends the grid of all laboratories its rows; and the one that follows a click on a figure. Each of
`USERS` users waits for an answer, then half a second to one and a half, then asks again; and once more without any pause, which
is harder than people click. Printed are the first opening of each page after the start apart, then median, 95th percentile and
largest of the milliseconds from asking to the last byte, with the size of the answer as compressed, and what a browser loads
the first time (Chromium, where it is installed).
"""

from __future__ import annotations

import http.client
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from dashboards.address import Address
from labqa.service import wiring

USERS, CLICKS, SEED = 5, 40, 1
PAUSE = (0.5, 1.5)
"""Seconds from an answer to the next click of a user who reads little."""
OFTEN = {
    "network": 3, "rows": 3, "lab": 8, "pair": 8, "product": 3, "result": 4, "evidence": 4, "refusals": 1, "usage": 1,
    "follow": 4,
}  # fmt: skip
"""How often each is asked for: a page, `rows` of the grid of all laboratories, `follow` a click on a figure."""


@dataclass(frozen=True)
class Asked:
    """One callback: its page, and the body as the browser sends it."""

    page: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Answered:
    """What came of one callback: milliseconds to its last byte, bytes on the line."""

    page: str
    milliseconds: float
    size: int


def codes_of(home: Path) -> tuple[str, dict[str, list[str]]]:
    """The newest run of a home, and what can be opened in it, by page."""
    platform = wiring.open_platform(home)
    run = platform.run(platform.manifests()[-1].run_id)
    cites = pl.col("evidence").list.len() > 0
    reasons = run.table("reasons").filter(cites).select(pl.format("{}~{}", "lab", "position"))
    pairs = run.table("pairs")
    found = {
        "lab": run.table("lab_bias")["lab"].unique(),
        "pair": pairs["pair"],
        "product": pairs["product"].drop_nulls().unique(),
        "result": run.table("pt_scores")["result"],
        "evidence": reasons.to_series(),
    }
    return run.manifest.run_id, {page: sorted(codes) for page, codes in found.items() if len(codes)}


def drawn(place: Address) -> Asked:
    """The callback that draws the page of an address."""
    path, _, search = place.url.partition("?")
    where = [_part("pathname", path), _part("search", f"?{search}")]
    return Asked(place.page, _body("frame", "children", inputs=where, state=[], changed="address.pathname"))


def followed(place: Address) -> Asked:
    """The callback that follows a click on a figure of the network's page to a laboratory."""
    name = {"type": "figure", "name": "caterpillar"}
    click = {"id": name, "property": "clickData", "value": {"points": [{"customdata": f"{place.page}/{place.code}"}]}}
    where = [_part("pathname", f"/{place.language}/"), _part("search", f"?run={place.run}")]
    changed = json.dumps(name, separators=(",", ":")) + ".clickData"
    return Asked("follow", _body("address", "href", inputs=[[click]], state=where, changed=changed))


def rows_of_laboratories(place: Address, dice: random.Random) -> Asked:
    """The callback that sends the grid of all laboratories a block, sorted or searched."""
    first = dice.choice((0, 0, 100))
    order = dice.choice(([], [{"colId": "bias", "sort": "desc"}], [{"colId": "points", "sort": "asc"}]))
    sought = dice.choice(({}, {}, {"name": {"filterType": "text", "type": "contains", "filter": "1"}}))
    request = {"startRow": first, "endRow": first + 100, "sortModel": order, "filterModel": sought}
    grid = {"id": "labs", "property": "getRowsRequest", "value": request}
    where = [_part("pathname", f"/{place.language}/"), _part("search", f"?run={place.run}")]
    return Asked("rows", _body("labs", "getRowsResponse", inputs=[grid], state=where, changed="labs.getRowsRequest"))


def _part(name: str, value: str) -> dict[str, str]:
    return {"id": "address", "property": name, "value": value}


def _body(part: str, name: str, *, inputs: list[Any], state: list[Any], changed: str) -> dict[str, Any]:
    return {
        "output": f"{part}.{name}",
        "outputs": {"id": part, "property": name},
        "inputs": inputs,
        "changedPropIds": [changed],
        "state": state,
    }


def clicks(run: str, codes: dict[str, list[str]], *, user: int, n: int) -> list[Asked]:
    """What one user asks for, each page as often as `OFTEN` says."""
    dice = random.Random(SEED * 1000 + user)
    there = pages_of(codes)
    return [one(page, run, codes, dice) for page in dice.choices(there, weights=[OFTEN[page] for page in there], k=n)]


def pages_of(codes: dict[str, list[str]]) -> list[str]:
    """What can be asked for: pages without a code, and those of which there is something to open."""
    return [page for page in OFTEN if page in codes or page in ("network", "rows", "refusals", "usage", "follow")]


def one(page: str, run: str, codes: dict[str, list[str]], dice: random.Random) -> Asked:
    """A callback of a kind, of something drawn at random."""
    language = dice.choice(("zh", "en"))
    if page == "follow":
        return followed(Address(language, "lab", dice.choice(codes["lab"]), run))
    if page == "rows":
        return rows_of_laboratories(Address(language, run=run), dice)
    return drawn(Address(language, page, dice.choice(codes[page]) if page in codes else "", run))


def ask(asked: Asked, port: int) -> Answered:
    """Sends a callback and reads its answer; an answer that is none ends the benchmark."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    sent = {
        "Content-Type": "application/json",
        "Accept-Encoding": "gzip, deflate, br",
        "Origin": f"http://127.0.0.1:{port}",
        "Sec-Fetch-Site": "same-origin",
    }
    began = time.perf_counter()
    line.request("POST", "/_dash-update-component", json.dumps(asked.body), sent)
    answer = line.getresponse()
    read = answer.read()
    taken = time.perf_counter() - began
    line.close()
    if answer.status not in (200, 204):
        raise SystemExit(f"{asked.page}: {answer.status} {asked.body['inputs']}")
    return Answered(asked.page, 1e3 * taken, len(read))


@contextmanager
def served(home: Path) -> Iterator[tuple[int, float]]:
    """Port of the dashboards of a home, served by a process of their own, and the seconds until they answered."""
    began = time.perf_counter()
    command = [sys.executable, "-u", "-m", "labqa.cli", "serve", "--port", "8150", "--home", str(home)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        port = int(child.stdout.readline().strip().rstrip("/").rpartition(":")[2])
        yield port, time.perf_counter() - began
    finally:
        child.terminate()
        _, _, used = os.wait4(child.pid, 0)
        print(f"peak memory of the server: {used.ru_maxrss / 1024:.0f} MB")


def at_once(port: int, wanted: list[list[Asked]], *, pause: tuple[float, float]) -> list[Answered]:
    """All users at once, each asking one thing after the other, with a pause between."""
    answers: list[Answered] = []

    def user(mine: list[Asked], dice: random.Random) -> None:
        for asked in mine:
            time.sleep(dice.uniform(*pause))
            answers.append(ask(asked, port))

    users = [threading.Thread(target=user, args=(mine, random.Random(k))) for k, mine in enumerate(wanted)]
    for thread in users:
        thread.start()
    for thread in users:
        thread.join()
    if len(answers) < sum(map(len, wanted)):
        raise SystemExit("not every callback was answered")
    return answers


def first_load(port: int, run: str) -> int | None:
    """Bytes on the line until a browser that keeps nothing has drawn the network's page; null without Chromium."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        return None
    from playwright.sync_api import sync_playwright

    received: list[float] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page()
        line = tab.context.new_cdp_session(tab)
        line.on("Network.loadingFinished", lambda told: received.append(told["encodedDataLength"]))
        line.send("Network.enable")
        tab.goto(f"http://127.0.0.1:{port}{Address('zh', run=run).url}", timeout=120_000)
        tab.wait_for_selector("#content .main-svg", state="attached", timeout=120_000)
        tab.wait_for_load_state("networkidle", timeout=120_000)
        browser.close()
    return int(sum(received))


def report(answers: list[Answered]) -> None:
    """A line for each callback, and one for all."""
    by_page: dict[str, list[Answered]] = defaultdict(list)
    for one in answers:
        by_page[one.page].append(one)
    print(f"{'callback':12}{'n':>6}{'median ms':>12}{'95 % ms':>10}{'largest':>10}{'kB median':>11}{'kB most':>10}")
    for page, some in [*sorted(by_page.items()), ("all", answers)]:
        taken, sizes = sorted(one.milliseconds for one in some), [one.size / 1e3 for one in some]
        far = taken[min(int(0.95 * len(taken)), len(taken) - 1)]
        print(
            f"{page:12}{len(taken):6}{statistics.median(taken):12.0f}{far:10.0f}{taken[-1]:10.0f}"
            f"{statistics.median(sizes):11.0f}{max(sizes):10.0f}",
            flush=True,
        )


def main(home: Path, n: int) -> None:
    """Serves, opens each page once, lets the users click, and weighs the first load."""
    run, codes = codes_of(home)
    dice = random.Random(SEED)
    with served(home) as (port, started):
        print(f"run {run[:12]}, {len(codes['lab'])} laboratories, {len(codes['pair'])} pairs; start-up {started:.1f} s")
        print("first opening of each page after the start:")
        report([ask(one(page, run, codes, dice), port) for page in pages_of(codes)])
        for says, pause in (("a second between clicks", PAUSE), ("no pause", (0.0, 0.0))):
            print(f"{USERS} users at once, {n} clicks each, {says}:")
            report(at_once(port, [clicks(run, codes, user=user, n=n) for user in range(USERS)], pause=pause))
        size = first_load(port, run)
        print("first load in a browser:", "Chromium is not installed" if size is None else f"{size / 1e6:.2f} MB compressed")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else CLICKS)
