"""Facts whose text is kept as codes: checked by the same contract, and written as the text that they stand for."""

from __future__ import annotations

import polars as pl
import pytest
from factories import results

from labqa.core import codes, tables
from labqa.core.errors import StoreError
from labqa.core.pieces import Pieces
from labqa.core.tables import FACT_TABLES
from labqa.store import durable
from labqa.store.contract import checked
from labqa.store.facts import FactStore

TEXTS = [name for name, dtype in results(3).schema.items() if dtype == pl.String and name != "result"]


def coded(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(name).cast(codes.new()) for name in TEXTS)


def test_codes_are_written_as_their_text(tmp_path, monkeypatch):
    monkeypatch.setattr(durable, "_ROWS", 7)
    facts = FactStore(tmp_path / "home")
    (of_text,), (of_codes,) = (facts.accept({"results": frame}) for frame in (results(), coded(results())))
    assert results().height > 7 and of_codes == of_text
    assert facts.read([of_codes], "results").equals(results())


@pytest.mark.parametrize("name", ["sample", "role", "programme", "file"])
def test_a_text_that_is_missing_is_refused(name):
    lacking = results().with_columns(pl.when(pl.int_range(pl.len()) > 0).then(name).alias(name))
    with pytest.raises(StoreError, match="nullability \\(1\\)"):
        checked({"results": coded(lacking)}, FACT_TABLES)


def test_a_word_of_no_list_a_key_twice_and_a_number_that_is_none_are_refused():
    wrong = {
        "one_of_Role": results().with_columns(role=pl.lit("first")),
        "primary_key": results().with_columns(result=pl.lit("a")),
        "value\\|nan": results().with_columns(value=pl.lit(float("nan"))),
        "sample ": results().drop("sample").with_columns(sample=pl.lit(1)),
    }
    for rule, frame in wrong.items():
        with pytest.raises(StoreError, match=rule):
            checked({"results": frame.with_columns(pl.col(pl.String).exclude("result").cast(codes.new()))}, FACT_TABLES)


@pytest.mark.parametrize("fault", ["one_of_Role", "primary_key"])
def test_of_a_table_in_pieces_that_breaks_its_contract_late_nothing_is_kept(tmp_path, fault):
    """Pieces are checked as they are written, the key behind the last of them."""
    whole = coded(results())
    wrong = whole.with_columns(role=pl.lit("first")) if fault == "one_of_Role" else whole
    facts = FactStore(tmp_path / "home")
    labs = tables.shaped(pl.DataFrame({"lab": ["L1"]}), tables.Labs)
    with pytest.raises(StoreError, match=fault):
        facts.accept({"labs": labs, "results": Pieces([whole, wrong])})
    assert [*(tmp_path / "home" / "facts").iterdir(), *(tmp_path / "home" / "tmp").iterdir()] == []


def test_a_key_is_all_of_its_columns():
    twice = pl.concat([results(), results().with_columns(programme=pl.lit("other"))])
    assert checked({"results": coded(twice)}, FACT_TABLES)["results"].height == twice.height
