"""The only writer of record updates: changes that contacts submit to records which the MIS owns.

An update never touches a column of the MIS's. It stays open, whatever syncs bring, until the MIS delivers its value or
staff reject it.
"""

from authz import audit
from authz.audit import Actor
from authz.session import WriteSession
from schema.people.contact import OWN_DETAILS

CONTACT = "contact"
MEDICAL_CONDITION = "medical_condition"
DESCRIPTION = "description"
"""Of a condition. Null as the new value ends the condition; with a student as the subject it adds one."""

DELIVERED_BY = Actor("sync")


async def close_delivered(session: WriteSession, school_id: str) -> int:
    """Close the school's open updates whose value is what is stored now; a sync calls it when it has written.

    An older open update of the same thing closes with the newer one that took its place. How many were closed.
    """
    if not await session.fetch(
        "SELECT 1 FROM record_update WHERE school_id = ? AND state = 'SUBMITTED' LIMIT 1", school_id
    ):
        return 0
    closed = await session.fetch(
        f"UPDATE record_update SET state = 'DELIVERED', closed_at = {session.dialect.now}, closed_by = ? "
        "WHERE school_id = ? AND state = 'SUBMITTED' AND EXISTS (SELECT 1 FROM record_update u "
        "WHERE u.school_id = record_update.school_id AND u.state = 'SUBMITTED' "
        "AND u.subject_id = record_update.subject_id AND u.field = record_update.field "
        # Conditions to add have one subject, the student, and do not take each other's place.
        "AND (u.id = record_update.id OR (u.submitted_at > record_update.submitted_at "
        "AND coalesce(u.student_id, '') <> u.subject_id)) "
        f"AND {_delivered('u')}) RETURNING id, contact_id, field",
        DELIVERED_BY.name,
        school_id,
    )
    for update_id, contact_id, field in sorted(tuple(row) for row in closed):
        details = {"update": update_id, "contact": contact_id, "field": field}
        await audit.record(session, "record_update_delivered", chain=school_id, by=DELIVERED_BY, details=details)
    return len(closed)


def _delivered(update: str) -> str:
    """SQL: what is stored of an update's subject is its new value."""
    columns = " ".join(f"WHEN '{column}' THEN c.{column}" for column in OWN_DETAILS)
    condition = f"SELECT 1 FROM medical_condition m WHERE m.school_id = {update}.school_id AND m.deleted_at IS NULL"
    return (
        f"CASE WHEN {update}.entity = '{CONTACT}' THEN EXISTS (SELECT 1 FROM contact c "
        f"WHERE c.school_id = {update}.school_id AND c.id = {update}.subject_id AND c.deleted_at IS NULL "
        f"AND coalesce(CASE {update}.field {columns} END, '') = coalesce({update}.new_value, '')) "
        f"WHEN {update}.subject_id = {update}.student_id THEN EXISTS ({condition} "
        f"AND m.student_id = {update}.student_id AND m.description = {update}.new_value) "
        f"WHEN {update}.new_value IS NULL THEN NOT EXISTS ({condition} AND m.id = {update}.subject_id) "
        f"ELSE EXISTS ({condition} AND m.id = {update}.subject_id AND m.description = {update}.new_value) END"
    )
