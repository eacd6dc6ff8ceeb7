"""A read that takes too long, or that nobody waits for any more, is stopped in SQLite; the next one answers."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from resolvers.asking import Ask, Flow
from schema.errors import FieldgateError
from server.database import SqliteDatabase
from server.readers import SqliteReader

ENDLESS = (
    "WITH RECURSIVE counted(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM counted LIMIT 100000000000) "
    "SELECT count(*) FROM counted"
)
INLINE_COST = 10


def asking(sql: str) -> Flow:
    return (yield Ask(sql, ()))


@pytest.fixture
async def reader(migrated_sqlite: Path) -> AsyncIterator[SqliteReader]:
    opened = SqliteReader(SqliteDatabase(migrated_sqlite), inline_cost=INLINE_COST, deadline_seconds=0.3)
    yield opened
    await opened.close()


@pytest.mark.parametrize("cost", [INLINE_COST, INLINE_COST + 1], ids=["inline", "on a thread"])
async def test_a_read_past_its_deadline_is_stopped(reader: SqliteReader, cost: int) -> None:
    started = time.monotonic()
    with pytest.raises(FieldgateError) as late:
        await reader.run(lambda: asking(ENDLESS), cost)
    assert late.value.code == "DEADLINE_EXCEEDED"
    assert time.monotonic() - started < 2
    assert await reader.run(lambda: asking("SELECT 1"), cost) == [(1,)]


async def test_a_cancelled_read_is_stopped_at_once_and_its_thread_ends(reader: SqliteReader) -> None:
    reader.deadline_seconds = 60.0
    reading = asyncio.create_task(reader.run(lambda: asking(ENDLESS), INLINE_COST + 1))
    await asyncio.sleep(0.1)
    started = time.monotonic()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert time.monotonic() - started < 1
    assert await reader.run(lambda: asking("SELECT 1"), INLINE_COST + 1) == [(1,)]


LONG = ENDLESS.replace("100000000000", "1500000")


async def test_a_read_that_was_thought_cheap_goes_on_in_a_thread_and_stops_nobody(reader: SqliteReader) -> None:
    reader.deadline_seconds = 60.0
    waits: list[float] = []

    async def others() -> None:
        while True:
            started = time.monotonic()
            await asyncio.sleep(0.001)
            waits.append(time.monotonic() - started)

    beating = asyncio.create_task(others())
    assert await reader.run(lambda: asking(LONG), INLINE_COST) == [(1_500_000,)]
    beating.cancel()
    assert len(waits) > 10, "others must have had their turn meanwhile"
