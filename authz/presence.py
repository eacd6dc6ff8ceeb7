"""A signed-in contact at one request: whose session it is, and which links are View and Update in the same snapshot.

Nothing of it is kept: the next request asks again.
"""

from dataclasses import dataclass

from authz import access, contact_sessions
from authz.access import LinkDecision
from authz.audit import Actor
from authz.principal import ContactPrincipal
from authz.session import ReadSession

CONTACT = "contact"
"""The position of a contact in the audit trail."""


@dataclass(frozen=True, slots=True)
class Presence:
    """A contact whose session is live, and its links that are View and Update in the same snapshot."""

    principal: ContactPrincipal
    links: tuple[LinkDecision, ...]

    @property
    def student_ids(self) -> tuple[str, ...]:
        """The students whose records it sees, and no others."""
        return tuple(sorted({link.student_id for link in self.links if link.student_id is not None}))

    @property
    def actor(self) -> Actor:
        """Who it is in the audit trail."""
        return actor(self.principal.username)


def actor(username: str) -> Actor:
    """A contact in the audit trail."""
    return Actor(username, CONTACT)


async def find_presence(session: ReadSession, token_hash: str | None) -> Presence | None:
    """Whose session the token is now. Without any link it is of no use, and `lapse` ends it."""
    live = await contact_sessions.find(session, token_hash) if token_hash is not None else None
    if live is None:
        return None
    links = await access.students_of(session, live.school_id, live.contact_id)
    return Presence(ContactPrincipal(live.school_id, live.contact_id, live.username, live.id), tuple(links))
