"""With `pgbouncer` set nothing is prepared that another server connection would not know."""

from server.database import open_database


async def test_behind_a_pooler_no_statement_stays_prepared(fresh_postgres: str) -> None:
    for pgbouncer, kept in ((False, True), (True, False)):
        database = open_database(fresh_postgres, pool_size=1, pgbouncer=pgbouncer)
        async with database.read() as session:
            await session.fetch("SELECT 40 + ?::int", 2)
        async with database.read() as session:
            found = await session.fetch(
                "SELECT statement FROM pg_prepared_statements WHERE statement LIKE ?", "%40 + %"
            )
        await database.close()
        assert bool(found) is kept
