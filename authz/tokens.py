"""The only writer of app tokens: bearer secrets that are shown once and kept only as their SHA-256.

A secret has 256 random bits, so that a plain hash is enough and can be looked up. Rotation overlaps: the old token
gets an earlier end, never a later one.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from authz import audit
from authz.audit import Actor
from authz.bearer import APP_PREFIX, hint, new_secret, token_hash
from authz.clock import canonical, read_clock
from authz.session import ReadSession, Row, WriteSession
from schema.errors import FieldgateError
from schema.ids import new_plain_id
from schema.vocabulary import PLATFORM

_SECRET = re.compile(APP_PREFIX + r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, with its secret: the only time that anybody sees it."""

    id: str
    app_id: str
    secret: str
    expires_at: str | None
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class TokenSummary:
    """A token as the shell lists it. `hint`: the secret's last characters."""

    id: str
    hint: str
    state: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    replaces: str | None


def has_token_form(text: str) -> bool:
    """Whether the text could be a token at all; the rest need not be looked up."""
    return _SECRET.fullmatch(text) is not None


async def issue(session: WriteSession, app_id: str, *, by: Actor, expires_at: datetime | None = None) -> IssuedToken:
    """A new token of the app. An expiry that has passed already is kept: it makes a token that never works."""
    token = await _add(session, app_id, expires_at, replaces=None)
    await _record(session, "token_issued", token.app_id, token.id, by, expiresAt=token.expires_at)
    return token


async def rotate(
    session: WriteSession,
    app_id: str,
    token_id: str,
    *,
    by: Actor,
    overlap: timedelta = timedelta(0),
    expires_at: datetime | None = None,
) -> IssuedToken:
    """A token that takes the place of another, which works on for the overlap and no longer than it would have."""
    await _usable(session, app_id, token_id)
    ends = canonical(await read_clock(session) + overlap)
    instant = session.dialect.instant()
    await session.execute(
        f"UPDATE app_token SET expires_at = {instant} WHERE id = ? AND (expires_at IS NULL OR expires_at > {instant})",
        ends, token_id, ends,
    )  # fmt: skip
    token = await _add(session, app_id, expires_at, replaces=token_id)
    details = {"expiresAt": token.expires_at, "replaces": token_id, "replacedUntil": ends}
    await _record(session, "token_rotated", app_id, token.id, by, **details)
    return token


async def revoke(session: WriteSession, token_id: str, *, by: Actor) -> None:
    """End a token now, for good."""
    app_id = await _usable(session, None, token_id)
    await session.execute(f"UPDATE app_token SET revoked_at = {session.dialect.now} WHERE id = ?", token_id)
    await _record(session, "token_revoked", app_id, token_id, by)


async def of_app(session: ReadSession, app_id: str) -> list[TokenSummary]:
    """The app's tokens, the newest last."""
    rows = await _read(session, "app_id = ? ORDER BY created_at, id", app_id)
    return [TokenSummary(row[0], row[2], _state(row), *row[3:7]) for row in rows]


async def _usable(session: WriteSession, app_id: str | None, token_id: str) -> str:
    """The app of a token that is neither revoked nor expired; the row is locked."""
    rows = await _read(session, f"id = ?{session.dialect.row_lock}", token_id)
    if not rows or app_id not in {None, rows[0][1]}:
        raise FieldgateError("TOKEN_UNKNOWN", "There is no such token.")
    if (state := _state(rows[0])) != "valid":
        raise FieldgateError("TOKEN_STATE", f"The token is {state} already.", state=state)
    return str(rows[0][1])


async def _read(session: ReadSession, condition: str, parameter: str) -> list[Row]:
    dialect = session.dialect
    created, expires, revoked = (dialect.instant_text(name) for name in ("created_at", "expires_at", "revoked_at"))
    return list(
        await session.fetch(
            f"SELECT id, app_id, hint, {created}, {expires}, {revoked}, replaces, "
            f"coalesce(expires_at <= {dialect.now}, false) FROM app_token WHERE {condition}",
            parameter,
        )
    )


def _state(row: Row) -> str:
    if row[5] is not None:
        return "revoked"
    return "expired" if row[7] else "valid"


async def _add(session: WriteSession, app_id: str, expires_at: datetime | None, *, replaces: str | None) -> IssuedToken:
    secret = new_secret(APP_PREFIX)
    expires = canonical(expires_at) if expires_at else None
    token = IssuedToken(new_plain_id("tok"), app_id, secret, expires, replaces)
    added = await session.execute(
        "INSERT INTO app_token (hash, id, app_id, hint, created_at, expires_at, replaces) "
        f"SELECT ?, ?, id, ?, {session.dialect.now}, {session.dialect.instant()}, ? FROM app WHERE id = ?",
        token_hash(secret), token.id, hint(secret), expires, replaces, app_id,
    )  # fmt: skip
    if not added:
        raise FieldgateError("APP_UNKNOWN", "There is no app with this id.")
    return token


async def _record(session: WriteSession, name: str, app_id: str, token_id: str, by: Actor, **details: object) -> None:
    await audit.record(session, name, chain=PLATFORM, by=by, app_id=app_id, details={"token": token_id, **details})
