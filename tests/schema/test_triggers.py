"""What hand-made SQL cannot do: give a version of a consent a second meaning, or take grants away unseen."""

import pytest

from schema.registry import REGISTRY
from server.database import Database, PostgresDatabase
from tests.databases import *  # noqa: F403
from tests.world import NOW, World, insert, make_world, write_app


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


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM contact_override",
        "UPDATE contact_override SET value = 'VIEW_AND_UPDATE', set_by = 'somebody else'",
        "UPDATE contact_override SET note = 'another story'",
        "UPDATE contact_override SET cleared_at = NULL WHERE cleared_at IS NOT NULL",
        "UPDATE contact_override SET link_id = 'lnk_other'",
    ],
)
async def test_an_override_is_never_deleted_edited_or_revived(database: Database, statement: str) -> None:
    await write_overrides(database)
    with pytest.raises(Exception, match=r"never|is over"):
        async with database.write() as session:
            await session.execute(statement)


@pytest.mark.parametrize("replaced", ["ovr_0", "ovr_new"])
async def test_an_override_is_never_replaced(database: Database, replaced: str) -> None:
    """Neither by its own id nor by being the second in force on a link."""
    rows = await write_overrides(database)
    names = ", ".join(rows[0])
    values = ", ".join("NULL" if value is None else f"'{value}'" for value in ({**rows[0], "id": replaced}).values())
    verb = "INSERT" if isinstance(database, PostgresDatabase) else "INSERT OR REPLACE"
    with pytest.raises(Exception, match=r"never replaced|duplicate key"):
        async with database.write() as session:
            await session.execute(f"{verb} INTO contact_override ({names}) VALUES ({values})")


async def write_overrides(database: Database) -> list[dict[str, object]]:
    """One in force and one that was cleared, on one link."""
    row = {"school_id": "sch_00000000", "link_id": "lnk_0", "value": "NO_PERMISSION", "set_by": "a head"}
    row |= {"set_at": NOW, "note": "a story", "origin": "MANUAL"}
    rows: list[dict[str, object]] = [
        {**row, "id": "ovr_0", "cleared_at": None},
        {**row, "id": "ovr_1", "cleared_at": NOW},
    ]
    async with database.write() as session:
        await insert(session, "contact_override", rows)
    return rows


@pytest.mark.parametrize(
    ("statement", "rises"),
    [
        ("UPDATE contact_access_setting SET source = 'RELATIONSHIP_TYPE'", True),
        ("UPDATE contact_access_setting SET confirm_masked_overrides = NOT confirm_masked_overrides", True),
        ("DELETE FROM contact_access_setting", True),
        ("UPDATE contact_access_setting SET defaults_version = 7", False),
        ("UPDATE contact_access_setting SET updated_at = updated_at", False),
    ],
)
async def test_what_is_compiled_of_a_schools_settings_raises_its_consents_versions(
    database: Database, world: World, statement: str, rises: bool
) -> None:
    before = await version(database)
    async with database.write() as session:
        assert await session.execute(f"{statement} WHERE school_id = ?", world.schools[0]) == 1
    assert (await version(database) > before) is rises
