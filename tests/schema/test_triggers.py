"""What hand-made SQL cannot do: give a version of a consent a second meaning, or take grants away unseen."""

import pytest

from schema.registry import REGISTRY
from server.database import Database, PostgresDatabase
from tests.databases import *  # noqa: F403
from tests.world import NOW, World, make_world, write_app


@pytest.fixture
async def world(database: Database) -> World:
    world = make_world("triggers", schools=2, size=1)
    async with database.write() as session:
        await world.write(session)
        await write_app(session, world, {0: sorted(REGISTRY.scopes)[:3]})
    return world


async def version(database: Database) -> int:
    async with database.read() as session:
        return int((await session.fetch("SELECT version FROM consent"))[0][0])


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM consent",
        "UPDATE consent SET school_id = 'sch_00000000'",
        "UPDATE consent SET app_id = 'app_other'",
        "UPDATE consent SET id = 'cns_other'",
        "UPDATE consent SET version = version - 1",
    ],
)
async def test_a_consent_is_never_deleted_moved_or_set_back(database: Database, world: World, statement: str) -> None:
    before = await version(database)
    with pytest.raises(Exception, match=r"never|only rises"):
        async with database.write() as session:
            await session.execute(statement)
    assert await version(database) == before


async def test_a_consent_is_never_replaced(database: Database, world: World) -> None:
    insert = (
        "INSERT OR REPLACE INTO consent (school_id, app_id, id, state, version, manifest_version, created_at) "
        "SELECT school_id, app_id, id, state, 1, 1, created_at FROM consent"
    )
    if isinstance(database, PostgresDatabase):
        insert = insert.replace(" OR REPLACE", "")
    with pytest.raises(Exception, match=r"never replaced|duplicate key"):
        async with database.write() as session:
            await session.execute(insert)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM consent_grant",
        f"UPDATE consent_grant SET expires_at = '{NOW}'",
        "UPDATE consent SET state = 'revoked'",
        "UPDATE consent SET row_conditions = '[\"no_court_order\"]'",
        "UPDATE school SET name = 'Renamed'",
        "UPDATE app SET manifest_version = 2",
    ],
)
async def test_whatever_a_plan_is_made_of_raises_the_version(database: Database, world: World, statement: str) -> None:
    before = await version(database)
    async with database.write() as session:
        await session.execute(statement)
    assert await version(database) > before


async def test_emptying_the_grants_at_once_raises_the_version(database: Database, world: World) -> None:
    before = await version(database)
    truncate = "TRUNCATE consent_grant" if isinstance(database, PostgresDatabase) else "DELETE FROM consent_grant"
    async with database.write() as session:
        await session.execute(truncate)
    assert await version(database) > before


async def test_emptying_the_consents_is_refused(database: Database, world: World) -> None:
    truncate = "TRUNCATE consent" if isinstance(database, PostgresDatabase) else "DELETE FROM consent"
    with pytest.raises(Exception, match="never deleted"):
        async with database.write() as session:
            await session.execute(truncate)
