"""The data of the bench: one SQLite file with generated schools, apps, consents and tokens, the same every time.

Schools go through the writer of a sync, apps, consents and what schools decide about contacts' access through their own
writers: nothing here writes to a table.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from authz import access_settings, apps, consent, overrides, tokens
from authz.audit import Actor
from authz.manifests import parse
from authz.session import WriteSession
from schema.ids import seeded_keys
from schema.registry import REGISTRY
from schema.vocabulary import LADDER_ATTRIBUTES, PERMISSIONS, SYNC
from server.database import open_database
from server.demo.generate import generate_school
from server.migrate import migrate
from server.sync.connector import import_records

BY = Actor("the bench")
STUDENTS = 1_000
LINKS_BY_OVERRIDE = 20
"""One link in so many has an override."""
SCOPES: Mapping[str, tuple[str, ...]] = {
    "students": (
        "surname", "forename", "middle_names", "legal_surname", "legal_forename", "gender", "date_of_birth",
        "admission_number", "upn", "current_nc_year", "part_time", "admission_date", "sen_status", "first_language",
        "free_school_meals", "pupil_premium",
    ),
    "classes": ("code", "name", "subject"),
    "contacts": (
        "relationship", "priority", "parental_responsibility", "title", "surname", "forename", "contact_details",
        "telephone", "email", "access", "access_override", "court_order", "restricted_access", "lives_with_pupil",
    ),
}  # fmt: skip
GRANTED = frozenset(
    f"{owner}.{own}read" for owner, names in SCOPES.items() for own in ("", *(f"{name}." for name in names))
)
"""What the queries of the bench need, and what an app of its kind would ask for."""
DENIED = frozenset({"students.upn.read", "students.sen_status.read", "students.free_school_meals.read"})
EVERYTHING = frozenset(REGISTRY.scopes)


@dataclass(frozen=True, slots=True)
class World:
    """A database and what may be asked of it. Tokens by the kind of app: `granted`, `denied`, `everything`."""

    path: Path
    schools: tuple[str, ...]
    student: str
    tokens: Mapping[str, str]

    @property
    def url(self) -> str:
        """The database's URL, as the settings take it."""
        return f"sqlite:///{self.path}"


async def make_world(path: Path, *, schools: int = 1, students: int = STUDENTS, other_apps: int = 0) -> World:
    """A new database: schools with so many students each, and consents of so many other apps at each school."""
    url = f"sqlite:///{path}"
    await migrate(url)
    database = open_database(url)
    ids: list[str] = []
    for number in range(schools):
        seed = f"bench {number}"
        records = generate_school(seed, students=students, source_id=f"B{number:010d}")
        ids.append((await import_records(database, records, source="bench", key=seeded_keys(seed), by=BY)).school_id)
    kinds = {"granted": GRANTED, "denied": GRANTED - DENIED, "everything": EVERYTHING}
    async with database.write() as session:
        for school_id in ids:
            await _access(session, school_id)
        issued = {kind: await _app(session, kind, scopes, ids) for kind, scopes in kinds.items()}
        for number in range(other_apps):
            await _app(session, f"other-{number}", GRANTED, ids)
    async with database.read() as snapshot:
        rows = await snapshot.fetch("SELECT id FROM student WHERE school_id = ? ORDER BY id", ids[0])
    await database.close()
    return World(path, tuple(ids), str(rows[len(rows) // 2][0]), issued)


async def _access(session: WriteSession, school_id: str) -> None:
    """The school decides by what its MIS supplies, and has set the permission of some links by hand."""
    await access_settings.change(session, school_id, by=BY, acknowledge=LADDER_ATTRIBUTES, source=SYNC)
    links = await session.fetch(
        "SELECT id FROM student_contact WHERE school_id = ? AND deleted_at IS NULL ORDER BY id", school_id
    )
    for number, (link_id,) in enumerate(links[::LINKS_BY_OVERRIDE]):
        await overrides.set_override(session, school_id, link_id, list(PERMISSIONS)[number % 2], BY)


async def _app(session: WriteSession, slug: str, scopes: Collection[str], schools: Collection[str]) -> str:
    """A new app with a consent at each school; its token's secret."""
    await apps.register(session, parse(_manifest(slug, scopes)), by=BY)
    app = await apps.find(session, slug)
    for school_id in schools:
        await consent.grant(session, school_id, app.id, by=BY)
    return (await tokens.issue(session, app.id, by=BY)).secret


def _manifest(slug: str, scopes: Collection[str]) -> bytes:
    asked = [{"scope": scope, "need": "required", "reason": "The bench asks for it."} for scope in sorted(scopes)]
    product = {"product": "core", "title": "Core", "rowConditions": [], "scopes": asked, "bundles": []}
    return json.dumps(
        {
            "slug": slug,
            "name": slug.capitalize(),
            "vendor": "Bench",
            "version": 1,
            "purpose": "Measures what a request costs.",
            "supportContact": {"email": "bench@example.org"},
            "privacyPolicy": "https://bench.example.org/privacy",
            "dataProtectionPolicy": "https://bench.example.org/data-protection",
            "certifications": [],
            "products": [product],
        }
    ).encode()
