"""Families for tests of contacts' access: students, contacts and links, one by one as a sync would have left them.

Ids are repeatable. Facts that a test does not name are null.
"""

from typing import Any

from authz import accounts, contact_sessions
from authz.bearer import token_hash
from authz.contact_access import relationship_key
from authz.presence import Presence, find_presence
from authz.session import ReadSession
from schema.ids import new_record_id, new_school_id, seeded_keys
from server.database import Database
from tests.world import insert

NOW = "2026-01-05T08:30:00.000001Z"


class Families:
    """One school's families on one database."""

    def __init__(self, database: Database, seed: str = "families") -> None:
        self.database = database
        self.key = seeded_keys(seed)
        self.school = new_school_id(self.key)

    async def begin(self, name: str = "Ashby School") -> "Families":
        """Write the school."""
        await self.add("school", id=self.school, name=name, timezone="Europe/London")
        return self

    async def add(self, table: str, **row: Any) -> None:
        """Insert one row."""
        async with self.database.write() as session:
            await insert(session, table, [row])

    async def run(self, statement: str, *parameters: object) -> int:
        """One statement in a transaction of its own, on whichever connection; the rows that it changed."""
        async with self.database.write() as session:
            return await session.execute(statement, *parameters)

    async def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        """The rows of a SELECT."""
        async with self.database.read() as session:
            return [tuple(row) for row in await session.fetch(statement, *parameters)]

    async def events(self, *names: str) -> list[str]:
        """The names of the school's audit events, in order; only these where some are named."""
        found = await self.rows("SELECT name FROM audit_event WHERE school_id = ? ORDER BY seq", self.school)
        return [name for (name,) in found if not names or name in names]

    def new_id(self, prefix: str) -> str:
        """An id that nothing has yet."""
        return new_record_id(prefix, self.school, self.key)

    async def student(self, forename: str = "Ann", **facts: Any) -> str:
        """A student; its id."""
        student_id = self.new_id("stu")
        await self.add("student", school_id=self.school, id=student_id, forename=forename, surname="Ash", **facts)
        return student_id

    async def contact(self, forename: str = "Mary", **facts: Any) -> str:
        """A contact; its id."""
        contact_id = self.new_id("con")
        await self.add("contact", school_id=self.school, id=contact_id, forename=forename, surname="Ash", **facts)
        return contact_id

    async def link(self, student_id: str, contact_id: str, relationship: str = "Mother", **facts: Any) -> str:
        """A link; its id. With a new school's settings a mother, a father, a parent and a guardian have access."""
        link_id = self.new_id("lnk")
        await self.add(
            "student_contact",
            school_id=self.school,
            id=link_id,
            student_id=student_id,
            contact_id=contact_id,
            relationship=relationship,
            relationship_key=relationship_key(relationship),
            defaults_version=0,
            **facts,
        )
        return link_id

    async def condition(self, student_id: str, description: str) -> str:
        """A medical condition; its id."""
        condition_id = self.new_id("med")
        await self.add(
            "medical_condition",
            school_id=self.school,
            id=condition_id,
            student_id=student_id,
            description=description,
        )
        return condition_id

    async def session_of(self, contact_id: str) -> str:
        """The token of a new session of the contact, who gets a sign-in first where it has none and access."""
        async with self.database.write() as session:
            await accounts.allocate(session, self.school)
            return (await contact_sessions.begin(session, self.school, contact_id)).token

    async def presence(self, token: str, session: ReadSession | None = None) -> Presence:
        """Who the token stands for, and with which links."""
        if session is None:
            async with self.database.read() as snapshot:
                return await self.presence(token, snapshot)
        found = await find_presence(session, token_hash(token))
        if found is None:
            raise LookupError("no live session")
        return found

    async def override(self, link_id: str, value: str) -> None:
        """Put an override in force in place of the one that is, without what else its writer does."""
        await self.run(
            "UPDATE contact_override SET cleared_at = set_at WHERE school_id = ? AND link_id = ? "
            "AND cleared_at IS NULL",
            self.school,
            link_id,
        )
        await self.add(
            "contact_override",
            school_id=self.school,
            id=self.new_id("ovr"),
            link_id=link_id,
            value=value,
            set_by="a test",
            set_at=NOW,
            origin="MANUAL",
        )
