"""What the resolvers read: one SELECT per request and kind of record, batched by data loaders."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, Select, Table, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine
from strawberry.dataloader import DataLoader

import schema.contact_access
import schema.platform
import schema.tables  # noqa: F401 - all three declare their tables
from schema.metadata import METADATA

Found = Sequence[Row[Any]]
NOW = func.strftime("%Y-%m-%dT%H:%M:%f000Z", "now")
TODAY = func.date("now")
APP_TOKEN, CONSENT, GRANT, SETTING, OVERRIDE, IMPORT = (
    METADATA.tables[name]
    for name in (
        "app_token", "consent", "consent_grant", "contact_access_setting", "contact_override", "import_run"
    )
)  # fmt: skip
SCHOOL, STUDENT, CLASS, SUBJECT, LINK, CONTACT, STUDENT_CLASS = (
    METADATA.tables[name]
    for name in ("school", "student", "school_class", "subject", "student_contact", "contact", "student_class")
)


class Context:
    """One request: who asks, what each school granted, and the loaders."""

    def __init__(self, engine: AsyncEngine, granted: dict[str, frozenset[str]]) -> None:
        self.engine = engine
        self.granted = granted
        self.classes: DataLoader[str, Found] = DataLoader(self._classes)
        self.subjects: DataLoader[str, Row[Any] | None] = DataLoader(self._subjects)
        self.links: DataLoader[str, Found] = DataLoader(self._links)
        self.contacts: DataLoader[str, Row[Any] | None] = DataLoader(self._contacts)
        self.overrides: DataLoader[str, Row[Any] | None] = DataLoader(self._overrides)
        self.settings: DataLoader[str, Row[Any] | None] = DataLoader(self._settings)
        self.imports: DataLoader[str, Row[Any] | None] = DataLoader(self._imports)

    async def rows(self, statement: Select[Any]) -> Found:
        """The rows of a SELECT."""
        async with self.engine.connect() as connection:
            rows: Found = (await connection.execute(statement)).all()
            return rows

    async def _classes(self, students: list[str]) -> list[Found]:
        joined = STUDENT_CLASS.join(
            CLASS, (CLASS.c.school_id == STUDENT_CLASS.c.school_id) & (CLASS.c.id == STUDENT_CLASS.c.class_id)
        )
        rows = await self.rows(
            select(STUDENT_CLASS.c.student_id, *columns(CLASS, "school_id", "id", "code", "name", "subject_id"))
            .select_from(joined)
            .where(STUDENT_CLASS.c.school_id.in_(schools_of(students)), STUDENT_CLASS.c.student_id.in_(students))
            .where(CLASS.c.deleted_at.is_(None))
            .order_by(STUDENT_CLASS.c.class_id)
        )
        return grouped(students, rows)

    async def _subjects(self, ids: list[str]) -> list[Row[Any] | None]:
        return one_each(ids, await self.rows(by_ids(SUBJECT, ids, "school_id", "id", "name")))

    async def _links(self, students: list[str]) -> list[Found]:
        wanted = columns(
            LINK, "student_id", "school_id", "id", "contact_id", "relationship", "priority", "priority_assumed",
            "parental_responsibility", "lives_with_pupil", "court_order", "restricted_access", "restriction_lifted_at",
            "relinked_at",
        )  # fmt: skip
        rows = await self.rows(
            select(*wanted)
            .where(LINK.c.school_id.in_(schools_of(students)), LINK.c.student_id.in_(students))
            .where(LINK.c.deleted_at.is_(None))
            .order_by(LINK.c.id)
        )
        return grouped(students, rows)

    async def _contacts(self, ids: list[str]) -> list[Row[Any] | None]:
        wanted = ("school_id", "id", "title", "surname", "forename", "phones_primary", "emails_primary")
        return one_each(ids, await self.rows(by_ids(CONTACT, ids, *wanted)))

    async def _overrides(self, links: list[str]) -> list[Row[Any] | None]:
        rows = await self.rows(
            select(OVERRIDE.c.link_id.label("id"), *columns(OVERRIDE, "value", "set_at", "confirmed_at"))
            .where(OVERRIDE.c.school_id.in_(schools_of(links)), OVERRIDE.c.link_id.in_(links))
            .where(OVERRIDE.c.cleared_at.is_(None))
        )
        return one_each(links, rows)

    async def _settings(self, schools: list[str]) -> list[Row[Any] | None]:
        wanted = (
            "confirm_masked_overrides",
            "access_for_leavers",
            "access_for_applicants",
            "accept_assumed_priorities",
        )
        rows = await self.rows(
            select(SETTING.c.school_id.label("id"), *columns(SETTING, "source", *wanted), TODAY.label("today")).where(
                SETTING.c.school_id.in_(schools)
            )
        )
        return one_each(schools, rows)

    async def _imports(self, schools: list[str]) -> list[Row[Any] | None]:
        rows = await self.rows(
            select(IMPORT.c.school_id.label("id"), func.max(IMPORT.c.finished_at).label("finished_at"))
            .where(IMPORT.c.school_id.in_(schools), IMPORT.c.state == "completed")
            .group_by(IMPORT.c.school_id)
        )
        return one_each(schools, rows)


def columns(of: Table, *names: str) -> list[Any]:
    """Columns by name."""
    return [of.c[name] for name in names]


def schools_of(ids: Iterable[str]) -> list[str]:
    """The schools that the ids belong to."""
    return sorted({f"sch_{each[4:12]}" for each in ids})


def by_ids(of: Table, ids: list[str], *names: str) -> Select[Any]:
    """The records with these ids."""
    return select(*columns(of, *names)).where(
        of.c.school_id.in_(schools_of(ids)), of.c.id.in_(ids), of.c.deleted_at.is_(None)
    )


def grouped(keys: list[str], rows: Found) -> list[Found]:
    """Rows by their first column, in the order of the keys."""
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return [found[key] for key in keys]


def one_each(keys: list[str], rows: Found) -> list[Row[Any] | None]:
    """The row of each id."""
    found = {row.id: row for row in rows}
    return [found.get(key) for key in keys]


def grants(token_hash: str) -> Select[Any]:
    """The scopes in force of the token's app, by school; one row without a scope where there are none."""
    in_force = (CONSENT.c.state == "approved") & or_(CONSENT.c.expires_at.is_(None), CONSENT.c.expires_at > NOW)
    running = or_(GRANT.c.expires_at.is_(None), GRANT.c.expires_at > NOW)
    consented = APP_TOKEN.outerjoin(CONSENT, (CONSENT.c.app_id == APP_TOKEN.c.app_id) & in_force)
    joined = consented.outerjoin(
        GRANT, (GRANT.c.school_id == CONSENT.c.school_id) & (GRANT.c.app_id == CONSENT.c.app_id) & running
    )
    return (
        select(GRANT.c.school_id, GRANT.c.scope)
        .select_from(joined)
        .where(APP_TOKEN.c.hash == token_hash, APP_TOKEN.c.revoked_at.is_(None))
        .where(or_(APP_TOKEN.c.expires_at.is_(None), APP_TOKEN.c.expires_at > NOW))
    )


STUDENT_COLUMNS = columns(
    STUDENT, "school_id", "id", "surname", "forename", "middle_names", "legal_surname", "legal_forename", "gender",
    "date_of_birth", "admission_number", "upn", "current_nc_year", "part_time", "admission_date", "leaving_date",
    "sen_status", "first_language", "free_school_meals", "pupil_premium",
)  # fmt: skip
