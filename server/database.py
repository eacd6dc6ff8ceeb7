"""The database: one SQLite file, or PostgreSQL. Reads are snapshots, writes are whole transactions.

SQLite: WAL, `synchronous=FULL`, every write `BEGIN IMMEDIATE` with a busy timeout. PostgreSQL: reads are
`REPEATABLE READ READ ONLY`. Drivers are imported when used, so that the shell's small commands start fast.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from authz.session import POSTGRESQL, SQLITE, Dialect, ReadSession, Row, WriteSession
from schema.errors import FieldgateError

if TYPE_CHECKING:
    import aiosqlite
    import asyncpg

    from server.staging import StagedTable

BUSY_TIMEOUT_SECONDS = 30.0
KEPT_STATEMENTS = 128  # prepared per connection; one of a wide document may take a megabyte
CONNECTION_SETTINGS = {
    "timezone": "UTC",
    "jit": "off",
    # A writer that waits for another gives up as on SQLite, with a refusal of ours.
    "lock_timeout": f"{BUSY_TIMEOUT_SECONDS:.0f}s",
}
MOST_READERS = 8
"""Snapshots of one process at a time: each has a connection and a thread, which are kept."""
ACQUIRE_SECONDS = 5.0
STAGED_CACHE_KIB = 65_536
"""Page cache of a large write, so that its pages reach the file once, at commit."""


class Database(Protocol):
    """An open database. Close it when done."""

    dialect: Dialect

    def read(self) -> contextlib.AbstractAsyncContextManager[ReadSession]:
        """One snapshot."""
        ...

    def write(self) -> contextlib.AbstractAsyncContextManager[WriteSession]:
        """One write transaction; it commits when the block ends and rolls back when it raises."""
        ...

    def write_staged(self, tables: "Sequence[StagedTable]") -> contextlib.AbstractAsyncContextManager[WriteSession]:
        """One write transaction in which these temporary tables stand filled; filling them keeps no writer waiting."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


def is_postgresql(url: str) -> bool:
    """Whether the URL names a PostgreSQL database."""
    return url.startswith(("postgresql://", "postgres://"))


def sqlite_path(url: str) -> Path:
    """The file that a `sqlite:///…` URL names; three slashes relative, four absolute."""
    if not url.startswith("sqlite:///") or len(url) == len("sqlite:///"):
        raise FieldgateError(
            "SETTING_INVALID", "FIELDGATE_DATABASE_URL must be sqlite:///PATH or postgresql://USER@HOST/NAME."
        )
    return Path(url.removeprefix("sqlite:///"))


def open_database(url: str, *, pool_size: int = 8, pgbouncer: bool = False) -> Database:
    """The database at the URL; connections are made on first use.

    `pgbouncer`: nothing is prepared that would have to outlive a transaction.
    """
    if is_postgresql(url):
        return PostgresDatabase(url, pool_size=pool_size, pgbouncer=pgbouncer)
    return SqliteDatabase(sqlite_path(url))


def sqlite_connect(path: Path, *, read_only: bool, busy_timeout: float = BUSY_TIMEOUT_SECONDS) -> sqlite3.Connection:
    """A plain connection in autocommit mode, so that transactions are only the ones we begin."""
    if not path.exists():
        raise FieldgateError("DATABASE_NOT_MIGRATED", f"There is no database at {path}.")
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=busy_timeout,
        cached_statements=KEPT_STATEMENTS,
        check_same_thread=False,
    )
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA query_only = ON" if read_only else "PRAGMA synchronous = FULL")
    return connection


def clear_error(error: sqlite3.Error) -> FieldgateError | None:
    """The refusal that a driver's error means, where its reader can act on it."""
    text = str(error)
    if "locked" in text or "busy" in text:
        return FieldgateError("DATABASE_BUSY", "Another process is writing to the database.")
    if "no such table" in text or "no such column" in text:
        return FieldgateError("DATABASE_NOT_MIGRATED", "The database has not this version's tables.")
    if "unable to open" in text or "not a database" in text:
        return FieldgateError("DATABASE_UNREACHABLE", "The database file cannot be opened.")
    return None


class SqliteSession:
    """A session on one aiosqlite connection."""

    dialect = SQLITE

    def __init__(self, connection: "aiosqlite.Connection") -> None:
        self.connection = connection

    async def fetch(self, statement: str, *parameters: object) -> Sequence[Row]:
        return list(await self.connection.execute_fetchall(statement, parameters))

    async def execute(self, statement: str, *parameters: object) -> int:
        async with self.connection.execute(statement, parameters) as cursor:
            return cursor.rowcount

    async def execute_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        async with self.connection.executemany(statement, rows):
            pass


class SqliteDatabase:
    """One file. Writers queue on one connection in this process, and on the file's lock between processes."""

    dialect = SQLITE

    def __init__(self, path: Path) -> None:
        self.path = path
        self._idle_readers: list[aiosqlite.Connection] = []
        self._reader_turns = asyncio.Semaphore(MOST_READERS)
        self._writer: aiosqlite.Connection | None = None
        self._writer_turn = asyncio.Lock()

    async def connect(self, *, read_only: bool) -> "aiosqlite.Connection":
        """A new connection with a thread of its own; whoever asked closes it."""
        import aiosqlite

        # Opened before it is handed over: aiosqlite's thread outlives an opening that fails, and even the event loop.
        opened = await asyncio.to_thread(sqlite_connect, self.path, read_only=read_only)
        return await aiosqlite.Connection(lambda: opened, iter_chunk_size=1000)

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        async with self._reader_turns:
            with _clear_sqlite_errors():
                connection = self._idle_readers.pop() if self._idle_readers else await self.connect(read_only=True)
                try:
                    await connection.execute("BEGIN")
                    yield SqliteSession(connection)
                except asyncio.CancelledError:
                    # Nobody waits any more: its statement must not run on, nor its snapshot stay open.
                    await connection.interrupt()
                    await connection.close()
                    raise
                except BaseException:
                    await self._put_back(connection)
                    raise
                else:
                    await self._put_back(connection)

    async def _put_back(self, connection: "aiosqlite.Connection") -> None:
        await _end(connection, "ROLLBACK")
        self._idle_readers.append(connection)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[WriteSession]:
        async with self._writer_turn:
            with _clear_sqlite_errors():
                if self._writer is None:
                    self._writer = await self.connect(read_only=False)
                async with _immediate(self._writer) as session:
                    yield session

    @contextlib.asynccontextmanager
    async def write_staged(self, tables: "Sequence[StagedTable]") -> AsyncIterator[WriteSession]:
        with _clear_sqlite_errors():
            # A connection of its own: the writer's would keep this process's other writers waiting while it fills.
            connection = await self.connect(read_only=False)
            try:
                # In memory, because a temporary file would hold records outside the database's own file.
                await connection.execute("PRAGMA temp_store = MEMORY")
                await connection.execute(f"PRAGMA cache_size = -{STAGED_CACHE_KIB}")
                await connection.execute("BEGIN")
                for table in tables:
                    await connection.execute(table.create(SQLITE))
                    await connection.executemany(table.insert(), table.rows)
                await connection.execute("COMMIT")
                async with self._writer_turn, _immediate(connection) as session:
                    yield session
            finally:
                await connection.close()

    async def close(self) -> None:
        for connection in [*self._idle_readers, *([self._writer] if self._writer else [])]:
            await connection.close()
        self._idle_readers.clear()
        self._writer = None


@contextlib.asynccontextmanager
async def _immediate(connection: "aiosqlite.Connection") -> AsyncIterator[WriteSession]:
    try:
        await connection.execute("BEGIN IMMEDIATE")
        yield SqliteSession(connection)
        await connection.execute("COMMIT")
    except BaseException:
        # A cancelled statement may still be on its way to the thread: only what comes after it there sees its effect.
        await connection.execute_fetchall("SELECT 1")
        await _end(connection, "ROLLBACK")
        raise


async def _end(connection: "aiosqlite.Connection", statement: str) -> None:
    if connection.in_transaction:
        await connection.execute(statement)


@contextlib.contextmanager
def _clear_sqlite_errors() -> Any:
    try:
        yield
    except sqlite3.Error as error:
        clear = clear_error(error)
        if clear is None:
            raise
        raise clear from error


class PostgresSession:
    """A session on one asyncpg connection."""

    dialect = POSTGRESQL

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self.connection = connection

    async def fetch(self, statement: str, *parameters: object) -> Sequence[Row]:
        rows: Sequence[Row] = await self.connection.fetch(POSTGRESQL.sql(statement), *parameters)
        return rows

    async def execute(self, statement: str, *parameters: object) -> int:
        status = await self.connection.execute(POSTGRESQL.sql(statement), *parameters)
        last = status.rsplit(" ", 1)[-1]
        return int(last) if last.isdigit() else 0

    async def execute_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        await self.connection.executemany(POSTGRESQL.sql(statement), rows)


async def _left_as_it_is(_: object) -> None:
    """What asyncpg would run after each use costs every request a second statement.

    INVARIANT: nothing of ours outlives its transaction: no SET, no LISTEN, no session's lock, no table kept on commit.
    """


class PostgresDatabase:
    """A PostgreSQL database behind a pool."""

    dialect = POSTGRESQL

    def __init__(self, url: str, *, pool_size: int, pgbouncer: bool = False) -> None:
        self.url = url
        self.pgbouncer = pgbouncer
        self.pool_size = pool_size
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()

    async def pool(self) -> "asyncpg.Pool[asyncpg.Record]":
        """The pool of connections, opened on first use."""
        import asyncpg

        async with self._opening:
            if self._pool is None:
                try:
                    self._pool = await asyncpg.create_pool(
                        self.url,
                        min_size=1,
                        max_size=self.pool_size,
                        command_timeout=60,
                        timeout=5,
                        reset=_left_as_it_is,
                        max_cacheable_statement_size=0,
                        # Behind PgBouncer the next transaction may be on another server connection, and start-up
                        # settings other than the name are refused.
                        statement_cache_size=0 if self.pgbouncer else KEPT_STATEMENTS,
                        server_settings={
                            "application_name": "fieldgate",
                            **({} if self.pgbouncer else CONNECTION_SETTINGS),
                        },
                    )
                except (OSError, asyncpg.PostgresError, TimeoutError) as error:
                    host = urlsplit(self.url).hostname or "the local socket"
                    raise FieldgateError(
                        "DATABASE_UNREACHABLE", f"PostgreSQL at {host} does not answer: {type(error).__name__}."
                    ) from error
            return self._pool

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        async with self._transaction(isolation="repeatable_read", readonly=True) as connection:
            yield PostgresSession(connection)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[WriteSession]:
        async with self._transaction() as connection:
            yield PostgresSession(connection)

    @contextlib.asynccontextmanager
    async def write_staged(self, tables: "Sequence[StagedTable]") -> AsyncIterator[WriteSession]:
        async with self._transaction() as connection:
            for table in tables:
                await connection.execute(table.create(POSTGRESQL))
                await connection.copy_records_to_table(
                    table.name, records=table.rows, columns=table.column_names, timeout=None
                )
                await connection.execute(f"ANALYZE {table.name}")  # nothing else would tell the planner its size
            yield PostgresSession(connection)

    @contextlib.asynccontextmanager
    async def _transaction(self, **kind: Any) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
        pool = await self.pool()
        with _clear_postgres_errors():
            connection: Any = await pool.acquire(timeout=ACQUIRE_SECONDS)
            try:
                transaction = connection.transaction(**kind)
                await transaction.start()
                try:
                    yield connection
                except asyncio.CancelledError:
                    connection.terminate()  # a rollback would wait for the statement that nobody waits for any more
                    raise
                except BaseException:
                    await transaction.rollback()
                    raise
                else:
                    await transaction.commit()
            finally:
                await pool.release(connection)

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None


@contextlib.contextmanager
def _clear_postgres_errors() -> Any:
    import asyncpg

    try:
        yield
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
        raise FieldgateError("DATABASE_NOT_MIGRATED", "The database has not this version's tables.") from error
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
        raise FieldgateError("DATABASE_BUSY", "Another process is writing to the database.") from error
    except (OSError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError, TimeoutError) as error:
        raise _unreachable(error) from error
    except asyncpg.InterfaceError as error:  # the connection was lost, and the driver has noticed before us
        if "connection" not in str(error):
            raise
        raise _unreachable(error) from error


def _unreachable(error: Exception) -> FieldgateError:
    return FieldgateError("DATABASE_UNREACHABLE", f"PostgreSQL does not answer: {type(error).__name__}.")
