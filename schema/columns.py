"""Column types with one canonical storage, so that both databases give the same bytes.

SQLite tables are STRICT and carry CHECKs; PostgreSQL has native types. Dates are days, instants are UTC with
microseconds, booleans are 0 or 1 on SQLite, decimals are text: no binary float is ever stored.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Column, Date, Integer, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from schema.fields import Choice, Kind

DATE_GLOB = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
INSTANT_GLOB = f"{DATE_GLOB}T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z"


class Key(TypeDecorator[str]):
    """An id: ASCII text, compared byte by byte on both databases."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Text(collation="C"))
        return dialect.type_descriptor(Text())


class Flag(TypeDecorator[bool]):
    """A boolean: 0 or 1 on SQLite, which STRICT tables know as INTEGER."""

    impl = Boolean
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Boolean())
        return dialect.type_descriptor(Integer())


class Day(TypeDecorator[str]):
    """A calendar day."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Date())
        return dialect.type_descriptor(Text())


class Instant(TypeDecorator[str]):
    """A moment in UTC, to the microsecond."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(Text())


def column_type(kind: Kind | Choice) -> TypeEngine[Any]:
    """The column type that stores a declared kind."""
    if isinstance(kind, Choice):
        return Key()
    types: dict[Kind, TypeEngine[Any]] = {
        Kind.ID: Key(),
        Kind.TEXT: Text(),
        Kind.INT: Integer(),
        Kind.BOOL: Flag(),
        Kind.DATE: Day(),
        Kind.INSTANT: Instant(),
        Kind.DECIMAL: Key(),
    }
    return types[kind]


def sqlite_check(table: str, column: str, kind: Kind | Choice) -> CheckConstraint:
    """What SQLite must hold for the column's kind; PostgreSQL's types hold the same by themselves."""
    name = f'"{column}"'
    if isinstance(kind, Choice):
        rule = f"{name} IN ({', '.join(repr(value) for value in kind.names)})"
    else:
        rule = {
            Kind.ID: f"instr({name}, char(0)) = 0",
            Kind.TEXT: f"instr({name}, char(0)) = 0",
            Kind.INT: f"{name} BETWEEN -2147483648 AND 2147483647",
            Kind.BOOL: f"{name} IN (0, 1)",
            Kind.DATE: f"{name} GLOB '{DATE_GLOB}'",
            Kind.INSTANT: f"{name} GLOB '{INSTANT_GLOB}'",
            Kind.DECIMAL: f"{name} NOT GLOB '*[^-0-9.]*'",
        }[kind]
    return CheckConstraint(rule, name=f"ck_{table}_{column}").ddl_if(dialect="sqlite")


def choice_check(table: str, column: str, kind: Choice) -> CheckConstraint:
    """The closed set of a choice, on both databases."""
    values = ", ".join(repr(value) for value in kind.names)
    return CheckConstraint(f'"{column}" IN ({values})', name=f"ck_{table}_{column}")


def key(primary_key: bool = False, *, nullable: bool = False, unique: bool = False) -> Column[str]:
    """A column of ids or of words of a closed set."""
    return Column(Key(), primary_key=primary_key, nullable=nullable, unique=unique or None)


def text(*, nullable: bool = True, default: str | None = None) -> Column[str]:
    """A column of text."""
    return Column(Text(), nullable=nullable, server_default=default)


def instant(*, nullable: bool = True) -> Column[str]:
    """A column of moments."""
    return Column(Instant(), nullable=nullable)


def number(*, primary_key: bool = False, default: str | None = None) -> Column[int]:
    """A column of whole numbers."""
    return Column(Integer(), primary_key=primary_key, nullable=False, server_default=default)


def flag() -> Column[bool]:
    """A column that is true or false."""
    return Column(Flag(), nullable=False)


def instant_checks(table: str, *columns: str) -> tuple[CheckConstraint, ...]:
    """INVARIANT: instants have one form; SQLite compares them as text, so another form could outlive its expiry."""
    return tuple(sqlite_check(table, column, Kind.INSTANT) for column in columns)


def flag_checks(table: str, *columns: str) -> tuple[CheckConstraint, ...]:
    """Only 0 and 1 on SQLite."""
    return tuple(sqlite_check(table, column, Kind.BOOL) for column in columns)


def one_of(table: str, column: str, values: Iterable[str]) -> CheckConstraint:
    """Only words of a closed set."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=f"ck_{table}_{column}")
