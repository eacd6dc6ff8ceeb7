"""Overrides stand until they are cleared, one in force a link; their history is kept, singly and in bulk."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from authz import overrides
from authz.session import WriteSession
from schema.errors import FieldgateError
from schema.ids import new_record_id
from schema.vocabulary import NO_PERMISSION, VIEW_AND_UPDATE
from server.database import Database
from tests.deciding import DEPUTY, HEAD, School
from tests.families import NOW


@pytest.fixture
async def school(database: Database) -> School:
    school = School(database)
    await school.begin()
    return school


@pytest.fixture
async def link(school: School) -> str:
    """A grandparent's link."""
    return await school.link(await school.student(), await school.contact(), "Grandparent")


# Single overrides -------------------------------------------------------------------------------------------------


async def test_a_grandparent_is_given_access_by_hand(school: School, link: str) -> None:
    assert await school.answer(link) == (NO_PERMISSION, "NO_RULE_MATCHED")
    made = await school.set(link, VIEW_AND_UPDATE, note=" The child lives with her.\nLetter of 3 May. ")
    assert await school.answer(link) == (VIEW_AND_UPDATE, "OVERRIDE")
    assert [made] == await school.history(link)
    assert (made.set_by, made.set_by_position, made.origin) == ("A. Head", "Head teacher", "MANUAL")
    assert made.note == "The child lives with her.\nLetter of 3 May."
    assert (made.confirmed_at, made.cleared_at) == (None, None)
    assert await school.details("override_set") == [
        {"link": link, "override": made.id, "before": None, "after": VIEW_AND_UPDATE}
    ]
    assert await school.requests() == 1


async def test_a_father_with_a_court_order_keeps_access_under_relationship_type_until_an_override_denies_him(
    school: School,
) -> None:
    father = await school.link(await school.student(), await school.contact("Tom"), "Father", court_order=True)
    assert await school.answer(father) == (VIEW_AND_UPDATE, "RELATIONSHIP_DEFAULT")
    await school.set(father, NO_PERMISSION)
    assert await school.answer(father) == (NO_PERMISSION, "OVERRIDE")


async def test_an_override_is_replaced_with_its_history_kept_and_one_in_force(school: School, link: str) -> None:
    first = await school.set(link, VIEW_AND_UPDATE)
    second = await school.set(link, NO_PERMISSION, DEPUTY)
    again = await school.set(link, NO_PERMISSION)
    old, middle, newest = await school.history(link)
    assert [old.id, middle.id, newest.id] == [first.id, second.id, again.id]
    assert (old.value, old.cleared_by, old.cleared_at) == (VIEW_AND_UPDATE, "B. Deputy", second.set_at)
    assert (middle.cleared_by, middle.cleared_at) == ("A. Head", again.set_at)
    assert newest.cleared_at is None
    assert [(each["before"], each["after"]) for each in await school.details("override_set")] == [
        (None, VIEW_AND_UPDATE),
        (VIEW_AND_UPDATE, NO_PERMISSION),
        (NO_PERMISSION, NO_PERMISSION),
    ]


async def test_clearing_returns_the_link_to_its_computed_answer(school: School, link: str) -> None:
    await school.set(link, VIEW_AND_UPDATE)
    cleared = await school.clear(link)
    assert await school.answer(link) == (NO_PERMISSION, "NO_RULE_MATCHED")
    [kept] = await school.history(link)
    assert (kept.id, kept.cleared_by) == (cleared.id, "B. Deputy")
    assert kept.cleared_at is not None
    assert await school.details("override_cleared") == [
        {"link": link, "override": cleared.id, "before": VIEW_AND_UPDATE, "after": None}
    ]
    assert await school.requests() == 2


async def test_confirming_a_masked_override_lets_it_count_again(school: School, link: str) -> None:
    await school.to_sync()
    await school.change(confirm_masked_overrides=True)
    made = await school.set(link, VIEW_AND_UPDATE)
    await school.run("UPDATE student_contact SET court_order = TRUE WHERE id = ?", link)
    assert await school.answer(link) == (NO_PERMISSION, "COURT_ORDER")
    now = school.database.dialect.now
    await school.run(f"UPDATE student_contact SET court_order = NULL, restriction_lifted_at = {now} WHERE id = ?", link)
    await asyncio.sleep(0.005)
    assert await school.answer(link) == (NO_PERMISSION, "NO_RULE_MATCHED")
    requests = await school.requests()
    confirmed = await school.confirm(link)
    assert await school.answer(link) == (VIEW_AND_UPDATE, "OVERRIDE")
    assert (confirmed.id, confirmed.confirmed_by, confirmed.set_at) == (made.id, "B. Deputy", made.set_at)
    assert confirmed.confirmed_at is not None
    assert await school.details("override_confirmed") == [{"link": link, "override": made.id, "value": VIEW_AND_UPDATE}]
    assert await school.requests() == requests + 1


async def test_an_override_in_a_note_of_a_family_leaves_no_note_in_the_chain(school: School, link: str) -> None:
    await school.set(link, VIEW_AND_UPDATE, note="A family matter.")
    assert "family matter" not in str(await school.rows("SELECT details FROM audit_event"))


# Refusals ---------------------------------------------------------------------------------------------------------


async def test_links_that_are_not_this_schools_or_are_gone_are_unknown(school: School, link: str) -> None:
    other = School(school.database, "another")
    await other.begin("Barton School")
    foreign = await other.link(await other.student(), await other.contact())
    gone = await school.link(await school.student(), await school.contact(), deleted_at=NOW)
    orphan = await school.link(await school.student(deleted_at=NOW), await school.contact())
    alone = await school.link(await school.student(), await school.contact(deleted_at=NOW))
    given: list[Callable[[WriteSession, str], Awaitable[object]]] = [
        lambda session, link_id: overrides.set_override(session, school.school, link_id, VIEW_AND_UPDATE, HEAD),
        lambda session, link_id: overrides.confirm(session, school.school, link_id, HEAD),
        lambda session, link_id: overrides.clear(session, school.school, link_id, HEAD),
    ]
    for unknown in (foreign, gone, orphan, alone, new_record_id("lnk", school.school), "", "x" * 500):
        for work in given:
            error = await school.refused(lambda session, work=work, unknown=unknown: work(session, unknown))  # type: ignore[misc]
            assert error.code == "LINK_UNKNOWN"
    assert (await school.events(), await other.events(), await school.requests()) == ([], [], 0)
    assert await school.history(gone) == []
    with pytest.raises(FieldgateError):
        await school.history(foreign)


async def test_what_is_not_in_force_is_neither_confirmed_nor_cleared(school: School, link: str) -> None:
    for work in (overrides.confirm, overrides.clear):
        error = await school.refused(lambda session, work=work: work(session, school.school, link, HEAD))  # type: ignore[misc]
        assert error.code == "OVERRIDE_UNKNOWN"
    await school.set(link, VIEW_AND_UPDATE)
    await school.clear(link)
    for work in (overrides.confirm, overrides.clear):
        error = await school.refused(lambda session, work=work: work(session, school.school, link, HEAD))  # type: ignore[misc]
        assert error.code == "OVERRIDE_UNKNOWN"
    assert await school.events() == ["override_set", "override_cleared"]


@pytest.mark.parametrize("note", ["x" * 1001, "a\x00b", "\ud800", "a\tb", "\u202e"])
async def test_a_note_that_cannot_be_shown_is_refused(school: School, link: str, note: str) -> None:
    error = await school.refused(
        lambda session: overrides.set_override(session, school.school, link, VIEW_AND_UPDATE, HEAD, note)
    )
    assert error.code == "TEXT_INVALID"
    assert await school.history(link) == []


async def test_the_database_lets_nobody_edit_or_delete_an_override(school: School, link: str) -> None:
    await school.set(link, VIEW_AND_UPDATE)
    for statement in ("DELETE FROM contact_override", "UPDATE contact_override SET value = 'NO_PERMISSION'"):
        with pytest.raises(Exception, match="never"):
            await school.run(statement)


async def test_the_newest_fifty_of_a_long_history_are_shown_and_all_are_kept(school: School, link: str) -> None:
    for number in range(60):
        await school.set(link, (NO_PERMISSION, VIEW_AND_UPDATE)[number % 2], note=str(number))
    async with school.database.read() as session:
        shown = await overrides.history(session, school.school, link)
    assert [each.note for each in shown] == [str(number) for number in range(10, 60)]
    assert shown == (await school.history(link))[10:]
    assert len(await school.history(link)) == 60
