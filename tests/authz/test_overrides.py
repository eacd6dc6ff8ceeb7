"""Overrides stand until they are cleared, one in force a link; their history is kept, singly and in bulk."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from authz import access, overrides
from authz.access_settings import change
from authz.audit import Actor
from authz.overrides import BulkFilter, BulkResult, Override
from authz.session import WriteSession
from schema.errors import FieldgateError
from schema.ids import new_record_id
from schema.vocabulary import LADDER_ATTRIBUTES, NO_PERMISSION, SYNC, VIEW_AND_UPDATE
from server.database import Database, open_database
from tests.families import NOW, Families
from tests.world import insert

HEAD, OTHER = Actor("A. Head", "Head teacher"), Actor("B. Deputy")
BULK_SECONDS = 2.0
MANY = 10_000


class School(Families):
    """A school's families, and short ways to override and to look."""

    async def set(self, link: str, value: str, by: Actor = HEAD, **more: Any) -> Override:
        async with self.database.write() as session:
            return await overrides.set_override(session, self.school, link, value, by, **more)

    async def confirm(self, link: str, by: Actor = OTHER) -> Override:
        async with self.database.write() as session:
            return await overrides.confirm(session, self.school, link, by)

    async def clear(self, link: str, by: Actor = OTHER) -> Override:
        async with self.database.write() as session:
            return await overrides.clear(session, self.school, link, by)

    async def bulk(self, value: str, *, dry_run: bool = False, **wanted: str | None) -> BulkResult:
        chosen = BulkFilter(**wanted)
        async with self.database.write() as session:
            return await overrides.bulk_set(
                session, self.school, chosen, value, HEAD, "Agreed in writing.", dry_run=dry_run
            )

    async def history(self, link: str) -> list[Override]:
        async with self.database.read() as session:
            return await overrides.history(session, self.school, link)

    async def answer(self, link: str) -> tuple[str, str]:
        async with self.database.read() as session:
            [found] = await access.decisions(session, self.school, " AND l.id = ?", link)
        return found.permission, found.reason

    async def details(self, name: str) -> list[dict[str, Any]]:
        rows = await self.rows(
            "SELECT details FROM audit_event WHERE school_id = ? AND name = ? ORDER BY seq", self.school, name
        )
        return [json.loads(row[0]) for row in rows]

    async def requests(self) -> int:
        rows = await self.rows("SELECT request FROM contact_allocation WHERE school_id = ?", self.school)
        return int(rows[0][0]) if rows else 0

    async def to_sync(self) -> None:
        async with self.database.write() as session:
            await change(session, self.school, by=HEAD, source=SYNC, acknowledge=LADDER_ATTRIBUTES)

    async def refused(self, work: Callable[[WriteSession], Awaitable[object]]) -> str:
        with pytest.raises(FieldgateError) as refusal:
            async with self.database.write() as session:
                await work(session)
        return refusal.value.code


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
    second = await school.set(link, NO_PERMISSION, OTHER)
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
    async with school.database.write() as session:
        await change(session, school.school, by=HEAD, confirm_masked_overrides=True)
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
            code = await school.refused(lambda session, work=work, unknown=unknown: work(session, unknown))  # type: ignore[misc]
            assert code == "LINK_UNKNOWN"
    assert (await school.events(), await other.events(), await school.requests()) == ([], [], 0)
    assert await school.history(gone) == []
    with pytest.raises(FieldgateError):
        await school.history(foreign)


async def test_what_is_not_in_force_is_neither_confirmed_nor_cleared(school: School, link: str) -> None:
    for work in (overrides.confirm, overrides.clear):
        code = await school.refused(lambda session, work=work: work(session, school.school, link, HEAD))  # type: ignore[misc]
        assert code == "OVERRIDE_UNKNOWN"
    await school.set(link, VIEW_AND_UPDATE)
    await school.clear(link)
    for work in (overrides.confirm, overrides.clear):
        code = await school.refused(lambda session, work=work: work(session, school.school, link, HEAD))  # type: ignore[misc]
        assert code == "OVERRIDE_UNKNOWN"
    assert await school.events() == ["override_set", "override_cleared"]


@pytest.mark.parametrize("note", ["x" * 1001, "a\x00b", "\ud800", "a\tb", "\u202e"])
async def test_a_note_that_cannot_be_shown_is_refused(school: School, link: str, note: str) -> None:
    code = await school.refused(
        lambda session: overrides.set_override(session, school.school, link, VIEW_AND_UPDATE, HEAD, note)
    )
    assert code == "TEXT_INVALID"
    assert await school.history(link) == []


async def test_the_database_lets_nobody_edit_or_delete_an_override(school: School, link: str) -> None:
    await school.set(link, VIEW_AND_UPDATE)
    for statement in ("DELETE FROM contact_override", "UPDATE contact_override SET value = 'NO_PERMISSION'"):
        with pytest.raises(Exception, match="never"):
            await school.run(statement)


# Bulk -------------------------------------------------------------------------------------------------------------


class YearGroup:
    """Grandparents and an aunt in two year groups and a class."""

    def __init__(self, school: School) -> None:
        self.school = school
        self.year, self.other_year, self.school_class = (school.new_id(prefix) for prefix in ("grp", "grp", "cls"))
        self.links: dict[str, str] = {}

    async def begin(self) -> "YearGroup":
        for name, year, in_class, relationship in (
            ("one", self.year, True, "Grandparent"),
            ("two", self.year, False, " GRANDPARENT "),
            ("far", self.other_year, True, "Grandparent"),
            ("aunt", self.year, False, "Aunt"),
            ("mother", self.year, True, "Mother"),
        ):
            student = await self.school.student(year_id=year)
            if in_class:
                await self.school.add(
                    "student_class", school_id=self.school.school, student_id=student, class_id=self.school_class
                )
            self.links[name] = await self.school.link(student, await self.school.contact(), relationship)
        gone = await self.school.student(year_id=self.year, deleted_at=NOW)
        await self.school.link(gone, await self.school.contact(), "Grandparent")
        await self.school.link(
            await self.school.student(year_id=self.year), await self.school.contact(), "Grandparent", deleted_at=NOW
        )
        return self


@pytest.fixture
async def group(school: School) -> YearGroup:
    return await YearGroup(school).begin()


async def test_grandparents_of_a_year_group_are_given_access_in_bulk_after_a_dry_run(
    school: School, group: YearGroup
) -> None:
    earlier = await school.set(group.links["one"], NO_PERMISSION, OTHER)
    wanted: dict[str, Any] = {"relationship": "grandparent", "year_group_id": group.year}
    seen = await school.bulk(VIEW_AND_UPDATE, dry_run=True, **wanted)
    matched = sorted([group.links["one"], group.links["two"]])
    assert (seen.count, seen.done, [each.link.id for each in seen.links]) == (2, False, matched)
    assert (seen.preview.gains.count, seen.preview.loses.count) == (2, 0)
    assert await school.answer(group.links["two"]) == (NO_PERMISSION, "NO_RULE_MATCHED")
    assert await school.events() == ["override_set"]

    done = await school.bulk(VIEW_AND_UPDATE, **wanted)
    assert (done.count, done.done, done.links) == (2, True, seen.links)
    for name, access_by in {"one": "OVERRIDE", "two": "OVERRIDE", "mother": "RELATIONSHIP_DEFAULT"}.items():
        assert await school.answer(group.links[name]) == (VIEW_AND_UPDATE, access_by)
    for name in ("far", "aunt"):
        assert (await school.answer(group.links[name]))[0] == NO_PERMISSION
    first, second = await school.history(group.links["one"])
    assert (first.id, first.cleared_by, second.origin, second.note) == (
        earlier.id, "A. Head", "BULK", "Agreed in writing.",
    )  # fmt: skip
    [details] = await school.details("overrides_bulk_set")
    assert details == {
        "count": 2,
        "filter": {"relationship": "grandparent", "year_group_id": group.year, "class_id": None, "answer": None},
        "value": VIEW_AND_UPDATE,
        "setAt": second.set_at,
    }
    assert await school.events() == ["override_set", "overrides_bulk_set"]
    assert await school.requests() == 2


@pytest.mark.parametrize(
    ("wanted", "matched"),
    [
        ({"relationship": " Grand\u00a0Parent"}, set()),
        ({"relationship": "GRANDPARENT"}, {"one", "two", "far"}),
        ({"year_group_id": "{year}"}, {"one", "two", "aunt", "mother"}),
        ({"class_id": "{class}"}, {"one", "far", "mother"}),
        ({"answer": NO_PERMISSION}, {"one", "two", "far", "aunt"}),
        ({"answer": VIEW_AND_UPDATE}, {"mother"}),
        ({"class_id": "{class}", "answer": NO_PERMISSION, "year_group_id": "{year}"}, {"one"}),
        ({"class_id": "{year}"}, set()),
    ],
    ids=range(8),
)
async def test_a_bulk_change_is_for_the_links_that_meet_all_of_its_filter(
    school: School, group: YearGroup, wanted: dict[str, str], matched: set[str]
) -> None:
    places = {"{year}": group.year, "{class}": group.school_class}
    placed: dict[str, Any] = {name: places.get(value, value) for name, value in wanted.items()}
    done = await school.bulk(NO_PERMISSION, **placed)
    assert {name for name, link in group.links.items() if await school.history(link)} == matched
    assert done.count == len(matched)
    assert len(await school.events("overrides_bulk_set")) == (1 if matched else 0)


@pytest.mark.parametrize("wanted", [BulkFilter(), BulkFilter(relationship="  "), BulkFilter("", "grp_x")])
async def test_a_bulk_change_that_says_not_for_whom_is_refused(
    school: School, group: YearGroup, wanted: BulkFilter
) -> None:
    for dry_run in (True, False):
        code = await school.refused(
            lambda session, dry_run=dry_run: overrides.bulk_set(  # type: ignore[misc]
                session, school.school, wanted, VIEW_AND_UPDATE, HEAD, dry_run=dry_run
            )
        )
        assert code == "FILTER_NEEDED"
    assert await school.events() == []


async def test_a_bulk_change_that_masks_make_idle_says_so_in_its_preview(school: School, group: YearGroup) -> None:
    await school.to_sync()
    await school.run("UPDATE student_contact SET court_order = TRUE WHERE id = ?", group.links["two"])
    seen = await school.bulk(VIEW_AND_UPDATE, dry_run=True, relationship="Grandparent")
    assert (seen.count, seen.preview.gains.count) == (3, 2)
    assert {each.link.id: each.after.reason for each in seen.links}[group.links["two"]] == "COURT_ORDER"


async def test_ten_thousand_links_are_overridden_within_two_seconds(school: School) -> None:
    students, contacts, links = [], [], []
    for _ in range(MANY):
        student, contact, link = (new_record_id(prefix, school.school) for prefix in ("stu", "con", "lnk"))
        students.append({"school_id": school.school, "id": student})
        contacts.append({"school_id": school.school, "id": contact})
        links.append(
            {
                "school_id": school.school,
                "id": link,
                "student_id": student,
                "contact_id": contact,
                "relationship_key": "grandparent",
                "defaults_version": 0,
            }
        )
    async with school.database.write() as session:
        for table, rows in (("student", students), ("contact", contacts), ("student_contact", links)):
            await insert(session, table, rows)
    for value in (VIEW_AND_UPDATE, NO_PERMISSION):
        start = time.perf_counter()
        seen = await school.bulk(value, dry_run=True, relationship="Grandparent")
        middle = time.perf_counter()
        done = await school.bulk(value, relationship="Grandparent")
        end = time.perf_counter()
        print(f"{value}: dry run {middle - start:.2f} s, done {end - middle:.2f} s")
        assert (seen.count, done.count) == (MANY, MANY)
        assert end - middle < BULK_SECONDS
        assert middle - start < BULK_SECONDS
    [[in_force, all_rows]] = await school.rows(
        "SELECT sum(CASE WHEN cleared_at IS NULL THEN 1 ELSE 0 END), count(*) FROM contact_override"
    )
    assert (in_force, all_rows) == (MANY, 2 * MANY)
    assert await school.events() == ["overrides_bulk_set", "overrides_bulk_set"]


# Two at once ------------------------------------------------------------------------------------------------------


@pytest.fixture
async def elsewhere(database_url: str) -> AsyncIterator[School]:
    """The same school as another process has it open."""
    opened = open_database(database_url)
    yield School(opened)
    await opened.close()


async def test_two_writers_on_one_link_take_turns_and_leave_one_override_in_force(
    school: School, elsewhere: School, link: str
) -> None:
    async with school.database.write() as session:
        await overrides.set_override(session, school.school, link, VIEW_AND_UPDATE, HEAD)
        second = asyncio.create_task(elsewhere.set(link, NO_PERMISSION, OTHER))
        await asyncio.sleep(0.3)
        assert not second.done(), "it waits for the first to end"
    made = await second
    first, last = await school.history(link)
    assert (first.value, first.cleared_by, last.id, last.cleared_at) == (VIEW_AND_UPDATE, "B. Deputy", made.id, None)
    assert [each["before"] for each in await school.details("override_set")] == [None, VIEW_AND_UPDATE]


async def test_many_writers_at_once_leave_a_whole_history(school: School, elsewhere: School, group: YearGroup) -> None:
    link = group.links["one"]
    await asyncio.gather(
        *(one.set(link, value, by) for _ in range(4) for one, value, by in (
            (school, VIEW_AND_UPDATE, HEAD), (elsewhere, NO_PERMISSION, OTHER)
        )),
        school.bulk(VIEW_AND_UPDATE, relationship="Grandparent"),
        elsewhere.bulk(NO_PERMISSION, class_id=group.school_class),
    )  # fmt: skip
    history = await school.history(link)
    assert len(history) == 10
    assert [each.cleared_at is None for each in history].count(True) == 1
    events = await school.events()
    assert sorted(events) == ["override_set"] * 8 + ["overrides_bulk_set"] * 2


async def test_a_bulk_change_that_fails_leaves_nothing(school: School, group: YearGroup) -> None:
    await school.set(group.links["one"], NO_PERMISSION)

    async def fail(session: WriteSession) -> None:
        await overrides.bulk_set(session, school.school, BulkFilter(relationship="Grandparent"), VIEW_AND_UPDATE, HEAD)
        raise FieldgateError("UNAVAILABLE", "Something else went wrong.")

    assert await school.refused(fail) == "UNAVAILABLE"
    assert await school.answer(group.links["one"]) == (NO_PERMISSION, "OVERRIDE")
    assert await school.history(group.links["two"]) == []
    assert (await school.events(), await school.requests()) == (["override_set"], 1)
