"""A contact reads the records of the students whose links give access at that request, and nothing else."""

from collections.abc import Sequence
from typing import Any

import pytest

from authz import forms, record_updates, student_record
from authz.session import Row
from authz.student_record import Record
from schema.contact_record import CONTACT_SHOWN, OWN_DETAILS, STUDENT_SHOWN
from schema.mis.contact import CONTACT, STUDENT_CONTACT
from schema.mis.student import STUDENT
from schema.tables import stored_leaves
from schema.vocabulary import NO_PERMISSION, VIEW_AND_UPDATE
from server.database import Database, open_database
from tests.families import NOW, Families

NEVER = "CANARY"


@pytest.fixture
async def families(database: Database) -> Families:
    return await Families(database).begin()


async def record(families: Families, token: str) -> Record:
    async with families.database.read() as session:
        return await student_record.read(session, await families.presence(token, session))


async def test_a_contact_on_two_links_sees_the_student_whose_link_gives_access_and_follows_a_change(
    families: Families, database_url: str
) -> None:
    mother = await families.contact()
    ann, ben = await families.student(), await families.student("Ben")
    await families.link(ann, mother)
    link = await families.link(ben, mother, "Aunt")
    token = await families.session_of(mother)
    assert [each.values["forename"] for each in (await record(families, token)).students] == ["Ann"]
    elsewhere = open_database(database_url)
    other = Families(elsewhere, "another process")
    other.school = families.school
    await other.override(link, VIEW_AND_UPDATE)
    assert {each.id for each in (await record(families, token)).students} == {ann, ben}
    await other.override(link, NO_PERMISSION)
    assert {each.id for each in (await record(families, token)).students} == {ann}
    await elsewhere.close()


async def test_the_record_holds_what_is_declared_with_groups_by_name(families: Families) -> None:
    year, form = families.new_id("grp"), families.new_id("grp")
    await families.add("school_group", school_id=families.school, id=year, name="Year 4", type="YEAR")
    await families.add("school_group", school_id=families.school, id=form, name="4A", deleted_at=NOW)
    mother = await families.contact(title="Ms", phones_mobile="1")
    ann = await families.student(
        year_id=year, registration_id=form, date_of_birth="2015-03-04", dietary_needs="No nuts", phones_home="7"
    )
    await families.link(ann, mother)
    asthma = await families.condition(ann, "Asthma")
    gone = await families.condition(ann, "Colic")
    await families.run(f"UPDATE medical_condition SET deleted_at = '{NOW}' WHERE id = ?", gone)
    token = await families.session_of(mother)
    async with families.database.write() as session:
        presence = await families.presence(token, session)
        mild = await record_updates.submit(session, presence, asthma, "description", "Asthma, mild", "Asthma")
        nuts = await record_updates.submit(session, presence, ann, "description", "Nut allergy", None)
        mobile = await record_updates.submit(session, presence, mother, "phones_mobile", "2", "1")
        response = await forms.submit(session, presence, ann, forms.checked("Trip", [{"question": "Q", "answer": "A"}]))
    found = await record(families, token)
    assert found.contact is not None
    assert (found.contact["title"], found.contact["phones_mobile"], found.updates) == ("Ms", "1", (mobile,))
    [student] = found.students
    values = student.values
    assert (values["year"], values["registration"], values["phones_home"]) == ("Year 4", None, "7")
    assert (values["date_of_birth"], values["dietary_needs"]) == ("2015-03-04", "No nuts")
    assert (student.updates, student.responses) == ((mild, nuts), (response,))
    [condition] = student.conditions
    assert (condition.id, condition.description, condition.updates) == (asthma, "Asthma", (mild,))


async def test_what_is_not_declared_is_never_read(families: Families) -> None:
    """Each hidden text has a canary, of the student, the own contact, another contact, the link and a note."""

    def hidden(entity: Any, shown: Sequence[str]) -> dict[str, str]:
        texts = [leaf.column for leaf in stored_leaves(entity) if leaf.field.kind.name in {"TEXT", "ID"}]
        return {column: NEVER for column in texts if column not in shown}

    mother = await families.contact()
    ann, stranger = await families.student(), await families.student("Sue")
    await families.link(ann, mother, priority=7)
    for table, row, values in (
        ("student", ann, hidden(STUDENT, (*STUDENT_SHOWN, *OWN_DETAILS))),
        ("contact", mother, hidden(CONTACT, (*CONTACT_SHOWN, *OWN_DETAILS))),
        ("student", stranger, dict.fromkeys((*STUDENT_SHOWN[:3], *OWN_DETAILS), NEVER)),
    ):
        assert len(values) > 5 or table == "contact"
        assignments = ", ".join(f"{column} = '{value}'" for column, value in values.items())
        await families.run(f"UPDATE {table} SET {assignments} WHERE id = ?", row)
    father = await families.contact(NEVER, **dict.fromkeys(OWN_DETAILS, NEVER))
    await families.link(ann, father, "Father")
    assert {leaf.column for leaf in stored_leaves(STUDENT_CONTACT)} >= {"court_order", "restricted_access", "priority"}
    asthma = await families.condition(ann, "Asthma")
    await families.add(
        "medical_note", school_id=families.school, id=families.new_id("mdn"), medical_condition_id=asthma, note=NEVER
    )
    await families.condition(stranger, NEVER)
    token = await families.session_of(mother)
    fathers = await families.session_of(father)
    async with families.database.write() as session:
        presence = await families.presence(fathers, session)
        await record_updates.submit(session, presence, father, "phones_mobile", NEVER + "2", NEVER)
    found = str(await record(families, token))
    assert "Asthma" in found
    assert NEVER not in found
    for word in ("court_order", "restricted", "priority", "parental", "religion", "ethnic", "sen_status", "upn"):
        assert word not in found


class Counting:
    """A session that counts its statements."""

    def __init__(self, session: Any) -> None:
        self.session, self.count = session, 0
        self.dialect = session.dialect

    async def fetch(self, statement: str, *parameters: object) -> Sequence[Row]:
        self.count += 1
        rows: Sequence[Row] = await self.session.fetch(statement, *parameters)
        return rows


async def test_the_number_of_statements_does_not_grow_with_the_number_of_students(families: Families) -> None:
    mother = await families.contact()
    counts = []
    for students in (1, 40):
        for _ in range(students):
            student = await families.student()
            await families.link(student, mother)
            await families.condition(student, "Asthma")
        token = await families.session_of(mother)
        async with families.database.read() as session:
            counting = Counting(session)
            found = await student_record.read(counting, await families.presence(token, counting))
        counts.append(counting.count)
        assert all(len(each.conditions) == 1 for each in found.students)
    assert len(found.students) == 41
    assert counts[0] == counts[1] <= 12


async def test_a_contact_whom_the_mis_no_longer_has_sees_nothing(families: Families) -> None:
    mother = await families.contact()
    await families.link(await families.student(), mother)
    token = await families.session_of(mother)
    await families.run(f"UPDATE contact SET deleted_at = '{NOW}'")
    found = await record(families, token)
    assert (found.contact, found.students) == (None, ())
