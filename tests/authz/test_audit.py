"""An event is written with its change or not at all, and each chain is numbered without a gap."""

import asyncio

import pytest

from authz import audit, schools
from authz.audit import Actor
from server.database import Database, open_database

OPERATOR = Actor("operator", "on call")


async def chain(database: Database, name: str) -> list[int]:
    async with database.read() as session:
        rows = await session.fetch("SELECT seq FROM audit_event WHERE school_id = ? ORDER BY seq", name)
    return [row[0] for row in rows]


async def test_an_event_holds_who_what_when_and_the_facts(database: Database) -> None:
    async with database.write() as session:
        await audit.record(
            session, "token_issued", chain="platform", by=OPERATOR, app_id="app_x", details={"b": [1], "a": "Zoë"}
        )
    async with database.read() as session:
        at = session.dialect.instant_text("at")
        [row] = await session.fetch(f"SELECT name, actor, actor_position, app_id, details, {at} FROM audit_event")
    assert tuple(row[:5]) == ("token_issued", "operator", "on call", "app_x", '{"a":"Zoë","b":[1]}')
    assert row[5].endswith("Z")


async def test_an_event_goes_with_the_change_that_is_rolled_back(database: Database) -> None:
    async with database.write() as session:
        school = await schools.add(session, "Ashby School", by=OPERATOR)

    async def record_and_fail() -> None:
        async with database.write() as session:
            await audit.record(session, "consent_granted", chain=school, by=OPERATOR)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await record_and_fail()
    async with database.write() as session:
        assert await audit.record(session, "consent_granted", chain=school, by=OPERATOR) == 2
    assert await chain(database, school) == [1, 2]


async def test_a_name_that_is_not_of_the_closed_set_is_a_mistake_of_ours(database: Database) -> None:
    async with database.write() as session:
        with pytest.raises(KeyError):
            await audit.record(session, "consent_granting", chain="platform", by=OPERATOR)


async def test_writers_at_the_same_time_leave_no_gap_and_take_no_number_twice(database_url: str) -> None:
    async def write(turn: int) -> None:
        database = open_database(database_url, pool_size=1)
        for count in range(5):
            async with database.write() as session:
                await audit.record(session, "token_issued", chain="platform", by=Actor(f"{turn}/{count}"))
        await database.close()

    await asyncio.gather(*(write(turn) for turn in range(6)))
    database = open_database(database_url)
    assert await chain(database, "platform") == list(range(1, 31))
    await database.close()


async def test_one_schools_events_are_numbered_apart_from_anothers(database: Database) -> None:
    for name in ("Ashby School", "Brook School"):
        async with database.write() as session:
            school = await schools.add(session, name, by=OPERATOR)
            await audit.record(session, "consent_granted", chain=school, by=OPERATOR)
        assert await chain(database, school) == [1, 2]
