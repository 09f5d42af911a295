"""The command line as tests give it: in this process, where that is enough, or in one of its own, as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from labqa.cli import main


def run(home: Path, *words: str) -> int:
    """A command in this process; its exit code."""
    before, sys.argv = sys.argv, ["labqa", *words]
    sys.argv += [] if words[0] == "template" else ["--home", str(home)]
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.argv = before
    return 0


def labqa(home: Path, *words: str, language: str = "en") -> subprocess.CompletedProcess[str]:
    """A command in a process of its own; what it said and its exit code."""
    environment = {**os.environ, "LABQA_HOME": str(home), "LABQA_LANG": language}
    command = [sys.executable, "-m", "labqa.cli", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
