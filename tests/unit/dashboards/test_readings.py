"""What is kept of a run between requests stays with its viewer, and with the ledger as it stood."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dashboards.reading import Reading
from dashboards.readings import Readings
from labqa.core.errors import AccessDenied
from labqa.rating import rulesets
from labqa.service.viewer import LOCAL_ANALYST, Viewer
from tests import fakes

MANAGERS = [Viewer(role="lab_manager", name=f"manager of {lab}", lab=lab) for lab in ("L0001", "L0002")]


@pytest.fixture(scope="module")
def platform():
    return fakes.platform(n_labs=12)


@pytest.fixture(scope="module")
def run(platform):
    return next(run_id for run_id, run in platform.opened.items() if run.manifest.programme == "national")


def test_a_reading_is_kept_for_the_viewer_who_asked(platform, run):
    readings = Readings(platform)
    assert readings.of(LOCAL_ANALYST, run) is readings.of(LOCAL_ANALYST, run)
    kept = [readings.of(viewer, run) for viewer in (LOCAL_ANALYST, *MANAGERS)]
    assert len({id(one) for one in kept}) == 3
    assert [one.viewer for one in kept] == [LOCAL_ANALYST, *MANAGERS]


def test_what_an_analyst_read_is_not_shown_to_a_manager(platform, run):
    readings = Readings(platform)
    analyst = readings.of(LOCAL_ANALYST, run)
    assert analyst.whole_bias.height == 12
    assert analyst.kept("page", lambda: "all laboratories") == "all laboratories"
    for manager in MANAGERS:
        mine = readings.of(manager, run)
        assert mine.whole_bias["lab"].to_list() == [manager.lab]
        assert mine.ratings["lab"].to_list() == [manager.lab]
        assert mine.kept("page", lambda: "own laboratory") == "own laboratory"
        for row in mine.pairs(limit=None).iter_rows(named=True):
            assert manager.lab in (row["original_lab"], row["retest_lab"])
        cited = mine.evidence(platform.opened[run].tables["pairs"]["pair"].to_list())
        assert all(manager.lab in (row["original_lab"], row["retest_lab"]) for row in cited.iter_rows(named=True))
        with pytest.raises(AccessDenied):
            mine.influence("L0003", mine.bias("L0003"))


class Longer(fakes.FakeLedger):
    """The ledger after another entry."""

    def head(self) -> tuple[int, str]:
        return 18, "cd" * 32


def test_a_new_entry_in_the_ledger_is_seen(run):
    platform = fakes.platform(n_labs=12)
    readings = Readings(platform)
    before = readings.of(LOCAL_ANALYST, run)
    platform.ledger = Longer()
    after = readings.of(LOCAL_ANALYST, run)
    assert after is not before
    assert after.ledger_head == (18, "cd" * 32)


def test_only_the_last_readings_are_kept(platform, run):
    readings = Readings(platform, most=2)
    first = readings.of(MANAGERS[0], run)
    readings.of(MANAGERS[1], run)
    assert readings.of(MANAGERS[0], run) is first
    readings.of(LOCAL_ANALYST, run)
    assert readings.of(MANAGERS[0], run) is first
    assert readings.of(MANAGERS[1], run) is not None
    assert readings.of(LOCAL_ANALYST, run) is not None
    assert readings.of(MANAGERS[0], run) is not first


def test_the_newest_national_run_opens_first(platform, run):
    readings = Readings(platform)
    opened = readings.opened(LOCAL_ANALYST, "")
    assert opened is not None
    assert opened.run == run
    assert Readings(fakes.FakePlatform()).opened(LOCAL_ANALYST, run) is None


def test_what_is_tolerated_is_what_the_run_was_set_to(run):
    platform = fakes.platform(n_labs=12)
    opened = platform.opened[run]
    chosen = rulesets.load("cn-2012-26").with_settings({"tolerated_bias": 0.3, "z_limit": 2}).chosen
    platform.opened[run] = replace(opened, manifest=replace(opened.manifest, settings=dict(chosen)))
    reading = Reading(platform, LOCAL_ANALYST, run)
    assert (reading.delta_0, reading.z_limit) == (0.3, 2)


def test_evidence_is_found_by_pair_block_and_result_and_nothing_else(platform, run):
    tables = platform.opened[run].tables
    reading = Readings(platform).of(LOCAL_ANALYST, run)
    pairs = tables["pairs"]
    one, other, third = (pairs.row(k, named=True) for k in (0, 5, pairs.height - 1))
    asked = [one["pair"], other["block"], third["retest_result"], "not an id", ""]
    found = reading.evidence(asked)
    named = [
        row["pair"]
        for row in pairs.iter_rows(named=True)
        if {row["pair"], row["block"], row["original_result"], row["retest_result"]} & set(asked)
    ]
    assert len(named) == 3
    assert found["pair"].to_list() == named
    d = dict(tables["discrepancies"].select("pair", "d").iter_rows())
    assert found["d"].to_list() == [d[pair] for pair in named]
    blocks = reading.blocks([third["block"], one["block"], one["pair"], "zzz"])
    assert set(blocks["block"]) == {one["block"], third["block"]}
