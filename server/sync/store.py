"""The only writer of MIS records: changes → temporary tables → a few statements on whole sets, in one transaction.

The statements are emitted once per table by SQLAlchemy from the declared models, and run on the driver. Only rows that
differ are staged, so an import that finds nothing new writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Column as SqlColumn
from sqlalchemy import (
    ColumnElement,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    bindparam,
    case,
    cast,
    delete,
    insert,
    literal_column,
    not_,
    null,
    or_,
    select,
    true,
    tuple_,
    update,
)  # fmt: skip
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import Dialect as EngineDialect
from sqlalchemy.sql.dml import UpdateBase

from authz.access_settings import version_of
from authz.session import Dialect, WriteSession
from schema.columns import Day, Flag, Instant
from schema.registry import MEMBERSHIP_TABLES, REGISTRY
from schema.tables import MEMBERSHIPS, MODELS
from server.staging import ColumnType, StagedTable
from server.sync.changes import Changes
from server.sync.findings import Findings
from server.sync.links import LINK
from server.sync.stored import columns_of

FLAG = "is_new"
FINDING_COLUMNS: tuple[tuple[str, ColumnType], ...] = (
    ("seq", "integer"), ("entity", "text"), ("source_id", "text"), ("field", "text"), ("code", "text"),
    ("outcome", "text"), ("value", "text"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Emitted:
    """A statement with `?` placeholders, and the name of the value for each."""

    text: str
    names: tuple[str, ...]

    async def run(self, session: WriteSession, values: Mapping[str, str | int]) -> int:
        """Run it; the number of rows it changed."""
        return await session.execute(self.text, *(values[name] for name in self.names))


def staged(changes: Changes) -> list[StagedTable]:
    """What is to be written, as temporary tables; none for a table that does not change."""
    tables: list[StagedTable] = []
    for name, rows in changes.rows.items():
        if rows.inserted or rows.updated:
            both = [(*row, 1) for row in rows.inserted] + [(*row, 0) for row in rows.updated]
            both.sort(key=_first)  # in the order of the primary key, which is the order on the disk
            tables.append(StagedTable(_stage(name), (*_column_types(name), (FLAG, "integer")), both))
        if rows.gone:
            tables.append(StagedTable(_gone(name), (("id", "text"),), [(row,) for row in rows.gone]))
    for table, pairs in changes.pairs.items():
        columns: tuple[tuple[str, ColumnType], ...] = tuple((column, "text") for column in MEMBERSHIP_TABLES[table])
        if pairs.added:
            tables.append(StagedTable(_stage(table), columns, pairs.added))
        if pairs.removed:
            tables.append(StagedTable(_gone(table), columns, pairs.removed))
    if rows_of_findings := finding_rows(changes.findings):
        tables.append(StagedTable("stage_finding", FINDING_COLUMNS, rows_of_findings))
    return tables


def finding_rows(findings: Findings) -> list[tuple[object, ...]]:
    """The findings as rows, numbered in the order in which they were met."""
    return [
        (seq, found.entity, found.source_id, found.field, found.code, found.outcome.value, found.value)
        for seq, found in enumerate(findings, start=1)
    ]


async def apply(session: WriteSession, changes: Changes, run_id: str, now: str) -> None:
    """Write the staged changes. `now` is the moment that new, changed and deleted rows are stamped with."""
    values: dict[str, str | int] = {"school": changes.school_id, "now": now}
    if changes.rows[LINK].inserted:
        values["defaults_version"] = await version_of(session, changes.school_id)
    for name, rows in changes.rows.items():
        statements = _entity_statements(name, session.dialect)
        if rows.gone:
            await statements["delete"].run(session, values)
        if rows.source_ids_move:  # two records may have swapped ids: none may hold an id while another takes it
            await statements["free"].run(session, values)
        if rows.updated:
            await statements["update"].run(session, values)
        if rows.inserted:
            await statements["insert"].run(session, values)
    for table, pairs in changes.pairs.items():
        statements = _membership_statements(table, session.dialect)
        if pairs.removed:
            await statements["delete"].run(session, values)
        if pairs.added:
            await statements["insert"].run(session, values)
    if any(changes.findings):
        names = ", ".join(name for name, _ in FINDING_COLUMNS)
        await session.execute(
            f"INSERT INTO import_finding (school_id, run_id, {names}) SELECT ?, ?, {names} FROM stage_finding",
            changes.school_id,
            run_id,
        )


@cache
def _entity_statements(name: str, dialect: Dialect) -> dict[str, Emitted]:
    """Insert, update, delete and free of one entity's table."""
    target, columns = _table(MODELS[name]), columns_of(name)
    stage = Table(_stage(name), MetaData(), *(SqlColumn(c) for c in columns), SqlColumn(FLAG, Integer()))
    gone = Table(_gone(name), MetaData(), SqlColumn("id"))
    here = [target.c.school_id == _bound("school")] if name != "School" else []
    now = cast(cast(_bound("now"), Text()), Instant())
    values = {column: _value(stage.c[column], target.c[column]) for column in columns}
    changed = {column: value for column, value in values.items() if column != "id"}
    leading = {"school_id": _bound("school")} if here else {}
    fresh = {**leading, **values, "first_synced_at": now}
    again: dict[str, ColumnElement[Any]] = {**changed, "deleted_at": null()}
    if name == LINK:
        fresh |= {
            "first_relationship_key": stage.c.relationship_key,
            "defaults_version": cast(bindparam("defaults_version", type_=Integer()), Integer()),
        }
        again |= _link_moments(target, stage, now)
    statements: dict[str, UpdateBase] = {
        "insert": insert(target).from_select(
            list(fresh), select(*fresh.values()).where(stage.c[FLAG] == literal_column("1"))
        ),
        "update": update(target)
        .values(again)
        .where(*here, target.c.id == stage.c.id, stage.c[FLAG] == literal_column("0")),
        "delete": update(target).values(deleted_at=now).where(*here, target.c.id.in_(select(gone.c.id))),
        "free": update(target)
        .values(source_id=null())
        .where(
            *here,
            or_(
                target.c.id.in_(select(stage.c.id).where(stage.c[FLAG] == literal_column("0"))),
                target.c.source_id.in_(select(stage.c.source_id)),
            ),
        ),
    }
    return {verb: _emit(statement, dialect) for verb, statement in statements.items()}


def _link_moments(target: Table, stage: Table, now: ColumnElement[Any]) -> dict[str, ColumnElement[Any]]:
    """When a sync lifted a link's court order or restriction, and when it brought the link back: else as before."""
    before, after = (
        or_(table.c.court_order.is_(true()), table.c.restricted_access.is_(true())) for table in (target, stage)
    )
    lifted = case((and_(before, not_(after)), now), else_=target.c.restriction_lifted_at)
    relinked = case((target.c.deleted_at.is_not(None), now), else_=target.c.relinked_at)
    return {"restriction_lifted_at": lifted, "relinked_at": relinked}


@cache
def _membership_statements(table: str, dialect: Dialect) -> dict[str, Emitted]:
    """Insert and delete of one membership table."""
    target, (own, other) = _table(MEMBERSHIPS[table]), MEMBERSHIP_TABLES[table]
    stage = Table(_stage(table), MetaData(), SqlColumn(own), SqlColumn(other))
    gone = Table(_gone(table), MetaData(), SqlColumn(own), SqlColumn(other))
    listed = tuple_(target.c[own], target.c[other]).in_(select(gone.c[own], gone.c[other]))
    statements: dict[str, UpdateBase] = {
        "insert": insert(target).from_select(
            ["school_id", own, other],
            select(_bound("school"), stage.c[own], stage.c[other]),
        ),
        "delete": delete(target).where(target.c.school_id == _bound("school"), listed),
    }
    return {verb: _emit(statement, dialect) for verb, statement in statements.items()}


def _emit(statement: UpdateBase, dialect: Dialect) -> Emitted:
    target: EngineDialect = (
        SQLiteDialect() if dialect.is_sqlite else PGDialect(paramstyle="qmark")  # type: ignore[no-untyped-call]
    )
    compiled = statement.compile(dialect=target)
    return Emitted(str(compiled), tuple(compiled.positiontup or ()))


def _value(staged_column: ColumnElement[Any], target_column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The staged value as the target column's type; days and instants are staged as text."""
    if isinstance(target_column.type, (Day, Instant)):
        return cast(staged_column, target_column.type)
    return staged_column


def _column_types(name: str) -> tuple[tuple[str, ColumnType], ...]:
    target = _table(MODELS[name])
    found: list[tuple[str, ColumnType]] = []
    for column in columns_of(name):
        kind = target.c[column].type
        flag_or_text: ColumnType = "boolean" if isinstance(kind, Flag) else "text"
        found.append((column, "integer" if isinstance(kind, Integer) else flag_or_text))
    return tuple(found)


def _bound(name: str) -> ColumnElement[str]:
    return bindparam(name, type_=Text())


def _table(model: Any) -> Table:
    table: Table = model.__table__
    return table


def _first(row: Sequence[object]) -> str:
    return str(row[0])


def _stage(name: str) -> str:
    return f"stage_{_snake(name)}"


def _gone(name: str) -> str:
    return f"gone_{_snake(name)}"


def _snake(name: str) -> str:
    return REGISTRY.entities[name].table if name in REGISTRY.entities else name
