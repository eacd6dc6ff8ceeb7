"""The database's clock is the only clock: what expires is compared, and what lasts is counted, by it alone.

Instants have one canonical text on both databases: UTC with microseconds, `2031-07-31T22:00:00.000000Z`.
"""

from datetime import UTC, datetime

from authz.session import ReadSession
from schema.errors import FieldgateError


async def read_clock(session: ReadSession) -> datetime:
    """The database's present."""
    dialect = session.dialect
    [[text]] = await session.fetch(f"SELECT {dialect.instant_text(dialect.now)}")
    return from_canonical(text)


def canonical(moment: datetime) -> str:
    """The canonical text of a moment."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_canonical(text: str) -> datetime:
    """The moment of a canonical text."""
    return datetime.fromisoformat(text)


async def in_future(session: ReadSession, moment: datetime) -> str:
    """The canonical text of a moment that must lie ahead."""
    if moment <= await read_clock(session):
        raise FieldgateError("EXPIRY_INVALID", "The expiry is not in the future.")
    return canonical(moment)
