"""A token is shown once, kept as a hash, ends when it should; a rotation's overlap never lengthens the old one."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from authz import apps, tokens
from authz.audit import Actor
from authz.bearer import token_hash
from authz.clock import from_canonical, read_clock
from authz.session import WriteSession
from authz.tokens import IssuedToken
from schema.errors import FieldgateError
from server.database import Database
from tests.manifests import manifest

OPERATOR = Actor("operator")


@pytest.fixture
async def app_id(database: Database) -> str:
    async with database.write() as session:
        return (await apps.register(session, manifest(), by=OPERATOR)).app.id


async def refused(database: Database, work: Callable[[WriteSession], Awaitable[object]]) -> str:
    with pytest.raises(FieldgateError) as refusal:
        async with database.write() as session:
            await work(session)
    return refusal.value.code


async def state_of(database: Database, token: IssuedToken) -> str:
    async with database.read() as session:
        return {found.id: found.state for found in await tokens.of_app(session, token.app_id)}[token.id]


async def test_only_the_hash_and_the_last_characters_are_kept(database: Database, app_id: str) -> None:
    async with database.write() as session:
        token = await tokens.issue(session, app_id, by=OPERATOR)
    assert token.secret.startswith("fg_")
    assert tokens.has_token_form(token.secret)
    async with database.read() as session:
        [[stored, hint]] = await session.fetch("SELECT hash, hint FROM app_token")
        everything = str([tuple(row) for row in await session.fetch("SELECT * FROM app_token")]) + str(
            [tuple(row) for row in await session.fetch("SELECT * FROM audit_event")]
        )
    assert stored == token_hash(token.secret)
    assert token.secret.endswith(hint)
    assert token.secret not in everything
    assert token.secret[3:20] not in everything


async def test_two_tokens_never_share_a_secret(database: Database, app_id: str) -> None:
    async with database.write() as session:
        issued = [await tokens.issue(session, app_id, by=OPERATOR) for _ in range(20)]
    assert len({token.secret for token in issued}) == 20


@pytest.mark.parametrize(
    "text", ["", "fg_", "fg_short", "Bearer x", "fg_" + "ä" * 43, "fg_" + "A" * 44, "xx_" + "A" * 43]
)
def test_what_cannot_be_a_token_is_known_without_asking_the_database(text: str) -> None:
    assert not tokens.has_token_form(text)


async def test_a_token_expires_by_the_databases_clock(database: Database, app_id: str) -> None:
    async with database.write() as session:
        now = await read_clock(session)
        past = await tokens.issue(session, app_id, by=OPERATOR, expires_at=now)
        future = await tokens.issue(session, app_id, by=OPERATOR, expires_at=now + timedelta(days=1))
    assert abs(datetime.now(UTC) - now) < timedelta(minutes=5)
    assert await state_of(database, past) == "expired"
    assert await state_of(database, future) == "valid"


async def test_a_rotated_token_works_on_for_the_overlap(database: Database, app_id: str) -> None:
    async with database.write() as session:
        old = await tokens.issue(session, app_id, by=OPERATOR)
    async with database.write() as session:
        new = await tokens.rotate(session, app_id, old.id, by=OPERATOR, overlap=timedelta(hours=6))
        now = await read_clock(session)
        found = {each.id: each for each in await tokens.of_app(session, app_id)}
    first, second = found[old.id], found[new.id]
    assert (second.id, second.replaces, second.state, first.state) == (new.id, old.id, "valid", "valid")
    assert first.expires_at is not None
    assert timedelta(hours=5, minutes=59) < from_canonical(first.expires_at) - now <= timedelta(hours=6)


async def test_rotation_without_an_overlap_ends_the_old_token_at_once(database: Database, app_id: str) -> None:
    async with database.write() as session:
        old = await tokens.issue(session, app_id, by=OPERATOR)
    async with database.write() as session:
        await tokens.rotate(session, app_id, old.id, by=OPERATOR)
    assert await state_of(database, old) == "expired"


async def test_rotation_never_lengthens_a_token(database: Database, app_id: str) -> None:
    async with database.write() as session:
        soon = await read_clock(session) + timedelta(hours=1)
        old = await tokens.issue(session, app_id, by=OPERATOR, expires_at=soon)
        await tokens.rotate(session, app_id, old.id, by=OPERATOR, overlap=timedelta(days=30))
        [first] = [each for each in await tokens.of_app(session, app_id) if each.id == old.id]
    assert first.expires_at == old.expires_at


async def test_a_revoked_token_is_neither_revoked_nor_rotated_again(database: Database, app_id: str) -> None:
    async with database.write() as session:
        token = await tokens.issue(session, app_id, by=OPERATOR)
        await tokens.revoke(session, token.id, by=OPERATOR)
    assert await state_of(database, token) == "revoked"
    assert await refused(database, lambda session: tokens.revoke(session, token.id, by=OPERATOR)) == "TOKEN_STATE"
    assert (
        await refused(database, lambda session: tokens.rotate(session, app_id, token.id, by=OPERATOR)) == "TOKEN_STATE"
    )


async def test_a_token_of_another_app_or_of_none_is_unknown(database: Database, app_id: str) -> None:
    async with database.write() as session:
        other = (await apps.register(session, manifest(slug="other"), by=OPERATOR)).app.id
        token = await tokens.issue(session, app_id, by=OPERATOR)
    assert (
        await refused(database, lambda session: tokens.rotate(session, other, token.id, by=OPERATOR)) == "TOKEN_UNKNOWN"
    )
    assert await refused(database, lambda session: tokens.revoke(session, "tok_none", by=OPERATOR)) == "TOKEN_UNKNOWN"
    assert await refused(database, lambda session: tokens.issue(session, "app_none", by=OPERATOR)) == "APP_UNKNOWN"


async def test_every_change_of_a_token_is_one_event(database: Database, app_id: str) -> None:
    async with database.write() as session:
        first = await tokens.issue(session, app_id, by=OPERATOR)
    async with database.write() as session:
        second = await tokens.rotate(session, app_id, first.id, by=OPERATOR)
    async with database.write() as session:
        await tokens.revoke(session, second.id, by=OPERATOR)
    async with database.read() as session:
        rows = await session.fetch("SELECT school_id, seq, name, actor, app_id FROM audit_event ORDER BY seq")
    assert [tuple(row) for row in rows] == [
        ("platform", 1, "app_registered", "operator", app_id),
        ("platform", 2, "token_issued", "operator", app_id),
        ("platform", 3, "token_rotated", "operator", app_id),
        ("platform", 4, "token_revoked", "operator", app_id),
    ]
