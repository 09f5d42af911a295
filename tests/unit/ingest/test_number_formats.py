"""Number formats: which show the number, and which something else."""

import pytest

from labqa.ingest.number_formats import is_percentage, may_mislead, misleads

PLAIN = [
    *("General", "", "0.00", "#,##0.00", "0.00_ ", "0.00_);[Red]\\(0.00\\)", "0.00_ ;[Red]\\-0.00\\ ", "000000", "# ?/?", "@"),
    *('_(* #,##0.00_);_(* \\(#,##0.00\\);_(* "-"??_);_(@_)', "0.00E+00", "0.0%", "[$¥-804]0.00", "[DBNum1][$-804]General"),
    *("yyyy-mm-dd", 'yyyy"年"m"月"d"日"', "m月d日", "[h]:mm:ss", "[$-F800]dddd", '上午/下午h"时"mm"分"'),
]
MISLEADING = [
    *('"<"0.00', '#,##0.00" mg/L"', "0.00\\ \\m\\g", 'General"级"', '"样品"0000', "0.0,", "#,##0,,", ";;;"),
    *('0.00;-0.00;"ND"', '[<0.01]"<0.01";0.00', '[>=0.01]0.00;"<0.01"', "0.00;-0.00;;@"),
]


@pytest.mark.parametrize("code", PLAIN)
def test_a_format_that_shows_the_number(code: str) -> None:
    assert not may_mislead(code)


@pytest.mark.parametrize("code", MISLEADING)
def test_a_format_that_may_show_something_else(code: str) -> None:
    assert may_mislead(code)


@pytest.mark.parametrize(
    ("code", "number", "expected"),
    [
        ('0.00;-0.00;"ND"', 5, False),
        ('0.00;-0.00;"ND"', -5, False),
        ('0.00;-0.00;"ND"', 0, True),
        ("0.00;-0.00;;@", 0, True),
        ('[<0.01]"<0.01";0.00', 0.005, True),
        ('[<0.01]"<0.01";0.00', 0.5, False),
        ('[>=0.01]0.00;"<0.01"', 0.005, True),
        ('[>=0.01]0.00;"<0.01"', 0.01, False),
        ('"<"0.00', 0, True),
    ],
)
def test_the_section_of_the_number_decides(code: str, number: float, expected: bool) -> None:
    assert misleads(code, number) is expected


@pytest.mark.parametrize(
    ("code", "expected"), [("0%", True), ("0.00%", True), ('0"%"', False), ("0\\%", False), ("0.0", False)]
)
def test_a_percentage_is_a_sign_that_is_not_quoted(code: str, expected: bool) -> None:
    assert is_percentage(code) is expected
