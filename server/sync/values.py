"""One value of the MIS API → one stored value, strictly, by the kind that its field declares.

A parser gives the canonical value, or an `Odd` that says what was kept and why. Nothing is guessed: what is not
plainly a value of its kind becomes null and is recorded. A blank text is null, as the MIS means it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from schema.fields import Choice, Kind
from server.sync.findings import KEPT, REFUSED, Outcome
from server.sync.text import storable
from server.sync.upn import is_valid_upn

Stored = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Odd:
    """A value that was not as it should be: what is stored in its place, and why."""

    stored: Stored
    code: str
    outcome: Outcome


Parse = Callable[[object], "Stored | Odd"]

MIN_INT, MAX_INT = -(2**31), 2**31 - 1
_WHOLE = re.compile(r"-?[1-9][0-9]{0,9}|0")
_DECIMAL = re.compile(r"-?[0-9]{1,12}(?:\.[0-9]{1,12})?")
_MOMENT = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ](?P<clock>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)(?P<offset>Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_OFFSET = re.compile(r"([+-])([0-9]{2}):([0-9]{2})")
_ABBREVIATIONS = {"UTC": UTC, "GMT": UTC, "Z": UTC, "BST": timezone(timedelta(hours=1))}


def text(value: object) -> Stored | Odd:
    """Text as it is, blank text as null; a number is taken for its text."""
    if value is None:
        return None
    if not isinstance(value, str):
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            return str(value)
        return None if value == [] else Odd(None, "BAD_TEXT", REFUSED)  # PHP writes an empty object as []
    kept = storable(value)
    if kept is not value:
        return Odd(kept if kept.strip() else None, "BAD_CHARACTERS", KEPT)
    return value if value.strip() else None


def upn(value: object) -> Stored | Odd:
    """A UPN as the MIS gives it; a wrong one is kept and flagged."""
    parsed = text(value)
    if isinstance(parsed, str) and not is_valid_upn(parsed):
        return Odd(parsed, "UPN_CHECK_FAILED", KEPT)
    return parsed


def boolean(value: object) -> Stored | Odd:
    """True or false, nothing that merely looks like it; blank is unknown, and recorded: it may be a court order."""
    if value is None or value is True or value is False:
        return value
    return Odd(None, "BLANK_BOOLEAN", KEPT) if _is_blank(value) else Odd(None, "BAD_BOOLEAN", REFUSED)


def denying(value: object) -> Stored | Odd:
    """A fact that takes access away: what cannot be read is taken for true, so that nobody gets access by it."""
    return _unreadable_as(value, safe=True)


def granting(value: object) -> Stored | Odd:
    """A fact that gives access: what cannot be read is taken for false. A blank stays unknown."""
    return _unreadable_as(value, safe=False)


def _unreadable_as(value: object, *, safe: bool) -> Stored | Odd:
    parsed = boolean(value)
    unreadable = isinstance(parsed, Odd) and parsed.code == "BAD_BOOLEAN"
    return Odd(safe, "UNREADABLE_FACT", KEPT) if unreadable else parsed


def integer(value: object) -> Stored | Odd:
    """A whole number within 32 bits, or its plain text (`7`; not `07`, `7.0` or `true`)."""
    if value is None or _is_blank(value):
        return None
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and _WHOLE.fullmatch(value):
        number = int(value)
    return number if number is not None and MIN_INT <= number <= MAX_INT else Odd(None, "BAD_NUMBER", REFUSED)


def natural(value: object) -> Stored | Odd:
    """A whole number that is not negative."""
    parsed = integer(value)
    return Odd(None, "BAD_NUMBER", REFUSED) if isinstance(parsed, int) and parsed < 0 else parsed


def decimal(value: object) -> Stored | Odd:
    """A decimal number as canonical text: no exponent, no zeros that say nothing."""
    if value is None or _is_blank(value):
        return None
    if isinstance(value, str):
        number = Decimal(value) if _DECIMAL.fullmatch(value) else None
    else:
        number = Decimal(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else None
    # Checked before it is written out: 1e999999 is short as a number and a megabyte as text.
    if (
        number is None
        or not number.is_finite()
        or not -13 < number.adjusted() < 12
        or len(number.as_tuple().digits) > 24
    ):
        return Odd(None, "BAD_NUMBER", REFUSED)
    plain = f"{number.normalize():f}"
    return Odd(None, "BAD_NUMBER", REFUSED) if len(plain) > 26 else "0" if plain == "-0" else plain


def day(value: object) -> Stored | Odd:
    """A calendar day: the day as written, which is the day in the zone that the value names."""
    if value is None or _is_blank(value):
        return None
    written = value.get("date") if isinstance(value, dict) else value
    found = _MOMENT.fullmatch(written) if isinstance(written, str) else None
    try:
        return date.fromisoformat(found["day"]).isoformat() if found else Odd(None, "BAD_DATE", REFUSED)
    except ValueError:
        return Odd(None, "BAD_DATE", REFUSED)


def instant(value: object, zone: tzinfo) -> Stored | Odd:
    """A moment in UTC. `zone` is the school's, for values that name none."""
    if value is None or _is_blank(value):
        return None
    written, named = (value.get("date"), value.get("timezone")) if isinstance(value, dict) else (value, None)
    found = _MOMENT.fullmatch(written) if isinstance(written, str) else None
    its_zone = zone if named is None else zone_named(named) if isinstance(named, str) else None
    if found is None or its_zone is None:
        return Odd(None, "BAD_DATE", REFUSED)
    if found["offset"]:
        its_zone = zone_named(found["offset"]) or its_zone
    try:
        moment = datetime.fromisoformat(f"{found['day']}T{found['clock'] or '00:00'}").replace(tzinfo=its_zone)
        return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"
    except (ValueError, OverflowError):
        return Odd(None, "BAD_DATE", REFUSED)


@lru_cache(maxsize=64)
def zone_named(name: str) -> tzinfo | None:
    """The time zone of that name, offset (`+01:00`) or usual abbreviation; None where there is none."""
    offset = _OFFSET.fullmatch(name)
    if offset:
        length = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        return timezone(length if offset[1] == "+" else -length) if length < timedelta(days=1) else None
    if name in _ABBREVIATIONS:
        return _ABBREVIATIONS[name]
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, not a name, or a folder of names
        return None


def choice(kind: Choice) -> Parse:
    """A parser of one closed set; a value outside it is OTHER where the set has that, else null."""
    other = "OTHER" if "OTHER" in kind.names else None

    def parse(value: object) -> Stored | Odd:
        if value is None or _is_blank(value):
            return None
        if isinstance(value, str) and (name := value.strip().upper()) in kind.names:
            return name
        kept = other if isinstance(value, str) else None
        return Odd(kept, "UNKNOWN_CHOICE", KEPT if kept else REFUSED)

    return parse


def parser(kind: Kind | Choice, zone: tzinfo) -> Parse:
    """The parser of a declared kind; `zone` is the school's."""
    if isinstance(kind, Choice):
        return choice(kind)
    parsers: dict[Kind, Parse] = {
        Kind.ID: text,
        Kind.TEXT: text,
        Kind.INT: integer,
        Kind.BOOL: boolean,
        Kind.DATE: day,
        Kind.INSTANT: lambda value: instant(value, zone),
        Kind.DECIMAL: decimal,
    }
    return parsers[kind]


def _is_blank(value: object) -> bool:
    return (isinstance(value, str) and not value.strip()) or value == []
