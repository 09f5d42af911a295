"""What is wrong with the words of a command, as sentences in the language of the terminal."""

from __future__ import annotations

import re
from typing import Any

import typer.core
from typer.exceptions import TyperException

from labqa.core.wording.catalogue import Message


def sentences(error: TyperException) -> list[Message]:
    """What is wrong, and the command that tells how it is right; empty where the help itself is what is to be shown."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        return []
    helped = [Message("cli.usage_help", {"command": f"{context.command_path} --help"})] if context is not None else []
    return [_wrong(error), *helped]


def _wrong(error: Any) -> Message:
    """One sentence; what is not foreseen here is told in the library's words.

    Errors are told apart by name: the library keeps their classes to itself.
    """
    kind, quoted = type(error).__name__, re.findall(r"'([^']*)'", error.message)
    if kind == "NoSuchOption" and isinstance(group := getattr(error.ctx, "command", None), typer.core.TyperGroup):
        names = ", ".join(group.list_commands(error.ctx))
        return Message(
            "cli.usage_option_first", {"option": error.option_name, "command": error.ctx.command_path, "names": names}
        )
    if kind == "NoSuchOption":
        near = ", ".join(sorted(error.possibilities or []))
        return Message(
            "cli.usage_no_option_near" if near else "cli.usage_no_option", {"option": error.option_name, "near": near}
        )
    if kind == "MissingParameter" and error.param is not None:
        return Message("cli.usage_missing", {"name": _name(error.param)})
    if kind == "BadParameter" and "valid integer" in error.message:
        return Message("cli.usage_integer", {"name": _name(error.param)})
    if kind == "BadParameter" and "valid number" in error.message:
        return Message("cli.usage_number", {"name": _name(error.param)})
    if kind == "BadOptionUsage":
        return Message("cli.usage_bad_option", {"option": error.option_name})
    if isinstance(getattr(error.ctx, "command", None), typer.core.TyperGroup) and quoted:
        near = ", ".join(quoted[1:])
        return Message("cli.usage_no_command_near" if near else "cli.usage_no_command", {"name": quoted[0], "near": near})
    if extra := re.search(r"extra argument\(s\) \((.*)\)$", error.message):
        return Message("cli.usage_extra", {"words": extra[1]})
    return Message("cli.usage_other", {"reason": error.format_message()})


def _name(parameter: Any) -> str:
    """An option as it is typed, an argument by its name."""
    return str(parameter.opts[0] if parameter.param_type_name == "option" else parameter.name)
