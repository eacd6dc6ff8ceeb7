"""A large import leaves PostgreSQL knowing how large its tables are, so that the next query has a plan that fits."""

from authz.audit import Actor
from server.database import Database
from server.demo.generate import generate_school
from server.sync import statistics
from server.sync.connector import import_records

BY = Actor("a test")


async def known(database: Database, table: str) -> float:
    async with database.read() as session:
        return float((await session.fetch("SELECT reltuples FROM pg_class WHERE relname = ?", table))[0][0])


async def test_the_tables_that_an_import_fills_are_looked_at_once(database: Database) -> None:
    records = generate_school("statistics", students=600, source_id="B0000000001")
    result = await import_records(database, records, source="test", by=BY)
    if database.dialect.is_sqlite:
        assert await statistics.refresh(database, result.counts) == []
        return
    assert await known(database, "student") == 600
    assert await known(database, "student_contact") == result.counts["StudentContact"]["inserted"]
    assert await known(database, "school_event") <= 0, "a few rows are not worth a look"
    again = await import_records(database, records, source="test", by=BY)
    assert await statistics.refresh(database, again.counts) == []


async def test_little_beside_what_is_there_is_not_looked_at(database: Database) -> None:
    records = generate_school("statistics", students=600, source_id="B0000000001")
    result = await import_records(database, records, source="test", by=BY)
    filled = result.counts["StudentContact"]["inserted"]
    few = {"StudentContact": {"inserted": int(filled * statistics.LEAST_SHARE) - 1}}
    assert await statistics.refresh(database, few) == []
    many = {"StudentContact": {"inserted": filled}}
    assert await statistics.refresh(database, many) == ([] if database.dialect.is_sqlite else ["student_contact"])
