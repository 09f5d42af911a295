"""What a reference test found, kept for the validation page: method, source and clause, data, digits obtained.

A test calls `agrees` once for each quantity, with the key of a method in `methods/*.toml` (its names in Chinese and
English, standard and clause, function). `conftest.py` writes the page `docs/validation.md` from all calls (`make
validation`) or compares them with the committed page.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

METHODS = Path(__file__).parent / "methods"

MOST_DIGITS = 15
"""Beyond this the agreement of two float64 numbers says nothing."""


@dataclass(frozen=True)
class Comparison:
    """One quantity of one method on one data set, compared with a value that is not ours."""

    topic: str
    method: str
    data: str
    expected_by: str
    quantity: str
    digits: float
    asked: float


MADE: list[Comparison] = []
"""All comparisons of this session, in the order in which they were made."""


@cache
def methods() -> dict[tuple[str, str], dict[str, str]]:
    """Names (`zh`, `en`), `source` and `function` of each method, by topic (file in `methods/`) and key."""
    return {
        (file.stem, key): entry
        for file in sorted(METHODS.glob("*.toml"))
        for key, entry in tomllib.loads(file.read_text("utf-8")).items()
    }


def digits_of_agreement(found: float, expected: float, *, scale: float = 0.0) -> float:
    """Log relative error −log10(|found − expected| / max(|expected|, scale)), at most 15; NaN agrees with NaN only.

    For an expected 0 without a scale it is −log10 |found|, as NIST StRD defines it.
    """
    if math.isnan(found) or math.isnan(expected):
        return MOST_DIGITS if math.isnan(found) and math.isnan(expected) else 0.0
    error = abs(found - expected) / (max(abs(expected), scale) or 1.0)
    return float(MOST_DIGITS) if error == 0.0 else float(np.clip(-math.log10(error), 0.0, MOST_DIGITS))


def agrees(
    found: float | Iterable[float],
    expected: float | Iterable[float],
    *,
    method: str,
    data: str,
    quantity: str,
    expected_by: str,
    rel: float = 0.0,
    abs: float = 0.0,
    scale: float = 0.0,
) -> None:
    """Asserts |found − expected| ≤ max(rel · |expected|, abs), element by element, and records the digits obtained.

    `method` is "topic/key" of `methods/*.toml`, `data` the file and its part, `expected_by` who computed or printed the
    expected value ("ISO 13528:2022, printed", "R metRology"). `scale`: see `digits_of_agreement`; give the size of the data
    where an expected value is a difference near 0. Digits are those of the worst element.
    """
    topic, _, key = method.partition("/")
    assert (topic, key) in methods(), f"{method} is not in tests/reference/methods/{topic}.toml"
    a, b = np.atleast_1d(np.asarray(found, dtype=np.float64)), np.atleast_1d(np.asarray(expected, dtype=np.float64))
    assert a.shape == b.shape, f"{quantity}: {a.shape} values found, {b.shape} expected"
    both = list(zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))
    largest = max(float(np.max(np.abs(b[np.isfinite(b)]), initial=0.0)), scale)
    digits = min(digits_of_agreement(x, y, scale=scale) for x, y in both)
    asked = min(-math.log10(max(rel, abs / (largest or 1.0), 1e-15)), float(MOST_DIGITS))
    MADE.append(Comparison(topic, key, data, expected_by, quantity, digits, asked))
    for at, (x, y) in enumerate(both):
        allowed = max(rel * math.fabs(y), abs)
        same = (math.isnan(x) and math.isnan(y)) or math.fabs(x - y) <= allowed
        assert same, f"{method}, {quantity}[{at}]: found {x!r}, expected {y!r} ± {allowed:.3g}"


@dataclass(frozen=True)
class Row:
    """One line of the page: a method on a data file against one author's values."""

    topic: str
    method: str
    data: str
    expected_by: str
    quantities: str
    asked: float
    digits: float

    @property
    def line(self) -> str:
        """The line without its digits."""
        cells = [self.data, self.expected_by, self.quantities, f"{self.asked:.3g}"]
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " | "


def _file(data: str) -> str:
    """The file of a data set, or the data set itself where it is no file."""
    name, _, _ = data.partition(" ")
    return name if name.endswith(".csv") else data


def _some(names: Iterable[str]) -> str:
    """Distinct names, the first four of them and how many there are."""
    distinct = list(dict.fromkeys(names))
    return ", ".join(distinct) if len(distinct) <= 4 else f"{', '.join(distinct[:4])} … ({len(distinct)})"


def rows(made: Iterable[Comparison]) -> list[Row]:
    """The lines of the page, sorted; parts of one file are one line, digits those of the worst quantity, rounded down."""
    grouped: dict[tuple[str, str, str, str], list[Comparison]] = {}
    for one in made:
        grouped.setdefault((one.topic, one.method, _file(one.data), one.expected_by), []).append(one)
    return [
        Row(
            topic,
            method,
            _some(sorted({one.data for one in some}) if len({one.data for one in some}) == 1 else [_with_parts(some)]),
            expected_by,
            _some(one.quantity for one in some),
            math.floor(10 * min(one.asked for one in some) + 1e-6) / 10,
            math.floor(10 * min(one.digits for one in some)) / 10,
        )
        for (topic, method, _, expected_by), some in sorted(grouped.items())
    ]


def _with_parts(some: list[Comparison]) -> str:
    return f"{_file(some[0].data)} ({_some(sorted({one.data.partition(' ')[2] for one in some} - {''}))})"


HEAD = """# 方法验证 · Validation of the methods

本页由参考测试生成（`make validation`），每次运行测试时与测试结果核对。每一行是一个方法在一组数据上与他人给出的数值的比较，
没有一个数值出自 LabQA 自身。“一致”是最差的一个量的对数相对误差（−log₁₀ 相对误差，最多 15 位），“要求”是测试允许的误差；
对印刷值即其末位的半个单位。数据文件及其来源、许可见 `tests/reference/data/SOURCES.md`。
“recalled”表示数值凭记忆录入，手边没有原表。

未满足的两例（ASTM E691 葡萄糖 D、E 的均值：参考案例要求四位小数，而标准只印三位）在测试中标为严格的预期失败。

This page is written by the reference tests (`make validation`) and compared with them in every run. Each line compares one
method on one data set with values that others printed, certified or computed; none comes from LabQA. "Digits" is the log
relative error (−log₁₀ of the relative error, at most 15) of the worst quantity, "asked" what the test allows: for a printed
value half a unit of its last digit. Data files, their origin and terms: `tests/reference/data/SOURCES.md`.
"Recalled" means typed from memory of the printed table, without a copy at hand.

Two cases are unmet (means of glucose D and E in ASTM E691: the case asks four decimals, the standard prints three); the tests
mark them as strict expected failures.
"""
TITLES = {
    "scores": "得分与判定 · Scores and verdicts",
    "robust": "稳健统计 · Robust statistics",
    "precision": "精密度 · Precision",
    "network": "实验室网络 · Network of laboratories",
    "latent": "等级与区间 · Grades and intervals",
    "selection": "复检的选择 · How retests were chosen",
    "monitoring": "监控图 · Monitoring",
    "multiplicity": "多重性 · Multiplicity",
    "screens": "数据筛查 · Screens",
    "resampling": "重抽样 · Resampling",
}
COLUMNS = "| 数据 Data | 数值来源 Expected by | 量 Quantities | 要求 Asked | 一致 Digits |\n|---|---|---|---|---|\n"


def page(found: list[Row]) -> str:
    """The validation page as Markdown: topics, in them methods with standard and function, in them the comparisons."""
    parts = [HEAD]
    for topic, title in TITLES.items():
        parts.append(f"\n## {title}\n")
        for key in sorted({row.method for row in found if row.topic == topic}):
            method = methods()[(topic, key)]
            parts.append(f"\n### {method['zh']} · {method['en']}\n\n{method['source']} · `{method['function']}`\n\n{COLUMNS}")
            parts.extend(f"{row.line}{row.digits:.3g} |\n" for row in found if (row.topic, row.method) == (topic, key))
    return "".join(parts)


def committed(text: str) -> dict[tuple[str, str], float]:
    """Digits of each line of a page, by the function above it and the line without them."""
    found, function = {}, ""
    for one in text.splitlines():
        if "`labqa." in one:
            function = one
        elif one.startswith("| ") and not one.startswith("| 数据"):
            line, digits = one.removesuffix(" |").rsplit(" | ", 1)
            found[(function, line + " | ")] = float(digits)
    return found
