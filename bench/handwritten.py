"""The hand-written endpoint: Starlette, one route and one SQL statement per query, the JSON made in SQLite.

What a good developer writes who knows the query beforehand. It keeps the same promise as fieldgate: token, consent,
grants and the school's settings are read in the snapshot of the answer, and a field that is not granted is null and is
not selected. Of contacts' access it knows the source Sync only, and tells no reason unless it may tell all.
"""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

DATABASE = "BENCH_DATABASE"
NOW = "strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')"
GRANTS = f"""
    SELECT g.scope FROM app_token t
    LEFT JOIN consent c ON c.app_id = t.app_id AND c.school_id = ?1
        AND c.state = 'approved' AND (c.expires_at IS NULL OR c.expires_at > {NOW})
    LEFT JOIN consent_grant g ON g.school_id = c.school_id AND g.app_id = c.app_id
        AND (g.expires_at IS NULL OR g.expires_at > {NOW})
    WHERE t.hash = ?2 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > {NOW})
"""
SETTINGS = """
    SELECT source, confirm_masked_overrides, access_for_leavers, access_for_applicants, accept_assumed_priorities
    FROM contact_access_setting WHERE school_id = ?
"""
LADDER_SCOPES = frozenset(
    f"contacts.{name}.read"
    for name in (
        "court_order", "restricted_access", "access_override", "parental_responsibility", "lives_with_pupil", "priority"
    )
)  # fmt: skip
"""What the ladder of contacts' access looks at, beside the student."""
Column = Callable[[str, str], str]
"""(scope, SQL) → the SQL where the scope is granted, else NULL."""


Ladder = Sequence[tuple[str, str, str]]
YES, NO = "'VIEW_AND_UPDATE'", "'NO_PERMISSION'"


class Refused(Exception):
    """An answer without data."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.response = JSONResponse({"error": text}, status)


def granted(connection: sqlite3.Connection, request: Request, school: str) -> set[str]:
    """The scopes in force for the token at the school."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    rows = []
    if kind.lower() == "bearer":
        rows = connection.execute(GRANTS, (school, hashlib.sha256(token.encode()).hexdigest())).fetchall()
    if not rows:
        raise Refused(401, "This needs a token that is valid now.")
    return {scope for (scope,) in rows}


def required(scopes: set[str], *needed: str) -> None:
    """Refuse where the records themselves may not be read."""
    if not scopes.issuperset(needed):
        raise Refused(403, "The school did not grant these records.")


def column_of(scopes: set[str]) -> Column:
    """How a column is selected under these scopes."""
    return lambda scope, sql: sql if scope in scopes else "NULL"


def flag(column: str) -> str:
    """A boolean as JSON."""
    return f"CASE {column} WHEN 1 THEN json('true') WHEN 0 THEN json('false') END"


def students_sql(column: Column) -> str:
    """A page of a school's students."""
    return f"""
        SELECT '{{"data":{{"school":{{"students":{{"nodes":[' || coalesce(group_concat(student, ','), '') || ']}}}}}}}}'
        FROM (
            SELECT json_object(
                'id', s.id,
                'surname', {column("students.surname.read", "s.surname")},
                'forename', {column("students.forename.read", "s.forename")},
                'middleNames', {column("students.middle_names.read", "s.middle_names")},
                'legalSurname', {column("students.legal_surname.read", "s.legal_surname")},
                'legalForename', {column("students.legal_forename.read", "s.legal_forename")},
                'gender', {column("students.gender.read", "s.gender")},
                'dateOfBirth', {column("students.date_of_birth.read", "s.date_of_birth")},
                'educationDetails', json_object(
                    'admissionNumber', {column("students.admission_number.read", "s.admission_number")},
                    'upn', {column("students.upn.read", "s.upn")},
                    'currentNcYear', {column("students.current_nc_year.read", "s.current_nc_year")},
                    'partTime', {column("students.part_time.read", flag("s.part_time"))},
                    'admissionDate', {column("students.admission_date.read", "s.admission_date")}
                ),
                'extendedDetails', json_object(
                    'senStatus', {column("students.sen_status.read", "s.sen_status")},
                    'firstLanguage', {column("students.first_language.read", "s.first_language")},
                    'freeSchoolMeals', {column("students.free_school_meals.read", flag("s.free_school_meals"))},
                    'pupilPremium', {column("students.pupil_premium.read", flag("s.pupil_premium"))}
                )
            ) AS student
            FROM student s WHERE s.school_id = ?1 AND s.deleted_at IS NULL ORDER BY s.id LIMIT ?2
        )"""


def students(connection: sqlite3.Connection, request: Request) -> str | None:
    """`GET /schools/{school}/students?first=100`."""
    school, first = request.path_params["school"], page(request)
    scopes = granted(connection, request, school)
    required(scopes, "students.read")
    return one(connection, students_sql(column_of(scopes)), school, first)


def classes_and_contacts_sql(column: Column) -> str:
    """A page of a school's students with their classes and contacts."""
    phone = column("contacts.telephone.read", "json_object('primary', c.phones_primary)")
    mail = column("contacts.email.read", "json_object('primary', c.emails_primary)")
    details = column("contacts.contact_details.read", f"json_object('phones', {phone}, 'emails', {mail})")
    return f"""
        SELECT '{{"data":{{"school":{{"students":{{"nodes":[' || coalesce(group_concat(student, ','), '') || ']}}}}}}}}'
        FROM (
            SELECT '{{"id":"' || s.id
                || '","surname":' || json_quote({column("students.surname.read", "s.surname")})
                || ',"forename":' || json_quote({column("students.forename.read", "s.forename")})
                || ',"classes":{{"nodes":[' || coalesce((SELECT group_concat(class, ',') FROM (
                    SELECT json_object(
                        'id', k.id,
                        'code', {column("classes.code.read", "k.code")},
                        'name', {column("classes.name.read", "k.name")},
                        'subject', CASE WHEN j.id IS NOT NULL THEN
                            {column("classes.subject.read", "json_object('name', j.name)")} END
                    ) AS class
                    FROM student_class m
                    CROSS JOIN school_class k ON k.school_id = m.school_id AND k.id = m.class_id
                    LEFT JOIN subject j ON j.school_id = k.school_id AND j.id = k.subject_id AND j.deleted_at IS NULL
                    WHERE m.school_id = s.school_id AND m.student_id = s.id AND k.deleted_at IS NULL
                    ORDER BY m.class_id LIMIT 20
                )), '')
                || ']}},"contacts":{{"nodes":[' || coalesce((SELECT group_concat(contact, ',') FROM (
                    SELECT json_object(
                        'relationship', {column("contacts.relationship.read", "l.relationship")},
                        'priority', {column("contacts.priority.read", "l.priority")},
                        'parentalResponsibility',
                            {column("contacts.parental_responsibility.read", flag("l.parental_responsibility"))},
                        'contact', CASE WHEN c.id IS NOT NULL THEN json_object(
                            'id', c.id,
                            'title', {column("contacts.title.read", "c.title")},
                            'surname', {column("contacts.surname.read", "c.surname")},
                            'forename', {column("contacts.forename.read", "c.forename")},
                            'contactDetails', {details}
                        ) END
                    ) AS contact
                    FROM student_contact l INDEXED BY ix_student_contact_student_id
                    LEFT JOIN contact c ON c.school_id = l.school_id AND c.id = l.contact_id AND c.deleted_at IS NULL
                    WHERE l.school_id = s.school_id AND l.student_id = s.id AND l.deleted_at IS NULL
                    ORDER BY l.id LIMIT 10
                )), '') || ']}}}}' AS student
            FROM student s WHERE s.school_id = ?1 AND s.deleted_at IS NULL ORDER BY s.id LIMIT ?2
        )"""


def classes_and_contacts(connection: sqlite3.Connection, request: Request) -> str | None:
    """`GET /schools/{school}/classes-and-contacts?first=50`."""
    school, first = request.path_params["school"], page(request)
    scopes = granted(connection, request, school)
    required(scopes, "students.read", "classes.read", "contacts.read")
    return one(connection, classes_and_contacts_sql(column_of(scopes)), school, first)


def ladder(confirm: bool, leavers: bool, applicants: bool, assumed: bool) -> Ladder:
    """The rungs of contacts' access at a school that decides by what its MIS supplies: when, permission, reason."""
    gone = ["c.id IS NULL"]
    if not leavers:
        begun = "(s.admission_date IS NULL OR s.admission_date <= s.leaving_date)"
        gone.append(f"s.leaving_date < date('now') AND {begun}")
    if not applicants:
        gone.append("s.admission_date > date('now')")
    masked = " OR ".join(
        f"max(o.set_at, coalesce(o.confirmed_at, '')) < l.{lifted}"
        for lifted in ("restriction_lifted_at", "relinked_at")
    )
    override = f"o.value = 'NO_PERMISSION' OR NOT coalesce({masked}, FALSE)" if confirm else "TRUE"
    return (
        (" OR ".join(gone), NO, "NO_LIVE_LINK"),
        ("l.court_order = 1", NO, "COURT_ORDER"),
        ("l.restricted_access = 1", NO, "RESTRICTED_ACCESS"),
        (f"o.value IS NOT NULL AND ({override})", "o.value", "OVERRIDE"),
        ("l.parental_responsibility = 1", YES, "PARENTAL_RESPONSIBILITY"),
        ("l.parental_responsibility IS NULL AND l.lives_with_pupil = 1", YES, "LIVES_WITH_FALLBACK"),
        ("l.priority IN (0, 1, 2)" + ("" if assumed else " AND l.priority_assumed IS NOT 1"), YES, "PRIORITY"),
    )


def contact_access_sql(column: Column, rungs: Ladder, *, reasons: bool) -> str:
    """A page of a school's students with what their contacts may see. Without `reasons`, each is withheld."""
    permission = " ".join(f"WHEN {when} THEN {answer}" for when, answer, _ in rungs)
    reason = " ".join(f"WHEN {when} THEN '{why}'" for when, _, why in rungs)
    override = column(
        "contacts.access_override.read",
        column("contacts.court_order.read", column("contacts.restricted_access.read", "o.value")),
    )
    access = f"""json_object(
        'permission', CASE {permission} ELSE {NO} END,
        'reason', {f"CASE {reason} ELSE 'NO_RULE_MATCHED' END" if reasons else "'WITHHELD'"},
        'override', {override},
        'asOf', (SELECT max(finished_at) FROM import_run WHERE school_id = ?1 AND state = 'completed')
    )"""
    return f"""
        SELECT '{{"data":{{"school":{{"students":{{"nodes":[' || coalesce(group_concat(student, ','), '') || ']}}}}}}}}'
        FROM (
            SELECT '{{"id":"' || s.id
                || '","contacts":{{"nodes":[' || coalesce((SELECT group_concat(contact, ',') FROM (
                    SELECT json_object(
                        'id', l.id,
                        'relationship', {column("contacts.relationship.read", "l.relationship")},
                        'access', {column("contacts.access.read", access)},
                        'contact', CASE WHEN c.id IS NOT NULL THEN json_object(
                            'id', c.id,
                            'forename', {column("contacts.forename.read", "c.forename")},
                            'surname', {column("contacts.surname.read", "c.surname")}
                        ) END
                    ) AS contact
                    FROM student_contact l INDEXED BY ix_student_contact_student_id
                    LEFT JOIN contact c ON c.school_id = l.school_id AND c.id = l.contact_id AND c.deleted_at IS NULL
                    LEFT JOIN contact_override o ON o.school_id = l.school_id AND o.link_id = l.id
                        AND o.cleared_at IS NULL
                    WHERE l.school_id = s.school_id AND l.student_id = s.id AND l.deleted_at IS NULL
                    ORDER BY l.id LIMIT 10
                )), '') || ']}}}}' AS student
            FROM student s WHERE s.school_id = ?1 AND s.deleted_at IS NULL ORDER BY s.id LIMIT ?2
        )"""


def contact_access(connection: sqlite3.Connection, request: Request) -> str | None:
    """`GET /schools/{school}/contact-access?first=50`, of a school whose source is Sync."""
    school, first = request.path_params["school"], page(request)
    scopes = granted(connection, request, school)
    required(scopes, "students.read", "contacts.read")
    settings = connection.execute(SETTINGS, (school,)).fetchone()
    if settings is None or settings[0] != "SYNC":
        raise Refused(501, "This answers for schools that decide by what their MIS supplies.")
    sql = contact_access_sql(column_of(scopes), ladder(*settings[1:]), reasons=scopes >= LADDER_SCOPES)
    return one(connection, sql, school, first)


def student_sql(column: Column) -> str:
    """One student."""
    return f"""
        SELECT json_object('data', json_object('node', json_object(
            'id', s.id,
            'surname', {column("students.surname.read", "s.surname")},
            'forename', {column("students.forename.read", "s.forename")},
            'dateOfBirth', {column("students.date_of_birth.read", "s.date_of_birth")},
            'educationDetails', json_object(
                'upn', {column("students.upn.read", "s.upn")},
                'currentNcYear', {column("students.current_nc_year.read", "s.current_nc_year")}
            )
        ))) FROM student s WHERE s.school_id = ?1 AND s.id = ?2 AND s.deleted_at IS NULL"""


def student(connection: sqlite3.Connection, request: Request) -> str | None:
    """`GET /students/{student}`."""
    own = request.path_params["student"]
    school = f"sch_{own[4:12]}"
    scopes = granted(connection, request, school)
    required(scopes, "students.read")
    return one(connection, student_sql(column_of(scopes)), school, own)


def page(request: Request) -> int:
    """The size of the page."""
    first = request.query_params.get("first", "50")
    if not first.isdigit() or not 1 <= int(first) <= 500:
        raise Refused(400, "A page has from 1 to 500 records.")
    return int(first)


def one(connection: sqlite3.Connection, sql: str, *parameters: object) -> str | None:
    """The one text that a statement makes."""
    row = connection.execute(sql, parameters).fetchone()
    return row[0] if row else None


Answer = Callable[[sqlite3.Connection, Request], str | None]


async def answered(connection: sqlite3.Connection, answer: Answer, request: Request) -> Response:
    """Run an answer in one snapshot, on the event loop: a thread would cost more than most of these reads."""
    connection.execute("BEGIN")
    try:
        text = answer(connection, request)
    except Refused as refused:
        return refused.response
    finally:
        connection.execute("COMMIT")
    if text is None:
        return JSONResponse({"error": "There is no such record."}, 404)
    return Response(text, media_type="application/json")


def create_app() -> Starlette:
    """The application, on the database that the environment names."""
    connection = sqlite3.connect(
        f"file:{os.environ[DATABASE]}?mode=ro", uri=True, isolation_level=None, cached_statements=512
    )
    answers = {
        "/schools/{school}/students": students,
        "/schools/{school}/classes-and-contacts": classes_and_contacts,
        "/schools/{school}/contact-access": contact_access,
        "/students/{student}": student,
    }
    return Starlette(routes=[Route(path, partial(answered, connection, answer)) for path, answer in answers.items()])
