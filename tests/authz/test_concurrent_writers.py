"""Of two writers who decide on the same thing one wins; the other is refused in so many words, and nothing is torn."""

import asyncio
import functools
from collections.abc import AsyncIterator

import pytest

import server.database
from authz import apps, audit, consent, overview, schools
from authz.audit import Actor
from schema.errors import FieldgateError
from server.database import Database, open_database
from tests.manifests import manifest

ONE, OTHER = Actor("one"), Actor("other")
ENOUGH_SECONDS = 0.3


@pytest.fixture
async def ids(database: Database) -> tuple[str, str]:
    async with database.write() as session:
        app = (await apps.register(session, manifest(), by=ONE)).app.id
        return await schools.add(session, "Ashby School", by=ONE), app


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    """The database as another process has it open."""
    opened = open_database(database_url)
    yield opened
    await opened.close()


async def events(database: Database, school: str) -> list[tuple[str, str]]:
    async with database.read() as session:
        rows = await session.fetch("SELECT name, actor FROM audit_event WHERE school_id = ? ORDER BY seq", school)
    return [(row[0], row[1]) for row in rows][1:]


async def test_the_second_of_two_revokes_is_refused(database: Database, other: Database, ids: tuple[str, str]) -> None:
    async with database.write() as session:
        await consent.grant(session, *ids, by=ONE)

    async def revoke_too() -> None:
        async with other.write() as session:
            await consent.revoke(session, *ids, by=OTHER)

    async with database.write() as session:
        await consent.revoke(session, *ids, by=ONE)
        second = asyncio.create_task(revoke_too())
        await asyncio.sleep(ENOUGH_SECONDS)
        assert not second.done(), "it waits for the first to end"
    with pytest.raises(FieldgateError) as refusal:
        await second
    assert refusal.value.code == "CONSENT_STATE"
    assert await events(database, ids[0]) == [("consent_granted", "one"), ("consent_revoked", "one")]


async def test_the_second_revoke_goes_on_where_the_first_rolls_back(
    database: Database, other: Database, ids: tuple[str, str]
) -> None:
    async with database.write() as session:
        await consent.grant(session, *ids, by=ONE)

    async def revoke_too() -> None:
        async with other.write() as session:
            await consent.revoke(session, *ids, by=OTHER)

    async def revoke_and_fail() -> None:
        async with database.write() as session:
            await consent.revoke(session, *ids, by=ONE)
            waiting.append(asyncio.create_task(revoke_too()))
            await asyncio.sleep(ENOUGH_SECONDS)
            raise ZeroDivisionError

    waiting: list[asyncio.Task[None]] = []
    with pytest.raises(ZeroDivisionError):
        await revoke_and_fail()
    await waiting[0]
    assert await events(database, ids[0]) == [("consent_granted", "one"), ("consent_revoked", "other")]


async def test_two_first_grants_make_one_consent(database: Database, other: Database, ids: tuple[str, str]) -> None:
    async def grant_too() -> str:
        try:
            async with other.write() as session:
                return (await consent.grant(session, *ids, by=OTHER)).state
        except FieldgateError as error:
            return error.code

    async with database.write() as session:
        await consent.grant(session, *ids, by=ONE)
        second = asyncio.create_task(grant_too())
        await asyncio.sleep(ENOUGH_SECONDS)
    # SQLite's second writer begins after the first and finds it done; PostgreSQL's had begun, and is refused.
    assert await second in {"approved", "DATABASE_BUSY"}
    assert await events(database, ids[0]) == [("consent_granted", "one")]
    async with database.read() as snapshot:
        [view] = await overview.consents(snapshot)
    assert {grant.granted_by for grant in view.scopes} == {"one"}


async def test_two_registrations_of_one_app_make_one_app(database: Database, other: Database) -> None:
    async def register_too() -> str:
        try:
            async with other.write() as session:
                return (await apps.register(session, manifest(), by=OTHER)).outcome
        except FieldgateError as error:
            return error.code

    async with database.write() as session:
        await apps.register(session, manifest(), by=ONE)
        second = asyncio.create_task(register_too())
        await asyncio.sleep(ENOUGH_SECONDS)
    assert await second in {"unchanged", "DATABASE_BUSY"}
    async with database.read() as snapshot:
        assert len(await apps.listed(snapshot)) == 1


async def test_a_writer_that_waits_too_long_is_told_that_the_database_is_busy(
    database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    if database.dialect.is_sqlite:
        impatient = functools.partial(server.database.sqlite_connect, busy_timeout=ENOUGH_SECONDS)
        monkeypatch.setattr(server.database, "sqlite_connect", impatient)
    else:
        monkeypatch.setattr(server.database, "BUSY_TIMEOUT_SECONDS", 1.0)
    other = open_database(database_url)
    async with database.write() as session:
        await audit.record(session, "token_issued", chain="platform", by=ONE)
        with pytest.raises(FieldgateError) as refusal:
            async with other.write() as late:
                await audit.record(late, "token_issued", chain="platform", by=OTHER)
    assert refusal.value.code == "DATABASE_BUSY"
    await other.close()
