"""The only writer of contact sessions: bearer tokens of contacts who have signed in, kept only as their SHA-256.

A session lasts eight hours and ends for good: neither a new secret nor access that returns brings one back.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from authz.bearer import SESSION_PREFIX, new_secret, token_hash
from authz.clock import canonical, read_clock
from authz.id_lists import among, listed
from authz.session import ReadSession, WriteSession
from schema.ids import new_record_id

LIFE = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """A new session, with its token: the only time that anybody sees it."""

    id: str
    token: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class LiveSession:
    """A session that has neither ended nor expired, of an account that is not suspended at a school that is there."""

    id: str
    school_id: str
    contact_id: str
    username: str


async def begin(session: WriteSession, school_id: str, contact_id: str) -> OpenedSession:
    """Open a session. The contact's dead ones are cleared away; that they were is in the audit trail."""
    dialect = session.dialect
    await session.execute(
        "DELETE FROM contact_session WHERE school_id = ? AND contact_id = ? "
        f"AND (ended_at IS NOT NULL OR expires_at <= {dialect.now})",
        school_id,
        contact_id,
    )
    token = new_secret(SESSION_PREFIX)
    expires_at = canonical(await read_clock(session) + LIFE)
    opened = OpenedSession(new_record_id("ses", school_id), token, expires_at)
    await session.execute(
        "INSERT INTO contact_session (hash, id, school_id, contact_id, created_at, expires_at) "
        f"VALUES (?, ?, ?, ?, {dialect.now}, {dialect.instant()})",
        token_hash(token), opened.id, school_id, contact_id, expires_at,
    )  # fmt: skip
    return opened


async def find(session: ReadSession, hashed: str) -> LiveSession | None:
    """The live session of a token. Whether its contact may see anything is decided elsewhere, at each request."""
    rows = await session.fetch(
        "SELECT t.id, t.school_id, t.contact_id, a.username FROM contact_session t "
        "JOIN contact_account a ON a.school_id = t.school_id AND a.contact_id = t.contact_id "
        "AND a.suspended_at IS NULL "
        "JOIN school s ON s.id = t.school_id AND s.deleted_at IS NULL "
        f"WHERE t.hash = ? AND t.ended_at IS NULL AND t.expires_at > {session.dialect.now}",
        hashed,
    )
    return LiveSession(*rows[0]) if rows else None


async def end(session: WriteSession, session_id: str) -> bool:
    """End one session; whether it was open."""
    return bool(
        await session.execute(
            f"UPDATE contact_session SET ended_at = {session.dialect.now} WHERE id = ? AND ended_at IS NULL", session_id
        )
    )


async def end_all(session: WriteSession, school_id: str, contact_ids: Collection[str]) -> int:
    """End every session of these contacts."""
    return await session.execute(
        f"UPDATE contact_session SET ended_at = {session.dialect.now} WHERE school_id = ? AND ended_at IS NULL "
        f"AND contact_id {among(session.dialect)}",
        school_id,
        listed(contact_ids),
    )
