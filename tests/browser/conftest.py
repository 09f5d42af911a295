"""A browser for the tests of a file, and the address at which its platform is served: by default that of a small crowd."""

from collections.abc import Iterator

import pytest
from watching import chromium, serving

from tests import fakes


@pytest.fixture(scope="module")
def platform():
    return fakes.platform(n_labs=24)


@pytest.fixture(scope="module")
def address(platform) -> Iterator[str]:
    with serving(platform, 18700) as there:
        yield there


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with chromium() as opened:
        yield opened
