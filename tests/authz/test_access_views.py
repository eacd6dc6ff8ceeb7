"""Explanations decide as the SQL does and say why; warnings list the links that a school should look at."""

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from authz import access, access_settings, access_views
from authz.access_views import AccessWarning, Explanation, WarningsPage
from authz.capabilities import DOUBTFUL
from authz.contact_access import AccessSettings, ladder
from schema.errors import FieldgateError
from schema.vocabulary import (
    ACCESS_FACTS,
    ACCESS_FLAGS,
    ACCESS_WARNINGS,
    LADDER_ATTRIBUTES,
    NO_PERMISSION,
    REASONS,
    RELATIONSHIP_TYPE,
    SYNC,
    VIEW_AND_UPDATE,
)
from server.database import Database
from tests.deciding import HEAD, School
from tests.world import NOW, World, make_world

LATER = "2999-01-01T00:00:00.000000Z"


async def supply(school: School, **states: str) -> None:
    """Let the school's MIS supply everything, but for what is named."""
    for attribute in LADDER_ATTRIBUTES:
        row = {"attribute": attribute, "state": states.get(attribute, "SUPPLIED"), "source": "an import", "as_of": NOW}
        await school.add("school_capability", school_id=school.school, **row)


@pytest.fixture
async def school(database: Database) -> School:
    school = School(database)
    await school.begin()
    return school


def codes(explanation: Explanation) -> list[str]:
    return [flag.code for flag in explanation.flags]


def listed(page: WarningsPage) -> list[tuple[str, str]]:
    return [(warning.link.id, warning.code) for warning in page.warnings]


# Words ------------------------------------------------------------------------------------------------------------


def test_every_word_that_is_used_is_declared() -> None:
    assert set(ACCESS_FACTS) == set(access_views.FACTS)
    assert set(access_views.warning_conditions(AccessSettings())) == set(ACCESS_WARNINGS)
    doubts = {f"{name.upper()}_{state}" for name in LADDER_ATTRIBUTES for state in DOUBTFUL}
    assert set(ACCESS_FLAGS) == {*ACCESS_WARNINGS, *doubts, "PRIORITY_ASSUMED"}


# Explanations -----------------------------------------------------------------------------------------------------


async def test_explanations_and_warnings_say_of_every_link_what_the_sql_says(database: Database) -> None:
    world: World = make_world("views", schools=1, size=80)
    async with database.write() as session:
        await world.write(session)
        await session.execute("UPDATE school SET deleted_at = NULL")
        await session.execute("UPDATE student SET leaving_date = NULL, admission_date = NULL WHERE title IS NOT NULL")
        await session.execute(  # what chance alone would seldom bring together
            "UPDATE student_contact SET court_order = FALSE, restricted_access = NULL, parental_responsibility = NULL, "
            "lives_with_pupil = priority_assumed WHERE priority = 1"
        )
    flags = [name for name in AccessSettings.__dataclass_fields__ if name != "source"]
    seen: set[str] = set()
    warned: set[str] = set()
    school_id = world.schools[0]
    for source, on in product((SYNC, RELATIONSHIP_TYPE), (None, *flags, "all")):
        wanted: dict[str, Any] = {flag: on in (flag, "all") for flag in flags}
        settings = replace(AccessSettings(source), **wanted)
        async with database.write() as session:
            await session.execute("DELETE FROM contact_access_setting")
            await access_settings.change(
                session, school_id, by=HEAD, source=source, acknowledge=LADDER_ATTRIBUTES, **wanted
            )
        async with database.read() as session:
            decided = await access.decisions(session, school_id)
            page = await access_views.warnings(session, school_id, limit=len(decided))
            for each in decided:
                found = await access_views.explain(session, school_id, each.link_id)
                assert (found.answer.permission, found.answer.reason) == (each.permission, each.reason)
                assert (found.settings, found.link.id) == (settings, each.link_id)
                [deciding] = [rung for rung in found.rungs if rung.decided]
                assert (deciding.reason, deciding.permission) == (each.reason, each.permission)
                assert deciding == next(rung for rung in found.rungs if rung.holds)
                assert [rung.reason for rung in found.rungs] == [rung.reason for rung in ladder(settings)]
                mine = [warning.code for warning in page.warnings if warning.link.id == each.link_id]
                assert [code for code in codes(found) if code in ACCESS_WARNINGS] == mine
                seen.add(each.reason)
        warned |= {warning.code for warning in page.warnings}
        for code, count in page.counts.items():
            assert count == len([warning for warning in page.warnings if warning.code == code])
    assert warned == set(ACCESS_WARNINGS)
    assert seen == set(REASONS)


async def test_an_explanation_names_the_facts_of_each_rung_as_they_are_stored(school: School) -> None:
    await school.change(source=SYNC)
    link = await school.synced("Aunt", court_order=False, lives_with_pupil=False, priority=2)
    found = await school.explain(link)
    assert (found.link.student_name, found.link.contact_name, found.link.relationship) == (
        "Ann Ash",
        "Mary Ash",
        "Aunt",
    )
    rungs = {rung.reason: rung for rung in found.rungs}
    assert [each.name for each in rungs["NO_LIVE_LINK"].facts] == ["GONE", "LEFT", "NOT_BEGUN"]
    facts = {each.name.lower(): each.value for rung in found.rungs for each in rung.facts}
    assert facts == {
        "gone": "false",
        "left": "false",
        "not_begun": "false",
        "court_order": "false",
        "restricted_access": None,
        "override": None,
        "parental_responsibility": None,
        "lives_with_pupil": "false",
        "priority": "2",
        "priority_assumed": None,
    }
    assert [rung.reason for rung in found.rungs if rung.holds] == ["PRIORITY", "NO_RULE_MATCHED"]
    assert [rung.reason for rung in found.rungs if rung.decided] == ["PRIORITY"]
    assert rungs["COURT_ORDER"].permission is None


async def test_an_explanation_tells_of_the_versions_of_the_defaults(school: School) -> None:
    link = await school.synced("Aunt")
    async with school.database.write() as session:
        await access_settings.set_defaults(session, school.school, {"Aunt": VIEW_AND_UPDATE}, HEAD)
    found = await school.explain(link)
    assert (found.answer.permission, found.defaults_version, found.todays_version) == (NO_PERMISSION, 0, 1)


async def test_a_masked_override_is_shown_with_the_rung_that_masks_it(school: School) -> None:
    await school.change(source=SYNC)
    link = await school.synced("Grandparent")
    await school.set(link, VIEW_AND_UPDATE, note="Lives with her.")
    open_override = (await school.explain(link)).override
    assert open_override is not None
    assert (open_override.masked_by, open_override.to_review) == (None, False)
    for column, reason in (("restricted_access", "RESTRICTED_ACCESS"), ("court_order", "COURT_ORDER")):
        await school.run(f"UPDATE student_contact SET {column} = TRUE WHERE id = ?", link)
        found = await school.explain(link)
        assert found.answer.reason == reason
        assert found.override is not None
        assert found.override.masked_by == reason
        assert found.override.override == open_override.override
        assert codes(found)[0] == "MASKED_OVERRIDE"
    assert (open_override.override.set_by, open_override.override.set_by_position) == ("A. Head", "Head teacher")
    assert open_override.override.note == "Lives with her."


async def test_an_override_that_came_out_from_under_an_order_is_to_review_until_it_is_confirmed(school: School) -> None:
    await school.change(source=SYNC)
    link = await school.synced("Grandparent")
    await school.set(link, VIEW_AND_UPDATE)
    at = school.database.dialect.instant()
    await school.run(f"UPDATE student_contact SET restriction_lifted_at = {at} WHERE id = ?", LATER, link)
    found = await school.explain(link)
    assert found.override is not None
    assert (found.answer.reason, found.override.to_review, codes(found)[0]) == ("OVERRIDE", True, "OVERRIDE_TO_REVIEW")
    assert listed(await school.warnings()) == [(link, "OVERRIDE_TO_REVIEW")]
    await school.run(f"UPDATE student_contact SET restriction_lifted_at = {at} WHERE id = ?", NOW, link)
    assert listed(await school.warnings()) == []


async def test_an_explanation_says_which_facts_are_doubtful_of_those_that_were_looked_at(school: School) -> None:
    await supply(school, court_order="NOT_SUPPLIED", priority="UNKNOWN", parental_responsibility="DECLINED")
    link = await school.synced("Aunt", parental_responsibility=True, priority=1, priority_assumed=True)
    assert codes(await school.explain(link)) == []
    await school.change(source=SYNC)
    by_responsibility = await school.explain(link)
    assert {flag.code: flag.text for flag in by_responsibility.flags} == {
        "COURT_ORDER_NOT_SUPPLIED": "Court orders are not supplied by this MIS.",
        "PARENTAL_RESPONSIBILITY_DECLINED": (
            "Parental responsibility is not shown to us by this school's MIS connection."
        ),
    }
    await school.run("UPDATE student_contact SET parental_responsibility = FALSE WHERE id = ?", link)
    assert set(codes(await school.explain(link))) == {
        "COURT_ORDER_NOT_SUPPLIED",
        "PARENTAL_RESPONSIBILITY_DECLINED",
        "PRIORITY_UNKNOWN",
        "PRIORITY_ASSUMED",
    }


async def test_a_deleted_link_is_explained_and_another_schools_is_unknown(school: School) -> None:
    gone = await school.synced("Mother", deleted_at=NOW)
    assert (await school.explain(gone)).answer.reason == "NO_LIVE_LINK"
    other = School(school.database, "another")
    await other.begin("Barton School")
    foreign = await other.synced("Mother")
    for link in (foreign, "lnk_none", ""):
        with pytest.raises(FieldgateError) as refusal:
            await school.explain(link)
        assert refusal.value.code == "LINK_UNKNOWN"


# Warnings ---------------------------------------------------------------------------------------------------------


async def test_a_father_with_a_court_order_keeps_access_stands_in_the_warnings_and_is_denied_by_an_override(
    school: School,
) -> None:
    father = await school.synced("Father", court_order=True, restricted_access=True)
    await school.synced("Mother")
    found = await school.explain(father)
    assert (found.answer.permission, found.answer.reason) == (VIEW_AND_UPDATE, "RELATIONSHIP_DEFAULT")
    assert codes(found) == ["COURT_ORDER_WITH_ACCESS", "RESTRICTED_WITH_ACCESS"]
    page = await school.warnings()
    assert listed(page) == [(father, "COURT_ORDER_WITH_ACCESS"), (father, "RESTRICTED_WITH_ACCESS")]
    assert isinstance(page.warnings[0], AccessWarning)
    assert page.warnings[0].answer == found.answer
    assert {code: count for code, count in page.counts.items() if count} == {
        "COURT_ORDER_WITH_ACCESS": 1,
        "RESTRICTED_WITH_ACCESS": 1,
    }
    await school.set(father, NO_PERMISSION)
    assert (await school.explain(father)).answer.reason == "OVERRIDE"
    assert listed(await school.warnings()) == []


async def test_court_orders_that_always_deny_leave_no_warning(school: School) -> None:
    await school.synced("Father", court_order=True)
    assert len((await school.warnings()).warnings) == 1
    await school.change(court_order_always_denies=True)
    assert (await school.warnings()).warnings == ()


async def test_a_relationship_that_changed_is_to_review_until_the_school_decides(school: School) -> None:
    stays = await school.synced("Mother")
    changed = await school.synced("Mother", first_relationship_key="aunt")
    from_blank = await school.synced("Mother", first_relationship_key=None)
    unstamped = await school.synced("Mother", first_relationship_key=None)
    await school.run("UPDATE student_contact SET defaults_version = NULL WHERE id = ?", unstamped)
    expected = sorted([changed, from_blank])
    assert [link for link, code in listed(await school.warnings()) if code == "RELATIONSHIP_CHANGED"] == expected
    assert codes(await school.explain(stays)) == codes(await school.explain(unstamped)) == []
    await school.set(changed, VIEW_AND_UPDATE)
    assert listed(await school.warnings()) == [(from_blank, "RELATIONSHIP_CHANGED")]
    async with school.database.write() as session:
        await access_settings.apply_defaults(session, school.school, HEAD)
    assert listed(await school.warnings()) == []


async def test_warnings_are_paged_by_link_with_counts_of_all(school: School) -> None:
    links = sorted([await school.synced("Father", court_order=True) for _ in range(5)])
    await school.run("UPDATE student_contact SET restricted_access = TRUE WHERE id = ?", links[1])
    first = await school.warnings(limit=2)
    assert [link for link, _ in listed(first)] == [links[0], links[1], links[1]]
    assert (first.end, first.more, first.counts["COURT_ORDER_WITH_ACCESS"]) == (links[1], True, 5)
    second = await school.warnings(limit=2, after=first.end)
    last = await school.warnings(limit=2, after=second.end)
    assert [link for link, _ in listed(second)] == links[2:4]
    assert (listed(last)[0][0], last.more, last.counts) == (links[4], False, first.counts)
    after_all = await school.warnings(limit=2, after=last.end)
    assert (after_all.warnings, after_all.end, after_all.more) == ((), None, False)
