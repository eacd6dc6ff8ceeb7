"""Temporary tables that a large write is prepared in, so that the write itself is a few statements on whole sets.

On SQLite they are filled before the write lock is taken, in memory and on a connection of their own; on PostgreSQL,
where a write locks only its own rows, inside the transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from authz.session import Dialect

ColumnType = Literal["text", "integer", "boolean"]


@dataclass(frozen=True, slots=True)
class StagedTable:
    """A temporary table and its rows. Days and instants stand in it as canonical text."""

    name: str
    columns: tuple[tuple[str, ColumnType], ...]
    rows: Sequence[Sequence[object]]

    def create(self, dialect: Dialect) -> str:
        """The statement that creates it."""
        # Ids are compared byte by byte in the real tables, and two collations cannot be compared with each other.
        types = {"text": "text" if dialect.is_sqlite else 'text COLLATE "C"', "integer": "integer"}
        types["boolean"] = "integer" if dialect.is_sqlite else "boolean"
        columns = ", ".join(f'"{name}" {types[kind]}' for name, kind in self.columns)
        return f"CREATE TEMP TABLE {self.name} ({columns}){'' if dialect.is_sqlite else ' ON COMMIT DROP'}"

    def insert(self) -> str:
        """The statement that adds one row."""
        return f"INSERT INTO {self.name} VALUES ({', '.join('?' for _ in self.columns)})"

    @property
    def column_names(self) -> list[str]:
        """The columns in order."""
        return [name for name, _ in self.columns]
