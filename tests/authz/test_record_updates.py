"""A contact's update stays open through syncs, closes when the MIS delivers it, and two editors never lose one."""

import asyncio
import time
from datetime import datetime

import pytest

from authz import record_updates
from authz.audit import Actor
from authz.record_updates import OpenUpdate
from schema.contact_record import OWN_DETAILS
from schema.errors import FieldgateError
from schema.vocabulary import NO_PERMISSION, VIEW_AND_UPDATE
from server.database import Database
from tests.families import NOW, Families
from tests.world import insert


@pytest.fixture
async def families(database: Database) -> Families:
    return await Families(database).begin()


async def delivered(families: Families) -> int:
    async with families.database.write() as session:
        return await record_updates.close_delivered(session, families.school)


async def written(
    families: Families,
    entity: str,
    subject: str,
    field: str,
    new: str | None,
    student: str | None = None,
    at: str = NOW,
) -> str:
    """An open update, as it is stored."""
    update_id = families.new_id("upd")
    await families.add(
        "record_update",
        school_id=families.school,
        id=update_id,
        student_id=student,
        contact_id=families.new_id("con"),
        entity=entity,
        subject_id=subject,
        field=field,
        new_value=new,
        submitted_at=at,
        state="SUBMITTED",
    )
    return update_id


async def states(families: Families) -> dict[str, str]:
    return dict(await families.rows("SELECT id, state FROM record_update"))


async def test_an_update_of_an_own_detail_closes_when_the_mis_delivers_its_value(families: Families) -> None:
    contact = await families.contact(phones_mobile="1", emails_home="old@example.org")
    other = await families.contact(phones_mobile="2")
    mobile = await written(families, "contact", contact, "phones_mobile", "2")
    cleared = await written(families, "contact", contact, "emails_home", None)
    assert await delivered(families) == 0
    await families.run("UPDATE contact SET phones_mobile = '2' WHERE id = ?", contact)
    assert await delivered(families) == 1
    assert await states(families) == {mobile: "DELIVERED", cleared: "SUBMITTED"}
    await families.run("UPDATE contact SET emails_home = NULL WHERE id = ?", contact)
    assert await delivered(families) == 1
    assert await families.rows("SELECT phones_mobile FROM contact WHERE id = ?", other) == [("2",)]
    assert await families.events() == ["record_update_delivered"] * 2
    assert await families.rows("SELECT DISTINCT closed_by FROM record_update") == [("sync",)]


async def test_an_older_update_closes_with_the_newer_one_that_took_its_place(families: Families) -> None:
    contact = await families.contact(phones_mobile="1")
    first = await written(families, "contact", contact, "phones_mobile", "2")
    second = await written(families, "contact", contact, "phones_mobile", "3", at="2026-01-06T08:30:00.000001Z")
    third = await written(families, "contact", contact, "phones_mobile", "4", at="2026-01-07T08:30:00.000001Z")
    await families.run("UPDATE contact SET phones_mobile = '3'")
    assert await delivered(families) == 2
    assert await states(families) == {first: "DELIVERED", second: "DELIVERED", third: "SUBMITTED"}


async def test_updates_of_conditions_close_when_the_condition_is_there_so_worded_or_gone(families: Families) -> None:
    student, sibling = await families.student(), await families.student()
    asthma, eczema = await families.condition(student, "Asthma"), await families.condition(student, "Eczema")
    edited = await written(families, "medical_condition", asthma, "description", "Asthma, mild", student)
    ended = await written(families, "medical_condition", eczema, "description", None, student)
    nuts = await written(families, "medical_condition", student, "description", "Nut allergy", student)
    later = "2026-01-07T08:30:00.000001Z"
    bees = await written(families, "medical_condition", student, "description", "Bee stings", student, at=later)
    await families.condition(sibling, "Nut allergy")
    assert await delivered(families) == 0
    await families.run("UPDATE medical_condition SET description = 'Asthma, mild' WHERE id = ?", asthma)
    assert await delivered(families) == 1
    await families.run(f"UPDATE medical_condition SET deleted_at = '{NOW}' WHERE id = ?", eczema)
    assert await delivered(families) == 1
    await families.condition(student, "Bee stings")
    assert await delivered(families) == 1
    assert await states(families) == {edited: "DELIVERED", ended: "DELIVERED", bees: "DELIVERED", nuts: "SUBMITTED"}


async def test_another_schools_sync_closes_nothing_here(families: Families) -> None:
    contact = await families.contact(phones_mobile="1")
    await written(families, "contact", contact, "phones_mobile", "1")
    async with families.database.write() as session:
        assert await record_updates.close_delivered(session, "sch_00000000") == 0
    assert await delivered(families) == 1


# Submitting --------------------------------------------------------------------------------------------------------


class Home:
    """Two parents of one student with asthma, both signed in."""

    def __init__(self, families: Families) -> None:
        self.families = families

    async def begin(self) -> "Home":
        families = self.families
        self.student = await families.student()
        self.asthma = await families.condition(self.student, "Asthma")
        self.mother = await families.contact(phones_mobile="1")
        self.father = await families.contact("Tom", phones_mobile="5")
        self.links = {
            self.mother: await families.link(self.student, self.mother),
            self.father: await families.link(self.student, self.father, "Father"),
        }
        self.tokens = {each: await families.session_of(each) for each in self.links}
        return self

    async def submit(
        self, contact: str, subject: str, field: str, value: str | None, expected: str | None = None
    ) -> OpenUpdate:
        async with self.families.database.write() as session:
            presence = await self.families.presence(self.tokens[contact], session)
            new = record_updates.checked_value(field, value)
            return await record_updates.submit(session, presence, subject, field, new, expected)

    async def refusal(
        self, contact: str, subject: str, field: str, value: str | None, expected: str | None = None
    ) -> FieldgateError:
        with pytest.raises(FieldgateError) as refused:
            await self.submit(contact, subject, field, value, expected)
        return refused.value

    async def shown(self, contact: str) -> list[str | None]:
        async with self.families.database.read() as session:
            presence = await self.families.presence(self.tokens[contact], session)
            return [update.new_value for update in await record_updates.shown_to(session, presence)]


@pytest.fixture
async def home(families: Families) -> Home:
    return await Home(families).begin()


async def test_an_update_is_no_write_to_the_mis_and_is_still_there_after_two_syncs(home: Home) -> None:
    update = await home.submit(home.mother, home.mother, "phones_mobile", " 2 ", "1")
    assert (update.old_value, update.new_value, update.entity) == ("1", "2", "contact")
    for _ in range(2):
        assert await delivered(home.families) == 0
    assert await home.families.rows("SELECT phones_mobile FROM contact WHERE id = ?", home.mother) == [("1",)]
    assert await home.shown(home.mother) == ["2"]
    async with home.families.database.read() as session:
        assert await record_updates.open_at(session, home.families.school) == [update]
    trail = await home.families.rows("SELECT actor_position, details FROM audit_event WHERE name LIKE 'record%'")
    assert [(position, '"2"' in details) for position, details in trail] == [("contact", False)]


async def test_an_own_detail_is_shown_to_its_owner_and_to_nobody_else(home: Home) -> None:
    await home.submit(home.mother, home.mother, "emails_home", "mary@example.org")
    assert await home.shown(home.mother) == ["mary@example.org"]
    assert await home.shown(home.father) == []


async def test_a_second_update_starts_from_the_first_and_follows_it_by_the_clock(home: Home) -> None:
    first = await home.submit(home.mother, home.mother, "phones_mobile", "2", "1")
    assert (await home.refusal(home.mother, home.mother, "phones_mobile", "3", "1")).details == {"updateId": first.id}
    second = await home.submit(home.mother, home.mother, "phones_mobile", "3", "2")
    third = await home.submit(home.mother, home.mother, "phones_mobile", None, "3")
    moments = [datetime.fromisoformat(each.submitted_at) for each in (first, second, third)]
    assert moments == sorted(set(moments))
    assert await home.shown(home.mother) == ["2", "3", None]


async def test_a_value_that_the_mis_changed_is_a_conflict(home: Home) -> None:
    await home.families.run("UPDATE contact SET phones_mobile = '9'")
    refused = await home.refusal(home.mother, home.mother, "phones_mobile", "2", "1")
    assert (refused.code, refused.details) == ("CONFLICT", {})


async def test_of_two_who_edit_the_same_condition_at_once_one_gets_a_conflict_and_nothing_is_lost(home: Home) -> None:
    async def edit(contact: str, value: str) -> str:
        try:
            return (await home.submit(contact, home.asthma, "description", value, "Asthma")).id
        except FieldgateError as error:
            return error.code

    ended = await asyncio.gather(edit(home.mother, "Asthma, mild"), edit(home.father, "Asthma, severe"))
    assert ended.count("CONFLICT") == 1
    [shown] = await home.shown(home.mother)
    assert [shown] == await home.shown(home.father)
    loser, value = (home.father, "Asthma, severe") if ended[1] == "CONFLICT" else (home.mother, "Asthma, mild")
    await home.submit(loser, home.asthma, "description", value, shown)
    assert await home.shown(home.mother) == [shown, value]


async def test_conditions_are_added_once_edited_and_ended(home: Home) -> None:
    added = await home.submit(home.mother, home.student, "description", "Nut allergy")
    assert (added.student_id, added.old_value) == (home.student, None)
    again = await home.refusal(home.father, home.student, "description", "Nut allergy")
    assert (again.code, again.details) == ("CONFLICT", {"updateId": added.id})
    known = await home.refusal(home.father, home.student, "description", "Asthma")
    assert (known.code, known.details) == ("CONFLICT", {})
    await home.submit(home.father, home.student, "description", "Bee stings")
    ended = await home.submit(home.father, home.asthma, "description", None, "Asthma")
    assert (ended.new_value, ended.student_id) == (None, home.student)
    assert (await home.refusal(home.mother, home.asthma, "description", "Asthma, mild", "Asthma")).code == "CONFLICT"
    assert await home.shown(home.mother) == ["Nut allergy", "Bee stings", None]


@pytest.mark.parametrize("kind", ["con", "stu", "med", "fld"])
async def test_records_of_others_are_refused_as_records_that_are_not_there(home: Home, kind: str) -> None:
    families = home.families
    stranger = await families.student()
    gone = await families.condition(home.student, "Colic")
    await families.run(f"UPDATE medical_condition SET deleted_at = '{NOW}' WHERE id = ?", gone)
    elsewhere = await Families(families.database, "elsewhere").begin("Elsewhere")
    others = {
        "con": [home.father, await elsewhere.contact()],
        "stu": [stranger, await elsewhere.student()],
        "med": [await families.condition(stranger, "Asthma"), gone, await elsewhere.condition(home.student, "x")],
        "fld": [],
    }[kind]
    for subject in [*others, families.new_id(kind), "", "x" * 300, "\x00", f"{home.asthma}\x00", "\ud800"]:
        for field in ("description", "phones_mobile"):
            refused = await home.refusal(home.mother, subject, field, "2", None)
            assert (refused.code, refused.message, refused.details) == (
                "RECORD_UNKNOWN",
                "There is no such record.",
                {},
            )


async def test_only_declared_fields_and_values_that_can_be_stored_are_taken(home: Home) -> None:
    for field in ("surname", "salutation", "date_of_birth", "deleted_at", "description", "1; DROP TABLE contact"):
        assert (await home.refusal(home.mother, home.mother, field, "2")).code == "UPDATE_INVALID"
    assert (await home.refusal(home.mother, home.asthma, "phones_mobile", "2")).code == "UPDATE_INVALID"
    assert (await home.refusal(home.mother, home.student, "description", " ")).code == "UPDATE_INVALID"
    assert (await home.refusal(home.mother, home.mother, "phones_mobile", "1", "1")).code == "UPDATE_INVALID"
    for value in ("x" * 201, "a\x00b", "a\ud800"):
        assert (await home.refusal(home.mother, home.mother, "phones_mobile", value, "1")).code == "TEXT_INVALID"
    assert (await home.refusal(home.mother, home.student, "description", "x" * 2001)).code == "TEXT_INVALID"
    update = await home.submit(home.mother, home.student, "description", "  خارش‌دار\n\tnuts  ")
    assert update.new_value == "خارش‌دار\n nuts"
    assert len(OWN_DETAILS) == 36


async def test_without_access_to_the_student_nothing_of_it_can_be_updated(home: Home) -> None:
    other = await home.families.student("Ben")
    await home.families.link(other, home.father, "Father")
    await home.families.override(home.links[home.father], NO_PERMISSION)
    for subject in (home.student, home.asthma):
        assert (await home.refusal(home.father, subject, "description", "x", "Asthma")).code == "RECORD_UNKNOWN"


async def test_an_update_by_somebody_who_lost_access_is_not_shown_and_is_not_in_the_way(home: Home) -> None:
    update = await home.submit(home.father, home.asthma, "description", "Asthma, severe", "Asthma")
    await home.families.override(home.links[home.father], NO_PERMISSION)
    assert await home.shown(home.mother) == []
    await home.submit(home.mother, home.asthma, "description", "Asthma, mild", "Asthma")
    async with home.families.database.read() as session:
        waiting = await record_updates.open_at(session, home.families.school)
    assert [each.new_value for each in waiting] == ["Asthma, severe", "Asthma, mild"]
    await home.families.override(home.links[home.father], VIEW_AND_UPDATE)
    assert await home.shown(home.mother) == [update.new_value, "Asthma, mild"]


async def test_the_text_of_a_contact_who_lost_access_is_not_shown_as_anothers_old_value_either(home: Home) -> None:
    hers = await home.submit(home.mother, home.asthma, "description", "Asthma, severe", "Asthma")
    his = await home.submit(home.father, home.asthma, "description", "Asthma, mild", "Asthma, severe")
    again = await home.submit(home.father, home.asthma, "description", "None at all", "Asthma, mild")

    async def old_values(contact: str) -> dict[str, str | None]:
        async with home.families.database.read() as session:
            presence = await home.families.presence(home.tokens[contact], session)
            return {each.id: each.old_value for each in await record_updates.shown_to(session, presence)}

    every = {hers.id: "Asthma", his.id: "Asthma, severe", again.id: "Asthma, mild"}
    assert await old_values(home.mother) == await old_values(home.father) == every
    await home.families.override(home.links[home.mother], NO_PERMISSION)
    assert await old_values(home.father) == {his.id: None, again.id: "Asthma, mild"}
    async with home.families.database.read() as session:
        waiting = await record_updates.open_at(session, home.families.school)
    assert {each.id: each.old_value for each in waiting} == every
    await home.families.run("UPDATE medical_condition SET description = 'Asthma, severe'")
    assert await old_values(home.father) == {his.id: "Asthma, severe", again.id: "Asthma, mild"}


async def test_twenty_thousand_open_updates_of_the_school_do_not_slow_a_contact_down(home: Home) -> None:
    student, other = await home.families.student("Cy"), home.families.new_id("con")
    rows = [
        {"school_id": home.families.school, "id": home.families.new_id("upd"), "student_id": student}
        | {"contact_id": other, "entity": "medical_condition", "subject_id": student, "field": "description"}
        | {"new_value": str(number), "submitted_at": NOW, "state": "SUBMITTED"}
        for number in range(20_000)
    ]
    async with home.families.database.write() as session:
        await insert(session, "record_update", rows)
    await home.submit(home.mother, home.asthma, "description", "Asthma, mild", "Asthma")
    started = time.perf_counter()
    assert await home.shown(home.mother) == ["Asthma, mild"]
    seconds = time.perf_counter() - started
    print(f"updates shown among 20,000 in {seconds:.3f} s")
    assert seconds < 0.5


async def test_staff_reject_an_open_update_of_their_school_once(home: Home) -> None:
    update = await home.submit(home.mother, home.mother, "phones_mobile", "2", "1")

    async def reject(school: str) -> str | None:
        try:
            async with home.families.database.write() as session:
                await record_updates.reject(session, school, update.id, by=Actor("A. Head", "Head teacher"))
        except FieldgateError as error:
            return error.code
        return None

    assert await reject("sch_00000000") == "RECORD_UNKNOWN"
    for unknown in ("", "\x00", f"{update.id}\x00", "\ud800", "x" * 300):
        async with home.families.database.write() as session:
            with pytest.raises(FieldgateError) as refused:
                await record_updates.reject(session, home.families.school, unknown, by=Actor("A. Head"))
        assert refused.value.code == "RECORD_UNKNOWN"
    assert await reject(home.families.school) is None
    assert await reject(home.families.school) == "RECORD_UNKNOWN"
    assert await home.shown(home.mother) == []
    assert await home.families.events("record_update_submitted", "record_update_rejected") == [
        "record_update_submitted",
        "record_update_rejected",
    ]
    await home.submit(home.mother, home.mother, "phones_mobile", "2", "1")


async def test_a_contact_has_at_most_a_hundred_open_updates(home: Home) -> None:
    for number in range(100):
        await written(home.families, "contact", home.mother, "phones_home", str(number))
    await home.families.run("UPDATE record_update SET contact_id = ?", home.mother)
    assert (await home.refusal(home.mother, home.mother, "phones_mobile", "2", "1")).code == "LIMIT_REACHED"
    assert (await home.submit(home.father, home.father, "phones_mobile", "2", "5")).new_value == "2"
