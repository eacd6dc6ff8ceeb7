"""What a read changes in what is stored: ids that stay, people known again, links that are refused. No database."""

from typing import Any

import pytest

from schema.ids import seeded_keys
from server.sync.changes import ORDER, REFERENCES, Changes, compare
from server.sync.reading import Reading
from server.sync.stored import StoredRows, StoredSchool, columns_of
from server.sync.wonde import ENDPOINTS
from tests.server.sync.wonde import FakeWonde, link, person, small_school, student

SCHOOL_ID = "sch_00000001"
KEY = seeded_keys("changes")


def read(api: FakeWonde, *declined: str) -> Reading:
    reading = Reading(api.school, str(api.school["id"]))
    for endpoint in ENDPOINTS:
        for name in endpoint.includes:
            if f"{endpoint.path}.{name}" in declined:
                reading.decline(endpoint, name)
        if endpoint.path in declined:
            reading.decline(endpoint)
        else:
            reading.take(endpoint, api.lists[endpoint.path])
            reading.close(endpoint)
    return reading


def nothing() -> StoredSchool:
    names = ("School", *ORDER)
    tables = ("student_class", "student_group", "employee_class", "employee_group")
    return StoredSchool({name: StoredRows() for name in names}, {table: set() for table in tables})


def after(changes: Changes, before: StoredSchool) -> StoredSchool:
    """What is stored once the changes are written."""
    for name, rows in changes.rows.items():
        stored = before.entities[name]
        for row in [*rows.inserted, *rows.updated]:
            stored.rows[str(row[0])] = row
            stored.by_source = {source: own for source, own in stored.by_source.items() if own != row[0]}
            stored.by_source[str(row[1])] = str(row[0])
            stored.deleted.discard(str(row[0]))
        stored.deleted.update(rows.gone)
    for table, pairs in changes.pairs.items():
        before.pairs[table].update(pairs.added)
        before.pairs[table].difference_update(pairs.removed)
    return before


def compared(api: FakeWonde, stored: StoredSchool, *declined: str) -> Changes:
    return compare(read(api, *declined), stored, SCHOOL_ID, KEY)


@pytest.fixture
def api() -> FakeWonde:
    return small_school()


@pytest.fixture
def stored(api: FakeWonde) -> StoredSchool:
    before = nothing()
    return after(compared(api, before), before)


def of(stored: StoredSchool, entity: str, source_id: str) -> dict[str, Any]:
    rows = stored.entities[entity]
    return dict(zip(columns_of(entity), rows.rows[rows.by_source[source_id]], strict=True))


def changed(changes: Changes) -> dict[str, list[int]]:
    """The tables that change, with how much is inserted, updated and deleted."""
    verbs = ("inserted", "updated", "deleted")
    found = {name: [count[verb] for verb in verbs] for name, count in changes.counts().items()}
    return {name: count for name, count in found.items() if any(count)}


def test_every_entity_comes_after_those_it_points_to() -> None:
    assert all(ORDER.index(target) < ORDER.index(name) for name in ORDER for target in REFERENCES[name].values())


def test_the_same_read_again_changes_nothing(api: FakeWonde, stored: StoredSchool) -> None:
    changes = compared(api, stored)
    assert changed(changes) == {}
    assert changes.counts()["Student"] == {
        "read": 4, "inserted": 0, "updated": 0, "deleted": 0, "unchanged": 4, "refused": 0,
    }  # fmt: skip


def test_links_and_memberships_point_to_ids_of_ours(stored: StoredSchool) -> None:
    pupil, lesson = of(stored, "Student", "S1"), of(stored, "Class", "C1")
    assert pupil["year_id"] == of(stored, "Group", "G1")["id"]
    assert lesson["subject_id"] == of(stored, "Subject", "SU1")["id"]
    assert (pupil["id"], lesson["id"]) in stored.pairs["student_class"]
    assert of(stored, "StudentContact", "S1:P2")["contact_id"] == of(stored, "Contact", "P2")["id"]
    assert of(stored, "MedicalNote", "N1")["medical_condition_id"] == of(stored, "MedicalCondition", "H1")["id"]


def test_the_parts_of_an_incident_share_an_id_that_stays(api: FakeWonde, stored: StoredSchool) -> None:
    parts = ("B1:S1", "B1:S2", "B1:S1:2")
    (incident,) = {of(stored, "Behaviour", part)["incident_id"] for part in parts}
    assert incident.startswith("inc_")
    api.lists["behaviours"][0]["students"]["data"].append({"id": "S4", "points": 9})
    changes = compared(api, stored)
    assert changed(changes) == {"Behaviour": [1, 0, 0]}
    assert of(after(changes, stored), "Behaviour", "B1:S4")["incident_id"] == incident


def test_a_record_that_is_gone_is_deleted_with_its_links_and_returns_with_its_id(
    api: FakeWonde, stored: StoredSchool
) -> None:
    own, all_students = of(stored, "Student", "S2")["id"], api.lists["students"]
    api.lists["students"] = [pupil for pupil in all_students if pupil["id"] != "S2"]
    changes = compared(api, stored)
    assert changed(changes) == {
        "Student": [0, 0, 1], "StudentContact": [0, 0, 1], "Behaviour": [0, 0, 1], "student_class": [0, 0, 1],
    }  # fmt: skip
    assert changes.findings.by_code == {"UNKNOWN_LINK": 1}
    after(changes, stored)
    api.lists["students"] = all_students
    changes = compared(api, stored)
    assert changed(changes)["Student"] == [0, 1, 0]
    assert changes.rows["Student"].updated[0][0] == own


def test_a_person_whose_id_changed_is_known_by_upi(api: FakeWonde, stored: StoredSchool) -> None:
    own = of(stored, "Student", "S1")["id"]
    api.lists["students"][0]["id"] = "S1-again"
    changes = compared(api, stored)
    assert [row[:2] for row in changes.rows["Student"].updated] == [(own, "S1-again")]
    assert changes.rows["Student"].source_ids_move
    assert changes.findings.by_code["ID_CHANGED"] == 1


def test_two_people_of_one_upi_are_not_guessed_at(api: FakeWonde, stored: StoredSchool) -> None:
    api.lists["students"][0] |= {"id": "S8"}
    api.lists["students"].append(student("S9", upi="upi-S1"))
    assert len(compared(api, stored).rows["Student"].inserted) == 2


def test_a_newcomer_is_not_known_by_the_upi_of_somebody_who_is_still_here(api: FakeWonde, stored: StoredSchool) -> None:
    api.lists["students"].append(student("S9", upi="upi-S1"))
    changes = compared(api, stored)
    assert len(changes.rows["Student"].inserted) == 1
    assert changes.rows["Student"].updated == []


def test_nobody_is_known_by_a_missing_upi(api: FakeWonde, stored: StoredSchool) -> None:
    for pupil in api.lists["students"]:
        pupil |= {"upi": None, "id": f"{pupil['id']}-again"}
    assert len(compared(api, stored).rows["Student"].inserted) == 4


def test_a_contact_and_an_employee_of_one_upi_stay_two_records(api: FakeWonde) -> None:
    api.lists["contacts"].append(person("P9", upi="upi-E1"))
    changes = compared(api, nothing())
    assert len(changes.rows["Contact"].inserted) == 4
    assert len(changes.rows["Employee"].inserted) == 2


@pytest.mark.parametrize(
    ("path", "record", "entity"),
    [
        ("attendance/session", {"id": "M2", "student": "S99"}, "SessionAttendance"),
        ("attendance-summaries", {"id": "A2", "student": "S99"}, "AttendanceSummary"),
        ("medical-conditions", {"id": "H2", "student": "S99", "notes": {"data": [{"id": "N9"}]}}, "MedicalCondition"),
        ("behaviours", {"id": "B2", "students": {"data": [{"id": "S99"}]}}, "Behaviour"),
        ("students", student("S5", link("P99")), "StudentContact"),
    ],
)
def test_a_record_about_somebody_who_was_not_read_is_refused(
    api: FakeWonde, stored: StoredSchool, path: str, record: dict[str, Any], entity: str
) -> None:
    api.lists[path].append(record)
    changes = compared(api, stored)
    assert changes.rows[entity].inserted == []
    assert changes.counts()[entity]["refused"] == 1
    assert changes.findings.by_code["UNKNOWN_LINK"] == (2 if entity == "MedicalCondition" else 1)  # its note as well


def test_a_link_to_something_that_was_not_read_is_null_and_recorded(api: FakeWonde) -> None:
    api.lists["classes"][0]["subject"] = "SU99"
    api.lists["students"][0]["year"] = {"data": {"id": "G99"}}
    api.lists["students"][0]["classes"]["data"].append({"id": "C99"})
    before = nothing()
    changes = compared(api, before)
    after(changes, before)
    assert of(before, "Class", "C1")["subject_id"] is None
    assert of(before, "Student", "S1")["year_id"] is None
    assert {(f.entity, f.source_id, f.field, f.value) for f in changes.findings} == {
        ("Class", "C1", "subject", "SU99"),
        ("Student", "S1", "year", "G99"),
        ("student_class", "S1:C99", None, "C99"),
    }


def test_a_declined_list_stays_and_deletes_nothing(api: FakeWonde, stored: StoredSchool) -> None:
    api.lists["contacts"] = []
    changes = compared(api, stored, "contacts", "students.contacts")
    assert changed(changes) == {}
    assert changes.kept == {"Contact", "StudentContact"}
    assert changes.counts()["Contact"]["read"] == 0


def test_links_to_a_declined_list_are_found_among_what_is_stored(api: FakeWonde, stored: StoredSchool) -> None:
    changes = compared(api, stored, "employees")
    assert changed(changes) == {}
    assert set(changes.findings.by_code) == {"DECLINED_BY_MIS"}


def test_what_hangs_on_somebody_who_is_gone_goes_even_when_it_was_declined(
    api: FakeWonde, stored: StoredSchool
) -> None:
    del api.lists["students"][0]
    api.lists["behaviours"] = []
    changes = compared(
        api, stored, "students.contacts", "students.classes", "attendance/session", "behaviours.students"
    )
    assert changed(changes)["StudentContact"] == [0, 0, 2]
    assert changed(changes)["SessionAttendance"] == [0, 0, 1]
    assert changed(changes)["Behaviour"] == [0, 0, 2]
    assert changed(changes)["student_class"] == [0, 0, 1]


def test_a_declined_part_of_a_record_stays(api: FakeWonde, stored: StoredSchool) -> None:
    pupil = api.lists["students"][0]
    del pupil["education_details"], pupil["year"]
    pupil["surname"] = "New"
    changes = compared(api, stored, "students.education_details", "students.year")
    after(changes, stored)
    row = of(stored, "Student", "S1")
    assert (row["surname"], row["upn"], row["year_id"]) == ("New", "B801200005001", of(stored, "Group", "G1")["id"])


def test_a_field_that_is_no_longer_sent_becomes_null(api: FakeWonde, stored: StoredSchool) -> None:
    del api.lists["students"][2]["contacts"]["data"][0]["relationship"]["court_order"]
    changes = compared(api, stored)
    assert changed(changes) == {"StudentContact": [0, 1, 0]}
    assert of(after(changes, stored), "StudentContact", "S3:P3")["court_order"] is None


def test_records_that_all_lack_their_pupil_were_not_supplied(api: FakeWonde, stored: StoredSchool) -> None:
    del api.lists["attendance-summaries"][0]["student"]
    changes = compared(api, stored)
    assert changed(changes) == {}
    assert [(f.code, f.entity, f.field) for f in changes.findings] == [("NOT_SUPPLIED", "AttendanceSummary", "student")]


def test_ids_are_the_same_from_the_same_seed(api: FakeWonde) -> None:
    first, second = (compare(read(api), nothing(), SCHOOL_ID, seeded_keys("x")) for _ in range(2))
    assert first.rows == second.rows
    assert all(row[0].startswith("stu_00000001") for row in first.rows["Student"].inserted if isinstance(row[0], str))
