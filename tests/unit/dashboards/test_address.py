"""Addresses lead back to where they came from, whatever a laboratory's code holds."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from dashboards import address
from dashboards.address import Address


@pytest.mark.parametrize(
    "place",
    [
        Address("zh"),
        Address("en", run="0eb752e90d38432e"),
        Address("zh", page="refusals", run="0eb752e90d38432e"),
        Address("en", page="lab", code="L0001", run="0eb752e90d38432e"),
        Address("zh", page="lab", code="中心 A/B?#%&+ 1", run="0eb752e90d38432e"),
    ],
)
def test_an_address_is_read_back(place):
    split = urlsplit(place.url)
    assert address.read(split.path, f"?{split.query}" if split.query else "") == place


@pytest.mark.parametrize("path", ["/", "/fr/", "/zh/lab/a/b", "//evil.example/zh/"])
def test_other_paths_name_no_place(path):
    assert address.read(path, "") is None
