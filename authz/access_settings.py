"""The only writer of how a school works out contacts' access: its source and settings, its default permissions.

Defaults are versions that are never edited. What a change would do to whom can be asked for first; a change that
changes nothing leaves no event. Everything a school's administrators write about access takes turns, by school.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypedDict, Unpack

from authz import accounts, audit, schools
from authz.access import settings_of
from authz.access_previews import LISTED, Comparison, Preview, answered, default_in
from authz.audit import Actor
from authz.capabilities import doubtful, of_school
from authz.contact_access import (
    NEW_SCHOOL,
    NEW_SCHOOL_VERSION,
    SETTING_COLUMNS,
    AccessSettings,
    relationship_key,
)  # fmt: skip
from authz.session import ReadSession, WriteSession
from schema.errors import FieldgateError
from schema.names import camel
from schema.vocabulary import PERMISSIONS, SOURCES, SYNC

MAX_DEFAULTS = 200
MAX_LABEL = 200


class Wanted(TypedDict, total=False):
    """What is asked for; what is absent or None stays as it is."""

    source: str | None
    court_order_always_denies: bool | None
    confirm_masked_overrides: bool | None
    access_for_leavers: bool | None
    access_for_applicants: bool | None
    accept_assumed_priorities: bool | None


@dataclass(frozen=True, slots=True)
class SchoolAccess:
    """How a school works out access. `defaults`: relationship → permission in the version that new links take."""

    settings: AccessSettings
    defaults_version: int
    defaults: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What a call made of the settings; `acknowledged`: the attributes that somebody answered for."""

    before: AccessSettings
    after: AccessSettings
    acknowledged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DefaultsApplied:
    """What applying today's defaults did, or would do. `links`: those whose version or first relationship changes."""

    version: int
    links: int
    done: bool
    preview: Preview


async def read(session: ReadSession, school_id: str) -> SchoolAccess:
    """How the school works out access now."""
    await schools.find(session, school_id)
    version = await version_of(session, school_id)
    return SchoolAccess(await settings_of(session, school_id), version, await _defaults(session, school_id, version))


async def take_turn(session: WriteSession, school_id: str) -> None:
    """Wait until no other transaction writes what this school decides about access; or refuse: there is no school.

    INVARIANT: every writer of settings, defaults and overrides comes through here first, so that what it reads then is
    what it changes. SQLite's writers hold the whole file.
    """
    rows = await session.fetch(
        f"SELECT id FROM school WHERE id = ? AND deleted_at IS NULL{session.dialect.row_lock}", school_id
    )
    if not rows:
        raise FieldgateError("SCHOOL_UNKNOWN", "There is no school with this id.")


# Settings --------------------------------------------------------------------------------------------------------


async def change(
    session: WriteSession, school_id: str, *, by: Actor, acknowledge: Collection[str] = (), **wanted: Unpack[Wanted]
) -> SettingsChange:
    """Change the source, or settings, or both. A switch to Sync needs every doubtful attribute acknowledged by name."""
    await take_turn(session, school_id)
    before = await settings_of(session, school_id)
    after = wished(before, wanted)
    if after == before:
        return SettingsChange(before, after)
    switched = after.source != before.source
    acknowledged = await _acknowledged(session, school_id, acknowledge) if switched and after.source == SYNC else ()
    await _store(session, school_id, after, await version_of(session, school_id))
    lost = await accounts.suspend_lost(session, school_id)
    name = "contact_access_source_changed" if switched else "contact_access_setting_changed"
    details = {"before": _spoken(before), "after": _spoken(after), "acknowledged": acknowledged}
    await audit.record(session, name, chain=school_id, by=by, details=details)
    await accounts.settle(session, school_id, lost)
    return SettingsChange(before, after, acknowledged)


async def preview(
    session: ReadSession,
    school_id: str,
    *,
    todays_defaults: bool = False,
    listed: int = LISTED,
    **wanted: Unpack[Wanted],
) -> Preview:
    """Who would gain and who would lose access under these settings, with today's defaults applied to all or not."""
    known = await read(session, school_id)
    now = answered(known.settings)
    then = answered(wished(known.settings, wanted))
    if todays_defaults:
        then = answered(then.settings, default=default_in(known.defaults_version))
    return await Comparison(school_id, now, then).preview(session, listed=listed)


def wished(settings: AccessSettings, wanted: Wanted) -> AccessSettings:
    """The settings with what is asked for."""
    given: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    if given.get("source", settings.source) not in SOURCES:
        raise KeyError(given["source"])
    return replace(settings, **given)


async def _acknowledged(session: WriteSession, school_id: str, acknowledge: Collection[str]) -> tuple[str, ...]:
    """The doubtful attributes of the school's MIS, all of which must be among these names; case makes no difference."""
    given = {name.upper() for name in acknowledge}
    doubts = tuple(each.attribute.upper() for each in doubtful(await of_school(session, school_id)))
    if missing := [name for name in doubts if name not in given]:
        raise FieldgateError(
            "ACKNOWLEDGEMENT_NEEDED",
            f"Sync decides by what this MIS may not supply: {', '.join(missing)}.",
            attributes=missing,
        )
    return doubts


def _spoken(settings: AccessSettings) -> Mapping[str, object]:
    return {camel(name): getattr(settings, name) for name in SETTING_COLUMNS}


async def _store(session: WriteSession, school_id: str, settings: AccessSettings, version: int) -> None:
    columns = ("school_id", *SETTING_COLUMNS, "defaults_version")
    changes = ", ".join(f"{name} = excluded.{name}" for name in (*columns[1:], "updated_at"))
    await session.execute(
        f"INSERT INTO contact_access_setting ({', '.join(columns)}, updated_at) "
        f"VALUES ({', '.join('?' for _ in columns)}, {session.dialect.now}) "
        f"ON CONFLICT (school_id) DO UPDATE SET {changes}",
        school_id, *(getattr(settings, name) for name in SETTING_COLUMNS), version,
    )  # fmt: skip


# Default Contact Permissions -------------------------------------------------------------------------------------


async def set_defaults(
    session: WriteSession, school_id: str, permissions: Mapping[str, str], by: Actor
) -> SchoolAccess:
    """A new version of the defaults, whole: what is not named is No Permission. No link that is here already changes.

    The same defaults as now are no new version.
    """
    keys = _checked(permissions)
    wanted = {label.strip(): permission for label, permission in permissions.items()}
    await take_turn(session, school_id)
    settings, current = await settings_of(session, school_id), await version_of(session, school_id)
    before = await _defaults(session, school_id, current)
    if before == wanted:
        return SchoolAccess(settings, current, before)
    version = max(current, await _last_version(session, school_id)) + 1
    await session.execute_many(
        "INSERT INTO contact_default (school_id, version, relationship, label, permission) VALUES (?, ?, ?, ?, ?)",
        [(school_id, version, keys[label], label, permission) for label, permission in wanted.items()],
    )
    await _store(session, school_id, settings, version)
    details = {"version": version, "before": before, "after": wanted}
    await audit.record(session, "contact_defaults_changed", chain=school_id, by=by, details=details)
    return SchoolAccess(settings, version, wanted)


def as_defaults(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Relationships with their permissions, as somebody listed them; none may stand there twice."""
    listed = list(pairs)
    permissions = dict(listed)
    if len(permissions) < len(listed):
        raise FieldgateError("DEFAULTS_INVALID", "A relationship is given twice.")
    return permissions


def _checked(permissions: Mapping[str, str]) -> Mapping[str, str]:
    """Label → the text by which links find it."""
    if len(permissions) > MAX_DEFAULTS:
        raise FieldgateError("DEFAULTS_INVALID", f"There are more than {MAX_DEFAULTS} relationships.")
    keys: dict[str, str] = {}
    for label, permission in permissions.items():
        key = relationship_key(label) if len(label) <= MAX_LABEL else None
        if key is None or not label.isprintable():
            raise FieldgateError("DEFAULTS_INVALID", "A relationship is blank, too long or not printable.")
        if key in keys.values():
            raise FieldgateError("DEFAULTS_INVALID", "Two relationships are the same but for blanks and case.")
        if permission not in PERMISSIONS:
            raise FieldgateError("DEFAULTS_INVALID", "A relationship has a permission that does not exist.")
        keys[label.strip()] = key
    return keys


BEHIND = (
    "school_id = ? AND deleted_at IS NULL AND (coalesce(defaults_version, -1) <> ? "
    "OR coalesce(first_relationship_key, '') <> coalesce(relationship_key, ''))"
)
"""SQL: the links to which today's defaults would be new. Parameters: school id, today's version."""


async def preview_defaults(session: ReadSession, school_id: str, *, listed: int = LISTED) -> DefaultsApplied:
    """What `apply_defaults` would do."""
    await schools.find(session, school_id)
    version = await version_of(session, school_id)
    settings = await settings_of(session, school_id)
    today = Comparison(school_id, answered(settings), answered(settings, default=default_in(version)))
    seen = await today.preview(session, listed=listed)
    [[links]] = await session.fetch(f"SELECT count(*) FROM student_contact WHERE {BEHIND}", school_id, version)
    return DefaultsApplied(version, int(links), done=False, preview=seen)


async def apply_defaults(session: WriteSession, school_id: str, by: Actor, *, listed: int = LISTED) -> DefaultsApplied:
    """Give today's defaults to all links that are here already; their present relationship counts as looked at."""
    await take_turn(session, school_id)
    seen = await preview_defaults(session, school_id, listed=listed)
    if not seen.links:
        return replace(seen, done=True)
    # These two columns are the house's own: no MIS has them, and a sync writes them for new links only.
    links = await session.execute(
        "UPDATE student_contact SET defaults_version = ?, first_relationship_key = relationship_key "
        f"WHERE {BEHIND}",
        seen.version, school_id, seen.version,
    )  # fmt: skip
    lost = await accounts.suspend_lost(session, school_id)
    sides = {"gains": seen.preview.gains.count, "loses": seen.preview.loses.count}
    details = {"version": seen.version, "links": links, **sides}
    await audit.record(session, "contact_defaults_applied", chain=school_id, by=by, details=details)
    await accounts.settle(session, school_id, lost)
    return replace(seen, links=links, done=True)


async def version_of(session: ReadSession, school_id: str) -> int:
    """The version of its defaults that the school's new links take."""
    rows = await session.fetch("SELECT defaults_version FROM contact_access_setting WHERE school_id = ?", school_id)
    return int(rows[0][0]) if rows else NEW_SCHOOL_VERSION


async def _last_version(session: ReadSession, school_id: str) -> int:
    """The highest version that has rows; it could be above the current one only where rows were moved by hand."""
    [[version]] = await session.fetch("SELECT max(version) FROM contact_default WHERE school_id = ?", school_id)
    return int(version or 0)


async def _defaults(session: ReadSession, school_id: str, version: int) -> Mapping[str, str]:
    if version == NEW_SCHOOL_VERSION:
        return dict(NEW_SCHOOL)
    rows = await session.fetch(
        "SELECT label, permission FROM contact_default WHERE school_id = ? AND version = ? ORDER BY relationship",
        school_id, version,
    )  # fmt: skip
    return {row[0]: row[1] for row in rows}
