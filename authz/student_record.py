"""What a signed-in contact reads: its own details, and the records of the students whose links are View and Update.

INVARIANT: only columns listed in `schema/contact_record.py` are selected, and only rows of the students and of the
contact of this request. The number of statements does not grow with the number of students.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authz import forms, record_updates
from authz.forms import Response
from authz.id_lists import among, listed
from authz.presence import Presence
from authz.record_updates import OpenUpdate
from authz.session import Dialect, ReadSession
from schema.contact_record import CONTACT_SHOWN, GROUPS_SHOWN, OWN_DETAILS, STUDENT_SHOWN

DAYS = frozenset({"date_of_birth", "admission_date"})
Values = Mapping[str, Any]
"""Values by column; of groups, the name by the link's name."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A medical condition, and the open updates of it."""

    id: str
    student_id: str
    description: str | None
    updates: tuple[OpenUpdate, ...]


@dataclass(frozen=True, slots=True)
class Student:
    """One student's record."""

    id: str
    values: Values
    conditions: tuple[Condition, ...]
    responses: tuple[Response, ...]
    updates: tuple[OpenUpdate, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """Everything that the contact reads. `contact`: null where the MIS no longer has it."""

    contact: Values | None
    updates: tuple[OpenUpdate, ...]
    students: tuple[Student, ...]


async def read(session: ReadSession, presence: Presence) -> Record:
    """The record, from the snapshot in which the links were decided."""
    updates = await record_updates.shown_to(session, presence)
    responses = await forms.shown_to(session, presence)
    conditions = await _conditions(session, presence, updates)
    students = tuple(
        Student(
            id=values["id"],
            values=values,
            conditions=tuple(each for each in conditions if each.student_id == values["id"]),
            responses=tuple(each for each in responses if each.student_id == values["id"]),
            updates=tuple(each for each in updates if each.student_id == values["id"]),
        )
        for values in await _students(session, presence)
    )
    own = tuple(each for each in updates if each.entity == record_updates.CONTACT)
    return Record(await _contact(session, presence), own, students)


async def _contact(session: ReadSession, presence: Presence) -> Values | None:
    columns = ("id", *CONTACT_SHOWN, *OWN_DETAILS)
    rows = await session.fetch(
        f"SELECT {', '.join(columns)} FROM contact WHERE school_id = ? AND id = ? AND deleted_at IS NULL",
        presence.principal.school_id, presence.principal.contact_id,
    )  # fmt: skip
    return _valued(columns, rows[0]) if rows else None


async def _students(session: ReadSession, presence: Presence) -> list[Values]:
    columns = ("id", *STUDENT_SHOWN, *OWN_DETAILS)
    selected = ", ".join([*_selected(session.dialect, columns), *(f"{group}.name" for group in _aliases())])
    joined = " ".join(
        f"LEFT JOIN school_group {alias} ON {alias}.school_id = s.school_id AND {alias}.id = s.{column} "
        f"AND {alias}.deleted_at IS NULL"
        for alias, column in _aliases().items()
    )
    rows = await session.fetch(
        f"SELECT {selected} FROM student s {joined} WHERE s.school_id = ? "
        f"AND s.id {among(session.dialect)} ORDER BY s.id",
        presence.principal.school_id, listed(presence.student_ids),
    )  # fmt: skip
    return [_valued((*columns, *GROUPS_SHOWN), row) for row in rows]


def _aliases() -> Mapping[str, str]:
    return {f"{group}_group": column for group, column in GROUPS_SHOWN.items()}


def _selected(dialect: Dialect, columns: Iterable[str]) -> list[str]:
    return [dialect.day_text(f"s.{column}") if column in DAYS else f"s.{column}" for column in columns]


def _valued(columns: Sequence[str], row: Sequence[Any]) -> Values:
    return dict(zip(columns, row, strict=True))


async def _conditions(session: ReadSession, presence: Presence, updates: Sequence[OpenUpdate]) -> list[Condition]:
    rows = await session.fetch(
        "SELECT id, student_id, description FROM medical_condition WHERE school_id = ? AND deleted_at IS NULL "
        f"AND student_id {among(session.dialect)} ORDER BY id",
        presence.principal.school_id, listed(presence.student_ids),
    )  # fmt: skip
    return [
        Condition(
            condition_id, student_id, description, tuple(each for each in updates if each.subject_id == condition_id)
        )
        for condition_id, student_id, description in rows
    ]
