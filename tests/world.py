"""A small world for tests: two schools with awkward values, one app with a consent at each, written to any database.

Everything is deterministic. `World.write` puts it in through SQL of its own, so that tests of readers do not depend on
the connectors.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sqlalchemy import Table

from authz.contact_access import SETTING_COLUMNS
from authz.session import Dialect, WriteSession
from schema.columns import Day, Instant
from schema.fields import Choice, Kind
from schema.ids import MakeKey, new_plain_id, new_record_id, new_school_id, seeded_keys
from schema.metadata import METADATA
from schema.registry import MEMBERSHIP_TABLES, REGISTRY
from schema.tables import stored_leaves

NOW = "2026-01-05T08:30:00.000001Z"
TOKEN = "fg_test-token-of-the-world"
TOKEN_HASH = hashlib.sha256(TOKEN.encode()).hexdigest()
TEXTS = (
    "Ann",
    'Quote "inside" \\ and / slash',
    "Tab\tand\nline\r\x0b\x1f",
    "Zoë Łukasz 学校 🎒",
    "\u2028\u2029\x7f",
    "</script>&amp;'",
    "",
    "null",
    "}{][",
)
Rows = dict[str, list[dict[str, Any]]]


@dataclass
class World:
    """Rows per table, and the ids that tests name."""

    schools: list[str]
    app_id: str
    rows: Rows = field(default_factory=dict)

    def of(self, table: str, school: int = 0) -> list[dict[str, Any]]:
        """The rows of one table at one school."""
        return [row for row in self.rows[table] if row["school_id"] == self.schools[school]]

    async def write(self, session: WriteSession) -> None:
        """Insert everything."""
        for table, rows in self.rows.items():
            await insert(session, table, rows)


async def insert(session: WriteSession, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows of canonical values into a table."""
    if not rows:
        return
    columns = list(rows[0])
    places = ", ".join(_place(session.dialect, METADATA.tables[table], column) for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    await session.execute_many(
        f"INSERT INTO {table} ({names}) VALUES ({places})", [[row[column] for column in columns] for row in rows]
    )


def _place(dialect: Dialect, table: Table, column: str) -> str:
    kind = table.columns[column].type
    if isinstance(kind, Instant):
        return dialect.instant()
    return dialect.day() if isinstance(kind, Day) else "?"


def make_world(seed: str = "world", *, schools: int = 2, size: int = 6) -> World:
    """A world of so many schools with so many records of each entity."""
    source = Random(seed)
    key = seeded_keys(seed)
    world = World(sorted(new_school_id(key) for _ in range(schools)), new_plain_id("app", key))
    for name in [entity.table for entity in REGISTRY.entities.values()] + list(MEMBERSHIP_TABLES):
        world.rows[name] = []
    for number, school_id in enumerate(world.schools):
        _school(world, source, key, number, school_id, size)
    _access(world, Random(f"{seed} access"), seeded_keys(f"{seed} access"))
    return world


FLAGS = SETTING_COLUMNS[1:]
WHOEVER = {**dict.fromkeys(FLAGS, False), "access_for_leavers": True, "access_for_applicants": True}
SETTINGS: tuple[dict[str, Any] | None, ...] = (
    {"source": "SYNC", **WHOEVER},
    {"source": "RELATIONSHIP_TYPE", **WHOEVER, "court_order_always_denies": True},
    None,
    {"source": "SYNC", **dict.fromkeys(FLAGS, True)},
)
"""How the schools of a world work out contacts' access, in turn; None is a new school."""


def _access(world: World, source: Random, key: MakeKey) -> None:
    """What contacts' access is worked out from: settings, versions of defaults, overrides, facts kept of links."""
    for table in ("contact_access_setting", "contact_default", "contact_override", "import_run", "school_capability"):
        world.rows[table] = []
    moments = (None, "2026-01-01T00:00:00.000000Z", NOW, "2026-02-01T00:00:00.000000Z")
    for number, school_id in enumerate(world.schools):
        school = {"school_id": school_id}
        setting = SETTINGS[number % len(SETTINGS)]
        if setting is not None:
            row = {**school, **setting, "defaults_version": 1, "updated_at": NOW}
            world.rows["contact_access_setting"].append(row)
        for name, permission in (("carer", "VIEW_AND_UPDATE"), ("mother", "NO_PERMISSION")):
            default = {**school, "version": 1, "relationship": name, "label": name.title(), "permission": permission}
            world.rows["contact_default"].append(default)
        if number > 1:
            world.rows["school"][number]["provider"] = source.choice(("SIMS", "i SAMS", "Bromcom"))
        for attribute, state in (("court_order", "DECLINED"), ("priority", "SUPPLIED")):
            seen = {**school, "attribute": attribute, "state": state, "source": "It's seen.", "as_of": NOW}
            world.rows["school_capability"].append(seen)
        for finished in source.sample(moments, 2):
            run = {**school, "id": new_record_id("run", school_id, key), "source": "test", "finished_at": finished}
            run |= {"state": "running" if finished is None else "completed", "started_at": NOW, "heartbeat_at": NOW}
            world.rows["import_run"].append(run)
        for link in world.of("student_contact", number):
            link |= {
                "relationship_key": source.choice(("mother", "carer", "grandparent", None)),
                "first_relationship_key": "mother",
                "defaults_version": source.choice((0, 1, None)),
                "priority_assumed": source.choice((True, False, None)),
                "restriction_lifted_at": source.choice(moments),
                "relinked_at": source.choice(moments),
            }
            if source.random() < 0.6:
                world.rows["contact_override"].append(_override(source, key, school_id, link["id"], moments))


def _override(
    source: Random, key: MakeKey, school_id: str, link_id: str, moments: Sequence[str | None]
) -> dict[str, Any]:
    return {
        "school_id": school_id,
        "id": new_record_id("ovr", school_id, key),
        "link_id": link_id,
        "value": source.choice(("VIEW_AND_UPDATE", "NO_PERMISSION")),
        "set_by": "a test",
        "set_at": "2026-01-01T00:00:00.000000Z",
        "confirmed_at": source.choice(moments),
        "origin": "MANUAL",
        "cleared_at": source.choice((None, None, NOW)),
    }


def _school(world: World, source: Random, key: MakeKey, number: int, school_id: str, size: int) -> None:
    ids: dict[str, list[str]] = {"School": [school_id]}
    for entity in REGISTRY.entities.values():
        if entity.name == "School":
            values = {leaf.column: _value(source, leaf.field.kind) for leaf in stored_leaves(entity)}
            values |= {"name": f"School {number}", "timezone": "Europe/London"}
            world.rows["school"].append({"id": school_id, "source_id": f"S{number}", **values, "deleted_at": None})
            continue
        ids[entity.name] = [new_record_id(entity.prefix, school_id, key) for _ in range(size)]
    for entity in REGISTRY.entities.values():
        if entity.name == "School":
            continue
        for index, record_id in enumerate(ids[entity.name]):
            row: dict[str, Any] = {"school_id": school_id, "id": record_id, "source_id": f"{entity.prefix}{index}"}
            for column in entity.extra_columns:
                row[column] = _target(source, column, ids)
            row |= {leaf.column: _value(source, leaf.field.kind) for leaf in stored_leaves(entity)}
            row["deleted_at"] = NOW if source.random() < 0.1 else None
            world.rows[entity.table].append(row)
    for table, (own, target) in MEMBERSHIP_TABLES.items():
        pairs = {
            (_target(source, own, ids), _target(source, target, ids)) for _ in range(size * 2)
        }  # fmt: skip
        for left, right in sorted(pair for pair in pairs if all(pair)):
            world.rows[table].append({"school_id": school_id, own: left, target: right})


TARGETS = {
    "student_id": "Student",
    "contact_id": "Contact",
    "employee_id": "Employee",
    "class_id": "Class",
    "group_id": "Group",
    "year_id": "Group",
    "registration_id": "Group",
    "subject_id": "Subject",
    "medical_condition_id": "MedicalCondition",
}


def _target(source: Random, column: str, ids: Mapping[str, Sequence[str]]) -> Any:
    return source.choice([*ids[TARGETS[column]], None]) if column != "student_id" else source.choice(ids["Student"])


def _value(source: Random, kind: Kind | Choice) -> Any:
    if source.random() < 0.2:
        return None
    if isinstance(kind, Choice):
        return source.choice(kind.names)
    choices: dict[Kind, Iterable[Any]] = {
        Kind.ID: ("x1", "a/b c", "0001"),
        Kind.TEXT: TEXTS,
        Kind.INT: (0, 1, -7, 2147483647, -2147483648),
        Kind.BOOL: (True, False),
        Kind.DATE: ("2010-09-01", "0001-01-01", "9999-12-31"),
        Kind.INSTANT: (NOW, "1999-12-31T23:59:59.999999Z"),
        Kind.DECIMAL: ("0.6", "1", "-0.30"),
    }
    return source.choice(list(choices[kind]))


async def write_app(
    session: WriteSession,
    world: World,
    grants: Mapping[int, Iterable[str]],
    *,
    required: Iterable[str] = ("students.read",),
    row_conditions: Sequence[str] = (),
) -> None:
    """The world's app with its token, and a consent with these scopes at each school named."""
    at = {"created_at": NOW}
    app = {"id": world.app_id, "slug": "tester", "name": "Tester", "vendor": "Test Ltd", "manifest_version": 1, **at}
    await insert(session, "app", [app])
    product = {"app_id": world.app_id, "version": 1, "product": "core", "title": "Core"}
    await insert(session, "app_product", [product])
    asked = [
        {"app_id": world.app_id, "version": 1, "product": "core", "scope": scope, "need": "required", "implied": False}
        for scope in sorted(set(required))
    ]
    await insert(session, "app_scope", asked)
    token = {"hash": TOKEN_HASH, "id": "tok_world", "app_id": world.app_id, "hint": "orld", **at}
    await insert(session, "app_token", [token])
    for number, scopes in grants.items():
        school_id = world.schools[number]
        consent = {
            "school_id": school_id,
            "app_id": world.app_id,
            "id": f"cns_{school_id[4:]}",
            "state": "approved",
            "version": 1,
            "products": '["core"]',
            "row_conditions": json.dumps(list(row_conditions)),
            "manifest_version": 1,
            **at,
        }
        await insert(session, "consent", [consent])
        await insert(session, "consent_grant", [grant_row(world, number, scope) for scope in sorted(set(scopes))])


def grant_row(world: World, school: int, scope: str) -> dict[str, Any]:
    """A row of `consent_grant`."""
    return {
        "school_id": world.schools[school],
        "app_id": world.app_id,
        "scope": scope,
        "granted_at": NOW,
        "granted_by": "a test",
    }
