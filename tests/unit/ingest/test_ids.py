"""Ids that only look like themselves: each is refused by its rule, registered by nobody, and seen in the sentence."""

from pathlib import Path

import polars as pl
import pytest
from small_deliveries import deliver, original

from labqa.core.errors import RegisterError
from labqa.core.wording.catalogue import LANGUAGES, Message
from labqa.ingest import registers

UNSEEN = [
    "S\u200b1",
    "S\u202e1",
    "S\u00a01",
    "S\u30001",
    "S\u20661\u2069",
    "S\u00ad1",
    "S\ufe0f1",
    "S\u31641",
    "S\n1",
    "S\ufffd1",
]
SEEN = ["S 1", "S-1/2#3", "2018-04-05", "样品１", "𠮷", "é", "1E5", "5E+3", "2E+15b", "123456789012345678", "S" * 200]


CODES = [
    "S\\u200b1",
    "S\\u202e1",
    "S\\u00a01",
    "S\\u30001",
    "S\\u20661\\u2069",
    "S\\u00ad1",
    "S\\ufe0f1",
    "S\\u31641",
    "S\\u000a1",
    "S\ufffd1",
]
NONE = [
    *(("id_unseen", text, code) for text, code in zip(UNSEEN, CODES, strict=True)),
    ("id_shortened", "1.23E+15", "1.23E+15"),
    ("id_shortened", "1e+17", "1e+17"),
    ("id_marked", "'2018-S1", "'2018-S1"),
    ("id_marked", '="2018-S1"', '="2018-S1"'),
    ("id_dated", "2018-04-05 00:00:00", "2018-04-05 00:00:00"),
    ("id_too_long", "S" * 201, "S" * 80 + "…"),
    ("id_too_long", "S" * 30_000, "S" * 80 + "…"),
]


@pytest.mark.parametrize("field", ["round", "sample", "product", "item", "lab"])
@pytest.mark.parametrize(("rule", "text", "shown"), NONE)
def test_an_id_that_is_none(tmp_path: Path, field: str, rule: str, text: str, shown: str) -> None:
    found = deliver(tmp_path, original(sample="other"), original(**{field: text}))
    assert found.results["row"].to_list() == [2]
    told = {row["rule"]: row for row in found.refusals.filter(pl.col("column") == field).iter_rows(named=True)}
    assert f"ingest.unknown_{field}" not in told
    assert (told[f"ingest.{rule}"]["row"], told[f"ingest.{rule}"]["value"]) == (3, text)
    for language in LANGUAGES:
        sentence = Message.from_json(told[f"ingest.{rule}"]["message"]).text(language)
        assert all(said in sentence for said in ("delivery.csv", "3", f"“{field}”", shown))
        assert sentence.isprintable() and len(sentence) < 400


@pytest.mark.parametrize("text", SEEN)
def test_an_id_that_is_one(tmp_path: Path, text: str) -> None:
    assert deliver(tmp_path, original(sample=text)).refusals.is_empty()


def test_no_register_is_made_of_ids_that_are_none(tmp_path: Path) -> None:
    rows = [original(lab=text, sample=f"S{place}") for place, text in enumerate([*UNSEEN, "1.2E+16", "Z"])]
    found = deliver(tmp_path, *rows, derive=("labs",))
    assert found.registers["labs"]["lab"].to_list() == ["Z"]
    assert found.results["lab"].to_list() == ["Z"]


@pytest.mark.parametrize(
    ("text", "rule"), [("A\u202e1", "id_unseen"), ("1.23E+15", "id_shortened"), ("A" * 201, "id_too_long")]
)
def test_a_register_with_a_key_that_is_none(tmp_path: Path, text: str, rule: str) -> None:
    (tmp_path / "labs.csv").write_text(f"lab\nB\n{text}\n", encoding="utf-8")
    with pytest.raises(RegisterError) as caught:
        registers.read_register("labs", tmp_path / "labs.csv")
    assert caught.value.message.key == f"ingest.{rule}"
    assert "labs.csv" in str(caught.value) and "3" in str(caught.value) and str(caught.value).isprintable()
