"""The only writer of staff tokens: bearer secrets of a school's staff, each for one role at one school.

A secret is shown once and kept only as its SHA-256. A token that is revoked or expired by the database's clock, or
whose school is deleted, is nobody's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from authz import audit, schools
from authz.audit import Actor
from authz.bearer import STAFF_PREFIX, hint, new_secret, token_hash
from authz.clock import canonical, read_clock
from authz.principal import StaffPrincipal
from authz.session import ReadSession, WriteSession
from authz.texts import checked_name, checked_position
from schema.errors import FieldgateError
from schema.ids import new_record_id, school_of
from schema.vocabulary import STAFF_ROLES

DEFAULT_LIFE = timedelta(days=90)
[ADMINISTRATOR] = STAFF_ROLES
"""The role that sets sources, defaults and overrides."""


@dataclass(frozen=True, slots=True)
class IssuedStaffToken:
    """A new token, with its secret: the only time that anybody sees it."""

    id: str
    school_id: str
    name: str
    position: str | None
    role: str
    secret: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class StaffTokenSummary:
    """A token as the shell lists it. `hint`: the secret's last characters."""

    id: str
    name: str
    position: str | None
    role: str
    hint: str
    state: str
    created_at: str
    expires_at: str
    revoked_at: str | None


async def issue(
    session: WriteSession,
    school_id: str,
    *,
    name: str,
    position: str | None = None,
    role: str = ADMINISTRATOR,
    by: Actor,
    expires_at: datetime | None = None,
) -> IssuedStaffToken:
    """A new token of a member of the school's staff, for 90 days unless another end is given."""
    if role not in STAFF_ROLES:
        raise KeyError(role)
    school = await schools.find(session, school_id)
    secret = new_secret(STAFF_PREFIX)
    token = IssuedStaffToken(
        id=new_record_id("stf", school.id),
        school_id=school.id,
        name=checked_name(name, "The name"),
        position=checked_position(position),
        role=role,
        secret=secret,
        expires_at=canonical(expires_at or await read_clock(session) + DEFAULT_LIFE),
    )
    await session.execute(
        "INSERT INTO staff_token (hash, id, school_id, name, position, role, hint, created_at, expires_at) "
        f"VALUES (?, ?, ?, ?, ?, ?, ?, {session.dialect.now}, {session.dialect.instant()})",
        token_hash(secret), token.id, school.id, token.name, token.position, role, hint(secret), token.expires_at,
    )  # fmt: skip
    details = {
        "token": token.id,
        "name": token.name,
        "position": token.position,
        "role": role,
        "expiresAt": token.expires_at,
    }
    await audit.record(session, "staff_token_issued", chain=school.id, by=by, details=details)
    return token


async def revoke(session: WriteSession, token_id: str, *, by: Actor) -> None:
    """End a token now, for good."""
    school_id = school_of(token_id) or ""
    found = {token.id: token for token in await _read(session, school_id, lock=True)}
    if token_id not in found:
        raise FieldgateError("TOKEN_UNKNOWN", "There is no such staff token.")
    if (state := found[token_id].state) != "valid":
        raise FieldgateError("TOKEN_STATE", f"The token is {state} already.", state=state)
    await session.execute(f"UPDATE staff_token SET revoked_at = {session.dialect.now} WHERE id = ?", token_id)
    details = {"token": token_id, "name": found[token_id].name}
    await audit.record(session, "staff_token_revoked", chain=school_id, by=by, details=details)


async def of_school(session: ReadSession, school_id: str) -> list[StaffTokenSummary]:
    """The school's staff tokens, the newest last."""
    return await _read(session, (await schools.find(session, school_id)).id)


async def authenticate(session: ReadSession, token_hash: str | None) -> StaffPrincipal | None:
    """Who the token stands for at this moment, or None."""
    if token_hash is None:
        return None
    rows = await session.fetch(
        "SELECT t.school_id, t.role, t.name, t.position, t.id FROM staff_token t "
        "JOIN school s ON s.id = t.school_id AND s.deleted_at IS NULL "
        f"WHERE t.hash = ? AND t.revoked_at IS NULL AND t.expires_at > {session.dialect.now}",
        token_hash,
    )
    return StaffPrincipal(*rows[0]) if rows else None


async def _read(session: ReadSession, school_id: str, *, lock: bool = False) -> list[StaffTokenSummary]:
    dialect = session.dialect
    created, expires, revoked = (dialect.instant_text(name) for name in ("created_at", "expires_at", "revoked_at"))
    rows = await session.fetch(
        "SELECT id, name, position, role, hint, CASE WHEN revoked_at IS NOT NULL THEN 'revoked' "
        f"WHEN expires_at <= {dialect.now} THEN 'expired' ELSE 'valid' END, {created}, {expires}, {revoked} "
        f"FROM staff_token WHERE school_id = ? ORDER BY staff_token.created_at, id{dialect.row_lock if lock else ''}",
        school_id,
    )
    return [StaffTokenSummary(*row) for row in rows]
