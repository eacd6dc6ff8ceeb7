"""Overrides of many links at once, all or none, after a dry run; and of two writers one after the other."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from authz import overrides
from authz.overrides import BulkFilter
from authz.session import WriteSession
from schema.errors import FieldgateError
from schema.ids import new_record_id
from schema.vocabulary import NO_PERMISSION, VIEW_AND_UPDATE
from server.database import Database, open_database
from tests.deciding import DEPUTY, HEAD, School
from tests.families import NOW
from tests.world import insert

BULK_SECONDS = 6.0  # about one on a machine that does nothing else
MANY = 10_000


@pytest.fixture
async def school(database: Database) -> School:
    school = School(database)
    await school.begin()
    return school


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
    earlier = await school.set(group.links["one"], NO_PERMISSION, DEPUTY)
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
    for work in (
        lambda session: overrides.preview_bulk(session, school.school, wanted, VIEW_AND_UPDATE),
        lambda session: overrides.bulk_set(session, school.school, wanted, VIEW_AND_UPDATE, HEAD),
    ):
        assert (await school.refused(work)).code == "FILTER_NEEDED"
    assert await school.events() == []


async def test_a_bulk_change_that_masks_make_idle_says_so_in_its_preview(school: School, group: YearGroup) -> None:
    await school.to_sync()
    await school.run("UPDATE student_contact SET court_order = TRUE WHERE id = ?", group.links["two"])
    seen = await school.bulk(VIEW_AND_UPDATE, dry_run=True, relationship="Grandparent")
    assert (seen.count, seen.preview.gains.count) == (3, 2)
    assert {each.link.id: each.after.reason for each in seen.links}[group.links["two"]] == "COURT_ORDER"


async def test_ten_thousand_links_are_overridden_in_a_moment(school: School) -> None:
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
    school: School, elsewhere: School
) -> None:
    link = await school.synced("Grandparent")
    async with school.database.write() as session:
        await overrides.set_override(session, school.school, link, VIEW_AND_UPDATE, HEAD)
        second = asyncio.create_task(elsewhere.set(link, NO_PERMISSION, DEPUTY))
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
            (school, VIEW_AND_UPDATE, HEAD), (elsewhere, NO_PERMISSION, DEPUTY)
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

    assert (await school.refused(fail)).code == "UNAVAILABLE"
    assert await school.answer(group.links["one"]) == (NO_PERMISSION, "OVERRIDE")
    assert await school.history(group.links["two"]) == []
    assert (await school.events(), await school.requests()) == (["override_set"], 1)
