"""Triggers that raise a consent's version with whatever is compiled into a plan, whoever writes it.

Hand-made SQL obeys them too. A request compares the version that it read in its own snapshot; nothing is remembered
beyond it.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import DDL, Table, event
from sqlmodel import SQLModel

BUMP_CONSENT = "UPDATE consent SET version = version + 1 WHERE school_id = {row}.school_id AND app_id = {row}.app_id"
BUMP_SCHOOL = "UPDATE consent SET version = version + 1 WHERE school_id = new.id"
BUMP_APP = "UPDATE consent SET version = version + 1 WHERE app_id = new.id"
CONSENT_COLUMNS = ("id", "state", "products", "row_conditions", "manifest_version", "expires_at")

# name -> (table, event, condition, statements)
TRIGGERS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "consent_grant_added": ("consent_grant", "INSERT", "", (BUMP_CONSENT.format(row="new"),)),
    "consent_grant_removed": ("consent_grant", "DELETE", "", (BUMP_CONSENT.format(row="old"),)),
    "consent_grant_changed": (
        "consent_grant",
        "UPDATE",
        "",
        (BUMP_CONSENT.format(row="old"), BUMP_CONSENT.format(row="new")),
    ),
    "consent_changed": (
        "consent",
        f"UPDATE OF {', '.join(CONSENT_COLUMNS)}",
        " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in CONSENT_COLUMNS),
        (BUMP_CONSENT.format(row="new"),),
    ),
    "school_renamed": ("school", "UPDATE OF name", "old.name IS DISTINCT FROM new.name", (BUMP_SCHOOL,)),
    "app_changed": (
        "app",
        "UPDATE OF name, manifest_version",
        "old.name IS DISTINCT FROM new.name OR old.manifest_version IS DISTINCT FROM new.manifest_version",
        (BUMP_APP,),
    ),
}


def sqlite_trigger(name: str) -> str:
    """The trigger in SQLite's words (IS NOT, for versions that do not know IS DISTINCT FROM)."""
    table, when, condition, statements = TRIGGERS[name]
    guard = f" WHEN {condition.replace('IS DISTINCT FROM', 'IS NOT')}" if condition else ""
    body = " ".join(f"{statement};" for statement in statements)
    return f"CREATE TRIGGER tr_{name} AFTER {when} ON {table} FOR EACH ROW{guard} BEGIN {body} END"


def postgresql_trigger(name: str) -> tuple[str, str]:
    """The trigger's function and the trigger, in PostgreSQL's words."""
    table, when, condition, statements = TRIGGERS[name]
    guard = f" WHEN ({condition})" if condition else ""
    body = " ".join(f"{statement};" for statement in statements)
    function = f"CREATE FUNCTION fg_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"
    return function, (
        f"CREATE TRIGGER tr_{name} AFTER {when} ON {table} FOR EACH ROW{guard} EXECUTE FUNCTION fg_{name}()"
    )


def attach() -> None:
    """Add the triggers to the metadata, for `create_all` (tests compare it with the migrations)."""
    for name, (table, *_) in TRIGGERS.items():
        target: Table = SQLModel.metadata.tables[table]
        event.listen(target, "after_create", _ddl(sqlite_trigger(name), "sqlite"))
        for statement in postgresql_trigger(name):
            event.listen(target, "after_create", _ddl(statement, "postgresql"))


def _ddl(statement: str, dialect: str) -> Callable[..., Any]:
    made: Callable[..., Any] = DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
    return made
