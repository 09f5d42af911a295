"""What the network page says of methods: the surest difference first, and why where none may be claimed."""

from __future__ import annotations

import json

import plotly
import pytest

from dashboards.pages import methods
from dashboards.reading import Reading
from dashboards.words import Words
from labqa.core import tables as t
from labqa.service.viewer import LOCAL_ANALYST
from tests import fakes


@pytest.fixture(scope="module")
def reading():
    platform = fakes.platform(n_labs=12)
    run = next(run for run, opened in platform.opened.items() if opened.manifest.programme == "national")
    return Reading(platform, LOCAL_ANALYST, run)


def text(part) -> str:
    return json.dumps(part, cls=plotly.utils.PlotlyJSONEncoder, ensure_ascii=False)


@pytest.mark.parametrize(
    ("language", "differs", "confounded"),
    [("zh", "有差异（错误发现", "方法与实验室混杂"), ("en", "They differ", "confounded with the laboratory")],
)
def test_methods_are_told_with_their_interval_or_the_reason_why_not(reading, language, differs, confounded) -> None:
    said = text(methods.section_of(reading, Words(language)))
    assert said.index("ICP-MS") < said.index(confounded)
    assert "+0.90" in said and "+0.46" in said and "+1.34" in said and differs in said
    assert confounded in said and said.count(differs) == 2


def test_a_run_without_methods_has_no_such_section(reading) -> None:
    bare = Reading(reading.platform, LOCAL_ANALYST, reading.run)
    bare.__dict__["methods"] = t.empty(t.MethodBias)
    assert methods.section_of(bare, Words("zh")) is None
