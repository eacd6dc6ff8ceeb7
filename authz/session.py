"""Sessions: a read session sees one snapshot, a write session is one transaction. They are different types.

SQL is written once for both databases with `?` placeholders; what differs (the clock, instants) is asked of the
`Dialect`. Implementations live in `server/`; nothing here opens anything.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the two databases in hand-written SQL."""

    name: str
    now: str

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite; otherwise it is PostgreSQL."""
        return self.name == "sqlite"

    @property
    def today(self) -> str:
        """The database's day in UTC, the same for a whole statement."""
        return "date('now')" if self.is_sqlite else "(statement_timestamp() AT TIME ZONE 'UTC')::date"

    @property
    def row_lock(self) -> str:
        """The end of a SELECT that locks its rows until the transaction ends; SQLite's writers hold the whole file."""
        return "" if self.is_sqlite else " FOR UPDATE"

    def instant(self, parameter: str = "?") -> str:
        """A bound instant (canonical text) as a value of an instant column."""
        return parameter if self.is_sqlite else f"{parameter}::text::timestamptz"

    def day(self, parameter: str = "?") -> str:
        """A bound day (canonical text) as a value of a date column."""
        return parameter if self.is_sqlite else f"{parameter}::text::date"

    def instant_text(self, expression: str) -> str:
        """An instant as canonical text, null kept."""
        if self.is_sqlite:
            return expression
        return f"to_char({expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"

    def day_text(self, expression: str) -> str:
        """A day as canonical text, null kept."""
        return expression if self.is_sqlite else f"to_char({expression}, 'YYYY-MM-DD')"

    def sql(self, statement: str) -> str:
        """The statement with the database's own placeholders."""
        return statement if self.is_sqlite else _numbered(statement)


SQLITE = Dialect("sqlite", "(strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z')")
POSTGRESQL = Dialect("postgresql", "clock_timestamp()")


@lru_cache(maxsize=1024)
def _numbered(statement: str) -> str:
    out: list[str] = []
    count = 0
    for index, piece in enumerate(statement.split("'")):
        if index % 2 == 0:
            for part_index, part in enumerate(piece.split("?")):
                if part_index:
                    count += 1
                    out.append(f"${count}")
                out.append(part)
        else:
            out.append(f"'{piece}'")
    return "".join(out)


class ReadSession(Protocol):
    """One snapshot of the database. It cannot write."""

    @property
    def dialect(self) -> Dialect:
        """The database's dialect."""
        ...

    async def fetch(self, statement: str, *parameters: object) -> Sequence[Row]:
        """All rows of a SELECT with `?` placeholders."""
        ...


class WriteSession(Protocol):
    """One write transaction: everything in it happens, or nothing."""

    @property
    def dialect(self) -> Dialect:
        """The database's dialect."""
        ...

    async def fetch(self, statement: str, *parameters: object) -> Sequence[Row]:
        """All rows of a SELECT (or of RETURNING) with `?` placeholders."""
        ...

    async def execute(self, statement: str, *parameters: object) -> int:
        """Run one statement; the number of rows it changed."""
        ...

    async def execute_many(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for each row of parameters."""
        ...


class Session(WriteSession, ReadSession, Protocol):
    """What the implementations are; callers name the narrower protocol."""


class Sessions(Protocol):
    """Where sessions come from."""

    def read(self) -> AbstractAsyncContextManager[ReadSession]:
        """One snapshot."""
        ...

    def write(self) -> AbstractAsyncContextManager[WriteSession]:
        """One write transaction; it commits when the block ends and rolls back when it raises."""
        ...
