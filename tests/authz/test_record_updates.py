"""A contact's update stays open through syncs, closes when the MIS delivers it, and two editors never lose one."""

import pytest

from authz import record_updates
from server.database import Database
from tests.families import NOW, Families


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
