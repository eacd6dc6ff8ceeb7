"""Writes SQL that makes JSON text, the same bytes on SQLite and PostgreSQL.

SQLite: scalars go through one `json_object` per run (its fastest way), everything nested is concatenated. PostgreSQL:
everything is concatenated with `to_json`. Response keys only ever stand inside string literals, never as SQL names, so
no alias can mean anything to the database.
"""

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from authz.session import POSTGRESQL, SQLITE, Dialect
from schema.fields import Choice, Kind

MAX_KEYS = 45  # per json_object: SQLite takes 127 arguments, older builds 100
MAX_PIECES = 30  # per flat chain of ||: SQLite refuses expressions deeper than 1,000
ORDERED_AGGREGATES = sqlite3.sqlite_version_info >= (3, 44)

_FIRST = re.compile(r"('(?:[^']|'')*') \|\| ")
_LAST = re.compile(r" \|\| ('[^']*')$")

SLOT = "\x01"
CURSOR = "\x02"
CAPABILITY = "\x03"


@dataclass(frozen=True, slots=True)
class Json:
    """SQL of a JSON text. `inline`: the same as a value that SQLite's `json_object` takes without parsing it again."""

    text: str
    inline: str | None = None


@dataclass(frozen=True, slots=True)
class Scalar:
    """A plain value under a key; `kind` None is a constant that is already JSON."""

    key: str
    kind: Kind | Choice | None
    sql: str


@dataclass(frozen=True, slots=True)
class Nested:
    """Something made by this writer under a key."""

    key: str
    json: Json


Entry = Scalar | Nested


class Writer(Protocol):
    """What the compiler asks of a dialect."""

    dialect: Dialect

    def placeholder(self, number: int) -> str:
        """The n-th parameter, from 1."""
        ...

    def members(self, placeholder: str) -> str:
        """`IN` a bound list of ids."""
        ...

    def parents(self, placeholder: str, table: str, alias: str, *, is_school: bool) -> str:
        """FROM: the rows of a table whose ids are bound as a list."""
        ...

    def join(self) -> str:
        """An inner join that keeps the written order of tables where the planner would not."""
        ...

    def indexed(self, index: str) -> str:
        """Words after a table's alias that hold the planner to an index."""
        ...

    def marker(self, mark: str, pieces: Sequence[str]) -> str:
        """A place for Python to fill: a control character that JSON text never holds, around the pieces."""
        ...

    def object(self, entries: Sequence[Entry]) -> Json:
        """A JSON object."""
        ...

    def when(self, condition: str, json: Json) -> Json:
        """The JSON, or null where the condition does not hold."""
        ...

    def array(self, inner: str, *, backwards: bool) -> str:
        """A JSON array of the column `j` of a SELECT, in the order of its column `k`."""
        ...

    def flag(self, condition: str) -> str:
        """`true` or `false`, as JSON text."""
        ...

    def concat(self, pieces: Sequence[str]) -> str:
        """Text pieces, one after the other."""
        ...

    def answer(self, text: str) -> str:
        """A JSON text as a column of the result."""
        ...


def literal(text: str) -> str:
    """A string literal of both databases."""
    return "'" + text.replace("'", "''") + "'"


def joined(pieces: Sequence[str]) -> str:
    """Pieces with `||` between, neighbouring literals made one, long chains grouped.

    A piece that is a chain itself is opened at its ends: each `||` copies what stands before it.
    """
    merged: list[str] = []
    for piece in (part for each in pieces for part in _opened(each)):
        if merged and piece[:1] == "'" and merged[-1][:1] == "'" and _is_literal(merged[-1]) and _is_literal(piece):
            merged[-1] = merged[-1][:-1] + piece[1:]
        else:
            merged.append(piece)
    while len(merged) > MAX_PIECES:
        merged = [
            "(" + " || ".join(merged[start : start + MAX_PIECES]) + ")" for start in range(0, len(merged), MAX_PIECES)
        ]
    return " || ".join(merged)


def _opened(piece: str) -> list[str]:
    first = _FIRST.match(piece)
    if first is None:
        return [piece]
    rest = piece[first.end() :]
    last = _LAST.search(rest)
    return [first[1], rest] if last is None else [first[1], rest[: last.start()], last[1]]


def _is_literal(piece: str) -> bool:
    return piece.endswith("'") and "'" not in piece[1:-1].replace("''", "")


class SqliteWriter:
    """SQL for SQLite."""

    dialect = SQLITE

    def placeholder(self, number: int) -> str:
        return f"?{number}"

    def members(self, placeholder: str) -> str:
        return f"IN (SELECT value FROM json_each({placeholder}))"

    def parents(self, placeholder: str, table: str, alias: str, *, is_school: bool) -> str:
        school = "" if is_school else f"{alias}.school_id = 'sch_' || substr(v.value, 5, 8) AND "
        return f"json_each({placeholder}) v CROSS JOIN {table} {alias} ON {school}{alias}.id = v.value"

    def join(self) -> str:
        return "CROSS JOIN"

    def indexed(self, index: str) -> str:
        # Without statistics SQLite walks a school's whole table rather than the link's index, for the order's sake.
        return f" INDEXED BY {index}"

    def marker(self, mark: str, pieces: Sequence[str]) -> str:
        return joined([f"char({ord(mark)})", *pieces, f"char({ord(mark)})"])

    def concat(self, pieces: Sequence[str]) -> str:
        return joined(pieces)

    def answer(self, text: str) -> str:
        # As bytes: the driver would decode the text, only for us to encode it again.
        return f"CAST({text} AS BLOB)"

    def flag(self, condition: str) -> str:
        return f"CASE WHEN {condition} THEN 'true' ELSE 'false' END"

    def _argument(self, entry: Entry) -> str | None:
        if isinstance(entry, Nested):
            return entry.json.inline
        if entry.kind is None:
            return f"json({literal(entry.sql)})" if entry.sql != "null" else "NULL"
        if entry.kind is Kind.BOOL:
            # Constants, so that each is parsed once per statement; `self_check` sees that they are put in as JSON.
            return f"CASE {entry.sql} WHEN 1 THEN json('true') WHEN 0 THEN json('false') END"
        return entry.sql

    def _run(self, run: list[tuple[str, str]]) -> str:
        return "json_object(" + ", ".join(f"{literal(key)}, {argument}" for key, argument in run) + ")"

    def object(self, entries: Sequence[Entry]) -> Json:
        arguments = [(entry, self._argument(entry)) for entry in entries]
        if len(entries) <= MAX_KEYS and all(argument is not None for _, argument in arguments):
            made = self._run([(entry.key, argument or "NULL") for entry, argument in arguments])
            return Json(made, made)
        pieces: list[str] = []
        run: list[tuple[str, str]] = []

        def flush() -> None:
            if run and pieces:
                pieces.extend(["','", f"rtrim(ltrim({self._run(run)}, '{{'), '}}')"])
            elif run:
                pieces.append(f"rtrim({self._run(run)}, '}}')")
            run.clear()

        for entry, argument in arguments:
            # INVARIANT: a run ends with a string, number, boolean or null, so that trimming takes just one brace.
            if argument is not None and isinstance(entry, Scalar):
                run.append((entry.key, argument))
                if len(run) == MAX_KEYS:
                    flush()
            else:
                flush()
                text = entry.json.text if isinstance(entry, Nested) else "''"
                pieces.extend([literal(f'{"," if pieces else "{"}"{entry.key}":'), text])
        flush()
        return Json(joined([*pieces, "'}'"]))

    def when(self, condition: str, json: Json) -> Json:
        inline = f"CASE WHEN {condition} THEN {json.inline} END" if json.inline else None
        text = f"CASE WHEN {condition} THEN {json.text} ELSE 'null' END"
        return Json(text, inline)

    def array(self, inner: str, *, backwards: bool) -> str:
        if ORDERED_AGGREGATES:
            return f"'[' || coalesce((SELECT group_concat(j, ',' ORDER BY k) FROM ({inner})), '') || ']'"
        if backwards:
            inner = f"SELECT j FROM ({inner}) ORDER BY k"
        # Kept in practice by older versions, not promised: `self_check` refuses a SQLite that does otherwise.
        return f"'[' || coalesce((SELECT group_concat(j, ',') FROM ({inner})), '') || ']'"


class PostgresWriter:
    """SQL for PostgreSQL."""

    dialect = POSTGRESQL

    def placeholder(self, number: int) -> str:
        return f"${number}"

    def members(self, placeholder: str) -> str:
        return f"= ANY({placeholder}::text[])"

    def parents(self, placeholder: str, table: str, alias: str, *, is_school: bool) -> str:
        school = "" if is_school else f"{alias}.school_id = 'sch_' || substr(v.value, 5, 8) AND "
        return f"unnest({placeholder}::text[]) v(value) JOIN {table} {alias} ON {school}{alias}.id = v.value"

    def join(self) -> str:
        return "JOIN"

    def indexed(self, index: str) -> str:
        return ""

    def marker(self, mark: str, pieces: Sequence[str]) -> str:
        return joined([f"chr({ord(mark)})", *pieces, f"chr({ord(mark)})"])

    def concat(self, pieces: Sequence[str]) -> str:
        return joined(pieces)

    def answer(self, text: str) -> str:
        return text

    def flag(self, condition: str) -> str:
        return f"CASE WHEN {condition} THEN 'true' ELSE 'false' END"

    def _value(self, entry: Scalar) -> str:
        kind, sql = entry.kind, entry.sql
        if kind is None:
            return literal(sql)
        if kind is Kind.BOOL:
            return f"CASE {sql} WHEN true THEN 'true' WHEN false THEN 'false' ELSE 'null' END"
        if kind is Kind.INT:
            return f"coalesce(({sql})::text, 'null')"
        if kind is Kind.DATE:
            return f"coalesce('\"' || {POSTGRESQL.day_text(sql)} || '\"', 'null')"
        if kind is Kind.INSTANT:
            return f"coalesce('\"' || {POSTGRESQL.instant_text(sql)} || '\"', 'null')"
        return f"coalesce(to_json({sql})::text, 'null')"

    def object(self, entries: Sequence[Entry]) -> Json:
        pieces: list[str] = ["'{'"]
        for index, entry in enumerate(entries):
            pieces.append(literal(f'{"," if index else ""}"{entry.key}":'))
            if isinstance(entry, Scalar):
                pieces.append(self._value(entry))
            else:
                pieces.append(entry.json.text)
        return Json(joined([*pieces, "'}'"]))

    def when(self, condition: str, json: Json) -> Json:
        return Json(f"CASE WHEN {condition} THEN {json.text} ELSE 'null' END")

    def array(self, inner: str, *, backwards: bool) -> str:
        return f"'[' || coalesce((SELECT string_agg(j, ',' ORDER BY k) FROM ({inner}) page), '') || ']'"


def writer_for(dialect: Dialect) -> Writer:
    """The writer of a dialect."""
    return SqliteWriter() if dialect.is_sqlite else PostgresWriter()
