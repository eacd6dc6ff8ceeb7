"""How many snapshots a process holds at a time, and what a lost connection or an impatient caller leaves behind."""

import asyncio
import threading

import pytest

from schema.errors import FieldgateError
from server.database import MOST_READERS, Database, PostgresDatabase, SqliteDatabase

SLOW = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgresql": "SELECT pg_sleep(600)",
}


async def test_many_snapshots_at_once_take_turns_and_leave_few_connections(database: Database) -> None:
    before = threading.active_count()

    async def read() -> int:
        async with database.read() as session:
            await asyncio.sleep(0.01)
            return int((await session.fetch("SELECT 1"))[0][0])

    assert await asyncio.gather(*(read() for _ in range(200))) == [1] * 200
    if isinstance(database, SqliteDatabase):
        assert threading.active_count() - before <= 2 * MOST_READERS


async def test_a_cancelled_read_stops_its_statement_and_leaves_the_database_usable(database: Database) -> None:
    async def read() -> None:
        async with database.read() as session:
            await session.fetch(SLOW[database.dialect.name])

    for _ in range(MOST_READERS + 2):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await read()
    async with asyncio.timeout(5), database.read() as session:
        assert list((await session.fetch("SELECT 1"))[0]) == [1]


async def test_a_connection_that_the_database_ends_is_a_refusal_and_the_next_one_works(database: Database) -> None:
    if not isinstance(database, PostgresDatabase):
        pytest.skip("SQLite has no connections that another could end")

    async def end_and_read_on() -> None:
        async with database.read() as session:
            [[own]] = await session.fetch("SELECT pg_backend_pid()")
            async with database.write() as other:
                await other.fetch("SELECT pg_terminate_backend(?::int)", own)
            await session.fetch("SELECT 1")

    with pytest.raises(FieldgateError) as caught:
        await end_and_read_on()
    assert caught.value.code == "DATABASE_UNREACHABLE"
    async with database.read() as session:
        assert list((await session.fetch("SELECT 1"))[0]) == [1]
