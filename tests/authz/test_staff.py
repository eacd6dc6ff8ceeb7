"""A staff token is shown once, kept as a hash, good for one school, and nobody's once it has ended."""

import json
from datetime import timedelta
from typing import Any

import pytest

from authz import schools, staff
from authz.audit import Actor
from authz.bearer import STAFF_PREFIX, token_hash
from authz.clock import from_canonical, read_clock
from authz.principal import StaffPrincipal
from authz.staff import IssuedStaffToken
from schema.errors import FieldgateError
from server.database import Database

OPERATOR = Actor("operator", "Operator")


@pytest.fixture
async def school(database: Database) -> str:
    async with database.write() as session:
        return await schools.add(session, "Ashby School", by=OPERATOR)


async def issue(database: Database, school: str, name: str = "A. Head", **more: Any) -> IssuedStaffToken:
    async with database.write() as session:
        return await staff.issue(session, school, name=name, by=OPERATOR, **more)


async def who(database: Database, secret: str | None) -> StaffPrincipal | None:
    async with database.read() as session:
        return await staff.authenticate(session, token_hash(secret) if secret is not None else None)


async def events(database: Database, school: str) -> list[tuple[str, str, dict[str, Any]]]:
    async with database.read() as session:
        rows = await session.fetch(
            "SELECT name, actor, details FROM audit_event WHERE school_id = ? AND name LIKE 'staff_%' ORDER BY seq",
            school,
        )
    return [(name, actor, json.loads(details)) for name, actor, details in rows]


async def test_a_token_stands_for_its_owner_at_its_school_and_nobody_else(database: Database, school: str) -> None:
    token = await issue(database, school, position="Head teacher")
    assert token.secret.startswith(STAFF_PREFIX)
    assert await who(database, token.secret) == StaffPrincipal(
        school, "administrator", "A. Head", "Head teacher", token.id
    )
    assert await who(database, token.secret + "x") is None
    assert await who(database, None) is None


async def test_only_the_hash_and_the_last_characters_are_kept(database: Database, school: str) -> None:
    token = await issue(database, school)
    async with database.read() as session:
        [[stored, hint]] = await session.fetch("SELECT hash, hint FROM staff_token")
        rows = [*await session.fetch("SELECT * FROM staff_token"), *await session.fetch("SELECT * FROM audit_event")]
    assert stored == token_hash(token.secret)
    assert token.secret.endswith(hint)
    assert token.secret[4:20] not in str([tuple(row) for row in rows])


async def test_a_token_lasts_ninety_days_unless_another_end_is_given(database: Database, school: str) -> None:
    async with database.read() as session:
        now = await read_clock(session)
    usual = await issue(database, school)
    assert abs(from_canonical(usual.expires_at) - now - timedelta(days=90)) < timedelta(minutes=1)
    over = await issue(database, school, expires_at=now - timedelta(seconds=1))
    assert await who(database, over.secret) is None


async def test_a_revoked_token_is_nobodys_and_is_revoked_once(database: Database, school: str) -> None:
    token = await issue(database, school)
    async with database.write() as session:
        await staff.revoke(session, token.id, by=OPERATOR)
    assert await who(database, token.secret) is None
    with pytest.raises(FieldgateError) as refusal:
        async with database.write() as session:
            await staff.revoke(session, token.id, by=OPERATOR)
    assert refusal.value.code == "TOKEN_STATE"
    assert [(name, actor, details["token"]) for name, actor, details in await events(database, school)] == [
        ("staff_token_issued", "operator", token.id),
        ("staff_token_revoked", "operator", token.id),
    ]


async def test_a_deleted_schools_token_is_nobodys(database: Database, school: str) -> None:
    token = await issue(database, school)
    async with database.write() as session:
        await session.execute(f"UPDATE school SET deleted_at = {session.dialect.now} WHERE id = ?", school)
    assert await who(database, token.secret) is None


async def test_tokens_are_listed_by_school_with_their_state_and_without_their_secret(
    database: Database, school: str
) -> None:
    async with database.write() as session:
        other = await schools.add(session, "Barton School", by=OPERATOR)
    async with database.read() as session:
        past = await read_clock(session) - timedelta(days=1)
    tokens = [await issue(database, school), await issue(database, school, expires_at=past)]
    await issue(database, other)
    async with database.write() as session:
        await staff.revoke(session, tokens[0].id, by=OPERATOR)
    async with database.read() as session:
        listed = await staff.of_school(session, school)
    assert {each.id: each.state for each in listed} == {tokens[0].id: "revoked", tokens[1].id: "expired"}
    assert tokens[0].secret not in str(listed)


@pytest.mark.parametrize("token_id", ["", "tok_none", "stf_0000000000000000000000000000000000"])
async def test_an_unknown_token_cannot_be_revoked(database: Database, school: str, token_id: str) -> None:
    with pytest.raises(FieldgateError) as refusal:
        async with database.write() as session:
            await staff.revoke(session, token_id, by=OPERATOR)
    assert refusal.value.code == "TOKEN_UNKNOWN"


@pytest.mark.parametrize("name", ["", "   ", "x" * 201, "A.\x00Head", "A.\nHead", "\ud800", "A.\u202eHead"])
async def test_a_name_that_cannot_be_shown_is_refused(database: Database, school: str, name: str) -> None:
    with pytest.raises(FieldgateError) as refusal:
        await issue(database, school, name)
    assert refusal.value.code == "TEXT_INVALID"
    assert await events(database, school) == []


async def test_a_school_that_is_not_there_issues_nothing(database: Database) -> None:
    with pytest.raises(FieldgateError) as refusal:
        await issue(database, "sch_00000000")
    assert refusal.value.code == "SCHOOL_UNKNOWN"
