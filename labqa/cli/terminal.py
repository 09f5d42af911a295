"""What every command shares: the language of the terminal, sentences, progress, the platform and the faces."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from labqa.core.errors import UsageError
from labqa.core.wording.catalogue import LANGUAGES, Language, Message

if TYPE_CHECKING:
    from labqa.service.wiring import Platform


def language() -> Language:
    """Language of the terminal: LABQA_LANG, else Chinese where the locale is Chinese, else English."""
    asked = os.environ.get("LABQA_LANG", "")
    if asked in LANGUAGES:
        return asked
    return "zh" if os.environ.get("LC_ALL", os.environ.get("LANG", "")).startswith("zh") else "en"


def say(key: str, **values: object) -> None:
    """Prints one sentence of the catalogue."""
    typer.echo(Message(key, values).text(language()))


def asked(key: str) -> str:
    """What a person answers to a sentence; nothing where nobody sits at a terminal."""
    return str(typer.prompt(Message(key).text(language()), default="", show_default=False)) if sys.stdin.isatty() else ""


@contextmanager
def progress_bar() -> Iterator[Callable[[Message, float], None]]:
    """A bar on a terminal, nothing elsewhere: `progress(what, share of the work that is behind)`."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("", total=None)

        def step(what: Message, share: float) -> None:
            bar.update(task, completed=share, total=1.0, description=what.text(language()))

        yield step


def face(name: str) -> Callable[..., Any]:
    """A face by entry point, so that the command line imports none."""
    found = [entry for entry in entry_points(group="labqa.faces") if entry.name == name]
    if not found:
        raise UsageError("cli.no_face", face=name)
    return cast("Callable[..., Any]", found[0].load())


def opened(home: Path | None, *, as_found: bool = False) -> Platform:
    """The platform of `home`; `as_found`, without setting anything right."""
    from labqa.service.wiring import open_platform

    return open_platform(home, as_found=as_found)
