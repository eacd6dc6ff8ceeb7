"""What the database holds of one school, in the same canonical values in which a read gives them.

Only the running import of a school writes its records, so what is read here before the write lock still stands inside
it; the import's own row is the fence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from authz.capabilities import Seen, seen_before
from authz.session import Dialect, ReadSession
from schema.fields import Entity, Kind
from schema.registry import MEMBERSHIP_TABLES, REGISTRY
from schema.tables import stored_leaves

RowValues = tuple[object, ...]


DERIVED: Mapping[str, tuple[str, ...]] = {"StudentContact": ("relationship_key", "priority_assumed")}
"""Columns that an import works out from the others of the row."""


@cache
def columns_of(entity_name: str) -> tuple[str, ...]:
    """The columns of a row as imports handle it: id, source id, links, values, and what is worked out from them."""
    entity = REGISTRY.entities[entity_name]
    values = (leaf.column for leaf in stored_leaves(entity))
    return ("id", "source_id", *entity.extra_columns, *values, *DERIVED.get(entity_name, ()))


@dataclass(slots=True)
class StoredRows:
    """The rows of one entity; a deleted row keeps its id for the day it returns."""

    rows: dict[str, RowValues] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    by_source: dict[str, str] = field(default_factory=dict)

    def live_by_source(self) -> dict[str, str]:
        """Source id → id of the rows that are not deleted."""
        return {source: row for source, row in self.by_source.items() if row not in self.deleted}


@dataclass(frozen=True, slots=True)
class StoredSchool:
    """Everything that is stored of one school, and what imports have seen of its MIS."""

    entities: Mapping[str, StoredRows]
    pairs: Mapping[str, set[tuple[str, str]]]
    seen: Seen = field(default_factory=dict)


async def load_stored(session: ReadSession, school_id: str) -> StoredSchool:
    """Read all of it, in the session's one snapshot."""
    entities = {name: await _rows(session, entity, school_id) for name, entity in REGISTRY.entities.items()}
    pairs: dict[str, set[tuple[str, str]]] = {}
    for table, (own, target) in MEMBERSHIP_TABLES.items():
        found = await session.fetch(f"SELECT {own}, {target} FROM {table} WHERE school_id = ?", school_id)
        pairs[table] = {(row[0], row[1]) for row in found}
    return StoredSchool(entities, pairs, await seen_before(session, school_id))


async def _rows(session: ReadSession, entity: Entity, school_id: str) -> StoredRows:
    stored = StoredRows()
    for row in await session.fetch(_select(entity.name, session.dialect), school_id):
        values = tuple(row)[1:]
        key, source_id = values[0], values[1]
        stored.rows[key] = values
        if row[0]:
            stored.deleted.add(key)
        if source_id is not None:
            stored.by_source[source_id] = key
    return stored


@cache
def _select(name: str, dialect: Dialect) -> str:
    entity = REGISTRY.entities[name]
    texts = {Kind.INSTANT: dialect.instant_text, Kind.DATE: dialect.day_text}
    values = [
        texts[leaf.field.kind](leaf.column) if leaf.field.kind in texts else leaf.column
        for leaf in stored_leaves(entity)
    ]
    columns = ", ".join(
        ["deleted_at IS NOT NULL", "id", "source_id", *entity.extra_columns, *values, *DERIVED.get(name, ())]
    )
    key = "id" if name == "School" else "school_id"
    return f"SELECT {columns} FROM {entity.table} WHERE {key} = ?"
