"""What the shipped programmes are called on pages and in reports."""

from __future__ import annotations

from labqa.core.wording.catalogue import Language, sentences


def programme_name(name: str, language: Language) -> str:
    """The name of a shipped programme in that language; its own where it is none of those."""
    return sentences(language).get(f"service.programme_{name}", name)
