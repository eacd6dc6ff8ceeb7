"""Signing in and out, and choosing a secret: what contacts do before and after they see anything.

A session counts only if, at this very request, the account is not suspended and one link is View and Update. A wrong
name, a wrong secret, a suspended account and No Permission get one answer, after the same work.
"""

from authz import access, accounts, audit, contact_sessions, secret_links
from authz.accounts import Account, canonical_username
from authz.chosen_secrets import check_strength
from authz.contact_sessions import OpenedSession
from authz.door import Door
from authz.presence import actor
from authz.principal import ContactPrincipal
from authz.secret_links import OpenLink, link_invalid
from authz.session import ReadSession, Sessions, WriteSession
from schema.errors import FieldgateError


async def lapse(session: WriteSession, principal: ContactPrincipal) -> None:
    """End what a contact without any access has: the session, every other one, the secret. It ends for good.

    Also where access has come back since the request looked: that request found none.
    """
    await accounts.suspend(session, principal.school_id, principal.contact_id)


# Signing in -------------------------------------------------------------------------------------------------------


async def sign_in(sessions: Sessions, door: Door, username: str, secret: str, address: str | None) -> OpenedSession:
    """Open a session. No transaction is held while the secret is verified, so what was read is looked at again."""
    name = canonical_username(username)
    door.attempt(name, address)
    async with sessions.read() as session:
        account = await accounts.by_username(session, name)
        # Read in every case: an account that is not there has no links either.
        found = (account.school_id, account.contact_id) if account else ("", "")
        links = await access.students_of(session, *found)
        [[now]] = await session.fetch(f"SELECT {session.dialect.instant_text(session.dialect.now)}")
    try:
        right = await door.hashes.verify(account.secret_hash if account else None, secret)
    except FieldgateError:
        door.turned_away(name)
        raise
    if account is None or not right or account.suspended or not links:
        if account is not None:
            door.failed(account, str(now))
        raise _failed()
    opened = await _open(sessions, account)
    door.succeeded(name)
    return opened


async def _open(sessions: Sessions, seen: Account) -> OpenedSession:
    async with sessions.write() as session:
        account = await accounts.of_contact(session, seen.school_id, seen.contact_id, lock=True)
        if account != seen or not await access.students_of(session, seen.school_id, seen.contact_id):
            raise _failed()
        opened = await contact_sessions.begin(session, seen.school_id, seen.contact_id)
        details = {"contact": seen.contact_id, "session": opened.id, "expiresAt": opened.expires_at}
        by = actor(seen.username)
        await audit.record(session, "contact_signed_in", chain=seen.school_id, by=by, details=details)
    return opened


def _failed() -> FieldgateError:
    return FieldgateError("SIGN_IN_FAILED", "The username and the secret do not open a session.")


async def sign_out(sessions: Sessions, token_hash: str | None) -> bool:
    """End the token's session; true also where there was none."""
    if token_hash is None:
        return True
    async with sessions.read() as session:
        live = await contact_sessions.find(session, token_hash)
    if live is None:
        return True
    async with sessions.write() as session:
        if await contact_sessions.end(session, live.id):
            details = {"contact": live.contact_id, "session": live.id}
            by = actor(live.username)
            await audit.record(session, "contact_signed_out", chain=live.school_id, by=by, details=details)
    return True


# Choosing a secret ------------------------------------------------------------------------------------------------


async def find_link(session: ReadSession, code: str) -> OpenLink | None:
    """The link of a code, if its contact could choose a secret with it now."""
    link = await secret_links.find(session, code)
    if link is None or not await access.students_of(session, link.school_id, link.contact_id):
        return None
    return link


async def choose_secret(sessions: Sessions, door: Door, code: str, secret: str) -> OpenLink:
    """Spend a link for a new secret; every session that the old one opened ends."""
    async with sessions.read() as session:
        link = await find_link(session, code)
    if link is None:
        raise link_invalid()
    check_strength(secret, link.username)
    secret_hash = await door.hashes.make(secret)
    async with sessions.write() as session:
        account = await accounts.of_contact(session, link.school_id, link.contact_id, lock=True)
        links = await access.students_of(session, link.school_id, link.contact_id)
        if account is None or account.suspended or not links:
            raise link_invalid()
        await secret_links.spend(session, link)
        await accounts.set_secret(session, account, secret_hash)
    return link
