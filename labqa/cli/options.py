"""Options and arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[Path | None, typer.Option(help="Folder of this platform's data; else LABQA_HOME, else the user-data folder.")]


Programme = Annotated[str | None, typer.Option(help="Programme to which the delivery or run belongs; else the profile's.")]


Anchor = Annotated[str | None, typer.Option(help="Printed ledger head, `count:hash`, against which to check.")]


Encoding = Annotated[str | None, typer.Option(help="Encoding of csv files, such as gb18030; else it is detected.")]


Files = Annotated[list[Path], typer.Argument(readable=False, help="Delivered files: xlsx, csv (UTF-8, GB18030) or parquet.")]
