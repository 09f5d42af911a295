"""Typing of numeric items: numbers, reporting limits and non-detects, read by column expressions."""

from __future__ import annotations

import polars as pl

from labqa.core.vocabulary import Qualifier, Scale
from labqa.ingest import marks, units, words

_NUMBER = (
    r"^(<=|>=|<|>|=)?\s*"
    r"([+-]?)([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)?(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,4}))?"
    r"\s*([[\p{L}%‰°℃℉㎎㎏]--[eE]][^<>=~]*)?$"
)
_RANGE = r"^[0-9.,]+\s*(?:-|~|–|—)\s*[0-9.,]+"
_DATE = r"^[+-]?[0-9]{4,5}-[0-9]{1,2}-[0-9]{1,2}(?:$|[ T])"
_RANGE_WORD = r"^([0-9.,]+)\s*[至到]\s*([0-9])"
_POWER_OF_TEN = r"\s*[×xX*·]\s*10\s*\^\s*\(?([+-]?[0-9]{1,4})\)?"
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-", strict=True))
_SIGN_WORDS = {"不大于": "<=", "不小于": ">=", "小于": "<", "低于": "<", "大于": ">", "高于": ">"}
_WITH_LIMIT = (
    r"^(?i:未检出|未检测出|未测出|nd|n\.d\.?|not detected)\s*"
    r"\((?i:检出限|方法检出限|lod|mdl|定量限|loq)?\s*[:=]?\s*(?:<=|<)?\s*([0-9][^()]*)\)$"
)
_BELOW, _ABOVE = pl.lit(str(Qualifier.BELOW)), pl.lit(str(Qualifier.ABOVE))
_QUANTIFIED, _NOT_APPLICABLE = pl.lit(str(Qualifier.QUANTIFIED)), pl.lit(str(Qualifier.NOT_APPLICABLE))
_UNIT_KEY = ["unit", "tail", "item_unit"]
_MANY_DIGITS = 2.0**32
"""Last digits that a value counts from which a float lacks more than 1e-6 of the last digit."""


def typed(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of numeric items with qualifier, value, lower, upper, decimals and the rule that refuses them added.

    A number without sign is quantified, with `<` or a word such as 未检出 it is below, with `>` above; a non-detect takes its
    limit from its own text, else the delivered reporting limit, else the item's LOD, else its LOQ. On a ratio or count
    scale it starts at 0, on an interval scale it is open below.
    """
    read = _with_conversion(_parts(rows.with_columns(_plain(pl.col("text")).alias("plain"))))
    read = read.with_columns(_exactly(read, "number").alias("number_exact"))
    read = read.with_columns(_number_value().alias("number_value"), _exactly(read, "reporting_limit").alias("limit_delivered"))
    read = read.with_columns(_qualifier().alias("qualifier"), _limit().alias("limit"))
    read = read.with_columns(*_interval(), _decimals().alias("decimals"), _rule().alias("rule"))
    return read.with_columns(_rest(read).alias("rest"))


def _plain(text: pl.Expr) -> pl.Expr:
    """One way of writing: ASCII digits and signs, `e5` for ×10⁵, `<0.01` for 小于0.01 and 未检出(<0.01)."""
    text = words.plain_column(text)
    power = text.str.replace(r"(10)\s*([⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+)", "$1^$2").str.replace_many(_SUPERSCRIPTS)
    text = pl.when(text.str.contains("10", literal=True)).then(power.str.replace(_POWER_OF_TEN, "e$1")).otherwise(text)
    text = text.str.replace(_RANGE_WORD, "$1~$2")
    return text.str.replace_many(_SIGN_WORDS, leftmost=True).str.replace(_WITH_LIMIT, "<$1")


def _parts(rows: pl.DataFrame) -> pl.DataFrame:
    """Sign, digits, exponent and trailing unit of the text, and which special word it is."""
    groups = pl.col("plain").str.extract_groups(_NUMBER)
    sign, minus, whole, fraction, exponent, tail = (groups.struct[place] for place in range(6))
    lower = pl.col("plain").str.to_lowercase()
    below = pl.when(lower.str.starts_with("<")).then(lower.str.replace(r"^<=?\s*", ""))
    result = words.lists()["result"]
    rows = rows.with_columns(sign.alias("sign"), fraction.alias("fraction"), exponent.alias("exponent"), tail.alias("tail"),
                             minus.alias("minus"), whole.str.replace_all(",", "", literal=True).alias("whole"))  # fmt: skip
    digits = pl.col("whole").fill_null("") + "." + pl.col("fraction").fill_null("") + "0"
    mantissa = pl.col("minus").str.replace("+", "", literal=True) + "0" + digits
    number = mantissa + "e" + pl.col("exponent").fill_null("0")
    ambiguous = pl.col("plain").str.contains(marks.AMBIGUOUS)
    has_digits = pl.col("whole").is_not_null() | (pl.col("fraction").str.len_chars() > 0)
    has_digits = has_digits & ~ambiguous
    return rows.with_columns(
        ambiguous.alias("ambiguous"),
        pl.when(has_digits).then(mantissa).alias("mantissa"),
        pl.when(has_digits).then(number).alias("number"),
        pl.when(has_digits).then("tail").alias("tail"),
        lower.is_in(result["not_applicable"]).fill_null(False).alias("is_not_applicable"),
        lower.is_in(result["nondetect"]).fill_null(False).alias("is_nondetect"),
        below.is_in(result["detection_limit"]).fill_null(False).alias("below_lod"),
        below.is_in(result["quantification_limit"]).fill_null(False).alias("below_loq"),
    )


def _with_conversion(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with `unit_rule` (why the unit is refused), `factor` (from the delivered unit to the item's) and `shift` (its
    power of ten, where it is one)."""
    kinds = rows.select(_UNIT_KEY).unique()
    conversions = [_conversion(*kind) for kind in kinds.iter_rows()]
    kinds = kinds.with_columns(
        pl.Series("unit_rule", [_unit_rule(*kind) for kind in kinds.iter_rows()], dtype=pl.String),
        pl.Series("factor", [float(found.factor) if found else None for found in conversions], dtype=pl.Float64),
        pl.Series("shift", [found.power_of_ten if found else None for found in conversions], dtype=pl.Int64),
    )
    return rows.join(kinds, on=_UNIT_KEY, how="left", nulls_equal=True, maintain_order="left")


def _unit_in_force(unit: str | None, tail: str | None) -> str:
    """The unit that a result is in: its column's, else the one behind the number, else `1`."""
    written = units.canonical(unit or "1")
    return units.canonical(tail) if tail and written == "1" else written


def _unit_rule(unit: str | None, tail: str | None, item_unit: str) -> str | None:
    """Why a unit is refused: it is missing, contradicts the one behind the number, or cannot become the item's."""
    in_force = _unit_in_force(unit, tail)
    if tail and units.canonical(tail) != in_force:
        return "unit_contradicts"
    if in_force == "1" and units.canonical(item_unit) != "1":
        return "missing_unit"  # 12.5 without a unit may be 12.5 % as well as 1250 %
    return "unknown_unit" if units.conversion(in_force, item_unit) is None else None


def _conversion(unit: str | None, tail: str | None, item_unit: str) -> units.Conversion | None:
    """How the delivered number becomes one in the item's unit; None where the unit is refused."""
    refused = _unit_rule(unit, tail, item_unit)
    return None if refused else units.conversion(_unit_in_force(unit, tail), item_unit)


def changes_nothing(unit: str | None, item_unit: str) -> bool:
    """Whether a number in a column's unit is one in the item's as it stands."""
    conversion = _conversion(unit, None, item_unit)
    return conversion is not None and conversion.power_of_ten == 0


def _number_value() -> pl.Expr:
    """The number in the item's unit, rounded once: powers of ten move the exponent, all else was converted exactly."""
    exponent = pl.col("exponent").cast(pl.Int64).fill_null(0) + pl.col("shift")
    moved = (pl.col("mantissa") + "e" + exponent.cast(pl.String)).cast(pl.Float64, strict=False)
    return pl.when(pl.col("shift").is_not_null()).then(moved).otherwise(pl.col("number_exact"))


def _exactly(rows: pl.DataFrame, number: str) -> pl.Series:
    """Delivered numbers of the rows converted exactly, once a distinct number and unit; null where there is none."""
    key = [number, *_UNIT_KEY]
    kinds = rows.select(*key, "unit_rule", "shift").filter(pl.col(number).is_not_null() & pl.col("unit_rule").is_null())
    if number == "number":  # most numbers need no more than a moved exponent
        kinds = kinds.filter(pl.col("shift").is_null())
    if kinds.is_empty():
        return pl.repeat(None, rows.height, dtype=pl.Float64, eager=True)
    kinds = kinds.select(key).unique()
    conversions = [(text, _conversion(*kind)) for text, *kind in kinds.iter_rows()]
    made = [conversion.of(text) if conversion else None for text, conversion in conversions]
    kinds = kinds.with_columns(pl.Series("made", made, dtype=pl.Float64))
    return rows.select(key).join(kinds, on=key, how="left", nulls_equal=True, maintain_order="left")["made"]


def _rest(rows: pl.DataFrame) -> pl.Series:
    """The delivered number, converted exactly, less the float that stands for it; null where that does not count.

    A float holds 2⁵³ steps: of 1000000000000.4 it keeps three digits behind the point, and differences of such numbers
    would be good to as many. Value + rest is the delivered number to 32 digits.
    """
    key = ["number", *_UNIT_KEY, "value"]
    last_digits = pl.col("mantissa").cast(pl.Float64, strict=False).abs() * 10.0 ** pl.col(
        "fraction"
    ).str.len_chars().fill_null(0)
    many = rows.filter(pl.col("rule").is_null() & pl.col("value").is_not_null() & (last_digits >= _MANY_DIGITS))
    if many.is_empty():
        return pl.repeat(None, rows.height, dtype=pl.Float64, eager=True).alias("rest")
    kinds = many.select(key).unique()
    conversions = [(text, _conversion(*unit), value) for text, *unit, value in kinds.iter_rows()]
    found = [conversion.rest(text, value) if conversion else None for text, conversion, value in conversions]
    kinds = kinds.with_columns(pl.Series("rest", found, dtype=pl.Float64))
    return rows.select(key).join(kinds, on=key, how="left", nulls_equal=True, maintain_order="left")["rest"]


def _qualifier() -> pl.Expr:
    """What the text says, else what the qualifier's own column says, else quantified."""
    said = _said_by_text()
    return pl.coalesce(said, pl.col("delivered_qualifier"), _QUANTIFIED)


def _said_by_text() -> pl.Expr:
    below = pl.col("sign").is_in(["<", "<="]) | pl.col("is_nondetect") | pl.col("below_lod") | pl.col("below_loq")
    return (
        pl.when(pl.col("is_not_applicable")).then(_NOT_APPLICABLE)
        .when(below.fill_null(False)).then(_BELOW)
        .when(pl.col("sign").is_in([">", ">="])).then(_ABOVE)
        .when(pl.col("sign") == "=").then(_QUANTIFIED)
    )  # fmt: skip


def _limit() -> pl.Expr:
    """The limit that a censored result states."""
    by_loq = pl.when(pl.col("below_loq")).then(pl.coalesce("limit_delivered", "loq", "lod"))
    by_lod = pl.when(pl.col("below_lod")).then(pl.coalesce("lod", "limit_delivered", "loq"))
    return pl.coalesce("number_value", by_loq, by_lod, "limit_delivered", "lod", "loq")


def _is(qualifier: pl.Expr) -> pl.Expr:
    return pl.col("qualifier") == qualifier


def _starts_at_zero() -> pl.Expr:
    return pl.col("scale").is_in([str(Scale.RATIO), str(Scale.COUNT)])


def _interval() -> list[pl.Expr]:
    """Value and the interval that the result states."""
    number, limit = pl.col("number_value") + 0.0, pl.col("limit") + 0.0  # -0 becomes 0
    lower = pl.when(_is(_QUANTIFIED)).then(number).when(_is(_ABOVE)).then(limit).when(_is(_BELOW) & _starts_at_zero()).then(0.0)
    upper = pl.when(_is(_QUANTIFIED)).then(number).when(_is(_BELOW)).then(limit)
    return [pl.when(_is(_QUANTIFIED)).then(number).alias("value"), lower.alias("lower"), upper.alias("upper")]


def _decimals() -> pl.Expr:
    """Decimal place of the last digit as delivered: 2 for 1.20, 4 for 1.2e-3, 0 for 12 and 1.2e3."""
    places = pl.col("fraction").str.len_chars().cast(pl.Int64).fill_null(0) - pl.col("exponent").cast(pl.Int64).fill_null(0)
    return pl.when(pl.col("number").is_not_null()).then(places.clip(lower_bound=0))


def _rule() -> pl.Expr:
    """The first rule that a row breaks."""
    number = pl.col("number_value")
    needs_number = _is(_QUANTIFIED) | _is(_ABOVE) | (_is(_BELOW) & pl.col("plain").is_not_null())
    wordless = pl.col("number").is_null() & ~(pl.col("is_nondetect") | pl.col("below_lod") | pl.col("below_loq"))
    states_limit = pl.col("number").is_not_null() | pl.col("reporting_limit").is_not_null()
    vanished = (number == 0) & pl.col("number").str.contains(r"[1-9].*e")
    endless = ~number.is_finite().fill_null(True) | ~pl.col("limit").is_finite().fill_null(True)
    fraction = pl.col("scale").eq(str(Scale.COUNT)) & (number != number.floor())
    contradicts = _said_by_text() != pl.col("delivered_qualifier")
    return (
        pl.when(contradicts.fill_null(False)).then(pl.lit("qualifier_contradicts"))
        .when(_is(_NOT_APPLICABLE)).then(None)
        .when(pl.col("plain").is_null() & ~_is(_BELOW)).then(pl.lit("missing_value"))
        .when(needs_number & wordless & pl.col("plain").str.contains(_DATE)).then(pl.lit("date_for_number"))
        .when(needs_number & wordless & pl.col("plain").str.contains(_RANGE)).then(pl.lit("range_for_number"))
        .when(needs_number & wordless & pl.col("ambiguous")).then(pl.lit("mark_ambiguous"))
        .when(needs_number & wordless).then(pl.lit("not_a_number"))
        .when(pl.col("unit_rule").is_not_null() & (states_limit | (pl.col("unit_rule") != "missing_unit"))).then("unit_rule")
        .when(endless | vanished.fill_null(False)).then(pl.lit("out_of_range"))
        .when(_starts_at_zero() & (number < 0).fill_null(False)).then(pl.lit("negative_on_ratio"))
        .when(_starts_at_zero() & _is(_BELOW) & (pl.col("limit") <= 0).fill_null(False)).then(pl.lit("negative_on_ratio"))
        .when(fraction.fill_null(False)).then(pl.lit("fraction_for_count"))
    )  # fmt: skip
