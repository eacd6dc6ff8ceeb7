"""Records as a Wonde-like API sends them in full: dates as objects, one-to-one includes under `data`, ids made up.

Demonstration data takes this shape so that it passes through the same validation and the same writer as a sync.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from random import Random

WireRecord = dict[str, object]

ZONE = "Europe/London"
FIRST_STAMP = datetime(2025, 8, 1, 6, 0)  # noqa: DTZ001 - written out as UTC below


class Source:
    """The random choices and the ids of one generated school; the same seed gives the same school."""

    def __init__(self, seed: str) -> None:
        self.random = Random(seed)  # noqa: S311 - repeatability is the point
        self._serial = self.random.randrange(10**10)

    def new_id(self) -> str:
        """An id such as `A0123456789`, unlike any other of this school."""
        self._serial = (self._serial + 7_654_321_097) % 10**10  # no common factor with 10**10: it goes through them all
        return f"A{self._serial:010d}"

    def new_upi(self) -> str:
        """32 hexadecimal digits."""
        return f"{self.random.getrandbits(128):032x}"

    def record(self, **values: object) -> WireRecord:
        """A record with an id, a MIS id and stamps."""
        own = self.new_id()
        created = FIRST_STAMP + timedelta(seconds=self.random.randrange(150 * 86_400))
        changed = created + timedelta(seconds=self.random.choice((0, 0, self.random.randrange(40 * 86_400))))
        stamps = {"created_at": moment(created), "updated_at": moment(changed)}
        return {"id": own, "mis_id": own[3:], **values, **stamps}

    def chance(self, share: float) -> bool:
        """True that often."""
        return self.random.random() < share


def day(value: date) -> WireRecord:
    """A calendar day as PHP writes it."""
    return {"date": f"{value.isoformat()} 00:00:00.000000", "timezone_type": 3, "timezone": ZONE}


def moment(value: datetime) -> WireRecord:
    """A moment in UTC as PHP writes it."""
    return {"date": f"{value.isoformat(sep=' ')}.000000", "timezone_type": 3, "timezone": "UTC"}


def included(values: object) -> WireRecord:
    """A one-to-one include."""
    return {"data": values}


def stubs(ids: Iterable[object]) -> WireRecord:
    """A to-many include of which only the ids matter."""
    return {"data": [{"id": own} for own in ids]}


def inner(record: Mapping[str, object], include: str) -> dict[str, object]:
    """What is in one of a generated record's includes, to be changed in place."""
    envelope = record[include]
    values = envelope["data"] if isinstance(envelope, dict) else None
    if not isinstance(values, dict):
        raise TypeError(include)
    return values


def listed(record: Mapping[str, object], include: str) -> list[WireRecord]:
    """The list in one of a generated record's to-many includes, to be changed in place."""
    envelope = record[include]
    values = envelope["data"] if isinstance(envelope, dict) else None
    if not isinstance(values, list):
        raise TypeError(include)
    return values
