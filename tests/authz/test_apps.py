"""An app is what its newest manifest says; a published version never changes."""

import pytest

from authz import apps
from authz.audit import Actor
from schema.errors import FieldgateError
from server.database import Database
from tests.manifests import manifest, product, scope, shipped

OPERATOR = Actor("operator")


async def test_registering_keeps_the_manifest_as_sent_and_expands_it(database: Database) -> None:
    juniper = shipped("juniper-websites")
    async with database.write() as session:
        registered = await apps.register(session, juniper, by=OPERATOR)
    assert registered.outcome == "registered"
    async with database.read() as session:
        assert await apps.listed(session) == [registered.app]
        assert await apps.find(session, "juniper-websites") == await apps.find(session, registered.app.id)
        [[document, digest]] = await session.fetch("SELECT document, sha256 FROM app_manifest")
        asked = await apps.asked(session, registered.app.id, 1)
        implied = await session.fetch("SELECT scope FROM app_scope WHERE implied AND product = 'parent-portal'")
    assert (document, digest) == (juniper.document, juniper.sha256)
    assert set(asked.row_conditions) == {"email-and-text", "parent-portal", "parents-evening"}
    assert {row[0] for row in implied} == {
        "attendance_summaries.read",
        "behaviours.read",
        "contacts.read",
        "employees.read",
        "events.read",
        "students.read",
    }


async def test_a_scope_is_required_if_any_chosen_product_requires_it(database: Database) -> None:
    async with database.write() as session:
        registered = await apps.register(session, shipped("juniper-websites"), by=OPERATOR)
        asked = await apps.asked(session, registered.app.id, 1)
    assert asked.of(frozenset({"email-and-text"}))["employees.title.read"] == "optional"
    assert asked.of(frozenset({"email-and-text", "parent-portal"}))["employees.title.read"] == "required"
    assert "behaviours.read" not in asked.of(frozenset({"email-and-text", "parents-evening"}))


async def test_the_same_text_again_changes_nothing(database: Database) -> None:
    for expected in ("registered", "unchanged"):
        async with database.write() as session:
            assert (await apps.register(session, manifest(), by=OPERATOR)).outcome == expected
    async with database.read() as session:
        events = await session.fetch("SELECT name FROM audit_event")
    assert [row[0] for row in events] == ["app_registered"]


async def test_a_higher_version_is_published_and_the_older_one_kept(database: Database) -> None:
    async with database.write() as session:
        first = await apps.register(session, manifest(), by=OPERATOR)
    newer = manifest(version=3, name="Lessons Plus", products=[product(scopes=[scope("students.upn.read")])])
    async with database.write() as session:
        second = await apps.register(session, newer, by=OPERATOR)
    assert (second.outcome, second.app.id, second.app.version) == ("published", first.app.id, 3)
    async with database.read() as session:
        assert (await apps.find(session, "lessons")).name == "Lessons Plus"
        assert "students.surname.read" in (await apps.asked(session, first.app.id, 1)).of(frozenset({"core"}))
        assert "students.upn.read" in (await apps.asked(session, first.app.id, 3)).of(frozenset({"core"}))


@pytest.mark.parametrize("version", [1, 2])
async def test_another_text_of_the_same_or_an_older_version_is_refused(database: Database, version: int) -> None:
    async with database.write() as session:
        await apps.register(session, manifest(version=2), by=OPERATOR)
    with pytest.raises(FieldgateError) as refusal:
        async with database.write() as session:
            await apps.register(session, manifest(version=version, purpose="Something else."), by=OPERATOR)
    assert (refusal.value.code, refusal.value.details["version"]) == ("MANIFEST_VERSION", 2)


async def test_an_unknown_app_is_named_so(database: Database) -> None:
    async with database.read() as session:
        with pytest.raises(FieldgateError) as refusal:
            await apps.find(session, "nobody")
    assert refusal.value.code == "APP_UNKNOWN"
