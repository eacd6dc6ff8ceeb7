"""How a school works out contacts' access: its source, its settings, its versioned defaults, and what changes do."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from authz import access, access_settings, overrides
from authz.access_settings import DefaultsApplied, SchoolAccess, SettingsChange
from authz.audit import Actor
from authz.contact_access import NEW_SCHOOL, AccessSettings
from authz.session import WriteSession
from schema.errors import FieldgateError
from schema.vocabulary import LADDER_ATTRIBUTES, NO_PERMISSION, RELATIONSHIP_TYPE, SYNC, VIEW_AND_UPDATE
from server.database import Database
from tests.families import Families
from tests.world import World, make_world, write_app

HEAD = Actor("A. Head", "Head teacher")
EVERY_ATTRIBUTE = tuple(name.upper() for name in LADDER_ATTRIBUTES)
SEEDS_EXAMPLE = {
    "Mother": VIEW_AND_UPDATE,
    "Father": VIEW_AND_UPDATE,
    "Parent": NO_PERMISSION,
    "Guardian": NO_PERMISSION,
}


class School(Families):
    """A school's families, and short ways for its head to decide and to look."""

    async def change(self, **wanted: Any) -> SettingsChange:
        async with self.database.write() as session:
            return await access_settings.change(session, self.school, by=HEAD, **wanted)

    async def sync(self) -> SettingsChange:
        return await self.change(source=SYNC, acknowledge=EVERY_ATTRIBUTE)

    async def set_defaults(self, permissions: dict[str, str]) -> SchoolAccess:
        async with self.database.write() as session:
            return await access_settings.set_defaults(session, self.school, permissions, HEAD)

    async def apply_defaults(self, *, dry_run: bool = False) -> DefaultsApplied:
        async with self.database.write() as session:
            return await access_settings.apply_defaults(session, self.school, HEAD, dry_run=dry_run)

    async def read(self) -> SchoolAccess:
        async with self.database.read() as session:
            return await access_settings.read(session, self.school)

    async def answers(self) -> dict[str, tuple[str, str]]:
        """Link → permission and reason."""
        async with self.database.read() as session:
            found = await access.decisions(session, self.school)
        return {each.link_id: (each.permission, each.reason) for each in found}

    async def details(self, name: str) -> list[dict[str, Any]]:
        rows = await self.rows(
            "SELECT details FROM audit_event WHERE school_id = ? AND name = ? ORDER BY seq", self.school, name
        )
        return [json.loads(row[0]) for row in rows]

    async def requests(self) -> int:
        rows = await self.rows("SELECT request FROM contact_allocation WHERE school_id = ?", self.school)
        return int(rows[0][0]) if rows else 0

    async def synced(self, relationship: str, version: int = 0, **facts: Any) -> str:
        """A link of a new student and a new contact, as a sync writes it under this version of the defaults."""
        key = " ".join(relationship.split()).casefold()
        link = await self.link(
            await self.student(), await self.contact(), relationship, first_relationship_key=key, **facts
        )
        await self.run("UPDATE student_contact SET defaults_version = ? WHERE id = ?", version, link)
        return link

    async def refused(self, work: Callable[[WriteSession], Awaitable[object]]) -> FieldgateError:
        with pytest.raises(FieldgateError) as refusal:
            async with self.database.write() as session:
                await work(session)
        return refusal.value


@pytest.fixture
async def school(database: Database) -> School:
    school = School(database)
    await school.begin()
    return school


# A new school, and the seed's example -----------------------------------------------------------------------------


async def test_a_new_school_has_relationship_type_with_mother_father_parent_and_guardian(school: School) -> None:
    links = {name: await school.synced(name) for name in (*NEW_SCHOOL, "Carer", "Grandparent")}
    known = await school.read()
    assert known == SchoolAccess(AccessSettings(source=RELATIONSHIP_TYPE), 0, dict(NEW_SCHOOL))
    answers = await school.answers()
    assert {name: answers[link] for name, link in links.items()} == {
        **dict.fromkeys(NEW_SCHOOL, (VIEW_AND_UPDATE, "RELATIONSHIP_DEFAULT")),
        "Carer": (NO_PERMISSION, "NO_RULE_MATCHED"),
        "Grandparent": (NO_PERMISSION, "NO_RULE_MATCHED"),
    }


async def test_mother_and_father_have_access_and_parent_and_guardian_have_not(school: School) -> None:
    known = await school.set_defaults(SEEDS_EXAMPLE)
    links = {name: await school.synced(name, known.defaults_version) for name in (*SEEDS_EXAMPLE, "Carer")}
    answers = await school.answers()
    assert {name: answers[link] for name, link in links.items()} == {
        "Mother": (VIEW_AND_UPDATE, "RELATIONSHIP_DEFAULT"),
        "Father": (VIEW_AND_UPDATE, "RELATIONSHIP_DEFAULT"),
        "Parent": (NO_PERMISSION, "RELATIONSHIP_DEFAULT"),
        "Guardian": (NO_PERMISSION, "RELATIONSHIP_DEFAULT"),
        "Carer": (NO_PERMISSION, "NO_RULE_MATCHED"),
    }


# Defaults ---------------------------------------------------------------------------------------------------------


async def test_changed_defaults_touch_only_links_that_are_first_synced_later(school: School) -> None:
    old = await school.synced("Parent")
    known = await school.set_defaults(SEEDS_EXAMPLE)
    later = await school.synced("Parent", known.defaults_version)
    assert known.defaults_version == 1
    answers = await school.answers()
    assert (answers[old][0], answers[later][0]) == (VIEW_AND_UPDATE, NO_PERMISSION)
    assert await school.read() == known
    assert await school.details("contact_defaults_changed") == [
        {"version": 1, "before": dict(NEW_SCHOOL), "after": SEEDS_EXAMPLE}
    ]


async def test_every_version_stays_as_it_was(school: School) -> None:
    first = await school.set_defaults({"Mother": VIEW_AND_UPDATE})
    second = await school.set_defaults({})
    third = await school.set_defaults({"Step  Mother": VIEW_AND_UPDATE})
    assert [each.defaults_version for each in (first, second, third)] == [1, 2, 3]
    links = [await school.synced("Mother", version) for version in range(4)]
    links.append(await school.synced(" step mother", 3))
    answers = await school.answers()
    assert [answers[link][0] for link in links] == [
        VIEW_AND_UPDATE,
        VIEW_AND_UPDATE,
        NO_PERMISSION,
        NO_PERMISSION,
        VIEW_AND_UPDATE,
    ]
    assert (await school.read()).defaults == {"Step  Mother": VIEW_AND_UPDATE}


async def test_the_same_defaults_are_no_new_version_and_no_event(school: School) -> None:
    assert (await school.set_defaults(dict(NEW_SCHOOL))).defaults_version == 0
    await school.set_defaults(SEEDS_EXAMPLE)
    assert (await school.set_defaults(dict(reversed(SEEDS_EXAMPLE.items())))).defaults_version == 1
    assert await school.events() == ["contact_defaults_changed"]


async def test_a_version_is_never_used_twice_even_when_the_settings_were_removed_by_hand(school: School) -> None:
    await school.set_defaults({"Mother": VIEW_AND_UPDATE})
    await school.run("DELETE FROM contact_access_setting")
    assert (await school.set_defaults({"Aunt": VIEW_AND_UPDATE})).defaults_version == 2


@pytest.mark.parametrize(
    "permissions",
    [
        {"": VIEW_AND_UPDATE},
        {" \t": VIEW_AND_UPDATE},
        {"Mother": VIEW_AND_UPDATE, " MOTHER ": NO_PERMISSION},
        {"Step Mother": VIEW_AND_UPDATE, "step  mother": VIEW_AND_UPDATE},
        {"Stra\xdfe": VIEW_AND_UPDATE, "STRASSE": NO_PERMISSION},
        {"Mother": "ALL"},
        {"Mo\x00ther": VIEW_AND_UPDATE},
        {"\ud800": VIEW_AND_UPDATE},
        {"x" * 201: VIEW_AND_UPDATE},
        {f"Relationship {number}": NO_PERMISSION for number in range(201)},
    ],
    ids=range(10),
)
async def test_defaults_that_could_be_read_in_two_ways_are_refused(school: School, permissions: dict[str, str]) -> None:
    error = await school.refused(
        lambda session: access_settings.set_defaults(session, school.school, permissions, HEAD)
    )
    assert error.code == "DEFAULTS_INVALID"
    assert await school.read() == SchoolAccess(AccessSettings(), 0, dict(NEW_SCHOOL))


async def test_two_hundred_defaults_are_taken(school: School) -> None:
    wanted = {f"Relationship {number}": NO_PERMISSION for number in range(200)}
    assert (await school.set_defaults(wanted)).defaults == wanted


async def test_todays_defaults_are_applied_to_existing_links_after_a_dry_run_says_who_is_affected(
    school: School,
) -> None:
    parent, aunt, mother = [await school.synced(name) for name in ("Parent", "Aunt", "Mother")]
    changed = await school.synced("Mother")
    await school.run("UPDATE student_contact SET first_relationship_key = 'nanny' WHERE id = ?", changed)
    gone = await school.synced("Parent", deleted_at="2026-01-05T08:30:00.000001Z")
    await school.set_defaults({"Mother": VIEW_AND_UPDATE, "Aunt": VIEW_AND_UPDATE})
    requests = await school.requests()
    seen = await school.apply_defaults(dry_run=True)
    assert (seen.done, seen.links, seen.version) == (False, 4, 1)
    assert [each.link.id for each in seen.preview.gains.links] == [aunt]
    assert [each.link.id for each in seen.preview.loses.links] == [parent]
    assert (await school.answers())[parent][0] == VIEW_AND_UPDATE
    assert (await school.events(), await school.requests()) == (["contact_defaults_changed"], requests)

    done = await school.apply_defaults()
    assert (done.done, done.links, done.preview) == (True, 4, seen.preview)
    answers = await school.answers()
    assert [answers[link][0] for link in (parent, aunt, mother)] == [NO_PERMISSION, VIEW_AND_UPDATE, VIEW_AND_UPDATE]
    rows = await school.rows("SELECT id, defaults_version, first_relationship_key FROM student_contact")
    assert {row[0]: row[1:] for row in rows}[changed] == (1, "mother")
    assert {row[0]: row[1] for row in rows}[gone] == 0
    assert await school.details("contact_defaults_applied") == [{"version": 1, "links": 4, "gains": 1, "loses": 1}]
    assert await school.requests() == requests + 1
    assert (await school.apply_defaults()).links == 0
    assert len(await school.events("contact_defaults_applied")) == 1


# Source and settings ----------------------------------------------------------------------------------------------


async def test_sync_is_refused_until_what_isams_does_not_supply_is_acknowledged_by_name(school: School) -> None:
    await school.run("UPDATE school SET provider = 'iSAMS'")
    error = await school.refused(lambda session: access_settings.change(session, school.school, by=HEAD, source=SYNC))
    assert error.code == "ACKNOWLEDGEMENT_NEEDED"
    doubtful = error.details["attributes"]
    assert isinstance(doubtful, list)
    assert {"COURT_ORDER", "RESTRICTED_ACCESS"} <= set(doubtful)
    assert all(name in error.message for name in doubtful)
    for name in doubtful:
        rest = [each for each in doubtful if each != name]
        error = await school.refused(
            lambda session, rest=rest: access_settings.change(  # type: ignore[misc]
                session, school.school, by=HEAD, source=SYNC, acknowledge=rest
            )
        )
        assert error.details["attributes"] == [name]
    assert ((await school.read()).settings.source, await school.events()) == (RELATIONSHIP_TYPE, [])
    changed = await school.change(source=SYNC, acknowledge=[name.lower() for name in doubtful])
    assert changed.acknowledged == tuple(doubtful)
    [details] = await school.details("contact_access_source_changed")
    assert details["acknowledged"] == doubtful
    assert (details["before"]["source"], details["after"]["source"]) == (RELATIONSHIP_TYPE, SYNC)


async def test_only_what_is_doubtful_needs_an_acknowledgement(school: School) -> None:
    now = "2026-01-05T08:30:00.000001Z"
    for name in LADDER_ATTRIBUTES:
        await school.add(
            "school_capability", school_id=school.school, attribute=name, state="SUPPLIED", source="seen", as_of=now
        )
    assert (await school.change(source=SYNC)).acknowledged == ()
    await school.change(source=RELATIONSHIP_TYPE)
    await school.run("UPDATE school_capability SET state = 'DECLINED' WHERE attribute = 'priority'")
    error = await school.refused(lambda session: access_settings.change(session, school.school, by=HEAD, source=SYNC))
    assert error.details["attributes"] == ["PRIORITY"]


async def test_a_school_that_has_sync_acknowledges_nothing_again(school: School) -> None:
    await school.sync()
    assert (await school.change(source=SYNC)).acknowledged == ()
    assert (await school.change(source=SYNC, access_for_leavers=True)).after.access_for_leavers
    assert await school.events() == ["contact_access_source_changed", "contact_access_setting_changed"]


async def test_the_source_is_switched_both_ways_and_overrides_stay(school: School) -> None:
    mother, carer = await school.synced("Mother"), await school.synced("Carer", parental_responsibility=True)
    kept = await school.synced("Grandparent")
    async with school.database.write() as session:
        await overrides.set_override(session, school.school, kept, VIEW_AND_UPDATE, HEAD)
    by_relationship = {
        mother: (VIEW_AND_UPDATE, "RELATIONSHIP_DEFAULT"),
        carer: (NO_PERMISSION, "NO_RULE_MATCHED"),
        kept: (VIEW_AND_UPDATE, "OVERRIDE"),
    }
    assert await school.answers() == by_relationship
    await school.sync()
    assert await school.answers() == {
        mother: (NO_PERMISSION, "NO_RULE_MATCHED"),
        carer: (VIEW_AND_UPDATE, "PARENTAL_RESPONSIBILITY"),
        kept: (VIEW_AND_UPDATE, "OVERRIDE"),
    }
    await school.change(source=RELATIONSHIP_TYPE)
    assert await school.answers() == by_relationship


@pytest.mark.parametrize(
    "flag",
    [
        "court_order_always_denies",
        "confirm_masked_overrides",
        "access_for_leavers",
        "access_for_applicants",
        "accept_assumed_priorities",
    ],
)
async def test_each_setting_is_changed_alone_with_one_event_and_one_request(school: School, flag: str) -> None:
    before = await school.sync()
    requests = await school.requests()
    changed = await school.change(**{flag: True})
    assert getattr(changed.after, flag)
    assert changed.before == before.after
    assert (await school.read()).settings == changed.after
    again = await school.change(**{flag: True})
    assert again.before == again.after
    [details] = await school.details("contact_access_setting_changed")
    differing = [name for name in details["after"] if details["before"][name] != details["after"][name]]
    assert [name.casefold() for name in differing] == [flag.replace("_", "")]
    assert await school.requests() == requests + 1


async def test_settings_keep_the_version_of_the_defaults_and_the_other_way_round(school: School) -> None:
    await school.set_defaults(SEEDS_EXAMPLE)
    await school.change(access_for_leavers=True)
    await school.set_defaults({})
    known = await school.read()
    assert (known.defaults_version, known.settings.access_for_leavers) == (2, True)


async def test_a_school_that_is_not_there_is_refused(database: Database, school: School) -> None:
    await school.run(f"UPDATE school SET deleted_at = {database.dialect.now}")
    for work in (
        lambda session: access_settings.change(session, school.school, by=HEAD, access_for_leavers=True),
        lambda session: access_settings.set_defaults(session, school.school, {}, HEAD),
        lambda session: access_settings.apply_defaults(session, school.school, HEAD),
        lambda session: access_settings.read(session, school.school),
        lambda session: access_settings.preview(session, school.school, source=SYNC),
    ):
        assert (await school.refused(work)).code == "SCHOOL_UNKNOWN"
    assert await school.events() == []


async def test_every_change_raises_the_versions_of_the_schools_consents(database: Database) -> None:
    world: World = make_world("settings")
    async with database.write() as session:
        await world.write(session)
        await write_app(session, world, {0: ["students.read"], 1: ["students.read"]})

    async def versions() -> tuple[int, int]:
        async with database.read() as session:
            rows = await session.fetch("SELECT version FROM consent ORDER BY school_id")
        return int(rows[0][0]), int(rows[1][0])

    one = world.schools[0]
    async with database.write() as session:
        await session.execute("UPDATE school SET deleted_at = NULL")
        await session.execute("DELETE FROM contact_access_setting")
    seen = [await versions()]
    for work in (
        lambda session: access_settings.change(session, one, by=HEAD, source=SYNC, acknowledge=EVERY_ATTRIBUTE),
        lambda session: access_settings.change(session, one, by=HEAD, source=RELATIONSHIP_TYPE),
        lambda session: access_settings.set_defaults(session, one, SEEDS_EXAMPLE, HEAD),
    ):
        async with database.write() as session:
            await work(session)
        seen.append(await versions())
    ours = [each[0] for each in seen]
    assert ours == sorted(set(ours))
    assert {each[1] for each in seen} == {seen[0][1]}


# Previews ---------------------------------------------------------------------------------------------------------


async def test_a_preview_says_who_gains_and_who_loses_by_reason_and_changes_nothing(school: School) -> None:
    mother = await school.synced("Mother", court_order=True)
    stays = await school.synced("Mother", parental_responsibility=True)
    aunts = [await school.synced("Aunt", priority=1) for _ in range(3)]
    async with school.database.read() as session:
        preview = await access_settings.preview(session, school.school, source=SYNC, listed=2)
    assert preview.links == 5
    assert (preview.gains.count, preview.loses.count) == (3, 1)
    assert [each.link.id for each in preview.gains.links] == sorted(aunts)[:2]
    [reason] = preview.gains.by_reason
    assert (reason.before, reason.after, reason.count) == ("NO_RULE_MATCHED", "PRIORITY", 3)
    [lost] = preview.loses.links
    assert (lost.link.id, lost.link.student_name, lost.link.contact_name) == (mother, "Ann Ash", "Mary Ash")
    assert (lost.before.reason, lost.after.reason) == ("RELATIONSHIP_DEFAULT", "COURT_ORDER")
    assert (await school.answers())[stays] == (VIEW_AND_UPDATE, "RELATIONSHIP_DEFAULT")
    assert await school.events() == []


CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "source": ({"relationship": "Aunt", "priority": 2}, {"source": SYNC}),
    "court_order_always_denies": (
        {"relationship": "Mother", "court_order": True},
        {"court_order_always_denies": True},
    ),
    "access_for_leavers": ({"relationship": "Mother", "leaving_date": "2001-07-31"}, {"access_for_leavers": True}),
    "access_for_applicants": (
        {"relationship": "Mother", "admission_date": "2999-09-01"},
        {"access_for_applicants": True},
    ),
    "confirm_masked_overrides": ({"relationship": "Aunt", "override": True}, {"confirm_masked_overrides": True}),
    "accept_assumed_priorities": (
        {"relationship": "Aunt", "priority": 1, "priority_assumed": True},
        {"source": SYNC, "accept_assumed_priorities": True},
    ),
    "todays_defaults": ({"relationship": "Aunt"}, {"todays_defaults": True}),
}


@pytest.mark.parametrize("name", CASES)
async def test_what_a_preview_says_is_what_the_change_then_does(school: School, name: str) -> None:
    facts, wanted = CASES[name]
    facts = dict(facts)
    dates = {each: facts.pop(each) for each in ("leaving_date", "admission_date") if each in facts}
    overridden = facts.pop("override", False)
    relationship = facts.pop("relationship")
    other = await school.synced("Mother", parental_responsibility=True)
    link = await school.synced(relationship, **facts)
    if dates:
        [(student,)] = await school.rows("SELECT student_id FROM student_contact WHERE id = ?", link)
        [(column, day)] = dates.items()
        await school.run(f"UPDATE student SET {column} = {school.database.dialect.day()} WHERE id = ?", day, student)
    if overridden:
        await school.override(link, VIEW_AND_UPDATE)
        now = school.database.dialect.now
        await school.run(f"UPDATE student_contact SET restriction_lifted_at = {now} WHERE id = ?", link)
    await school.set_defaults({"Aunt": VIEW_AND_UPDATE, "Mother": VIEW_AND_UPDATE})
    before = await school.answers()
    async with school.database.read() as session:
        preview = await access_settings.preview(session, school.school, **wanted)
    if name == "todays_defaults":
        await school.apply_defaults()
    else:
        await school.change(**wanted, acknowledge=EVERY_ATTRIBUTE)
    after = await school.answers()
    assert before[link][0] != after[link][0]
    assert before[other][0] == after[other][0] == VIEW_AND_UPDATE
    [changed] = [*preview.gains.links, *preview.loses.links]
    assert changed.link.id == link
    assert (changed.before.permission, changed.before.reason) == before[link]
    assert (changed.after.permission, changed.after.reason) == after[link]
