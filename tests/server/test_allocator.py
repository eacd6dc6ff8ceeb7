"""A server's runs in the background: they go on after failures, keep nobody waiting, and stop when they are told."""

import asyncio
import io
import json
import time

from authz import allocation
from authz.door import Door
from server.allocator import Allocator, allocating
from server.database import Database, open_database
from server.logs import open_log
from tests.families import Families

FAILS = {
    "sqlite": [
        """CREATE TRIGGER refuse BEFORE INSERT ON contact_account WHEN NEW.school_id = '{school}'
        BEGIN SELECT RAISE(ABORT, 'CANARY'); END""",
    ],
    "postgresql": [
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'CANARY'; END $$",
        """CREATE TRIGGER refuse BEFORE INSERT ON contact_account FOR EACH ROW WHEN (NEW.school_id = '{school}')
        EXECUTE FUNCTION refuse()""",
    ],
}


async def school(database: Database, seed: str) -> Families:
    """A school with one mother, which waits for a run."""
    families = await Families(database, seed).begin()
    await families.link(await families.student(), await families.contact())
    async with database.write() as session:
        await allocation.request(session, families.school)
    return families


async def allocated(families: Families, wanted: int) -> None:
    for _ in range(100):
        found = await families.rows("SELECT 1 FROM contact_account WHERE school_id = ?", families.school)
        if len(found) == wanted:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("not within five seconds")


async def test_a_school_whose_run_fails_keeps_no_other_waiting_and_its_request(database: Database) -> None:
    broken, sound = await school(database, "broken"), await school(database, "sound")
    for statement in FAILS[database.dialect.name]:
        await broken.run(statement.format(school=broken.school))
    door = Door()
    log = io.BytesIO()
    allocator = Allocator(database, door, open_log(log), poll_seconds=0.05)
    await allocator.turn()
    await allocated(sound, 1)
    assert list(allocator.put_off) == [broken.school]
    assert await broken.rows("SELECT school_id FROM contact_allocation") == [(broken.school,)]
    living = asyncio.create_task(allocator.live())
    await asyncio.sleep(0.3)
    await broken.run("DROP TRIGGER refuse" + ("" if database.dialect.is_sqlite else " ON contact_account"))
    await allocated(broken, 1)
    assert allocator.put_off == {}
    living.cancel()
    await asyncio.wait({living}, timeout=2)
    assert living.cancelled()
    door.close()
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert {line["event"] for line in lines} == {"allocation failed"}
    assert "CANARY" not in log.getvalue().decode()


async def test_runs_begin_with_the_block_and_end_with_it(database: Database) -> None:
    families = await school(database, "sound")
    log = io.BytesIO()
    async with allocating(database, Door(), open_log(log)):
        await allocated(families, 1)
    assert log.getvalue() == b""
    await families.link(await families.student(), await families.contact())
    async with database.write() as session:
        await allocation.request(session, families.school)
    await asyncio.sleep(1.5)
    await allocated(families, 1)


async def test_the_block_ends_soon_while_another_process_writes(database: Database, database_url: str) -> None:
    """On SQLite a writer waits up to half a minute for the file: the end of the block does not."""
    families = await school(database, "sound")
    elsewhere = open_database(database_url)
    async with elsewhere.write() as session:
        await allocation.request(session, families.school)
        started = time.monotonic()
        async with allocating(database, Door(), open_log(io.BytesIO())):
            await asyncio.sleep(0.2)
        assert time.monotonic() - started < 6
    await elsewhere.close()
    async with allocating(database, Door(), open_log(io.BytesIO())):
        await allocated(families, 1)


async def test_a_day_that_begins_is_looked_at_once(database: Database) -> None:
    families = await Families(database).begin()
    [[today]] = await families.rows("SELECT CAST(CURRENT_DATE AS TEXT)")
    await families.link(await families.student(admission_date=today), await families.contact())
    door = Door()
    allocator = Allocator(database, door, open_log(io.BytesIO()))
    await allocator.turn()
    assert allocator.day == today, "the day of the database's clock"
    await allocated(families, 1)
    await families.link(await families.student(admission_date=today), await families.contact())
    await allocator.turn()
    await allocated(families, 1)
    door.close()
