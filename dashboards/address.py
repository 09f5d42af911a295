"""Addresses of pages: `/zh/lab/L001?run=…`; every place can be sent to a colleague."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from labqa.core.wording.catalogue import LANGUAGES, Language


@dataclass(frozen=True)
class Address:
    """A page, in a language, of a run; `code` is the laboratory or pair it shows."""

    language: Language
    page: str = "network"
    code: str = ""
    run: str = ""

    @property
    def url(self) -> str:
        """The address as a browser shows it."""
        parts = [self.language] + ([self.page, self.code] if self.code else [self.page] if self.page != "network" else [])
        path = "/".join(quote(part, safe="") for part in parts)
        return f"/{path}{'' if len(parts) > 1 else '/'}" + (f"?run={quote(self.run, safe='')}" if self.run else "")

    def to(self, **changes: Any) -> Address:
        """Another place from here, in the same language and run unless stated."""
        return replace(self, **changes)

    def lab(self, code: str) -> Address:
        """The page of a laboratory."""
        return self.to(page="lab", code=code)

    def pair(self, code: str) -> Address:
        """The page of a pair."""
        return self.to(page="pair", code=code)


def read(pathname: str, search: str | None) -> Address | None:
    """The place that an address names; null where it names none."""
    parts = [unquote(part) for part in pathname.strip("/").split("/")]
    if parts[0] not in LANGUAGES or len(parts) > 3:
        return None
    run = parse_qs((search or "").removeprefix("?")).get("run", [""])[0]
    page, code = (parts[1:] + ["network", ""][len(parts[1:]) :])[:2]
    return Address(parts[0], page, code, run)
