"""What produced a number: data version, edition, code version and seed; and the hashes by which things are named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path


def digest(*parts: str) -> str:
    """Id of a key: SHA-256 over its parts with their lengths, first 20 hex digits (80 bits)."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode()).hexdigest()[:20]


def sha256_of(data: bytes | memoryview) -> str:
    """Full SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def canonical_json(content: object) -> str:
    """JSON with sorted keys and no spaces: the same content gives the same bytes."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def hash_of_sources(folders: Iterable[Path]) -> str:
    """Hash over names and bytes of all Python and TOML files below `folders`."""
    found = sorted(file for folder in folders for file in folder.rglob("*") if file.suffix in {".py", ".toml"})
    summed = hashlib.sha256()
    for file in found:
        summed.update(f"{file.name}\0".encode() + file.read_bytes())
    return summed.hexdigest()[:16]


@cache
def code_version() -> str:
    """Hash of the package's sources: what a run was computed with."""
    return hash_of_sources([Path(__file__).parents[1]])


@dataclass(frozen=True)
class Manifest:
    """Inputs of an evaluation run; `run_id` is their hash. No clock time and no path enter it.

    `facts` is the hash of what was delivered until the data version: the position alone does not tell two homes apart, nor a
    home from what it becomes after an older backup was put back. Runs made before it was recorded have none.
    """

    programme: str
    period: str
    data_version: int
    edition: str
    edition_hash: str
    partitions: tuple[str, ...]
    settings: Mapping[str, object] = field(default_factory=dict)
    seed: int = 0
    code: str = ""
    facts: str = ""

    @property
    def run_id(self) -> str:
        """Hash of the inputs, 16 hex digits."""
        inputs = {name: value for name, value in asdict(self).items() if name != "facts" or value}
        return sha256_of(canonical_json(inputs).encode())[:16]
