"""The MIS tables, as SQLModel models derived from the entities' declarations.

Every primary key leads with the school, so that the data can be partitioned by school. `source_id` is the record's
identity at the MIS API; `deleted_at` marks what a complete read no longer found.
"""

import types
from typing import Any

from sqlalchemy import Column, Index, UniqueConstraint
from sqlmodel import Field as ModelField
from sqlmodel import SQLModel

from schema.columns import Instant, Key, choice_check, column_type, sqlite_check
from schema.fields import Choice, Entity, Kind, Leaf, Reverse, leaves
from schema.registry import MEMBERSHIP_TABLES, REGISTRY, entity_fields

TABLE_OPTIONS = {"sqlite_with_rowid": False, "sqlite_strict": True}


def stored_leaves(entity: Entity) -> tuple[Leaf, ...]:
    """The declared values of an entity that have a column, `id` and identities apart."""
    return tuple(
        leaf
        for leaf in leaves(entity_fields(entity))
        if leaf.field.name != "id" and not any(part.computed for part in leaf.path)
    )


def _model(name: str, table: str, columns: dict[str, Column[Any]], constraints: list[Any]) -> type[SQLModel]:
    namespace: dict[str, Any] = {"__tablename__": table, "__module__": __name__, "__annotations__": {}}
    for column_name, column in columns.items():
        namespace["__annotations__"][column_name] = str if not column.nullable else str | None
        namespace[column_name] = ModelField(sa_column=column) if not column.nullable else ModelField(
            default=None, sa_column=column
        )  # fmt: skip
    namespace["__table_args__"] = (*constraints, TABLE_OPTIONS)
    return types.new_class(name, (SQLModel,), {"table": True}, lambda body: body.update(namespace))


def _key(name: str, *, primary_key: bool = False, nullable: bool = False) -> Column[Any]:
    return Column(name, Key(), primary_key=primary_key, nullable=nullable)


def _entity_model(entity: Entity) -> type[SQLModel]:
    table = entity.table
    columns: dict[str, Column[Any]] = {}
    constraints: list[Any] = []
    if entity.name != "School":
        columns["school_id"] = _key("school_id", primary_key=True)
    columns["id"] = _key("id", primary_key=True)
    columns["source_id"] = _key("source_id", nullable=True)
    for extra in entity.extra_columns:
        columns[extra] = _key(extra, nullable=True)
    for leaf in (*stored_leaves(entity), *(Leaf((), internal) for internal in entity.internal)):
        kind = leaf.field.kind
        columns[leaf.column] = Column(leaf.column, column_type(kind), nullable=True)
        if isinstance(kind, Choice):
            constraints.append(choice_check(table, leaf.column, kind))
        else:
            constraints.append(sqlite_check(table, leaf.column, kind))
    columns["first_synced_at"] = Column("first_synced_at", Instant(), nullable=True)
    columns["deleted_at"] = Column("deleted_at", Instant(), nullable=True)
    constraints.append(sqlite_check(table, "deleted_at", Kind.INSTANT))
    leading = ["school_id"] if entity.name != "School" else []
    if leading:
        constraints.append(UniqueConstraint("school_id", "source_id", name=f"uq_{table}_source_id"))
    constraints += _reverse_indexes(entity)
    return _model(entity.name if entity.name != "Class" else "SchoolClass", table, columns, constraints)


def _reverse_indexes(entity: Entity) -> list[Index]:
    """An index for each link that finds this entity by one of its columns."""
    wanted = {
        link.via.column
        for other in REGISTRY.entities.values()
        for link in other.links
        if isinstance(link.via, Reverse) and link.target == entity.name and link.via.column != "school_id"
    }
    return [Index(f"ix_{entity.table}_{column}", "school_id", column, "id") for column in sorted(wanted)]


def _membership_model(table: str, own: str, target: str) -> type[SQLModel]:
    columns = {name: _key(name, primary_key=True) for name in ("school_id", own, target)}
    constraints: list[Any] = [Index(f"ix_{table}_{target}", "school_id", target, own)]
    return _model("".join(part.title() for part in table.split("_")), table, columns, constraints)


MODELS: dict[str, type[SQLModel]] = {
    entity.name: _entity_model(entity) for entity in REGISTRY.entities.values()
}  # fmt: skip
MEMBERSHIPS: dict[str, type[SQLModel]] = {
    table: _membership_model(table, own, target) for table, (own, target) in MEMBERSHIP_TABLES.items()
}
