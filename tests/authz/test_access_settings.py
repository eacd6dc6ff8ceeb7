"""How a school works out contacts' access: its source, its settings, its versioned defaults, and what changes do."""

from typing import Any

import pytest

from authz import access_settings, overrides
from schema.vocabulary import LADDER_ATTRIBUTES, NO_PERMISSION, RELATIONSHIP_TYPE, SYNC, VIEW_AND_UPDATE
from server.database import Database
from tests.deciding import HEAD, School
from tests.world import World, make_world, write_app

EVERY_ATTRIBUTE = tuple(name.upper() for name in LADDER_ATTRIBUTES)


@pytest.fixture
async def school(database: Database) -> School:
    school = School(database)
    await school.begin()
    return school


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
    await school.to_sync()
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
    await school.to_sync()
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
    before = await school.to_sync()
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
    await school.set_defaults({"Mother": VIEW_AND_UPDATE})
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


async def test_what_plans_contain_raises_the_versions_of_the_schools_consents_and_nothing_else(
    database: Database,
) -> None:
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
    wishes: tuple[access_settings.Wanted, ...] = (
        {"source": SYNC},
        {"source": RELATIONSHIP_TYPE},
        {"confirm_masked_overrides": True},
    )
    for wanted in wishes:
        async with database.write() as session:
            await access_settings.change(session, one, by=HEAD, acknowledge=EVERY_ATTRIBUTE, **wanted)
        seen.append(await versions())
    ours = [each[0] for each in seen]
    assert ours == sorted(set(ours))
    async with database.write() as session:  # defaults are looked up by the statement, so no plan and no cursor ends
        await access_settings.set_defaults(session, one, {"Mother": VIEW_AND_UPDATE}, HEAD)
    assert await versions() == seen[-1]
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
