"""Writes that are prepared in temporary tables, and writes that are cut off half-way."""

import asyncio

import pytest

from server.database import Database, open_database
from server.staging import StagedTable
from tests.databases import *  # noqa: F403

TABLE = StagedTable(
    "stage_test",
    (("id", "text"), ("number", "integer"), ("flag", "boolean")),
    [("a", 1, True), ("b", None, None), ("c", -3, False)],
)
ADD_APP = "INSERT INTO app (id, slug, name, vendor, manifest_version, created_at) VALUES (?, ?, 'A', 'B', 1, {now})"


async def apps(database: Database) -> list[str]:
    async with database.read() as session:
        return [row[0] for row in await session.fetch("SELECT id FROM app ORDER BY id")]


async def test_a_staged_table_is_there_for_its_transaction_only(database: Database) -> None:
    for _ in range(2):  # the same name again: nothing is left of the first
        async with database.write_staged([TABLE]) as session:
            rows = await session.fetch("SELECT id, number, flag FROM stage_test ORDER BY id")
        found = [(row[0], row[1], None if row[2] is None else bool(row[2])) for row in rows]
        assert found == [("a", 1, True), ("b", None, None), ("c", -3, False)]


async def test_a_staged_write_is_all_or_nothing(database: Database) -> None:
    statement = ADD_APP.format(now=database.dialect.now)
    async with database.write_staged([TABLE]) as session:
        await session.execute(statement, "app_1", "one")

    async def fail() -> None:
        async with database.write_staged([TABLE]) as session:
            await session.execute(statement, "app_2", "two")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await apps(database) == ["app_1"]


async def test_staged_ids_compare_with_stored_ids(database: Database) -> None:
    async with database.write_staged([TABLE]) as session:
        await session.execute(ADD_APP.format(now=database.dialect.now), "a", "one")
        rows = await session.fetch("SELECT app.id FROM app JOIN stage_test ON stage_test.id = app.id")
    assert [row[0] for row in rows] == ["a"]


async def test_filling_temporary_tables_keeps_no_writer_waiting(database: Database, database_url: str) -> None:
    many = StagedTable("stage_many", (("id", "text"),), [(f"{number:08d}",) for number in range(200_000)])
    staged = asyncio.Event()

    async def stage() -> None:
        async with database.write_staged([many]):
            staged.set()

    other = open_database(database_url)
    statement = ADD_APP.format(now=database.dialect.now)
    staging = asyncio.create_task(stage())
    written = 0
    while not staged.is_set():
        async with other.write() as session:
            await session.execute(statement, f"app_{written}", f"slug_{written}")
        written += 1
    await staging
    await other.close()
    assert written > 3


async def test_a_write_that_is_cancelled_at_any_moment_leaves_no_transaction_open(database: Database) -> None:
    statement = ADD_APP.format(now=database.dialect.now)

    async def write(number: int) -> None:
        async with database.write() as session:
            await session.execute(statement, f"app_{number:03d}", f"slug_{number}")

    kept: list[str] = []
    for number in range(40):
        task = asyncio.create_task(write(number))
        for _ in range(number % 20):
            await asyncio.sleep(0)
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        kept += [f"app_{number:03d}"] if outcome is None else []
    await write(999)  # the writer still works, and nothing half-done is committed with this
    found = await apps(database)
    assert found[-1] == "app_999"
    assert set(kept) <= set(found)
