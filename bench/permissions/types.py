"""The types: one line per field, with the permission class that guards it."""

from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import strawberry
from sqlalchemy import Row, select
from strawberry.exceptions import StrawberryGraphQLError
from strawberry.permission import BasePermission
from strawberry.types import Info

from bench.permissions.access import FACT_SCOPES, decide
from bench.permissions.loaders import SCHOOL, STUDENT, STUDENT_COLUMNS, Context, by_ids

NOTHING = frozenset[str]()


class Denied(StrawberryGraphQLError):
    """What a permission class raises."""


class Granted(BasePermission):
    """A field may be read where the school of its record granted every one of the scopes."""

    error_class = Denied
    scopes: ClassVar[frozenset[str]]

    def has_permission(self, source: Any, info: Info[Context, None], **kwargs: Any) -> bool:
        return info.context.granted.get(source.school_id, NOTHING) >= self.scopes


@cache
def granted(*scopes: str) -> type[Granted]:
    """The permission class of these scopes."""
    name = "Granted" + "".join(part.title() for part in "_".join(scopes).replace(".", "_").split("_"))
    return type(name, (Granted,), {"scopes": frozenset(scopes), "message": f"Needs {' and '.join(scopes)}."})


def value(*scopes: str) -> Any:
    """A field that needs these scopes."""
    return strawberry.field(permission_classes=[granted(*scopes)])


def link(*scopes: str) -> Callable[[Callable[..., Any]], Any]:
    """A resolver that needs these scopes."""
    return lambda resolver: strawberry.field(resolver, permission_classes=[granted(*scopes)])


@strawberry.type
class Subject:
    school_id: strawberry.Private[str]
    name: str | None = value("classes.read", "classes.subject.read")


@strawberry.type
class Class:
    school_id: strawberry.Private[str]
    subject_id: strawberry.Private[str | None]
    id: strawberry.ID = value("classes.read")
    code: str | None = value("classes.read", "classes.code.read")
    name: str | None = value("classes.read", "classes.name.read")

    @link("classes.read", "classes.subject.read")
    async def subject(self, info: Info[Context, None]) -> Subject | None:
        row = await info.context.subjects.load(self.subject_id) if self.subject_id is not None else None
        return Subject(school_id=row.school_id, name=row.name) if row is not None else None


@strawberry.type
class ContactPhones:
    school_id: strawberry.Private[str]
    primary: str | None = value("contacts.read", "contacts.contact_details.read", "contacts.telephone.read")


@strawberry.type
class ContactEmails:
    school_id: strawberry.Private[str]
    primary: str | None = value("contacts.read", "contacts.contact_details.read", "contacts.email.read")


@strawberry.type
class ContactContactDetails:
    school_id: strawberry.Private[str]
    phones: ContactPhones | None = value("contacts.read", "contacts.contact_details.read", "contacts.telephone.read")
    emails: ContactEmails | None = value("contacts.read", "contacts.contact_details.read", "contacts.email.read")


@strawberry.type
class Contact:
    school_id: strawberry.Private[str]
    id: strawberry.ID = value("contacts.read")
    title: str | None = value("contacts.read", "contacts.title.read")
    surname: str | None = value("contacts.read", "contacts.surname.read")
    forename: str | None = value("contacts.read", "contacts.forename.read")
    contact_details: ContactContactDetails | None = value("contacts.read", "contacts.contact_details.read")


@strawberry.type
class ContactAccess:
    school_id: strawberry.Private[str]
    permission: str | None = value("contacts.read", "contacts.access.read")
    reason: str | None = value("contacts.read", "contacts.access.read")
    override: str | None = value(
        "contacts.read",
        "contacts.access.read",
        "contacts.court_order.read",
        "contacts.restricted_access.read",
        "contacts.access_override.read",
    )
    as_of: str | None = value("contacts.read", "contacts.access.read")


@strawberry.type
class StudentContact:
    school_id: strawberry.Private[str]
    contact_id: strawberry.Private[str | None]
    student: strawberry.Private[Row[Any]]
    row: strawberry.Private[Row[Any]]
    id: strawberry.ID = value("contacts.read")
    relationship: str | None = value("contacts.read", "contacts.relationship.read")
    priority: int | None = value("contacts.read", "contacts.priority.read")
    parental_responsibility: bool | None = value("contacts.read", "contacts.parental_responsibility.read")

    @link("contacts.read", "contacts.access.read")
    async def access(self, info: Info[Context, None]) -> ContactAccess | None:
        loaders = info.context
        waiting = loaders.overrides.load(self.id), loaders.imports.load(self.school_id)
        settings = await loaders.settings.load(self.school_id)
        contact = await loaders.contacts.load(self.contact_id) if self.contact_id is not None else None
        override, imported = await waiting[0], await waiting[1]
        if settings is None or settings.source != "SYNC":
            return None
        permission, reason = decide(settings, self.student, self.row, contact, override)
        return ContactAccess(
            school_id=self.school_id,
            permission=permission,
            reason=reason if loaders.granted[self.school_id] >= FACT_SCOPES else "WITHHELD",
            override=override.value if override is not None else None,
            as_of=imported.finished_at if imported is not None else None,
        )

    @link("contacts.read")
    async def contact(self, info: Info[Context, None]) -> Contact | None:
        row = await info.context.contacts.load(self.contact_id) if self.contact_id is not None else None
        if row is None:
            return None
        phones = ContactPhones(school_id=row.school_id, primary=row.phones_primary)
        emails = ContactEmails(school_id=row.school_id, primary=row.emails_primary)
        return Contact(
            school_id=row.school_id,
            id=row.id,
            title=row.title,
            surname=row.surname,
            forename=row.forename,
            contact_details=ContactContactDetails(school_id=row.school_id, phones=phones, emails=emails),
        )


@strawberry.type
class ClassConnection:
    nodes: list[Class]


@strawberry.type
class StudentContactConnection:
    nodes: list[StudentContact]


@strawberry.type
class StudentEducationDetails:
    school_id: strawberry.Private[str]
    admission_number: str | None = value("students.read", "students.admission_number.read")
    upn: str | None = value("students.read", "students.upn.read")
    current_nc_year: str | None = value("students.read", "students.current_nc_year.read")
    part_time: bool | None = value("students.read", "students.part_time.read")
    admission_date: str | None = value("students.read", "students.admission_date.read")


@strawberry.type
class StudentExtendedDetails:
    school_id: strawberry.Private[str]
    sen_status: str | None = value("students.read", "students.sen_status.read")
    first_language: str | None = value("students.read", "students.first_language.read")
    free_school_meals: bool | None = value("students.read", "students.free_school_meals.read")
    pupil_premium: bool | None = value("students.read", "students.pupil_premium.read")


@strawberry.interface
class Node:
    id: strawberry.ID


@strawberry.type
class Student(Node):
    school_id: strawberry.Private[str]
    row: strawberry.Private[Row[Any]]
    id: strawberry.ID = value("students.read")
    surname: str | None = value("students.read", "students.surname.read")
    forename: str | None = value("students.read", "students.forename.read")
    middle_names: str | None = value("students.read", "students.middle_names.read")
    legal_surname: str | None = value("students.read", "students.legal_surname.read")
    legal_forename: str | None = value("students.read", "students.legal_forename.read")
    gender: str | None = value("students.read", "students.gender.read")
    date_of_birth: str | None = value("students.read", "students.date_of_birth.read")
    education_details: StudentEducationDetails | None = value("students.read")
    extended_details: StudentExtendedDetails | None = value("students.read")

    @link("students.read", "classes.read")
    async def classes(self, info: Info[Context, None], first: int = 50) -> ClassConnection:
        rows = await info.context.classes.load(self.id)
        return ClassConnection(
            nodes=[
                Class(school_id=row.school_id, subject_id=row.subject_id, id=row.id, code=row.code, name=row.name)
                for row in rows[:first]
            ]
        )

    @link("students.read", "contacts.read")
    async def contacts(self, info: Info[Context, None], first: int = 50) -> StudentContactConnection:
        rows = await info.context.links.load(self.id)
        return StudentContactConnection(
            nodes=[
                StudentContact(
                    school_id=row.school_id,
                    contact_id=row.contact_id,
                    student=self.row,
                    row=row,
                    id=row.id,
                    relationship=row.relationship,
                    priority=row.priority,
                    parental_responsibility=row.parental_responsibility,
                )
                for row in rows[:first]
            ]
        )


def student_of(row: Row[Any]) -> Student:
    """A student from its row."""
    return Student(
        school_id=row.school_id,
        row=row,
        id=row.id,
        surname=row.surname,
        forename=row.forename,
        middle_names=row.middle_names,
        legal_surname=row.legal_surname,
        legal_forename=row.legal_forename,
        gender=row.gender,
        date_of_birth=row.date_of_birth,
        education_details=StudentEducationDetails(
            school_id=row.school_id,
            admission_number=row.admission_number,
            upn=row.upn,
            current_nc_year=row.current_nc_year,
            part_time=row.part_time,
            admission_date=row.admission_date,
        ),
        extended_details=StudentExtendedDetails(
            school_id=row.school_id,
            sen_status=row.sen_status,
            first_language=row.first_language,
            free_school_meals=row.free_school_meals,
            pupil_premium=row.pupil_premium,
        ),
    )


@strawberry.type
class StudentConnection:
    nodes: list[Student]


@strawberry.type
class School:
    school_id: strawberry.Private[str]

    @link("students.read")
    async def students(self, info: Info[Context, None], first: int = 50) -> StudentConnection:
        rows = await info.context.rows(
            select(*STUDENT_COLUMNS)
            .where(STUDENT.c.school_id == self.school_id, STUDENT.c.deleted_at.is_(None))
            .order_by(STUDENT.c.id)
            .limit(first)
        )
        return StudentConnection(nodes=[student_of(row) for row in rows])


@strawberry.type
class Query:
    @strawberry.field
    async def school(self, info: Info[Context, None], id: strawberry.ID) -> School | None:  # noqa: A002 - API name
        if id not in info.context.granted:
            return None
        rows = await info.context.rows(select(SCHOOL.c.id).where(SCHOOL.c.id == id, SCHOOL.c.deleted_at.is_(None)))
        return School(school_id=rows[0].id) if rows else None

    @strawberry.field
    async def node(self, info: Info[Context, None], id: strawberry.ID) -> Node | None:  # noqa: A002 - API name
        if "students.read" not in info.context.granted.get(f"sch_{id[4:12]}", NOTHING):
            return None
        rows = await info.context.rows(by_ids(STUDENT, [id], *(column.name for column in STUDENT_COLUMNS)))
        return student_of(rows[0]) if rows else None
