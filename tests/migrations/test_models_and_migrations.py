"""The migrations add up to the models: same tables, columns, checks, indexes and triggers, on both databases."""

import re
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

import migrations
from migrations.ddl import statements
from migrations.draft import statements as drafted
from schema.metadata import METADATA
from server.migrate import engine_for, migrate

CATALOGUES = {
    "columns": """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, l.collname,
               pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_collation l ON l.oid = a.attcollation
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0""",
    "constraints": """
        SELECT c.relname, k.conname, pg_get_constraintdef(k.oid)
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
        WHERE c.relnamespace = 'public'::regnamespace""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "triggers": """
        SELECT c.relname, t.tgname, pg_get_triggerdef(t.oid)
        FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal""",
    "functions": """
        SELECT '', p.proname, pg_get_functiondef(p.oid)
        FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace""",
}


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Callable[[Callable[[Connection], Any]], Any]]:
    engine = engine_for(url)
    try:
        async with engine.begin() as connection:
            yield connection.run_sync
    finally:
        await engine.dispose()


def catalogue_of(connection: Connection) -> dict[str, set[tuple[object, ...]]]:
    """Everything the database itself says of its tables, apart from Alembic's own."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        found = {"objects": {(row[0], row[1], re.sub(r"\s+", " ", row[2]).strip()) for row in rows}}
    else:
        found = {name: {tuple(row) for row in connection.exec_driver_sql(query)} for name, query in CATALOGUES.items()}
    mentions_alembic = re.compile("alembic_version")
    return {
        name: {row for row in rows if not any(mentions_alembic.search(str(value)) for value in row)}
        for name, rows in found.items()
    }


async def test_a_migrated_database_has_exactly_the_models_tables(empty_database: str, tmp_path: Path) -> None:
    async with connected(await created_from_models(empty_database, tmp_path)) as run:
        expected = await run(catalogue_of)
        await run(drop_everything)
    await migrate(empty_database)
    async with connected(empty_database) as run:
        found = await run(catalogue_of)
    assert found == expected
    assert all(expected.values()), "an empty catalogue proves nothing"


async def created_from_models(url: str, tmp_path: Path) -> str:
    """The URL of a database made by `create_all`: PostgreSQL's is used again, SQLite's is another file."""
    if url.startswith("sqlite:///"):
        url = f"sqlite:///{tmp_path / 'models.db'}"
    async with connected(url) as run:
        await run(METADATA.create_all)
    return url


def drop_everything(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")


async def test_alembic_sees_no_difference_between_models_and_migrations(database_url: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, METADATA))

    async with connected(database_url) as run:
        assert await run(differences) == []


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_frozen_statements_are_what_the_draft_prints(dialect: str) -> None:
    # While there is one revision only. The next one changes this test to the sum of both, or removes it.
    assert migrations.HEAD == "0001"
    assert sorted(statements("0001", dialect)) == sorted(drafted(dialect)), (
        "run `python -m migrations.draft` and compare"
    )


def test_the_named_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


async def test_every_sqlite_table_is_strict_and_without_rowid(tmp_path: Path) -> None:
    path = tmp_path / "fieldgate.db"
    await migrate(f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT name, wr, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    loose = {name for name, without_rowid, strict in rows if not (without_rowid and strict)}
    connection.close()
    assert loose <= {"alembic_version", "sqlite_schema"}
