"""How kernels are compiled: by numba, cached on disk under a key of every source below `stats`.

numba's own cache looks at the file of a kernel only: after a change in a helper of another file the cached caller would go
on returning the old answer. A folder of its own for each state of the sources rules that out.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numba
import platformdirs

from labqa.core.provenance import hash_of_sources


def _cache_folder() -> Path:
    """The folder for the present sources and numba: among the user's caches, else among temporary files."""
    name = f"{hash_of_sources([Path(__file__).parent])}-numba{numba.__version__}"
    chosen = (
        Path(os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_path("labqa", appauthor=False) / "kernels") / name
    )
    try:
        chosen.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=chosen):
            return chosen
    except OSError:
        return Path(tempfile.mkdtemp(prefix="labqa-kernels-"))


numba.config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on first call, in nopython mode and without fastmath, so that sums run in the order written; other threads run
    meanwhile."""
    return cast("Callable[..., Any]", numba.njit(cache=True, nogil=True)(function))
