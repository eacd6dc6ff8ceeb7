"""Drives the resolvers' flows against the database: inline or on a thread on SQLite, over a pool on PostgreSQL.

SQLite: a read of a small cost runs inline on a read-only connection (docs/decisions/0006-inline-reads.md); anything
larger, or a busy file, goes to a thread. Every run has a deadline that stops the statement itself.
"""

import asyncio
import contextlib
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

from resolvers.asking import Flow
from resolvers.documents import RequestRefused
from resolvers.writer import ORDERED_AGGREGATES
from schema.errors import FieldgateError
from server.database import PostgresDatabase, SqliteDatabase, clear_error, sqlite_connect

if TYPE_CHECKING:
    import aiosqlite
    import asyncpg

PROGRESS_STEPS = 10_000
THREADS = min(4, os.cpu_count() or 1)  # more of them would only take each other's turns and caches
INLINE_SECONDS = 0.01  # an inline read that takes longer begins again on a thread: it would block every other request


class SqliteReader:
    """Runs flows on one SQLite file."""

    def __init__(
        self, database: SqliteDatabase, *, inline_cost: int, deadline_seconds: float, threads: int = THREADS
    ) -> None:
        self.database = database
        self.inline_cost = inline_cost
        self.deadline_seconds = deadline_seconds
        self._inline: sqlite3.Connection | None = None
        self._deadline = 0.0
        self._idle: list[aiosqlite.Connection] = []
        self._turns = asyncio.Semaphore(threads)

    async def run(self, make_flow: Callable[[], Flow], cost: int) -> Any:
        if cost <= self.inline_cost:
            with contextlib.suppress(_GoToThread):
                return self._run_inline(make_flow())
        return await self._run_on_thread(make_flow())

    def takes_single(self, cost: int) -> bool:
        return cost <= self.inline_cost

    async def run_single(self, flow: Flow) -> Any:
        try:
            return self._answered(flow, self._inline_connection())
        except _GoToThread:
            return None

    def _inline_connection(self) -> sqlite3.Connection:
        connection = self._inline
        if connection is None:
            connection = self._inline = sqlite_connect(self.database.path, read_only=True, busy_timeout=0.0)
            connection.set_progress_handler(self._late, PROGRESS_STEPS)
            self_check(connection)
        self._deadline = time.monotonic() + INLINE_SECONDS
        return connection

    def _run_inline(self, flow: Flow) -> Any:
        connection = self._inline_connection()
        # INVARIANT: no await between BEGIN and COMMIT: all that the flow asks for is answered from one snapshot.
        connection.execute("BEGIN")
        try:
            return self._answered(flow, connection)
        finally:
            connection.execute("COMMIT")

    @staticmethod
    def _answered(flow: Flow, connection: sqlite3.Connection) -> Any:
        execute = connection.execute
        try:
            ask = next(flow)
            while True:
                ask = flow.send(execute(ask.sql, ask.parameters).fetchall())
        except StopIteration as done:
            return done.value
        except sqlite3.Error as error:
            if any(word in str(error) for word in ("locked", "busy", "interrupted")):
                raise _GoToThread from error
            raise _read_error(error) from error

    def _late(self) -> int:
        return 1 if time.monotonic() > self._deadline else 0

    async def _run_on_thread(self, flow: Flow) -> Any:
        deadline = time.monotonic() + self.deadline_seconds
        async with self._turn(), self._thread_connection(deadline) as connection:
            try:
                ask = next(flow)
                while True:
                    ask = flow.send(list(await connection.execute_fetchall(ask.sql, ask.parameters)))
            except StopIteration as done:
                return done.value
            except sqlite3.Error as error:
                raise _read_error(error) from error

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """One of the threads; waiting for it counts towards the deadline."""
        try:
            async with asyncio.timeout(self.deadline_seconds):
                await self._turns.acquire()
        except TimeoutError as error:
            raise FieldgateError("DEADLINE_EXCEEDED", "The request took longer than its deadline.") from error
        try:
            yield
        finally:
            self._turns.release()

    @contextlib.asynccontextmanager
    async def _thread_connection(self, deadline: float) -> AsyncIterator["aiosqlite.Connection"]:
        connection = self._idle.pop() if self._idle else await self.database.connect(read_only=True)
        try:
            await connection.set_progress_handler(lambda: 1 if time.monotonic() > deadline else 0, PROGRESS_STEPS)
            await connection.execute("BEGIN")
            yield connection
        except (RequestRefused, FieldgateError):  # a refusal, or a statement that has ended: the connection is sound
            await self._put_back(connection)
            raise
        except BaseException:
            # A cancelled request must not leave its statement running, nor its snapshot open.
            await connection.interrupt()
            await connection.close()
            raise
        else:
            await self._put_back(connection)

    async def _put_back(self, connection: "aiosqlite.Connection") -> None:
        if connection.in_transaction:
            await connection.execute("ROLLBACK")
        self._idle.append(connection)

    async def close(self) -> None:
        """Close every connection."""
        if self._inline is not None:
            self._inline.close()
            self._inline = None
        for connection in self._idle:
            await connection.close()
        self._idle.clear()


class _GoToThread(Exception):
    """The file is busy, or the read is longer than its estimate: a thread must wait, not every other request."""


def _read_error(error: sqlite3.Error) -> FieldgateError:
    if "interrupted" in str(error):
        return FieldgateError("DEADLINE_EXCEEDED", "The request took longer than its deadline.")
    return clear_error(error) or FieldgateError("UNAVAILABLE", "The database cannot answer now.")


_OBJECT = "SELECT json_object('a', CASE WHEN 1 THEN json_object('b', 1) END, 'c', CASE WHEN 0 THEN json('{}') END)"
_FLAGS = (
    "SELECT group_concat(j, ',') FROM (SELECT json_object('a', CASE value WHEN 1 THEN json('true') WHEN 0 THEN "
    "json('false') END) AS j FROM json_each('[1,0,null,1]'))"
)
_ORDER = "SELECT group_concat(j, ',') FROM (SELECT value AS j FROM json_each('[3,1,2]') ORDER BY value DESC LIMIT 9)"
KEPT = {_OBJECT: '{"a":{"b":1},"c":null}', _FLAGS: '{"a":true},{"a":false},{"a":null},{"a":true}'} | (
    {} if ORDERED_AGGREGATES else {_ORDER: "3,2,1"}
)
"""What the compiled SQL relies on in SQLite: a statement and its one value."""


def self_check(connection: sqlite3.Connection) -> None:
    """Refuse a SQLite that does not keep what the compiled SQL relies on, before anything is served."""
    if any(connection.execute(statement).fetchone()[0] != value for statement, value in KEPT.items()):
        raise FieldgateError(
            "SETTING_INVALID", f"SQLite {sqlite3.sqlite_version} does not keep the order or nesting that answers need."
        )


class PostgresReader:
    """Runs flows on a pool of PostgreSQL connections."""

    def __init__(self, database: PostgresDatabase, *, deadline_seconds: float) -> None:
        self.database = database
        self.deadline_seconds = deadline_seconds

    async def run(self, make_flow: Callable[[], Flow], cost: int) -> Any:
        with _clear_postgres_errors():
            async with asyncio.timeout(self.deadline_seconds):
                pool = await self.database.pool()
                async with pool.acquire() as connection:
                    return await _in_transaction(connection, make_flow())

    def takes_single(self, cost: int) -> bool:
        return True

    async def run_single(self, flow: Flow) -> Any:
        try:
            ask = next(flow)
        except StopIteration as done:
            return done.value
        with _clear_postgres_errors():
            async with asyncio.timeout(self.deadline_seconds):
                pool = await self.database.pool()
                async with pool.acquire() as connection:
                    rows = await connection.fetch(ask.sql, *ask.parameters)
        try:
            flow.send(rows)
        except StopIteration as done:
            return done.value
        raise AssertionError("a single flow asked twice")

    async def close(self) -> None:
        """Nothing of its own is open."""


async def _in_transaction(connection: "asyncpg.Connection[asyncpg.Record]", flow: Flow) -> Any:
    try:
        ask = next(flow)
    except StopIteration as done:  # nothing to read: no transaction
        return done.value
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        try:
            while True:
                ask = flow.send(await connection.fetch(ask.sql, *ask.parameters))
        except StopIteration as done:
            return done.value


@contextlib.contextmanager
def _clear_postgres_errors() -> Any:
    import asyncpg

    try:
        yield
    except (TimeoutError, asyncpg.QueryCanceledError) as error:
        raise FieldgateError("DEADLINE_EXCEEDED", "The request took longer than its deadline.") from error
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
        raise FieldgateError("DATABASE_NOT_MIGRATED", "The database has not this version's tables.") from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise FieldgateError("UNAVAILABLE", "The database cannot answer now.") from error


Reader = SqliteReader | PostgresReader


def reader_for(database: SqliteDatabase | PostgresDatabase, *, inline_cost: int, deadline_seconds: float) -> Reader:
    """The reader for an open database."""
    if isinstance(database, SqliteDatabase):
        return SqliteReader(database, inline_cost=inline_cost, deadline_seconds=deadline_seconds)
    return PostgresReader(database, deadline_seconds=deadline_seconds)
