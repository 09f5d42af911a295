"""Deliveries spoiled at random: each kind of spoiling knows which rows it made bad and by which rule, that it spoiled the whole
file, or that it did no harm. A seed gives one file: a sound delivery of 8 to 20 rows, spoiled in one to three places."""

from __future__ import annotations

from random import Random

from fuzz_drafts import Draft, sound, written
from fuzz_files import FILES, FORMS
from fuzz_rows import HARMLESS as OTHER_WAYS
from fuzz_rows import ROWS
from fuzz_workbooks import WORKBOOK_FORMS, WORKBOOKS

BAD_ROWS = ROWS | WORKBOOKS
HARMLESS = OTHER_WAYS | FORMS | WORKBOOK_FORMS
KINDS = BAD_ROWS | HARMLESS | FILES
_PLAIN_CSV = {"semicolons", "tabs", "GB 18030", "UTF-16", "a byte order mark", "Chinese headers"}
_PLAIN_CSV |= {"line ends of old", "line ends of Windows", "bars", "quotation marks around everything"}


def spoiled(seed: int) -> tuple[Draft, bytes]:
    """The delivery of a seed: what was done to it, and the file."""
    random = Random(seed)
    draft = sound(random, random.choice(["csv", "csv", "xlsx", "parquet"]))
    for _ in range(random.randint(1, 3)):
        name = random.choice([*BAD_ROWS, *HARMLESS, *FILES])
        if (name in FILES and _PLAIN_CSV & set(draft.applied)) or (name in _PLAIN_CSV and draft.whole):
            continue
        if name not in draft.applied and KINDS[name](draft):
            draft.applied.append(name)
    data = written(draft)
    for change in draft.finish:
        data = change(draft, data)
    return draft, data
