"""The built wheel carries everything: installed outside the checkout, it runs the demo."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_runs_the_demo_outside_the_checkout(tmp_path: Path) -> None:
    built = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(built, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("labqa-*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "LABQA_LANG": "en"}
    where = subprocess.run(
        [sys.executable, "-c", "import labqa, labqa.core.shipped as s; print(labqa.__file__, s.folder())"],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert all(Path(path).is_relative_to(tmp_path / "site") for path in where)
    ran = subprocess.run(
        [sys.executable, "-m", "labqa.cli", "demo", "--data", "rmstudy", "--no-serve"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "1088 rows delivered, 1088 accepted, 0 refused" in ran.stdout
    assert len(list((tmp_path / ".labqa-demo" / "reports").rglob("*.pdf"))) == 2
