"""The notebooks run from top to bottom as they stand, and are kept without outputs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.conftest import Demo

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a notebook writes goes with the test."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def executed(name: str) -> dict[int, str]:
    """The notebook, run in a kernel of its own: what each code cell printed or showed, by its position."""
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}).execute()
    return {at: _shown(cell) for at, cell in enumerate(notebook.cells) if cell.cell_type == "code"}


def _shown(cell: nbformat.NotebookNode) -> str:
    parts = [part.get("text") or part.get("data", {}).get("text/plain", "") for part in cell.outputs]
    drawn = [str(part["data"].keys()) for part in cell.outputs if "data" in part]
    return "\n".join([*parts, *drawn])


def test_there_are_two_and_they_are_kept_without_outputs() -> None:
    assert [file.stem for file in NOTEBOOKS] == ["annual-evaluation", "from-file-to-lab-bias"]
    for file in NOTEBOOKS:
        notebook = nbformat.read(file, as_version=4)
        nbformat.validate(notebook)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


def test_the_annual_evaluation_of_the_demo(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABQA_HOME", str(demo.home))
    shown = "\n".join(executed("annual-evaluation").values())
    assert demo.run_of("national") in shown
    assert "shape: (34, 8)" in shown, "34 downgrades, as the demo says"
    assert "34 downgrades" in demo.printed
    assert shown.count("application/vnd.plotly") == 2
    assert "L210" in shown and "建议由" in shown and "untold" in shown
    assert "2014-originals.csv 第 19625 行" in shown
    assert "annual-evaluation-national-2018.zh.pdf" in shown


def test_from_a_file_to_the_bias_of_a_laboratory() -> None:
    shown = executed("from-file-to-lab-bias")
    whole = "\n".join(shown.values())
    assert "2018-originals.csv" in whole and "未登记" in whole
    assert "application/vnd.plotly" in whole
    held, _, assessed = next(text for text in shown.values() if "mean_bias" in text).splitlines()[0].partition(" / ")
    assert 25 <= int(assessed) <= 30 and int(held) >= 0.8 * int(assessed)
    planted = [line for line in list(shown.values())[-1].splitlines() if "planted" in line]
    assert len(planted) == 3, "the three planted laboratories stand among the first six"
