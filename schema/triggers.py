"""Triggers that raise a consent's version with whatever is compiled into a plan, whoever writes it.

Hand-made SQL obeys them too. A request compares the version that it read in its own snapshot, so a version must never
come back with another meaning: a consent is never deleted, replaced or moved, and its version only rises.
"""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import DDL, Table, event
from sqlmodel import SQLModel

from schema.contact_access import FLAGS

BUMP_CONSENT = "UPDATE consent SET version = version + 1 WHERE school_id = {row}.school_id AND app_id = {row}.app_id"
BUMP_SCHOOL = "UPDATE consent SET version = version + 1 WHERE school_id = new.id"
BUMP_SETTING = "UPDATE consent SET version = version + 1 WHERE school_id = {row}.school_id"
BUMP_APP = "UPDATE consent SET version = version + 1 WHERE app_id = new.id"
CONSENT_COLUMNS = ("id", "state", "products", "row_conditions", "manifest_version", "expires_at")
REPLACES_OVERRIDE = (
    "EXISTS (SELECT 1 FROM contact_override WHERE school_id = new.school_id AND id = new.id) "
    "OR (new.cleared_at IS NULL AND EXISTS (SELECT 1 FROM contact_override "
    "WHERE school_id = new.school_id AND link_id = new.link_id AND cleared_at IS NULL))"
)
SETTING_COLUMNS = ("school_id", "source", *FLAGS)
OVERRIDE_COLUMNS = (
    "school_id", "id", "link_id", "value", "set_by", "set_by_position", "set_at", "note", "origin",
)  # fmt: skip

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
    "contact_access_set": ("contact_access_setting", "INSERT", "", (BUMP_SETTING.format(row="new"),)),
    "contact_access_unset": ("contact_access_setting", "DELETE", "", (BUMP_SETTING.format(row="old"),)),
    "contact_access_changed": (
        "contact_access_setting",
        "UPDATE",
        " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in SETTING_COLUMNS),
        (BUMP_SETTING.format(row="old"), BUMP_SETTING.format(row="new")),
    ),
    "app_changed": (
        "app",
        "UPDATE OF name, manifest_version",
        "old.name IS DISTINCT FROM new.name OR old.manifest_version IS DISTINCT FROM new.manifest_version",
        (BUMP_APP,),
    ),
}

# name -> (table, event, condition, what is refused)
GUARDS: dict[str, tuple[str, str, str, str]] = {
    "consent_stays": ("consent", "DELETE", "", "a consent is revoked, never deleted"),
    "consent_keeps_its_place": (
        "consent",
        "UPDATE OF school_id, app_id, id",
        " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in ("school_id", "app_id", "id")),
        "a consent never moves",
    ),
    "contact_override_stays": ("contact_override", "DELETE", "", "an override is cleared, never deleted"),
    "contact_override_keeps_its_word": (
        "contact_override",
        f"UPDATE OF {', '.join(OVERRIDE_COLUMNS)}",
        " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in OVERRIDE_COLUMNS),
        "an override is cleared and set anew, never edited",
    ),
    "contact_override_stays_cleared": (
        "contact_override",
        "UPDATE OF cleared_at",
        "old.cleared_at IS NOT NULL AND old.cleared_at IS DISTINCT FROM new.cleared_at",
        "an override that was cleared is over",
    ),
    "consent_version_rises": ("consent", "UPDATE OF version", "new.version < old.version", "a version only rises"),
}
# SQLite's REPLACE deletes without a trigger; PostgreSQL's TRUNCATE does, and knows no rows.
SQLITE_GUARDS: dict[str, tuple[str, str, str, str]] = {
    "consent_is_not_replaced": (
        "consent",
        "INSERT",
        "EXISTS (SELECT 1 FROM consent WHERE (school_id = new.school_id AND app_id = new.app_id) OR id = new.id)",
        "a consent is changed, never replaced",
    ),
    "contact_override_is_not_replaced": (
        "contact_override",
        "INSERT",
        REPLACES_OVERRIDE,
        "an override is cleared, never replaced",
    ),
}
TRUNCATES: dict[str, tuple[str, str]] = {
    "consent_truncated": ("consent", "RAISE EXCEPTION 'a consent is revoked, never deleted'"),
    "contact_override_truncated": ("contact_override", "RAISE EXCEPTION 'an override is cleared, never deleted'"),
    "contact_access_setting_truncated": ("contact_access_setting", "UPDATE consent SET version = version + 1"),
    "consent_grant_truncated": ("consent_grant", "UPDATE consent SET version = version + 1"),
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
    return _function(name, *statements), (
        f"CREATE TRIGGER tr_{name} AFTER {when} ON {table} FOR EACH ROW{guard} EXECUTE FUNCTION fg_{name}()"
    )


def sqlite_guard(name: str) -> str:
    """The refusal in SQLite's words."""
    table, when, condition, message = (GUARDS | SQLITE_GUARDS)[name]
    guard = f" WHEN {condition.replace('IS DISTINCT FROM', 'IS NOT')}" if condition else ""
    return (
        f"CREATE TRIGGER tr_{name} BEFORE {when} ON {table} FOR EACH ROW{guard} "
        f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
    )


def postgresql_guard(name: str) -> tuple[str, str]:
    """The refusal's function and trigger, in PostgreSQL's words."""
    table, when, condition, message = GUARDS[name]
    guard = f" WHEN ({condition})" if condition else ""
    return _function(name, f"RAISE EXCEPTION '{message}'"), (
        f"CREATE TRIGGER tr_{name} BEFORE {when} ON {table} FOR EACH ROW{guard} EXECUTE FUNCTION fg_{name}()"
    )


def truncate_trigger(name: str) -> tuple[str, str]:
    """What happens when a whole table is emptied on PostgreSQL."""
    table, statement = TRUNCATES[name]
    return _function(name, statement), (
        f"CREATE TRIGGER tr_{name} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION fg_{name}()"
    )


def _function(name: str, *statements: str) -> str:
    body = " ".join(f"{statement};" for statement in statements)
    return f"CREATE FUNCTION fg_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"


def statements() -> Iterator[tuple[str, str, str]]:
    """(table, dialect, statement) of every trigger, in the order they are made."""
    for name, (table, *_) in TRIGGERS.items():
        yield table, "sqlite", sqlite_trigger(name)
        for statement in postgresql_trigger(name):
            yield table, "postgresql", statement
    for name, (table, *_) in (GUARDS | SQLITE_GUARDS).items():
        yield table, "sqlite", sqlite_guard(name)
    for name, (table, *_) in GUARDS.items():
        for statement in postgresql_guard(name):
            yield table, "postgresql", statement
    for name, (table, _) in TRUNCATES.items():
        for statement in truncate_trigger(name):
            yield table, "postgresql", statement


def attach() -> None:
    """Add the triggers to the metadata, for `create_all` (tests compare it with the migrations)."""
    for table, dialect, statement in statements():
        target: Table = SQLModel.metadata.tables[table]
        event.listen(target, "after_create", _ddl(statement, dialect))


def _ddl(statement: str, dialect: str) -> Callable[..., Any]:
    made: Callable[..., Any] = DDL(statement).execute_if(dialect=dialect)  # type: ignore[no-untyped-call]
    return made
