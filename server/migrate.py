"""Bring a database to this version's tables: `migrate` does it, `pending` asks whether it is needed.

All of it is one transaction on either database, and two processes that migrate at once take turns. A new SQLite file
can be read by its owner only, and writes ahead (WAL) so that readers never wait for a writer.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from migrations import HEAD
from schema.errors import FieldgateError
from server.database import BUSY_TIMEOUT_SECONDS, clear_error, is_postgresql, open_database, sqlite_path

if TYPE_CHECKING:
    import asyncpg
    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

SWITCH_SECONDS = 0.01
ADVISORY_LOCK = 0x6669656C64676174
"""The key of the lock that migrating processes of one PostgreSQL database take ("fieldgat" in ASCII)."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """From which revision to which; `before` is None for a new database."""

    before: str | None
    after: str


async def migrate(url: str) -> Migrated:
    """Create or upgrade the database's tables."""
    with _clear_errors():
        if not is_postgresql(url):
            await asyncio.to_thread(_prepare_file, sqlite_path(url))
        engine = engine_for(url)
        try:
            async with engine.begin() as connection:
                before = await connection.run_sync(_upgrade)
        finally:
            await engine.dispose()
    return Migrated(before, HEAD)


async def pending(url: str) -> bool:
    """Whether the database is not at this version's revision."""
    database = open_database(url, pool_size=1)
    try:
        async with database.read() as session:
            rows = await session.fetch("SELECT version_num FROM alembic_version")
    except FieldgateError as error:
        if error.code == "DATABASE_NOT_MIGRATED":
            return True
        raise
    finally:
        await database.close()
    return [row[0] for row in rows] != [HEAD]


def engine_for(url: str) -> "AsyncEngine":
    """SQLAlchemy's async engine on the database, for migrations only; requests never go through it."""
    from sqlalchemy import URL, event
    from sqlalchemy.ext.asyncio import create_async_engine
    from sqlalchemy.pool import NullPool

    if is_postgresql(url):
        return create_async_engine(
            "postgresql+asyncpg://", async_creator=lambda: _connect_postgresql(url), poolclass=NullPool
        )
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(sqlite_path(url))),
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT_SECONDS},
        poolclass=NullPool,
    )
    # Left alone, the driver would commit before each CREATE TABLE: a crash would leave half of a migration.
    event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


async def _connect_postgresql(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    # asyncpg reads the URL itself, so that it means the same here as it does to the server.
    import asyncpg

    try:
        return await asyncpg.connect(url, timeout=5)
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        host = urlsplit(url).hostname or "the local socket"
        raise FieldgateError(
            "DATABASE_UNREACHABLE", f"PostgreSQL at {host} does not answer: {type(error).__name__}."
        ) from error


def _upgrade(connection: "Connection") -> str | None:
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    if connection.dialect.name == "postgresql":  # SQLite's BEGIN IMMEDIATE has locked already
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    config.attributes["connection"] = connection
    before = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if before is not None and before not in known:
        raise FieldgateError("DATABASE_NEWER", "The database was migrated by a version that this one does not know.")
    command.upgrade(config, "head")
    return before


def _prepare_file(path: Path) -> None:
    # INVARIANT: children's data is never readable by other accounts of the machine, not even while the file is new.
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_SECONDS)
    try:
        _write_ahead(connection)
    finally:
        connection.close()
    path.chmod(0o600)  # a file that somebody made before us, once it has proved to be a database


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL. SQLite answers a switch that meets another at once, whatever the busy timeout says."""
    until = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(SWITCH_SECONDS)
        else:
            return


@contextmanager
def _clear_errors() -> Iterator[None]:
    import sqlalchemy.exc

    try:
        yield
    except (sqlite3.Error, sqlalchemy.exc.DBAPIError) as error:
        cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
        clear = clear_error(cause) if isinstance(cause, sqlite3.Error) else None
        if clear is None:
            raise
        raise clear from error
    except OSError as error:
        raise FieldgateError("DATABASE_UNREACHABLE", f"The file cannot be opened: {type(error).__name__}.") from error
