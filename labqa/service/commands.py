"""Command lines to be pasted into a shell: what a sentence puts forward as the next step."""

from __future__ import annotations

import shlex
from pathlib import Path

from labqa.service.wiring import Platform


def command(platform: Platform, *words: str | Path) -> str:
    """`labqa` with these words, quoted for a POSIX shell; paths are absolute, and `--home` is named where a command would not
    find the home of `platform` by itself."""
    named = [] if platform.is_found_by_itself else ["--home", str(platform.home)]
    return shlex.join(["labqa", *(str(word.absolute()) if isinstance(word, Path) else word for word in words), *named])
