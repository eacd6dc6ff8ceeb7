"""What each kind of value becomes: canonical, null, or null with a reason."""

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schema.fields import Kind
from schema.mis.common import GENDER
from schema.mis.groups import GROUP_TYPE
from server.sync.findings import KEPT, REFUSED
from server.sync.values import Odd, natural, parser, upn
from tests.server.sync.wonde import php

LONDON = ZoneInfo("Europe/London")


def parsed(kind: Any, value: object) -> Any:
    return parser(kind, LONDON)(value)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("value", [None, "", "  ", "\u00a0", []])
def test_null_and_blank_are_null_whatever_the_kind(kind: Kind, value: object) -> None:
    blank_boolean = kind is Kind.BOOL and value is not None
    assert parsed(kind, value) == (Odd(None, "BLANK_BOOLEAN", KEPT) if blank_boolean else None)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (" O'Brien ", " O'Brien "),
        (7, "7"),
        (Decimal("1.50"), "1.50"),
        ("Zoë 学校 🎒", "Zoë 学校 🎒"),
        ("a\x00b\ud800c", Odd("abc", "BAD_CHARACTERS", KEPT)),
        ("\x00", Odd(None, "BAD_CHARACTERS", KEPT)),
        (True, Odd(None, "BAD_TEXT", REFUSED)),
        ({"a": 1}, Odd(None, "BAD_TEXT", REFUSED)),
        (["a"], Odd(None, "BAD_TEXT", REFUSED)),
    ],
)
def test_text_is_kept_as_it_is_without_what_no_database_holds(value: object, stored: object) -> None:
    assert parsed(Kind.TEXT, value) == stored


@pytest.mark.parametrize(
    ("value", "stored"), [(0, 0), (-7, -7), ("1", 1), ("0", 0), ("-3", -3), (2**31 - 1, 2**31 - 1)]
)
def test_a_whole_number_is_one_or_its_plain_text(value: object, stored: int) -> None:
    assert parsed(Kind.INT, value) == stored


@pytest.mark.parametrize(
    "value", ["01", "+1", "1.0", Decimal("1.0"), 1.5, True, False, "one", 2**31, -(2**31) - 1, "٣", {}]
)
def test_anything_else_is_no_whole_number(value: object) -> None:
    assert parsed(Kind.INT, value) == Odd(None, "BAD_NUMBER", REFUSED)


@pytest.mark.parametrize("value", [-1, "-1", True, "02"])
def test_a_priority_is_not_negative_and_strictly_a_number(value: object) -> None:
    assert natural(value) == Odd(None, "BAD_NUMBER", REFUSED)
    assert natural("1") == 1


@pytest.mark.parametrize("value", [True, False])
def test_true_and_false_are_booleans(value: bool) -> None:
    assert parsed(Kind.BOOL, value) is value


@pytest.mark.parametrize("value", [0, 1, "true", "false", "yes", "0", {}])
def test_what_looks_like_a_boolean_is_none(value: object) -> None:
    assert parsed(Kind.BOOL, value) == Odd(None, "BAD_BOOLEAN", REFUSED)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (Decimal("0.60"), "0.6"), ("0.50", "0.5"), (1, "1"), (Decimal("-0.0"), "0"), (Decimal("1E+2"), "100"),
        ("-12.25", "-12.25"),
    ],
)  # fmt: skip
def test_a_decimal_is_canonical_text(value: object, stored: str) -> None:
    assert parsed(Kind.DECIMAL, value) == stored


@pytest.mark.parametrize("value", ["0,5", "1e5", True, Decimal("1E+999999"), Decimal("1E-999999"), "NaN", {}])
def test_anything_else_is_no_decimal(value: object) -> None:
    assert parsed(Kind.DECIMAL, value) == Odd(None, "BAD_NUMBER", REFUSED)


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (php("2010-06-12"), "2010-06-12"),
        (php("2010-06-12 23:30:00.000000", "America/New_York"), "2010-06-12"),
        ("2010-06-12", "2010-06-12"),
        ("2010-06-12 00:00:00", "2010-06-12"),
        ("2010-06-12T00:00:00Z", "2010-06-12"),
    ],
)
def test_a_day_is_the_day_as_written_in_its_zone(value: object, day: str) -> None:
    assert parsed(Kind.DATE, value) == day


@pytest.mark.parametrize(
    "value",
    ["2010-02-30", "0000-00-00", "12/06/2010", "2010-6-12", "soon", 20100612, {}, {"date": None}, ["2010-06-12"]],
)
def test_a_date_that_is_no_date_is_refused(value: object) -> None:
    assert parsed(Kind.DATE, value) == Odd(None, "BAD_DATE", REFUSED)


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        (php("2015-10-29 14:53:44.000000", "UTC"), "2015-10-29T14:53:44.000000Z"),
        (php("2025-07-01 09:00:00.123456"), "2025-07-01T08:00:00.123456Z"),  # summer time
        ({"date": "2025-07-01 09:00:00.0", "timezone_type": 1, "timezone": "+05:30"}, "2025-07-01T03:30:00.000000Z"),
        ({"date": "2025-07-01 09:00:00.0", "timezone_type": 2, "timezone": "BST"}, "2025-07-01T08:00:00.000000Z"),
        ("2025-07-01T09:00:00Z", "2025-07-01T09:00:00.000000Z"),
        ("2025-07-01T09:00:00+02:00", "2025-07-01T07:00:00.000000Z"),
        ("2025-07-01 09:00:00", "2025-07-01T08:00:00.000000Z"),  # no zone: the school's
        ("2025-07-01", "2025-06-30T23:00:00.000000Z"),
    ],
)
def test_an_instant_is_utc_with_microseconds(value: object, instant: str) -> None:
    assert parsed(Kind.INSTANT, value) == instant


@pytest.mark.parametrize(
    "value",
    [
        php("2025-07-01 25:00:00.000000"), php("2025-07-01 09:00:00.000000", "Mars/Olympus"),
        php("2025-07-01 09:00:00.000000", "Europe"), php("2025-07-01 09:00:00.000000", "../etc/passwd"),
        php("0001-01-01 00:00:00.000000", "+14:00"), "9 am", 0, {"date": "2025-07-01", "timezone": 3},
    ],
)  # fmt: skip
def test_a_moment_that_does_not_exist_is_refused(value: object) -> None:
    assert parsed(Kind.INSTANT, value) == Odd(None, "BAD_DATE", REFUSED)


def test_a_choice_outside_its_set_is_other_where_there_is_one_and_null_elsewhere() -> None:
    assert parsed(GENDER, "FEMALE") == parsed(GENDER, " female ") == "FEMALE"
    assert parsed(GENDER, "X") == Odd(None, "UNKNOWN_CHOICE", REFUSED)
    assert parsed(GROUP_TYPE, "USER_DEFINED") == "USER_DEFINED"
    assert parsed(GROUP_TYPE, "ENRICHMENT") == Odd("OTHER", "UNKNOWN_CHOICE", KEPT)
    assert parsed(GROUP_TYPE, 5) == Odd(None, "UNKNOWN_CHOICE", REFUSED)


def test_a_wrong_upn_is_kept_and_flagged() -> None:
    assert upn("B801200005001") == "B801200005001"
    assert upn("C801200005001") == Odd("C801200005001", "UPN_CHECK_FAILED", KEPT)
    assert upn("") is None
