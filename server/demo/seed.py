"""Fill a database for the demonstration: two schools, three apps, consents in different states, who has access.

The schools go through the same validation and the same writer as a sync. Everything is made once; only the tokens and
the sign-in link are new each time, because their secrets are never kept.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from authz import apps, consent, tokens
from authz.apps import AppSummary
from authz.audit import Actor
from authz.manifests import parse
from authz.session import ReadSession, WriteSession
from schema.errors import FieldgateError
from schema.ids import seeded_keys
from schema.vocabulary import PLATFORM
from server.database import Database
from server.demo import access
from server.demo.access import DemoContact, DemoStaff
from server.demo.generate import PRIMARY, SECONDARY, TOWN_SEED, generate_town
from server.settings import Settings
from server.sync.connector import import_records

SOURCE = "demo"
MANIFESTS = Path(__file__).parents[1] / "manifests"
SLUGS = ("maestro", "juniper-websites", "operoo")
DEMO = Actor("fieldgate demo")
PRIMARY_HEAD = Actor("Bronwen Fairhurst", "Head teacher")
SECONDARY_HEAD = Actor("Tariq Openshaw", "Data manager")

OPTIONAL_EXTRA = ("employees.read", "employees.forename.read", "employees.surname.read")
SWITCHED_OFF = ("contacts.address.read", "contacts.priority.read")


@dataclass(frozen=True, slots=True)
class DemoSchool:
    """One of the two schools."""

    id: str
    name: str
    students: int


@dataclass(frozen=True, slots=True)
class DemoConsent:
    """What stands between one school and one app: a state, scopes in force, required scopes that are off."""

    school: str
    state: str
    scopes: int
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoApp:
    """An app with a fresh token."""

    slug: str
    name: str
    token: str
    consents: tuple[DemoConsent, ...]


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What is there, and the tokens' secrets: the only time that anybody sees them."""

    schools: tuple[DemoSchool, ...]
    apps: tuple[DemoApp, ...]
    staff: tuple[DemoStaff, ...]
    contact: DemoContact | None


async def seed_demo(database: Database, settings: Settings) -> DemoSummary:
    """Make what is not there yet, and give everybody a token in place of the one from before."""
    async with database.read() as session:
        await _refuse_strangers(session, settings)
        missing = {PRIMARY.source_id, SECONDARY.source_id} - set(await _school_ids(session))
    if missing:
        for records in generate_town():
            key = seeded_keys(f"{TOWN_SEED} {records.source_id}")
            await import_records(database, records, source=SOURCE, by=DEMO, key=key)
    async with database.write() as session:
        registered = [await _register(session, slug) for slug in SLUGS]
        if not await session.fetch("SELECT 1 FROM consent LIMIT 1"):
            await _decide(session, registered)
        secrets = {app.id: await _fresh_token(session, app) for app in registered}
        ids = await _school_ids(session)
        primary, secondary = ids[PRIMARY.source_id], ids[SECONDARY.source_id]
        await access.decide(session, primary, secondary, (PRIMARY_HEAD, SECONDARY_HEAD))
    await access.allocate(database)
    async with database.write() as session:
        staff = (
            await access.staff_token(session, primary, PRIMARY_HEAD, DEMO),
            await access.staff_token(session, secondary, SECONDARY_HEAD, DEMO),
        )
        contact = await access.contact(session, primary, DEMO)
    async with database.read() as session:
        return await _summary(session, registered, secrets, staff, contact)


async def _refuse_strangers(session: ReadSession, settings: Settings) -> None:
    """Real schools and invented ones never share a database."""
    ours = (PRIMARY.source_id, SECONDARY.source_id)
    rows = await session.fetch("SELECT 1 FROM school WHERE source_id IS NULL OR source_id NOT IN (?, ?) LIMIT 1", *ours)
    if rows:
        kind = settings.database_url.partition(":")[0]
        raise FieldgateError("SETTING_INVALID", f"The {kind} database holds other schools than the demo's.")


async def _school_ids(session: ReadSession) -> dict[str, str]:
    """Source id → our id."""
    rows = await session.fetch("SELECT source_id, id FROM school WHERE source_id IS NOT NULL")
    return {row[0]: row[1] for row in rows}


async def _register(session: WriteSession, slug: str) -> AppSummary:
    manifest = parse((MANIFESTS / f"{slug}.json").read_bytes())
    return (await apps.register(session, manifest, by=DEMO)).app


async def _decide(session: WriteSession, registered: list[AppSummary]) -> None:
    """Consents as schools give them: whole, with extras, below the minimum, revoked; and one never asked for."""
    ids = await _school_ids(session)
    primary, secondary = ids[PRIMARY.source_id], ids[SECONDARY.source_id]
    maestro, juniper, operoo = (app.id for app in registered)
    await consent.grant(session, primary, maestro, by=PRIMARY_HEAD)
    await consent.grant(session, secondary, maestro, by=SECONDARY_HEAD)
    await consent.grant(session, primary, operoo, by=PRIMARY_HEAD)
    await consent.grant(session, primary, juniper, by=PRIMARY_HEAD)
    reason = "The school's website moves to another supplier."
    await consent.revoke(session, primary, juniper, by=PRIMARY_HEAD, reason=reason)
    await consent.grant(session, secondary, juniper, by=SECONDARY_HEAD)
    await consent.grant(session, secondary, juniper, by=SECONDARY_HEAD, scopes=OPTIONAL_EXTRA)
    await consent.revoke(session, secondary, juniper, by=SECONDARY_HEAD, scopes=SWITCHED_OFF)


async def _fresh_token(session: WriteSession, app: AppSummary) -> str:
    """A new token; those that an earlier demo gave out end now, others do not."""
    events = await session.fetch(
        "SELECT details FROM audit_event WHERE school_id = ? AND name = 'token_issued' AND actor = ? AND app_id = ?",
        PLATFORM,
        DEMO.name,
        app.id,
    )
    earlier = {json.loads(row[0])["token"] for row in events}
    for token in await tokens.of_app(session, app.id):
        if token.id in earlier and token.state == "valid":
            await tokens.revoke(session, token.id, by=DEMO)
    return (await tokens.issue(session, app.id, by=DEMO)).secret


async def _summary(
    session: ReadSession,
    registered: list[AppSummary],
    secrets: dict[str, str],
    staff: tuple[DemoStaff, ...],
    contact: DemoContact | None,
) -> DemoSummary:
    rows = await session.fetch(
        "SELECT s.id, s.name, (SELECT count(*) FROM student p WHERE p.school_id = s.id AND p.deleted_at IS NULL) "
        "FROM school s ORDER BY s.source_id"
    )
    schools = tuple(DemoSchool(*row) for row in rows)
    found = [DemoApp(app.slug, app.name, secrets[app.id], await _consents(session, app, schools)) for app in registered]
    return DemoSummary(schools, tuple(found), staff, contact)


async def _consents(session: ReadSession, app: AppSummary, schools: tuple[DemoSchool, ...]) -> tuple[DemoConsent, ...]:
    found: list[DemoConsent] = []
    for school in schools:
        rows = await session.fetch(
            "SELECT state, products, manifest_version FROM consent WHERE school_id = ? AND app_id = ?",
            school.id,
            app.id,
        )
        if not rows:
            found.append(DemoConsent(school.name, "none", 0, ()))
            continue
        [[state, products, version]] = rows
        asked = await apps.asked(session, app.id, version)
        granted = {
            row[0]
            for row in await session.fetch(
                "SELECT scope FROM consent_grant WHERE school_id = ? AND app_id = ?", school.id, app.id
            )
        }
        needs = asked.of(frozenset(json.loads(products)))
        required = {scope for scope, need in needs.items() if need == "required"} if state == "approved" else set()
        found.append(DemoConsent(school.name, state, len(granted), tuple(sorted(required - granted))))
    return tuple(found)
