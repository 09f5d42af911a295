"""Ids of many keys are those of each key by itself, as SHA-256 of its parts with their lengths."""

import hashlib

import polars as pl

from labqa.core.digests import digests
from labqa.core.provenance import digest


def test_many_ids_are_the_ids_one_by_one():
    keys = pl.DataFrame(
        {"programme": ["国家", "a", "", "𠀀"], "sample": ["样品:1", "1:b", "x", ""], "item": ["铅", "", "3:x", "e\u0301"]}
    )
    assert digests(keys).to_list() == [digest(*row) for row in keys.iter_rows()]
    assert digests(keys)[1] == hashlib.sha256(b"1:a3:1:b0:").hexdigest()[:20]
    assert digests(keys.clear()).to_list() == []


def test_parts_that_all_keys_share_count_like_others():
    shared = pl.DataFrame({"programme": ["国家"] * 3, "sample": ["1", "1", "2"], "item": [""] * 3})
    assert digests(shared).to_list() == [digest(*row) for row in shared.iter_rows()]
    assert digests(shared[:2]).to_list() == [digest("国家", "1", "")] * 2
    assert digests(shared[2:]).to_list() == [digest("国家", "2", "")]


def test_numbers_count_as_their_digits():
    keys = pl.DataFrame({"sample": ["1", "1", "2"], "replicate": [1, 12, 1], "revision": [0, 0, 0]})
    expected = [digest("1", "1", "0"), digest("1", "12", "0"), digest("2", "1", "0")]
    assert digests(keys).to_list() == expected
    assert digests(keys[2:]).to_list() == expected[2:]
