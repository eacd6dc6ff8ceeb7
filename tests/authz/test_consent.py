"""One consent per school and app: what a grant and a revoke do to it, and what they refuse."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from authz import apps, consent, overview, schools
from authz.audit import Actor
from authz.clock import read_clock
from authz.consent import NEVER, Outcome
from authz.overview import ConsentView
from authz.session import WriteSession
from schema.errors import FieldgateError
from server.database import Database
from tests.manifests import manifest, product, scope, shipped

HEAD = Actor("A. Head", "Head teacher")
REQUIRED = {"students.read", "students.surname.read"}


@dataclass
class World:
    """A school and an app, and short ways to decide and to look."""

    database: Database
    school: str
    app: str

    async def grant(self, **arguments: Any) -> Outcome:
        async with self.database.write() as session:
            return await consent.grant(session, self.school, self.app, by=HEAD, **arguments)

    async def revoke(self, **arguments: Any) -> Outcome:
        async with self.database.write() as session:
            return await consent.revoke(session, self.school, self.app, by=HEAD, **arguments)

    async def refused(self, work: Callable[[WriteSession], Awaitable[object]]) -> FieldgateError:
        with pytest.raises(FieldgateError) as refusal:
            async with self.database.write() as session:
                await work(session)
        return refusal.value

    async def view(self) -> ConsentView:
        async with self.database.read() as session:
            [view] = await overview.consents(session, school_id=self.school, app_id=self.app)
        return view

    async def scopes(self) -> set[str]:
        return {grant.scope for grant in (await self.view()).scopes}

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        async with self.database.read() as session:
            rows = await session.fetch(
                "SELECT name, details FROM audit_event WHERE school_id = ? AND name <> 'school_added' ORDER BY seq",
                self.school,
            )
        return [(name, json.loads(details)) for name, details in rows]

    async def publish(self, **changes: Any) -> None:
        async with self.database.write() as session:
            await apps.register(session, manifest(**changes), by=HEAD)

    async def pass_expiry(self, table: str) -> None:
        """Let the expiry of the consent, or of its grants, be a moment ago."""
        async with self.database.write() as session:
            await session.execute(f"UPDATE {table} SET expires_at = {session.dialect.now}")


@pytest.fixture
async def world(database: Database) -> World:
    async with database.write() as session:
        school = await schools.add(session, "Ashby School", by=HEAD)
        app = (await apps.register(session, manifest(), by=HEAD)).app.id
    return World(database, school, app)


# Grants ----------------------------------------------------------------------------------------------------------


async def test_a_grant_without_scopes_puts_every_required_scope_in_force(world: World) -> None:
    outcome = await world.grant()
    assert outcome.state == "approved"
    assert set(outcome.scopes) == REQUIRED == await world.scopes()
    view = await world.view()
    assert (view.in_force, view.products, view.missing, view.decided_by, view.decided_position) == (
        True,
        ("core",),
        (),
        "A. Head",
        "Head teacher",
    )
    assert await world.events() == [
        (
            "consent_granted",
            {
                "scopes": sorted(REQUIRED),
                "before": None,
                "after": {"products": ["core"], "rowConditions": [], "manifestVersion": 1, "expiresAt": None},
            },
        )
    ]


async def test_named_scopes_are_granted_exactly_as_named(world: World) -> None:
    outcome = await world.grant(scopes=["students.date_of_birth.read"])
    assert outcome.scopes == ("students.date_of_birth.read",)
    assert await world.scopes() == {"students.date_of_birth.read"}
    assert set((await world.view()).missing) == REQUIRED


async def test_granting_what_is_in_force_changes_nothing_and_records_nothing(world: World) -> None:
    first = await world.grant()
    second = await world.grant()
    assert (second.epoch, second.scopes) == (first.epoch, ())
    assert len(await world.events()) == 1


async def test_every_change_raises_the_version_that_the_call_returns(world: World) -> None:
    versions = [
        (await world.grant()).epoch,
        (await world.grant(scopes=["students.date_of_birth.read"])).epoch,
        (await world.revoke(scopes=["students.surname.read"])).epoch,
        (await world.revoke()).epoch,
        (await world.grant()).epoch,
    ]
    assert versions == sorted(set(versions))
    assert versions[-1] == (await world.view()).epoch


async def test_products_bring_their_scopes_and_the_row_conditions_of_the_whole_app(world: World) -> None:
    async with world.database.write() as session:
        juniper = (await apps.register(session, shipped("juniper-websites"), by=HEAD)).app.id
        await consent.grant(session, world.school, juniper, by=HEAD, products=["email-and-text"])
        [view] = await overview.consents(session, app_id=juniper)
        assert view.row_conditions == ("current_employees", "no_court_order", "parental_responsibility")
        assert "employees.title.read" not in {grant.scope for grant in view.scopes}
        await consent.grant(session, world.school, juniper, by=HEAD, products=["parent-portal"])
        [view] = await overview.consents(session, app_id=juniper)
    assert view.products == ("email-and-text", "parent-portal")
    assert "employees.title.read" in {grant.scope for grant in view.scopes}
    assert view.missing == ()


async def test_without_products_a_new_consent_is_for_all_of_them(world: World) -> None:
    await world.publish(version=2, products=[product("one", rowConditions=["no_court_order"]), product("two")])
    await world.grant(scopes=[])
    view = await world.view()
    assert (view.products, view.row_conditions, view.scopes) == (("one", "two"), ("no_court_order",), ())


async def test_a_row_condition_of_a_consent_in_force_is_never_taken_away(world: World) -> None:
    await world.publish(version=2, products=[product(rowConditions=["no_court_order"])])
    await world.grant()
    await world.publish(version=3, products=[product()])
    await world.grant()
    assert (await world.view()).row_conditions == ("no_court_order",)


async def test_a_new_manifest_version_shares_nothing_until_it_is_granted(world: World) -> None:
    await world.grant()
    more = [scope("students.surname.read"), scope("students.upn.read")]
    await world.publish(version=2, products=[product(scopes=more)])
    view = await world.view()
    assert (view.manifest_version, view.to_review, view.missing) == (1, True, ())
    assert await world.scopes() == REQUIRED
    await world.grant()
    view = await world.view()
    assert (view.manifest_version, view.to_review) == (2, False)
    assert await world.scopes() == REQUIRED | {"students.upn.read"}
    assert (await world.events())[-1][0] == "consent_amended"


async def test_a_consent_whose_products_are_all_gone_waits_for_a_choice(world: World) -> None:
    await world.grant()
    await world.publish(version=2, products=[product("other")])
    error = await world.refused(lambda session: consent.grant(session, world.school, world.app, by=HEAD))
    assert error.code == "PRODUCT_UNKNOWN"
    await world.grant(products=["other"])
    assert (await world.view()).products == ("other",)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"scopes": ["students.upn.read"]}, "SCOPE_NOT_REQUESTED"),
        ({"scopes": ["students.surname.read", "students.shoe_size.read"]}, "SCOPE_UNKNOWN"),
        ({"products": ["other"]}, "PRODUCT_UNKNOWN"),
    ],
)
async def test_a_grant_that_cannot_be_is_refused_whole(world: World, arguments: dict[str, Any], code: str) -> None:
    error = await world.refused(lambda session: consent.grant(session, world.school, world.app, by=HEAD, **arguments))
    assert error.code == code
    async with world.database.read() as session:
        assert await overview.consents(session) == []
    assert await world.events() == []


async def test_an_unknown_school_or_app_is_named_so(world: World) -> None:
    error = await world.refused(lambda session: consent.grant(session, "sch_00000000", world.app, by=HEAD))
    assert error.code == "SCHOOL_UNKNOWN"
    error = await world.refused(lambda session: consent.grant(session, world.school, "app_none", by=HEAD))
    assert error.code == "APP_UNKNOWN"


# Revokes ---------------------------------------------------------------------------------------------------------


async def test_revoking_a_scope_takes_it_out_of_force_even_if_it_is_required(world: World) -> None:
    await world.grant()
    outcome = await world.revoke(scopes=["students.surname.read", "students.date_of_birth.read"], reason="A mistake.")
    assert (outcome.state, outcome.scopes) == ("approved", ("students.surname.read",))
    assert await world.scopes() == {"students.read"}
    assert (await world.view()).missing == ("students.surname.read",)
    assert (await world.events())[-1] == (
        "scope_revoked",
        {"scopes": ["students.surname.read"], "reason": "A mistake."},
    )


async def test_revoking_what_is_not_in_force_changes_nothing(world: World) -> None:
    first = await world.grant()
    second = await world.revoke(scopes=["students.date_of_birth.read"])
    assert (second.epoch, second.scopes) == (first.epoch, ())
    assert len(await world.events()) == 1


async def test_a_misspelt_scope_is_refused_and_nothing_else_of_the_call_happens(world: World) -> None:
    await world.grant()
    error = await world.refused(
        lambda session: consent.revoke(
            session, world.school, world.app, by=HEAD, scopes=["students.surname.read", "students.surnam.read"]
        )
    )
    assert error.code == "SCOPE_UNKNOWN"
    assert await world.scopes() == REQUIRED


async def test_revoking_the_consent_ends_everything_and_keeps_why(world: World) -> None:
    await world.grant()
    outcome = await world.revoke(reason="The school has left.")
    assert (outcome.state, set(outcome.scopes)) == ("revoked", REQUIRED)
    view = await world.view()
    assert (view.state, view.in_force, view.scopes, view.revoke_reason) == (
        "revoked",
        False,
        (),
        "The school has left.",
    )
    assert view.revoked_at is not None
    assert (await world.events())[-1][0] == "consent_revoked"


async def test_a_revoked_consent_is_not_revoked_again(world: World) -> None:
    await world.grant()
    await world.revoke()
    error = await world.refused(lambda session: consent.revoke(session, world.school, world.app, by=HEAD))
    assert (error.code, error.details["state"]) == ("CONSENT_STATE", "revoked")
    assert [name for name, _ in await world.events()] == ["consent_granted", "consent_revoked"]


async def test_there_is_nothing_to_revoke_where_nothing_was_granted(world: World) -> None:
    error = await world.refused(lambda session: consent.revoke(session, world.school, world.app, by=HEAD))
    assert error.code == "CONSENT_UNKNOWN"


@pytest.mark.parametrize("state", ["invited", "pending", "declined", "cancelled"])
async def test_only_a_consent_in_force_can_be_revoked_and_any_can_be_granted(world: World, state: str) -> None:
    await world.grant(scopes=["students.date_of_birth.read"])
    async with world.database.write() as session:
        await session.execute("UPDATE consent SET state = ?", state)
    error = await world.refused(lambda session: consent.revoke(session, world.school, world.app, by=HEAD))
    assert (error.code, error.details["state"]) == ("CONSENT_STATE", state)
    await world.grant()
    assert await world.scopes() == REQUIRED, "no grant of before comes back"
    assert (await world.events())[-1][1]["before"] == state


async def test_a_consent_granted_again_starts_afresh(world: World) -> None:
    await world.grant(scopes=["students.date_of_birth.read"])
    first = await world.view()
    await world.revoke(reason="A pause.")
    await world.grant()
    view = await world.view()
    assert (view.id, view.state, view.revoked_at, view.revoke_reason) == (first.id, "approved", None, None)
    assert await world.scopes() == REQUIRED


# Expiry ----------------------------------------------------------------------------------------------------------


async def test_an_expiry_without_scopes_is_the_consents_and_with_scopes_the_grants(world: World) -> None:
    async with world.database.read() as session:
        later = await read_clock(session) + timedelta(days=30)
    await world.grant(expires_at=later)
    await world.grant(scopes=["students.date_of_birth.read"], expires_at=later - timedelta(days=1))
    view = await world.view()
    assert view.expires_at is not None
    assert {grant.scope: grant.expires_at for grant in view.scopes} == {
        "students.read": None,
        "students.surname.read": None,
        "students.date_of_birth.read": (later - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    await world.grant()
    assert (await world.view()).expires_at == view.expires_at, "a grant that says nothing of the expiry keeps it"
    await world.grant(expires_at=NEVER)
    assert (await world.view()).expires_at is None


async def test_an_expiry_in_the_past_is_refused(world: World) -> None:
    async with world.database.read() as session:
        now = await read_clock(session)
    error = await world.refused(
        lambda session: consent.grant(session, world.school, world.app, by=HEAD, expires_at=now)
    )
    assert error.code == "EXPIRY_INVALID"


async def test_a_consent_that_has_expired_can_only_be_granted_afresh(world: World) -> None:
    await world.grant()
    await world.pass_expiry("consent")
    view = await world.view()
    assert (view.state, view.in_force) == ("approved", False)
    error = await world.refused(lambda session: consent.revoke(session, world.school, world.app, by=HEAD))
    assert (error.code, error.details["state"]) == ("CONSENT_STATE", "expired")
    await world.grant(scopes=["students.read"])
    view = await world.view()
    assert (view.in_force, view.expires_at) == (True, None)
    assert await world.scopes() == {"students.read"}
    assert [name for name, _ in await world.events()] == ["consent_granted", "consent_expired", "consent_granted"]


async def test_a_grant_that_has_expired_counts_as_none_and_can_be_renewed(world: World) -> None:
    await world.grant()
    await world.pass_expiry("consent_grant")
    assert await world.scopes() == set()
    assert set((await world.view()).missing) == REQUIRED
    assert set((await world.grant()).scopes) == REQUIRED
    assert await world.scopes() == REQUIRED
