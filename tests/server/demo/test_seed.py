"""The demonstration's database: made once, the same on both databases, with fresh tokens each time."""

import hashlib
from typing import Any

import pytest

from authz import access, schools, secret_links, staff, tokens
from authz.audit import Actor
from authz.bearer import token_hash
from schema.errors import FieldgateError
from server.database import Database
from server.demo.seed import DemoSummary, seed_demo
from server.settings import Settings

DIGEST_OF_IDS: dict[str, str] = {}
BY = Actor("a test")


async def seed(database: Database, url: str) -> DemoSummary:
    return await seed_demo(database, Settings(database_url=url))


def states(summary: DemoSummary) -> dict[str, list[str]]:
    return {app.slug: [consent.state for consent in app.consents] for app in summary.apps}


async def fetch(database: Database, statement: str) -> list[Any]:
    async with database.read() as session:
        return [tuple(row) for row in await session.fetch(statement)]


async def test_consents_stand_in_different_states(database: Database, database_url: str) -> None:
    summary = await seed(database, database_url)
    assert [(school.name, school.students) for school in summary.schools] == [
        ("Larkmoor Primary School", 420),
        ("Larkmoor High School", 950),
    ]
    assert states(summary) == {
        "maestro": ["approved", "approved"],
        "juniper-websites": ["revoked", "approved"],
        "operoo": ["approved", "none"],
    }
    below = [consent.missing for app in summary.apps for consent in app.consents if consent.missing]
    assert below == [("contacts.address.read", "contacts.priority.read")]
    optional = await fetch(database, "SELECT 1 FROM consent_grant WHERE scope = 'employees.surname.read'")
    assert len(optional) == 1


async def test_a_second_start_makes_nothing_again_but_the_tokens(database: Database, database_url: str) -> None:
    first = await seed(database, database_url)
    async with database.write() as session:
        own = await tokens.issue(session, (await fetch(database, "SELECT id FROM app ORDER BY slug"))[0][0], by=BY)
    counts = "SELECT (SELECT count(*) FROM import_run), (SELECT count(*) FROM consent), (SELECT count(*) FROM student)"
    before = await fetch(database, counts)
    second = await seed(database, database_url)
    assert await fetch(database, counts) == before
    assert second.schools == first.schools
    assert states(second) == states(first)
    valid = {row[0] for row in await fetch(database, "SELECT hash FROM app_token WHERE revoked_at IS NULL")}
    assert valid == {*(token_hash(app.token) for app in second.apps), token_hash(own.secret)}


async def test_what_a_visitor_changed_stays_changed(database: Database, database_url: str) -> None:
    await seed(database, database_url)
    async with database.write() as session:
        await session.execute("UPDATE consent SET state = 'revoked' WHERE state = 'approved'")
    after = states(await seed(database, database_url))
    assert {state for of_app in after.values() for state in of_app} == {"revoked", "none"}


async def test_ids_are_the_same_on_both_databases(database: Database, database_url: str) -> None:
    await seed(database, database_url)
    found = hashlib.sha256()
    for table in ("school", "student", "contact", "student_contact", "behaviour", "session_attendance"):
        found.update(repr(sorted(await fetch(database, f"SELECT id, source_id FROM {table}"))).encode())
    DIGEST_OF_IDS[database.dialect.name] = found.hexdigest()
    assert len(set(DIGEST_OF_IDS.values())) == 1


async def test_invented_schools_do_not_go_among_real_ones(database: Database, database_url: str) -> None:
    async with database.write() as session:
        await schools.add(session, "A Real School", by=BY)
    with pytest.raises(FieldgateError) as caught:
        await seed(database, database_url)
    assert caught.value.code == "SETTING_INVALID"
    assert await fetch(database, "SELECT 1 FROM student") == []


async def test_people_get_a_way_in_that_works(database: Database, database_url: str) -> None:
    for _ in range(2):
        summary = await seed(database, database_url)
        contact = summary.contact
        assert contact is not None
        async with database.read() as session:
            heads = [await staff.authenticate(session, token_hash(one.token)) for one in summary.staff]
            link = await secret_links.find(session, contact.link_path.removeprefix(secret_links.PATH))
            seen = await access.students_of(session, summary.schools[0].id, contact.id)
        assert [head.school_id if head else None for head in heads] == [school.id for school in summary.schools]
        assert link is not None
        assert link.username == contact.username
        assert seen
    assert await fetch(database, "SELECT count(*) FROM staff_token WHERE revoked_at IS NULL") == [(2,)]
    assert await fetch(database, "SELECT count(*) FROM contact_secret_link WHERE voided_at IS NULL") == [(1,)]


async def test_the_schools_decide_contacts_access_in_two_ways(database: Database, database_url: str) -> None:
    summary = await seed(database, database_url)
    primary, secondary = (school.id for school in summary.schools)
    async with database.read() as session:
        reasons = {
            school: {each.reason for each in await access.decisions(session, school)} for school in (primary, secondary)
        }
    assert {"RELATIONSHIP_DEFAULT", "OVERRIDE", "NO_RULE_MATCHED"} <= reasons[primary]
    assert {"COURT_ORDER", "RESTRICTED_ACCESS", "PARENTAL_RESPONSIBILITY", "PRIORITY"} <= reasons[secondary]
