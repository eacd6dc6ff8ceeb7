"""What the demo's schools have decided about contacts' access, and fresh ways in for one of each kind of person.

The primary school goes by relationship and has overridden some grandparents; the high school goes by what its MIS
supplies and has answered for what nobody knows. Decided once; tokens and the link are new each time.
"""

from dataclasses import dataclass

from authz import access_settings, overrides, secret_links, staff
from authz.accounts import run_queue
from authz.audit import Actor
from authz.capabilities import doubtful, of_school
from authz.session import ReadSession, WriteSession
from schema.vocabulary import SYNC, VIEW_AND_UPDATE
from server.database import Database

GRANDPARENTS = 5


@dataclass(frozen=True, slots=True)
class DemoStaff:
    """An administrator with a fresh token."""

    school_id: str
    name: str
    position: str
    token: str


@dataclass(frozen=True, slots=True)
class DemoContact:
    """A contact with a sign-in, and the path of a single-use link to choose a secret by."""

    id: str
    name: str
    username: str
    students: int
    link_path: str


async def decide(session: WriteSession, primary: str, secondary: str, heads: tuple[Actor, Actor]) -> None:
    """The settings and overrides, where nothing was decided yet."""
    if await session.fetch("SELECT 1 FROM contact_access_setting UNION ALL SELECT 1 FROM contact_override LIMIT 1"):
        return
    primary_head, secondary_head = heads
    unknown = [each.attribute for each in doubtful(await of_school(session, secondary))]
    await access_settings.change(session, secondary, by=secondary_head, source=SYNC, acknowledge=unknown)
    grandparents = await session.fetch(
        "SELECT id FROM student_contact WHERE school_id = ? AND relationship_key = 'grandparent' "
        "AND deleted_at IS NULL ORDER BY id LIMIT ?",
        primary,
        GRANDPARENTS,
    )
    for (link,) in grandparents:
        await overrides.set_override(session, primary, link, VIEW_AND_UPDATE, primary_head, "The child lives there.")


async def staff_token(session: WriteSession, school_id: str, head: Actor, by: Actor) -> DemoStaff:
    """A new token of the school's head; those that an earlier demo gave out end now."""
    for token in await staff.of_school(session, school_id):
        if token.state == "valid" and token.name == head.name:
            await staff.revoke(session, token.id, by=by)
    position = head.position or "Head teacher"
    issued = await staff.issue(session, school_id, name=head.name, position=position, by=by)
    return DemoStaff(school_id, issued.name, position, issued.secret)


async def allocate(database: Database) -> None:
    """Give everybody with access a sign-in, as the server does."""
    await run_queue(database)


async def contact(session: WriteSession, school_id: str, by: Actor) -> DemoContact | None:
    """A contact with several children at the school, and a new link; None where nobody has a sign-in."""
    rows = await _with_sign_in(session, school_id)
    if not rows:
        return None
    contact_id, forename, surname, students = rows[0]
    issued = await secret_links.issue(session, school_id, contact_id, by=by)
    name = " ".join(each for each in (forename, surname) if each)
    return DemoContact(contact_id, name, issued.username, students, issued.path)


async def _with_sign_in(session: ReadSession, school_id: str) -> list[tuple[str, str, str, int]]:
    rows = await session.fetch(
        "SELECT c.id, c.forename, c.surname, count(*) FROM contact_account a "
        "JOIN contact c ON c.school_id = a.school_id AND c.id = a.contact_id AND c.deleted_at IS NULL "
        "JOIN student_contact l ON l.school_id = c.school_id AND l.contact_id = c.id AND l.deleted_at IS NULL "
        "WHERE a.school_id = ? AND a.suspended_at IS NULL GROUP BY c.id, c.forename, c.surname "
        "ORDER BY count(*) DESC, c.id LIMIT 1",
        school_id,
    )
    return [(row[0], row[1], row[2], int(row[3])) for row in rows]
