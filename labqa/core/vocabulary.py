"""Ids and closed lists of the field: every word that a column, a rule or a page may use, defined once.

Members are plain strings in tables: write `str(member)`, since polars turns a `StrEnum` member into an Enum column.
"""

from __future__ import annotations

from enum import StrEnum


class Scale(StrEnum):
    """Scale of measurement of an item (Stevens; `count` is a ratio scale of whole numbers)."""

    RATIO = "ratio"
    INTERVAL = "interval"
    COUNT = "count"
    ORDINAL = "ordinal"
    BINARY = "binary"


NUMERIC_SCALES = (Scale.RATIO, Scale.INTERVAL, Scale.COUNT)


class Role(StrEnum):
    """What part a result plays: first test, retest of the reserve sample, referee, comparison round, assigned value."""

    ORIGINAL = "original"
    RETEST = "retest"
    REFEREE = "referee"
    PT = "pt"
    ASSIGNED = "assigned"


class Trigger(StrEnum):
    """How a retest came about; each selects samples in its own way (`planned` 复验, `objection` 复检, `expert`)."""

    PLANNED = "planned"
    OBJECTION = "objection"
    EXPERT = "expert"


class Qualifier(StrEnum):
    """What a delivered result says of its value: a number, below or above a reporting limit, or no test at all."""

    QUANTIFIED = "quantified"
    BELOW = "below"
    ABOVE = "above"
    NOT_APPLICABLE = "not_applicable"


class CompareMethod(StrEnum):
    """GB/T 8170: compare the full value with the limit (全数值) or the rounded one (修约值)."""

    FULL = "full"
    ROUNDED = "rounded"


class Severity(StrEnum):
    """Weight of a nonconformity: 致命, 重, 轻."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"


class Verdict(StrEnum):
    """Result of comparing a value with its specification limits."""

    CONFORMING = "conforming"
    NONCONFORMING = "nonconforming"
    NOT_ASSESSED = "not_assessed"


class LabClass(StrEnum):
    """Class of a laboratory, Ⅰ best (AQSIQ 公告 2012年第26号)."""

    ONE = "Ⅰ"
    TWO = "Ⅱ"
    THREE = "Ⅲ"
    FOUR = "Ⅳ"


class Status(StrEnum):
    """Whether a figure may be claimed. `not_assessed`: too little evidence; `undetermined`: enough, but sign or blame
    cannot be placed; `not_separable`: precision of one laboratory cannot be told from its partners'."""

    ASSESSED = "assessed"
    NOT_ASSESSED = "not_assessed"
    UNDETERMINED = "undetermined"
    NOT_SEPARABLE = "not_separable"


class OptionStatus(StrEnum):
    """Whether an option may be claimed; `not_offered`: what it rests on is not there."""

    ASSESSED = "assessed"
    NOT_ASSESSED = "not_assessed"
    UNDETERMINED = "undetermined"
    NOT_OFFERED = "not_offered"


class SelectionOption(StrEnum):
    """Which retests enter an estimate, and how. `default`: all but objection retests; `naive_with_objection`: those as if they
    were chosen at random; `expected`: what their choice alone does, without any bias; `conditional`: objection retests given
    their first result; `weighted`: planned retests by the inverse of their recorded probability; `blind_only`: without retests
    that saw the first result; `unblinded`, `blind_unknown`: those that did, and those of which it is not known."""

    DEFAULT = "default"
    NAIVE = "naive_with_objection"
    EXPECTED = "expected"
    CONDITIONAL = "conditional"
    WEIGHTED = "weighted"
    BLIND_ONLY = "blind_only"
    UNBLINDED = "unblinded"
    BLIND_UNKNOWN = "blind_unknown"


class Zero(StrEnum):
    """Against what a bias is stated: an anchor (CRM, assigned value), or the robust centre of the other laboratories."""

    ANCHORED = "anchored"
    RELATIVE = "relative"


class BlockKind(StrEnum):
    """Kind of a block (one sample × one item): two labs, several labs, only duplicates of one or a missing lab, one result."""

    PAIR = "pair"
    MULTIPLE = "multiple"
    DUPLICATE = "duplicate"
    SINGLE = "single"


class EvidenceKind(StrEnum):
    """What kind of evidence a block is, or a result that stands in none: numbers, some or all beyond a limit, grades, yes or
    no; one result, repetitions of one laboratory; assigned values, superseded revisions, results that do not apply."""

    QUANTIFIED = "quantified"
    SOME_CENSORED = "some_censored"
    ALL_CENSORED = "all_censored"
    GRADES = "grades"
    YES_NO = "yes_no"
    SINGLE = "single"
    DUPLICATE = "duplicate"
    ASSIGNED = "assigned"
    SUPERSEDED = "superseded"
    NOT_APPLICABLE = "not_applicable"


class UsedBy(StrEnum):
    """Which analysis between laboratories used a block: the fit of biases in σR, the interval likelihood, the model of grades,
    the agreement on yes or no; or none."""

    FIT = "fit"
    INTERVAL = "interval"
    GRADES = "grades"
    AGREEMENT = "agreement"
    NONE = "none"


class PairKind(StrEnum):
    """A pair between two named laboratories, or a duplicate (one laboratory twice, or a laboratory missing)."""

    BETWEEN = "between"
    DUPLICATE = "duplicate"


class Category(StrEnum):
    """How an original and its retest stand to each other."""

    AGREE = "agree"
    WITHIN_LIMITS = "within_limits"
    DISCREPANT = "discrepant"
    BLUNDER_SUSPECTED = "blunder_suspected"
    NOT_ASSESSED = "not_assessed"


class YardstickSource(StrEnum):
    """Where a tolerance comes from, in the order of preference (statistics: method, rule, network, Horwitz)."""

    METHOD = "method"
    PRODUCT_RULE = "product_rule"
    NETWORK = "network"
    HORWITZ = "horwitz"
    NONE = "none"


class Scope(StrEnum):
    """What a figure about a laboratory covers: all its items, one product family, one item."""

    LAB = "lab"
    FAMILY = "family"
    ITEM = "item"


class Influence(StrEnum):
    """What moved a bias: a block with the laboratory (row), a sample, a partner; and what the listed rows leave: its other
    blocks (rest), blocks of other laboratories (elsewhere), the part of the zero that is held (zero)."""

    ROW = "row"
    SAMPLE = "sample"
    PARTNER = "partner"
    REST = "rest"
    ELSEWHERE = "elsewhere"
    ZERO = "zero"


class Proposal(StrEnum):
    """What is put before the people who decide; nothing here is a decision."""

    NONE = "none"
    DOWNGRADE = "downgrade"
    UPGRADE = "upgrade"
    FIRST_RATING = "first_rating"


class Ground(StrEnum):
    """On what a proposal rests. `veto` is the literal legal counting rule and is always listed apart."""

    BIAS = "bias"
    PRECISION = "precision"
    GROSS = "gross"
    POINTS = "points"
    VETO = "veto"


def values(closed_list: type[StrEnum]) -> list[str]:
    """The words of a closed list, in their order."""
    return [str(member) for member in closed_list]
