"""The command line: each command is one call of the service, and says in sentences what it did."""

from __future__ import annotations

import typer
from typer.exceptions import TyperException

from labqa.cli import custody, deliveries, planning, runs, trying, usage
from labqa.cli.terminal import language
from labqa.core import memory, system
from labqa.core.errors import LabQAError, StoreError
from labqa.core.wording.catalogue import Message

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="LabQA: which laboratory is wrong, by how much, and how sure that is. 实验室质量评价。",
)
for part in (deliveries, runs, custody, planning, trying):
    app.add_typer(part.commands)


def main() -> None:
    """Entry point: an error is a sentence and its exit code, never a traceback."""
    memory.given_back()
    try:
        raise SystemExit(app(standalone_mode=False))
    except TyperException as error:
        sentences = "\n".join(message.text(language()) for message in usage.sentences(error))
        typer.echo(sentences or error.format_message(), err=True)
        raise SystemExit(error.exit_code) from None
    except typer.Abort:
        raise SystemExit(1) from None
    except LabQAError as error:
        typer.echo(error.message.text(language()), err=True)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        told = {"reason": system.reason(error), "remedy": system.remedy(error)}
        key = "cli.system_refused_file" if error.filename else "cli.system_refused"
        typer.echo(Message(key, told | {"file": error.filename}).text(language()), err=True)
        raise SystemExit(StoreError.exit_code) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
