"""Names below the columns of a map."""

from unicodedata import east_asian_width

import pytest

from labqa.figures import cells
from labqa.figures.spec import Axis


def width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


@pytest.mark.parametrize("name", ["03.01 热轧带肋钢筋等", "02.02 聚氯乙烯绝缘电缆…", "01.01 Knitted underwear", "07.01 木家具"])
def test_names_below_a_map_stand_in_lines_as_wide_in_chinese_as_in_english(name):
    (shown,) = cells.below(Axis("family", categories=(name,)))["ticktext"]
    assert max(map(width, shown.split("<br>"))) <= 14
    assert shown.replace("<br>", "").replace(" ", "") == name.replace(" ", "")
