"""The only writer of record updates: changes that contacts submit to records which the MIS owns.

An update never touches a column of the MIS's. It stays open, whatever syncs bring, until the MIS delivers its value or
staff reject it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from authz import access, audit
from authz.access import opened_sql
from authz.audit import Actor
from authz.clock import canonical, from_canonical, read_clock
from authz.id_lists import among, listed
from authz.presence import Presence
from authz.session import Dialect, ReadSession, Row, WriteSession
from authz.submitted import checked_line, checked_text
from schema.contact_record import DESCRIPTION, OWN_DETAILS
from schema.errors import FieldgateError
from schema.ids import new_record_id, school_of

CONTACT = "contact"
MEDICAL_CONDITION = "medical_condition"
MOST_OPEN = 100
MOST_LISTED = 500
DELIVERED_BY = Actor("sync")


@dataclass(frozen=True, slots=True)
class OpenUpdate:
    """An update that waits. `subject_id`: the contact, the condition or, for one to add, the student."""

    id: str
    entity: str
    subject_id: str
    student_id: str | None
    contact_id: str
    field: str
    old_value: str | None
    new_value: str | None
    submitted_at: str


# Submitting -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Subject:
    """What an update is about, its row locked: the value that the MIS has, null for a condition to add."""

    entity: str
    id: str
    student_id: str | None
    stored: str | None

    @property
    def adds(self) -> bool:
        return self.id == self.student_id


def checked_value(field: str, value: str | None) -> str | None:
    """A new value of a field as it can be stored; or the refusal, before any transaction begins."""
    return checked_text(value, "The description") if field == DESCRIPTION else checked_line(value, "The value")


async def submit(
    session: WriteSession, presence: Presence, subject_id: str, field: str, new: str | None, expected: str | None
) -> OpenUpdate:
    """Submit a new value of one field, as `checked_value` made it.

    `expected`: the value in effect that the contact saw; another is a conflict.
    """
    subject = await _locked(session, presence, subject_id, field)
    school_id = presence.principal.school_id
    shown = await shown_to(session, presence)
    # In effect is the newest open update that the contact is shown, else what the MIS has.
    open_now = [each for each in shown if each.subject_id == subject.id and each.field == field]
    newest = open_now[-1] if open_now else None
    if subject.adds:
        before = None
        await _refuse_known(session, presence, subject, new, open_now)
    else:
        before = newest.new_value if newest else subject.stored
        if (expected or None) != (before or None):
            raise _conflict(newest)
        if new == (before or None):
            raise FieldgateError("UPDATE_INVALID", "The new value is the one in effect.")
    await _refuse_more(session, presence)
    update = OpenUpdate(
        id=new_record_id("upd", school_id),
        entity=subject.entity,
        subject_id=subject.id,
        student_id=subject.student_id,
        contact_id=presence.principal.contact_id,
        field=field,
        old_value=before,
        new_value=new,
        submitted_at=await _moment_after(session, newest),
    )
    await _insert(session, school_id, update, presence.actor)
    return update


async def _locked(session: WriteSession, presence: Presence, subject_id: str, field: str) -> _Subject:
    """The subject, locked, so that of two editors the second sees what the first submitted."""
    if school_of(subject_id) != presence.principal.school_id:
        raise record_unknown()
    school_id, lock = presence.principal.school_id, session.dialect.row_lock
    if subject_id == presence.principal.contact_id:
        if field not in OWN_DETAILS:
            raise _no_such_field()
        rows = await session.fetch(
            f"SELECT {field} FROM contact WHERE school_id = ? AND id = ? AND deleted_at IS NULL{lock}",
            school_id, subject_id,
        )  # fmt: skip
        found = [_Subject(CONTACT, subject_id, None, row[0]) for row in rows]
    elif subject_id in presence.student_ids:
        rows = await session.fetch(
            f"SELECT id FROM student WHERE school_id = ? AND id = ?{lock}", school_id, subject_id
        )
        found = [_Subject(MEDICAL_CONDITION, subject_id, subject_id, None) for _ in rows]
    else:
        rows = await session.fetch(
            "SELECT student_id, description FROM medical_condition WHERE school_id = ? AND id = ? "
            f"AND deleted_at IS NULL AND student_id {among(session.dialect)}{lock}",
            school_id, subject_id, listed(presence.student_ids),
        )  # fmt: skip
        found = [_Subject(MEDICAL_CONDITION, subject_id, student_id, stored) for student_id, stored in rows]
    if not found:
        raise record_unknown()
    if found[0].entity == MEDICAL_CONDITION and field != DESCRIPTION:
        raise _no_such_field()
    return found[0]


async def _refuse_known(
    session: WriteSession, presence: Presence, subject: _Subject, new: str | None, open_now: Sequence[OpenUpdate]
) -> None:
    """A condition to add has a description; two who add the same one are a conflict, since the student has it once."""
    if new is None:
        raise FieldgateError("UPDATE_INVALID", "A condition to add has no description.")
    for update in open_now:
        if update.new_value == new:
            raise _conflict(update)
    if await session.fetch(
        "SELECT 1 FROM medical_condition WHERE school_id = ? AND student_id = ? AND description = ? "
        "AND deleted_at IS NULL",
        presence.principal.school_id, subject.id, new,
    ):  # fmt: skip
        raise _conflict(None)


async def _refuse_more(session: WriteSession, presence: Presence) -> None:
    principal = presence.principal
    [[count]] = await session.fetch(
        "SELECT count(*) FROM record_update WHERE school_id = ? AND state = 'SUBMITTED' AND contact_id = ?",
        principal.school_id, principal.contact_id,
    )  # fmt: skip
    if count >= MOST_OPEN:
        raise FieldgateError("LIMIT_REACHED", f"There are {MOST_OPEN} open updates already.")


async def _moment_after(session: WriteSession, newest: OpenUpdate | None) -> str:
    """Now. INVARIANT: of two updates of one field the later has the later moment, however coarse the clock is."""
    now = await read_clock(session)
    if newest is not None:
        now = max(now, from_canonical(newest.submitted_at) + timedelta(microseconds=1))
    return canonical(now)


async def _insert(session: WriteSession, school_id: str, update: OpenUpdate, by: Actor) -> None:
    await session.execute(
        "INSERT INTO record_update (school_id, id, student_id, contact_id, entity, subject_id, field, old_value, "
        f"new_value, submitted_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, {session.dialect.instant()}, 'SUBMITTED')",
        school_id, update.id, update.student_id, update.contact_id, update.entity, update.subject_id, update.field,
        update.old_value, update.new_value, update.submitted_at,
    )  # fmt: skip
    # No value: the trail outlives what it tells of.
    details = {"update": update.id, "contact": update.contact_id, "subject": update.subject_id, "field": update.field}
    await audit.record(session, "record_update_submitted", chain=school_id, by=by, details=details)


def _conflict(newest: OpenUpdate | None) -> FieldgateError:
    if newest is None:
        return FieldgateError("CONFLICT", "The MIS has another value now than the one that was expected.")
    return FieldgateError("CONFLICT", "Another update of this is open.", updateId=newest.id)


def _no_such_field() -> FieldgateError:
    return FieldgateError("UPDATE_INVALID", "The record has no such field that could be updated.")


def record_unknown() -> FieldgateError:
    """Records that are not there, of others and of other schools are one refusal."""
    return FieldgateError("RECORD_UNKNOWN", "There is no such record.")


# Reading ----------------------------------------------------------------------------------------------------------


def _columns(dialect: Dialect) -> str:
    submitted = dialect.instant_text("u.submitted_at")
    return f"u.id, u.entity, u.subject_id, u.student_id, u.contact_id, u.field, u.old_value, u.new_value, {submitted}"


async def shown_to(session: ReadSession, presence: Presence) -> list[OpenUpdate]:
    """The open updates that a contact is shown, the newest last: its own of its details, and those of its students'
    conditions by contacts who have access to that student now."""
    principal, students = presence.principal, listed(presence.student_ids)
    settings = await access.settings_of(session, principal.school_id)
    ids = among(session.dialect)
    links = opened_sql(session.dialect, settings, "l.student_id, l.contact_id", f" AND l.student_id {ids}")
    rows = await session.fetch(
        f"WITH link AS ({links}) "
        f"SELECT {_columns(session.dialect)}, m.description FROM record_update u "
        "LEFT JOIN medical_condition m ON m.school_id = u.school_id AND m.id = u.subject_id AND m.deleted_at IS NULL "
        "WHERE u.school_id = ? AND u.state = 'SUBMITTED' "
        # The students come first: the links are looked at for their updates, not for every open one of the school.
        f"AND ((u.entity = '{CONTACT}' AND u.subject_id = ?) OR (u.student_id {ids} AND EXISTS (SELECT 1 FROM link "
        "WHERE link.student_id = u.student_id AND link.contact_id = u.contact_id))) ORDER BY u.submitted_at, u.id",
        principal.school_id, students, principal.school_id, principal.contact_id, students,
    )  # fmt: skip
    return _without_hidden([(OpenUpdate(*row[:-1]), row[-1]) for row in rows])


def _without_hidden(found: Sequence[tuple[OpenUpdate, str | None]]) -> list[OpenUpdate]:
    """The updates, each with the MIS's value; old values that the contact is not shown otherwise are left out.

    INVARIANT: what a contact submitted is not shown once that contact has no access: not as another's old value either.
    """
    values: dict[str, set[str | None]] = {}
    shown = []
    for update, stored in found:
        known = values.setdefault(update.subject_id, {stored})
        hidden = update.entity == MEDICAL_CONDITION and update.old_value not in known
        shown.append(replace(update, old_value=None) if hidden else update)
        known.add(update.new_value)
    return shown


async def open_at(session: ReadSession, school_id: str, most: int = MOST_LISTED) -> list[OpenUpdate]:
    """The school's open updates, the oldest first."""
    rows = await session.fetch(
        f"SELECT {_columns(session.dialect)} FROM record_update u WHERE u.school_id = ? AND u.state = 'SUBMITTED' "
        "ORDER BY u.submitted_at, u.id LIMIT ?",
        school_id,
        min(most, MOST_LISTED),
    )
    return [OpenUpdate(*row) for row in rows]


async def names(session: ReadSession, school_id: str, updates: Sequence[OpenUpdate]) -> dict[str, str]:
    """The names of the contacts and students of these updates, by id, for staff."""
    ids = listed({each for update in updates for each in (update.contact_id, update.student_id) if each is not None})
    found: dict[str, str] = {}
    for table in ("contact", "student"):
        rows = await session.fetch(
            f"SELECT id, forename, surname FROM {table} WHERE school_id = ? AND id {among(session.dialect)}",
            school_id,
            ids,
        )
        found |= {row[0]: " ".join(part for part in row[1:] if part) for row in rows}
    return found


# Closing ----------------------------------------------------------------------------------------------------------


async def reject(session: WriteSession, school_id: str, update_id: str, *, by: Actor) -> None:
    """Close an open update of the school without its value; what was in effect before is so again."""
    if school_of(update_id) != school_id:
        raise record_unknown()
    rows = await session.fetch(
        f"UPDATE record_update SET state = 'REJECTED', closed_at = {session.dialect.now}, closed_by = ? "
        "WHERE school_id = ? AND id = ? AND state = 'SUBMITTED' RETURNING contact_id, field",
        by.name, school_id, update_id,
    )  # fmt: skip
    if not rows:
        raise record_unknown()
    contact_id, field = rows[0]
    details = {"update": update_id, "contact": contact_id, "field": field}
    await audit.record(session, "record_update_rejected", chain=school_id, by=by, details=details)


async def close_delivered(session: WriteSession, school_id: str) -> int:
    """Close the school's open updates whose value is what is stored now; a sync calls it when it has written.

    An older open update of the same thing closes with the newer one that took its place. How many were closed.
    """
    dialect = session.dialect
    rows = await session.fetch(
        f"SELECT u.id, u.subject_id, u.student_id, u.field, {dialect.instant_text('u.submitted_at')}, "
        f"{_DELIVERED} WHERE u.school_id = ? AND u.state = 'SUBMITTED'",
        school_id,
    )
    closing = _closing(rows)
    if not closing:
        return 0
    closed = await session.fetch(
        f"UPDATE record_update SET state = 'DELIVERED', closed_at = {dialect.now}, closed_by = ? "
        f"WHERE school_id = ? AND state = 'SUBMITTED' AND id {among(dialect)} RETURNING id, contact_id, field",
        DELIVERED_BY.name, school_id, listed(closing),
    )  # fmt: skip
    for update_id, contact_id, field in sorted(tuple(row) for row in closed):
        details = {"update": update_id, "contact": contact_id, "field": field}
        await audit.record(session, "record_update_delivered", chain=school_id, by=DELIVERED_BY, details=details)
    return len(closed)


def _closing(rows: Sequence[Row]) -> set[str]:
    """The updates to close: those delivered, and those that a later delivered one of the same field replaced."""
    latest: dict[tuple[str, str], str] = {}
    for _, subject_id, _, field, moment, delivered in rows:
        if delivered:
            latest[subject_id, field] = max(moment, latest.get((subject_id, field), ""))
    return {
        update_id
        for update_id, subject_id, student_id, field, moment, delivered in rows
        # Conditions to add have one subject, the student, and do not take each other's place.
        if delivered or (subject_id != student_id and moment < latest.get((subject_id, field), ""))
    }


_DELIVERED = (
    f"CASE WHEN u.entity = '{CONTACT}' THEN c.id IS NOT NULL AND coalesce(CASE u.field "
    + " ".join(f"WHEN '{column}' THEN c.{column}" for column in OWN_DETAILS)
    + " END, '') = coalesce(u.new_value, '') WHEN u.subject_id = u.student_id THEN EXISTS (SELECT 1 "
    "FROM medical_condition a WHERE a.school_id = u.school_id AND a.student_id = u.student_id "
    "AND a.deleted_at IS NULL AND a.description = u.new_value) "
    "WHEN u.new_value IS NULL THEN m.id IS NULL ELSE coalesce(m.description = u.new_value, FALSE) END "
    "FROM record_update u "
    f"LEFT JOIN contact c ON u.entity = '{CONTACT}' AND c.school_id = u.school_id AND c.id = u.subject_id "
    "AND c.deleted_at IS NULL "
    f"LEFT JOIN medical_condition m ON u.entity = '{MEDICAL_CONDITION}' AND m.school_id = u.school_id "
    "AND m.id = u.subject_id AND m.deleted_at IS NULL"
)
"""SQL: whether what is stored of an update's subject is its new value, and FROM what that is known."""
