"""The test session's PostgreSQL is the one that the fixtures say it is."""

import asyncpg

from tests.postgres import database_at, new_database


async def test_a_fresh_database_is_empty_and_a_copy_has_what_its_template_has(fresh_postgres: str) -> None:
    connection = await asyncpg.connect(fresh_postgres)
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    assert await connection.fetchval("SHOW server_version_num") >= "150000"
    await connection.execute("CREATE TABLE pupil (id text)")
    template = await connection.fetchval("SELECT current_database()")
    await connection.close()
    with new_database(database_at(fresh_postgres, "postgres"), template=template) as copy:
        connection = await asyncpg.connect(copy)
        assert await connection.fetchval("SELECT count(*) FROM pupil") == 0
        await connection.close()
