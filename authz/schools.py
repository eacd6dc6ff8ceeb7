"""Adding a school, the tenant whose data everything else is about. Its facts come later, by sync.

A school is found by its id only: two schools may have one name.
"""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from authz import audit
from authz.audit import Actor
from authz.session import ReadSession, WriteSession
from schema.errors import FieldgateError
from schema.ids import new_school_id

MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class SchoolSummary:
    """A school as the shell lists it."""

    id: str
    name: str | None
    timezone: str | None
    mis: str | None


async def add(session: WriteSession, name: str, *, by: Actor, timezone: str = "Europe/London", mis: str = "") -> str:
    """Add a school; its new id."""
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable() or not mis.isprintable():
        raise FieldgateError("SCHOOL_INVALID", "The school's name is empty, too long or not printable.")
    if not _is_timezone(timezone):
        raise FieldgateError("SCHOOL_INVALID", "The school's time zone is not an IANA name.")
    school_id = new_school_id()
    await session.execute(
        "INSERT INTO school (id, name, timezone, provider) VALUES (?, ?, ?, ?)",
        school_id, name.strip(), timezone, mis or None,
    )  # fmt: skip
    await audit.record(session, "school_added", chain=school_id, by=by, details={"name": name.strip()})
    return school_id


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # no such zone; a path, a folder, an empty or endless name
        return False
    return True


async def find(session: ReadSession, school_id: str) -> SchoolSummary:
    """The school of the id."""
    for school in await _read(session, " AND id = ?", school_id):
        return school
    raise FieldgateError("SCHOOL_UNKNOWN", "There is no school with this id.")


async def listed(session: ReadSession) -> list[SchoolSummary]:
    """Every school, by name."""
    return sorted(await _read(session, ""), key=lambda school: (school.name or "", school.id))


async def _read(session: ReadSession, condition: str, *parameters: object) -> list[SchoolSummary]:
    rows = await session.fetch(
        f"SELECT id, name, timezone, provider FROM school WHERE deleted_at IS NULL{condition}", *parameters
    )
    return [SchoolSummary(*row) for row in rows]
