"""A school is added with a name that can be shown and a time zone that exists; its id says nothing."""

import pytest

from authz import schools
from authz.audit import Actor
from schema.errors import FieldgateError
from schema.ids import is_school_id
from server.database import Database

OPERATOR = Actor("operator")


async def test_an_added_school_is_found_by_its_id_and_listed(database: Database) -> None:
    async with database.write() as session:
        second = await schools.add(session, "Brook School", by=OPERATOR, timezone="Europe/Dublin", mis="SIMS")
        first = await schools.add(session, " Ashby School ", by=OPERATOR)
    assert is_school_id(first)
    async with database.read() as session:
        found = await schools.find(session, second)
        assert (found.name, found.timezone, found.mis) == ("Brook School", "Europe/Dublin", "SIMS")
        assert [(school.id, school.name) for school in await schools.listed(session)] == [
            (first, "Ashby School"),
            (second, "Brook School"),
        ]


@pytest.mark.parametrize("name", ["", "  ", "x" * 201, "two\nlines", "bell \x07"])
async def test_a_name_that_cannot_be_shown_is_refused(database: Database, name: str) -> None:
    with pytest.raises(FieldgateError) as refusal:
        async with database.write() as session:
            await schools.add(session, name, by=OPERATOR)
    assert refusal.value.code == "SCHOOL_INVALID"


@pytest.mark.parametrize("timezone", ["", "Europe", "Europe/Ashby", "/etc/passwd", "../../etc/passwd", "x" * 500])
async def test_a_time_zone_that_is_none_is_refused(database: Database, timezone: str) -> None:
    with pytest.raises(FieldgateError) as refusal:
        async with database.write() as session:
            await schools.add(session, "Ashby School", by=OPERATOR, timezone=timezone)
    assert refusal.value.code == "SCHOOL_INVALID"


async def test_a_school_that_was_deleted_is_unknown(database: Database) -> None:
    async with database.write() as session:
        school = await schools.add(session, "Ashby School", by=OPERATOR)
        await session.execute(f"UPDATE school SET deleted_at = {session.dialect.now}")
        with pytest.raises(FieldgateError) as refusal:
            await schools.find(session, school)
    assert refusal.value.code == "SCHOOL_UNKNOWN"
