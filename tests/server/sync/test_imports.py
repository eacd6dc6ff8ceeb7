"""Whole imports into a real database: what they write, what they leave alone, and that each is all or nothing."""

import asyncio
import json
from typing import Any

import pytest

from authz import schools
from schema.errors import FieldgateError
from server.database import Database
from server.sync import imports, store
from server.sync.connector import import_records
from server.sync.imports import ImportRun, Wanted, begin, kept_alive
from server.sync.reading import Reading
from tests.server.sync.conftest import BY, QUICK, Digest, Rows, Sync
from tests.server.sync.test_client import BROKEN, BUSY, DROPPED, HALF
from tests.server.sync.wonde import SCHOOL, Answer, FakeWonde, link, person, php, student

MADE = {
    "school": 1, "student": 4, "contact": 3, "student_contact": 4, "employee": 2, "school_class": 1, "school_group": 2,
    "subject": 1, "attendance_summary": 1, "session_attendance": 1, "behaviour": 3, "school_event": 1,
    "medical_condition": 1, "medical_note": 1,
}  # fmt: skip


async def test_a_first_sync_makes_the_school_and_everything_in_it(sync: Sync, rows: Rows) -> None:
    result = await sync()
    for table, count in MADE.items():
        found = await rows(table, "id", "source_id", "deleted_at", "first_synced_at")
        assert (table, len(found)) == (table, count)
        assert all(row["deleted_at"] is None and row["first_synced_at"] and row["source_id"] for row in found)
    (school,) = await rows("school", "id", "source_id", "name", "urn", "provider")
    assert school == {
        "id": result.school_id, "source_id": SCHOOL, "name": "Testham School", "urn": 123456, "provider": "SIMS",
    }  # fmt: skip
    (added,) = await rows("audit_event", "school_id", "name", "actor")
    assert added == {"school_id": result.school_id, "name": "school_added", "actor": BY.name}


async def test_values_are_stored_canonically_on_both_databases(sync: Sync, database: Database) -> None:
    await sync()
    dialect = database.dialect
    async with database.read() as session:
        [[day, court_order, priority]] = await session.fetch(
            f"SELECT {dialect.day_text('s.admission_date')}, l.court_order, l.priority FROM student s "
            "JOIN student_contact l ON l.student_id = s.id WHERE s.source_id = 'S3'"
        )
        [[start]] = await session.fetch(f"SELECT {dialect.instant_text('start_date')} FROM school_event")
    assert (day, bool(court_order), priority) == ("2024-09-03", True, 1)
    assert start == "2025-07-01T08:00:00.000000Z"


async def test_a_second_sync_changes_nothing(sync: Sync, digest: Digest, rows: Rows) -> None:
    first, before = await sync(), await digest()
    second = await sync()
    assert (second.changed, second.school_id) == (0, first.school_id)
    assert await digest() == before
    runs = await rows("import_run", "id", "source", "state", "error_code", "counts")
    assert [(run["source"], run["state"], run["error_code"]) for run in runs] == [
        (f"wonde:{SCHOOL}", "completed", None)
    ] * 2
    assert json.loads(next(run["counts"] for run in runs if run["id"] == second.run_id)) == second.counts


async def test_only_what_differs_is_written(sync: Sync, api: FakeWonde, rows: Rows) -> None:
    await sync()
    before = {row["source_id"]: row for row in await rows("contact", "source_id", "id", "first_synced_at", "surname")}
    api.lists["contacts"][1]["surname"] = "Renamed"
    api.school["name"] = "Testham Academy"
    api.lists["contacts"].append(person("P4"))
    api.lists["students"][3]["contacts"]["data"].append(link("P4"))
    result = await sync()
    assert result.counts["Contact"] | {"read": 0} == {
        "read": 0, "inserted": 1, "updated": 1, "deleted": 0, "unchanged": 2, "refused": 0,
    }  # fmt: skip
    assert result.counts["School"]["updated"] == result.counts["StudentContact"]["inserted"] == 1
    after = {row["source_id"]: row for row in await rows("contact", "source_id", "id", "first_synced_at", "surname")}
    assert after["P2"] == before["P2"] | {"surname": "Renamed"}
    assert after["P1"] == before["P1"]
    assert (await rows("school", "name", "id"))[0]["name"] == "Testham Academy"


async def test_what_is_gone_is_marked_deleted_and_returns_with_its_id(sync: Sync, api: FakeWonde, rows: Rows) -> None:
    await sync()
    (before,) = await rows("student", "id", "first_synced_at", where="source_id = 'S2'")
    pupil = api.lists["students"].pop(1)
    assert (await sync()).counts["Student"]["deleted"] == 1
    (gone,) = await rows("student", "id", "first_synced_at", "deleted_at", where="source_id = 'S2'")
    assert gone["deleted_at"] is not None
    assert len(await rows("student_contact", "id", "deleted_at", where="deleted_at IS NOT NULL")) == 1
    assert len(await rows("student_class", "student_id", "class_id")) == 1
    api.lists["students"].append(pupil)
    assert (await sync()).counts["Student"]["updated"] == 1
    (back,) = await rows("student", "id", "first_synced_at", "deleted_at", where="source_id = 'S2'")
    assert back == before | {"deleted_at": None}
    assert len(await rows("student_class", "student_id", "class_id")) == 2


async def test_people_who_swap_ids_keep_their_own(sync: Sync, api: FakeWonde, rows: Rows) -> None:
    await sync()
    before = {row["upi"]: row["id"] for row in await rows("contact", "upi", "id")}
    for old, new in (("P1", "Q1"), ("P2", "Q2"), ("P3", "Q3")):
        next(one for one in api.lists["contacts"] if one["id"] == old)["id"] = new
        for pupil in api.lists["students"]:
            for one in pupil["contacts"]["data"]:
                one["id"] = new if one["id"] == old else one["id"]
    result = await sync()
    assert result.counts["Contact"]["updated"] == result.findings["ID_CHANGED"] == 3
    assert {row["upi"]: row["id"] for row in await rows("contact", "upi", "id")} == before


async def test_findings_are_rows_of_their_import(sync: Sync, api: FakeWonde, rows: Rows) -> None:
    api.lists["students"].append(student("S5", link("P1", priority="high"), date_of_birth=php("2010-02-30")))
    api.lists["contacts"] += [{"surname": "Nobody"}, person("P1")]
    result = await sync()
    found = await rows("import_finding", "seq", "run_id", "entity", "source_id", "field", "code", "outcome", "value")
    assert {row.pop("run_id") for row in found} == {result.run_id}
    assert [tuple(row.values()) for row in found] == [
        (1, "Contact", None, None, "MISSING_ID", "refused", None),
        (2, "Contact", "P1", None, "DUPLICATE_RECORD", "refused", None),
        (3, "Student", "S5", "dateOfBirth", "BAD_DATE", "refused", json.dumps(php("2010-02-30"))),
        (4, "StudentContact", "S5:P1", "priority", "BAD_NUMBER", "refused", "high"),
    ]
    assert result.counts["Contact"]["refused"] == 2
    assert len(await rows("contact", "id", "source_id")) == 3


@pytest.mark.parametrize("fault", [HALF, DROPPED, BUSY, BROKEN], ids=["truncated", "dropped", "429", "500"])
async def test_faults_that_pass_do_not_matter(sync: Sync, api: FakeWonde, digest: Digest, fault: Answer) -> None:
    await sync()
    before = await digest()
    api.faults = [fault, None, fault, None, None] * 5
    assert (await sync()).changed == 0
    assert await digest() == before


@pytest.mark.parametrize("at", [1, 3, 7, 12])
@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (HALF, "MIS_ANSWER_INVALID"), (DROPPED, "MIS_UNREACHABLE"), (BUSY, "MIS_UNREACHABLE"),
        (BROKEN, "MIS_UNREACHABLE"), (Answer(401, b"{}"), "MIS_REFUSED"), (Answer(404, b"{}"), "MIS_REFUSED"),
        (Answer(403, b'{"error": "school_not_approved"}'), "MIS_REFUSED"),
        (Answer(200, b'{"data": 1}'), "MIS_ANSWER_INVALID"),
    ],
    ids=["truncated", "dropped", "429", "500", "401", "404", "not approved", "no list"],
)  # fmt: skip
async def test_an_incomplete_read_changes_nothing(
    sync: Sync, api: FakeWonde, digest: Digest, rows: Rows, fault: Answer, code: str, at: int
) -> None:
    await sync()
    before = await digest()
    api.lists["students"].clear()
    api.lists["contacts"][0]["surname"] = "Changed"
    api.faults = [*[None] * (at - 1), *[fault] * QUICK.tries]
    with pytest.raises(FieldgateError) as caught:
        await sync(accept_empty=True)
    assert caught.value.code == code
    assert await digest() == before
    failed = await rows("import_run", "error_code", "error_message", "state", where="state <> 'completed'")
    assert failed == [{"error_code": code, "error_message": caught.value.message, "state": "failed"}]


async def test_a_first_sync_that_fails_makes_no_school_and_its_id_is_used_again(
    sync: Sync, api: FakeWonde, rows: Rows
) -> None:
    api.faults = [None] * 4 + [BROKEN] * QUICK.tries
    with pytest.raises(FieldgateError):
        await sync()
    assert await rows("school", "id", "name") == []
    (failed,) = await rows("import_run", "school_id", "state")
    assert (await sync()).school_id == failed["school_id"]


async def test_a_write_that_fails_half_way_leaves_everything_as_it_was(
    sync: Sync, api: FakeWonde, digest: Digest, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sync()
    before = await digest()
    api.lists["students"].pop()

    async def fail_after(*arguments: Any) -> None:
        await store.apply(*arguments)
        raise RuntimeError("the power went")

    monkeypatch.setattr(imports, "apply", fail_after)
    with pytest.raises(RuntimeError):
        await sync()
    assert await digest() == before
    failed = await rows("import_run", "error_code", "error_message", where="state = 'failed'")
    assert failed == [{"error_code": "INTERNAL_ERROR", "error_message": "The import ended with RuntimeError."}]


async def test_a_declined_list_stays_as_it_is(sync: Sync, api: FakeWonde, digest: Digest, rows: Rows) -> None:
    await sync()
    before = await digest()
    api.declined = {
        "contacts",
        "students.contacts",
        "medical-conditions",
        "classes.subject",
        "students.education_details",
    }
    for pupil in api.lists["students"]:  # what the API declines, it does not send
        del pupil["contacts"], pupil["education_details"]
    result = await sync()
    assert (result.changed, result.declined) == (0, ("Contact", "MedicalCondition", "MedicalNote", "StudentContact"))
    assert await digest() == before
    found = await rows("import_finding", "seq", "code", "outcome", "entity", "field")
    assert [(row["code"], row["outcome"], row["entity"], row["field"]) for row in found] == [
        ("DECLINED_BY_MIS", "kept", "Class", "subject"),
        ("DECLINED_BY_MIS", "kept", "Contact", None),
        ("DECLINED_BY_MIS", "kept", "Student", "education_details"),
        ("DECLINED_BY_MIS", "kept", "Student", "contacts"),
        ("DECLINED_BY_MIS", "kept", "MedicalCondition", None),
        ("CAPABILITY_DECLINED", "kept", "StudentContact", "parentalResponsibility"),
        ("CAPABILITY_DECLINED", "kept", "StudentContact", "livesWithPupil"),
        ("CAPABILITY_DECLINED", "kept", "StudentContact", "priority"),
        ("CAPABILITY_DECLINED", "kept", "StudentContact", "courtOrder"),
        ("CAPABILITY_DECLINED", "kept", "StudentContact", "restrictedAccess"),
    ]


async def test_a_school_without_pupils_is_taken_for_a_mistake_until_it_is_accepted(
    sync: Sync, api: FakeWonde, digest: Digest
) -> None:
    await sync()
    before = await digest()
    api.lists["students"].clear()
    with pytest.raises(FieldgateError, match="--accept-empty") as caught:
        await sync()
    assert caught.value.code == "MIS_ANSWER_INVALID"
    assert await digest() == before
    assert (await sync(accept_empty=True)).counts["Student"]["deleted"] == 4


# One import at a time --------------------------------------------------------------------------------------------


async def test_two_imports_of_one_school_do_not_run_at_once(sync: Sync, database: Database) -> None:
    run = await begin(database, "wonde", Wanted(source_id=SCHOOL), by=BY)
    with pytest.raises(FieldgateError) as caught:
        await sync()
    assert caught.value.code == "SYNC_RUNNING"
    other = await begin(database, "wonde", Wanted(source_id="T2"), by=BY)
    assert other.school_id != run.school_id


async def test_of_two_first_syncs_at_once_one_is_refused(sync: Sync, rows: Rows) -> None:
    results = await asyncio.gather(sync(), sync(), return_exceptions=True)
    (refused,) = [result for result in results if isinstance(result, FieldgateError)]
    assert refused.code == "SYNC_RUNNING"
    assert len(await rows("school", "id", "name")) == 1


async def grow_old(database: Database, run: ImportRun) -> None:
    async with database.write() as session:
        await session.execute(
            f"UPDATE import_run SET heartbeat_at = {session.dialect.instant()} WHERE id = ?",
            "2020-01-01T00:00:00.000000Z",
            run.id,
        )


async def test_an_import_whose_process_died_is_taken_over_when_its_lease_is_over(
    sync: Sync, database: Database, rows: Rows
) -> None:
    dead = await begin(database, "wonde", Wanted(source_id=SCHOOL), by=BY)
    await grow_old(database, dead)
    assert (await sync()).school_id == dead.school_id
    states = {row["id"]: row["state"] for row in await rows("import_run", "id", "state")}
    assert sorted(states.values()) == ["abandoned", "completed"]
    assert states[dead.id] == "abandoned"


async def test_an_import_that_was_taken_over_writes_nothing(
    sync: Sync, api: FakeWonde, database: Database, digest: Digest
) -> None:
    await sync()
    before = await digest()
    api.lists["students"].pop()
    slow = await begin(database, "wonde", Wanted(source_id=SCHOOL), by=BY)
    await grow_old(database, slow)
    await begin(database, "wonde", Wanted(source_id=SCHOOL), by=BY)
    reading = Reading(api.school, SCHOOL)
    with pytest.raises(FieldgateError) as caught:
        await imports.complete(database, slow, reading, accept_empty=True)
    assert caught.value.code == "SYNC_RUNNING"
    assert await digest() == before


async def test_a_running_import_renews_its_lease(database: Database, rows: Rows) -> None:
    run = await begin(database, "wonde", Wanted(source_id=SCHOOL), by=BY)
    await grow_old(database, run)
    async with kept_alive(database, run, every=0.01):
        await asyncio.sleep(0.3)
        with pytest.raises(FieldgateError):
            await begin(database, "wonde", Wanted(source_id=SCHOOL), by=BY)


async def test_a_cancelled_import_has_failed_and_frees_its_school(sync: Sync, database: Database, rows: Rows) -> None:
    run = await begin(database, "wonde", Wanted(source_id=SCHOOL), by=BY)

    async def work() -> None:
        async with kept_alive(database, run, every=0.001):
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await rows("import_run", "state", "error_code"))[0] == {"state": "failed", "error_code": "INTERNAL_ERROR"}
    await sync()


# Which school ----------------------------------------------------------------------------------------------------


async def test_a_school_that_was_added_by_hand_is_tied_to_its_mis_once(
    sync: Sync, database: Database, rows: Rows
) -> None:
    async with database.write() as session:
        school_id = await schools.add(session, "Testham", by=BY)
    with pytest.raises(FieldgateError) as caught:
        await sync(Wanted(school_id=school_id))
    assert caught.value.code == "SCHOOL_SOURCE_INVALID"
    tied = await sync(Wanted(school_id, SCHOOL))
    assert tied.school_id == school_id
    assert await rows("school", "id", "name") == [{"id": school_id, "name": "Testham School"}]
    assert (await sync(Wanted(school_id=school_id))).changed == 0
    assert (await sync(Wanted(source_id=SCHOOL))).changed == 0


async def test_two_ids_of_two_schools_are_refused(sync: Sync, database: Database) -> None:
    school_id = (await sync()).school_id
    async with database.write() as session:
        other = await schools.add(session, "Other", by=BY)
    for wanted in (Wanted(school_id, "T2"), Wanted(other, SCHOOL), Wanted()):
        with pytest.raises(FieldgateError) as caught:
            await sync(wanted)
        assert caught.value.code == "SCHOOL_SOURCE_INVALID"
    with pytest.raises(FieldgateError) as caught:
        await sync(Wanted("sch_zzzzzzzz", SCHOOL))
    assert caught.value.code == "SCHOOL_UNKNOWN"


async def test_records_in_memory_are_imported_the_same_way(api: FakeWonde, sync: Sync, database: Database) -> None:
    first = await import_records(database, api.records(), source="wonde", by=BY)
    assert first.changed > 0
    assert (await sync()).changed == 0
