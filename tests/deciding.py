"""A school whose head decides about contacts' access: short ways for tests to change it, and to look."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from authz import access, access_settings, access_views, overrides
from authz.access_settings import DefaultsApplied, SchoolAccess, SettingsChange
from authz.access_views import Explanation, WarningsPage
from authz.audit import Actor
from authz.overrides import BulkFilter, BulkResult, Override
from authz.session import WriteSession
from schema.errors import FieldgateError
from schema.vocabulary import LADDER_ATTRIBUTES, SYNC
from tests.families import Families

HEAD, DEPUTY = Actor("A. Head", "Head teacher"), Actor("B. Deputy")
BULK_NOTE = "Agreed in writing."


class School(Families):
    """A school's families, and what its head and deputy do."""

    # Settings and defaults

    async def change(self, **wanted: Any) -> SettingsChange:
        """Change the source or settings; every attribute is acknowledged unless others are."""
        wanted = {"acknowledge": LADDER_ATTRIBUTES, **wanted}
        async with self.database.write() as session:
            return await access_settings.change(session, self.school, by=HEAD, **wanted)

    async def to_sync(self) -> SettingsChange:
        return await self.change(source=SYNC)

    async def set_defaults(self, permissions: dict[str, str]) -> SchoolAccess:
        async with self.database.write() as session:
            return await access_settings.set_defaults(session, self.school, permissions, HEAD)

    async def apply_defaults(self, *, dry_run: bool = False) -> DefaultsApplied:
        if dry_run:
            async with self.database.read() as snapshot:
                return await access_settings.preview_defaults(snapshot, self.school)
        async with self.database.write() as session:
            return await access_settings.apply_defaults(session, self.school, HEAD)

    # Overrides

    async def set(self, link: str, value: str, by: Actor = HEAD, **more: Any) -> Override:
        async with self.database.write() as session:
            return await overrides.set_override(session, self.school, link, value, by, **more)

    async def confirm(self, link: str, by: Actor = DEPUTY) -> Override:
        async with self.database.write() as session:
            return await overrides.confirm(session, self.school, link, by)

    async def clear(self, link: str, by: Actor = DEPUTY) -> Override:
        async with self.database.write() as session:
            return await overrides.clear(session, self.school, link, by)

    async def bulk(self, value: str, *, dry_run: bool = False, **wanted: str | None) -> BulkResult:
        chosen = BulkFilter(**wanted)
        if dry_run:
            async with self.database.read() as snapshot:
                return await overrides.preview_bulk(snapshot, self.school, chosen, value, BULK_NOTE)
        async with self.database.write() as session:
            return await overrides.bulk_set(session, self.school, chosen, value, HEAD, BULK_NOTE)

    async def refused(self, work: Callable[[WriteSession], Awaitable[object]]) -> FieldgateError:
        """The refusal of what is tried in a transaction."""
        with pytest.raises(FieldgateError) as refusal:
            async with self.database.write() as session:
                await work(session)
        return refusal.value

    # What is there

    async def synced(self, relationship: str, version: int = 0, **facts: Any) -> str:
        """A link of a new student and a new contact, as a sync writes it under this version of the defaults."""
        facts = {"first_relationship_key": " ".join(relationship.split()).casefold(), **facts}
        link = await self.link(await self.student(), await self.contact(), relationship, **facts)
        await self.run("UPDATE student_contact SET defaults_version = ? WHERE id = ?", version, link)
        return link

    async def read(self) -> SchoolAccess:
        async with self.database.read() as session:
            return await access_settings.read(session, self.school)

    async def answers(self) -> dict[str, tuple[str, str]]:
        """Link → permission and reason."""
        async with self.database.read() as session:
            found = await access.decisions(session, self.school)
        return {each.link_id: (each.permission, each.reason) for each in found}

    async def answer(self, link: str) -> tuple[str, str]:
        """The link's permission and reason."""
        return (await self.answers())[link]

    async def history(self, link: str) -> list[Override]:
        async with self.database.read() as session:
            return await overrides.history(session, self.school, link, 1000)

    async def explain(self, link: str) -> Explanation:
        async with self.database.read() as session:
            return await access_views.explain(session, self.school, link)

    async def warnings(self, **more: Any) -> WarningsPage:
        async with self.database.read() as session:
            return await access_views.warnings(session, self.school, **more)

    async def details(self, name: str) -> list[dict[str, Any]]:
        """The details of the school's events of this name, in order."""
        rows = await self.rows(
            "SELECT details FROM audit_event WHERE school_id = ? AND name = ? ORDER BY seq", self.school, name
        )
        return [json.loads(row[0]) for row in rows]

    async def requests(self) -> int:
        """How often an allocation was asked for."""
        rows = await self.rows("SELECT request FROM contact_allocation WHERE school_id = ?", self.school)
        return int(rows[0][0]) if rows else 0
