"""Default Contact Permissions: what a new school has, versions that never change, and today's on existing links."""

import pytest

from authz import access_settings
from authz.access_settings import SchoolAccess
from authz.contact_access import NEW_SCHOOL, AccessSettings
from schema.vocabulary import NO_PERMISSION, RELATIONSHIP_TYPE, VIEW_AND_UPDATE
from server.database import Database
from tests.deciding import HEAD, School

SEEDS_EXAMPLE = {
    "Mother": VIEW_AND_UPDATE,
    "Father": VIEW_AND_UPDATE,
    "Parent": NO_PERMISSION,
    "Guardian": NO_PERMISSION,
}


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
