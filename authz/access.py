"""What the ladder answers for stored links, by SQL: of a whole school, of one link, of one contact.

The settings are read in the session that reads the links, so that an answer never mixes two moments.
"""

from dataclasses import dataclass

from authz.contact_access import (
    SETTING_COLUMNS,
    AccessSettings,
    LinkRow,
    permission_sql,
    reason_sql,
    settings_from,
)  # fmt: skip
from authz.session import Dialect, ReadSession
from schema.registry import REGISTRY
from schema.vocabulary import VIEW_AND_UPDATE

LINK = LinkRow(link="l", student="s", contact="c", override="o", default="od")
EVERY_SCOPE = frozenset(REGISTRY.scopes)


@dataclass(frozen=True, slots=True)
class LinkDecision:
    """One link and what it opens now. The reason is the real one: this is never shown to an app."""

    link_id: str
    student_id: str | None
    contact_id: str | None
    permission: str
    reason: str


async def settings_of(session: ReadSession, school_id: str) -> AccessSettings:
    """How the school works out access now."""
    rows = await session.fetch(
        f"SELECT {', '.join(SETTING_COLUMNS)} FROM contact_access_setting WHERE school_id = ?", school_id
    )
    return settings_from(rows[0] if rows else None)


def links_sql() -> str:
    """FROM: the links of one school with what the ladder looks at; under the aliases of `LINK`."""
    return f"student_contact l{LINK.joins()}"


def decisions_sql(dialect: Dialect, settings: AccessSettings, condition: str = "") -> str:
    """A SELECT of the columns of `LinkDecision`. Parameter: school id, then those of the condition (` AND …`)."""
    facts = LINK.facts(dialect)
    permission, reason = permission_sql(settings, facts), reason_sql(settings, facts, EVERY_SCOPE)
    return (
        f"SELECT l.id, l.student_id, l.contact_id, {permission} AS permission, {reason} AS reason "
        f"FROM {links_sql()} WHERE l.school_id = ?{condition} ORDER BY l.id"
    )


def opened_sql(dialect: Dialect, settings: AccessSettings, columns: str, condition: str = "") -> str:
    """A SELECT of columns of the links that are View and Update now. Parameters: those of `decisions_sql`."""
    permission = permission_sql(settings, LINK.facts(dialect))
    return (
        f"SELECT {columns} FROM {links_sql()} WHERE l.school_id = ?{condition} AND {permission} = '{VIEW_AND_UPDATE}'"
    )


async def decisions(
    session: ReadSession,
    school_id: str,
    condition: str = "",
    *parameters: object,
    settings: AccessSettings | None = None,
) -> list[LinkDecision]:
    """The decisions on the school's links that meet the condition; under its own settings, or others to try out."""
    used = settings if settings is not None else await settings_of(session, school_id)
    rows = await session.fetch(decisions_sql(session.dialect, used, condition), school_id, *parameters)
    return [LinkDecision(*row) for row in rows]


async def students_of(session: ReadSession, school_id: str, contact_id: str) -> list[LinkDecision]:
    """The links of the contact that are View and Update now: the students whose records it sees, and no others."""
    found = await decisions(session, school_id, " AND l.contact_id = ?", contact_id)
    return [each for each in found if each.permission == VIEW_AND_UPDATE]
