"""The only writer of secret links: single-use links by which a contact chooses a secret, kept only as their SHA-256.

A link lives seven days; a new one voids those before it. What spends a link is the choice of a secret, never a look.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from authz import audit
from authz.audit import Actor
from authz.bearer import new_secret, token_hash
from authz.clock import canonical, read_clock
from authz.id_lists import among, listed
from authz.session import ReadSession, WriteSession
from schema.errors import FieldgateError
from schema.ids import new_record_id, school_of

LIFE = timedelta(days=7)
PATH = "/sign-in/link/"
"""Where the server has the page of a link; the code follows."""


@dataclass(frozen=True, slots=True)
class IssuedLink:
    """A new link, with its code: the only time that anybody sees it."""

    id: str
    contact_id: str
    username: str
    code: str
    expires_at: str

    @property
    def path(self) -> str:
        """The link's path on this server."""
        return PATH + self.code


@dataclass(frozen=True, slots=True)
class OpenLink:
    """A link that can be spent now: whose, and what the page shows."""

    id: str
    school_id: str
    contact_id: str
    username: str
    school_name: str | None


async def issue(session: WriteSession, school_id: str, contact_id: str, *, by: Actor) -> IssuedLink:
    """A new link for a contact who has a sign-in that is not suspended."""
    if school_of(contact_id) != school_id:
        raise _no_sign_in()
    dialect = session.dialect
    rows = await session.fetch(
        "SELECT username FROM contact_account WHERE school_id = ? AND contact_id = ? AND suspended_at IS NULL"
        f"{dialect.row_lock}",
        school_id,
        contact_id,
    )
    if not rows:
        raise _no_sign_in()
    await void(session, school_id, [contact_id])
    code = new_secret()
    expires_at = canonical(await read_clock(session) + LIFE)
    link = IssuedLink(new_record_id("scl", school_id), contact_id, str(rows[0][0]), code, expires_at)
    await session.execute(
        "INSERT INTO contact_secret_link (hash, id, school_id, contact_id, created_at, created_by, expires_at) "
        f"VALUES (?, ?, ?, ?, {dialect.now}, ?, {dialect.instant()})",
        token_hash(code), link.id, school_id, contact_id, by.name, expires_at,
    )  # fmt: skip
    details = {"link": link.id, "contact": contact_id, "expiresAt": expires_at}
    await audit.record(session, "secret_link_issued", chain=school_id, by=by, details=details)
    return link


def _no_sign_in() -> FieldgateError:
    return FieldgateError("NO_SIGN_IN", "The contact has no sign-in to choose a secret for.")


async def find(session: ReadSession, code: str) -> OpenLink | None:
    """The link of a code, if it could be spent now. A look changes nothing: mail scanners open links."""
    rows = await session.fetch(
        "SELECT l.id, l.school_id, l.contact_id, a.username, s.name FROM contact_secret_link l "
        "JOIN contact_account a ON a.school_id = l.school_id AND a.contact_id = l.contact_id "
        "AND a.suspended_at IS NULL "
        "JOIN school s ON s.id = l.school_id AND s.deleted_at IS NULL "
        "WHERE l.hash = ? AND l.used_at IS NULL AND l.voided_at IS NULL "
        f"AND l.expires_at > {session.dialect.now}",
        token_hash(code),
    )
    return OpenLink(*rows[0]) if rows else None


async def spend(session: WriteSession, link: OpenLink) -> None:
    """Use a link up; of two who do so at once, one is refused."""
    used = await session.execute(
        f"UPDATE contact_secret_link SET used_at = {session.dialect.now} WHERE id = ? AND used_at IS NULL "
        f"AND voided_at IS NULL AND expires_at > {session.dialect.now}",
        link.id,
    )
    if used != 1:
        raise link_invalid()
    details = {"link": link.id, "contact": link.contact_id}
    by = Actor(link.username, "contact")
    await audit.record(session, "secret_link_used", chain=link.school_id, by=by, details=details)


async def void(session: WriteSession, school_id: str, contact_ids: Collection[str]) -> int:
    """Void the links of these contacts that have not been used."""
    return await session.execute(
        f"UPDATE contact_secret_link SET voided_at = {session.dialect.now} WHERE school_id = ? AND used_at IS NULL "
        f"AND voided_at IS NULL AND contact_id {among(session.dialect)}",
        school_id,
        listed(contact_ids),
    )


def link_invalid() -> FieldgateError:
    """Wrong, spent, voided and expired links are one refusal."""
    return FieldgateError("SECRET_LINK_INVALID", "This link cannot be used.")
