"""What an import learns of a school's MIS, and that a fact which was not supplied never changes who has access."""

import json
from typing import Any

import pytest

from authz.capabilities import of_school
from schema.errors import FieldgateError
from schema.vocabulary import LADDER_ATTRIBUTES
from server.database import Database
from tests.server.sync.conftest import QUICK, Digest, Rows, Sync
from tests.server.sync.test_client import BROKEN, BUSY, DROPPED, HALF
from tests.server.sync.test_links import facts
from tests.server.sync.wonde import Answer, FakeWonde
from tests.world import NOW, insert

COURT_ORDERS = {"contacts.court_order.read": False, "contacts.priority.read": True}


async def states(database: Database, school_id: str) -> dict[str, str]:
    async with database.read() as session:
        return {each.attribute: each.state for each in await of_school(session, school_id)}


def codes(result: Any) -> dict[str, int]:
    found: dict[str, int] = result.findings
    return found


async def stored(rows: Rows, *columns: str) -> dict[str, list[Any]]:
    found = await rows("student_contact", "source_id", *columns)
    return {row["source_id"]: [row[column] for column in columns] for row in found}


# What is declined ------------------------------------------------------------------------------------------------


async def test_a_declined_court_order_stays_as_stored_and_is_recorded(
    sync: Sync, api: FakeWonde, digest: Digest, rows: Rows, database: Database
) -> None:
    await sync()
    before = await digest()
    api.permissions = COURT_ORDERS
    result = await sync()
    assert result.changed == 0
    assert await digest() == before
    assert (await states(database, result.school_id))["court_order"] == "DECLINED"
    found = await rows("import_finding", "code", "outcome", "entity", "field", "value", "source_id")
    assert [tuple(row.values()) for row in found] == [
        ("CAPABILITY_DECLINED", "kept", "StudentContact", "courtOrder", "SUPPLIED", None),
        ("DECLINED_BY_MIS", "kept", "StudentContact", "courtOrder", None, None),
    ]


async def test_what_was_declined_before_is_no_news(sync: Sync, api: FakeWonde) -> None:
    api.permissions = COURT_ORDERS
    assert codes(await sync()) == {"CAPABILITY_DECLINED": 1, "DECLINED_BY_MIS": 1}
    assert codes(await sync()) == {"DECLINED_BY_MIS": 1}


async def test_a_new_link_has_no_court_order_while_that_is_declined_and_gets_it_afterwards(
    sync: Sync, api: FakeWonde, rows: Rows, database: Database
) -> None:
    api.permissions = COURT_ORDERS
    school_id = (await sync()).school_id
    assert [*(await stored(rows, "court_order")).values()] == [[None]] * 4
    api.permissions = {"contacts.court_order.read": True}
    await sync()
    assert await stored(rows, "court_order") == {
        "S1:P1": [False], "S1:P2": [False], "S2:P1": [False], "S3:P3": [True],
    }  # fmt: skip
    assert (await states(database, school_id))["court_order"] == "SUPPLIED"


async def test_everything_else_of_a_link_goes_on_while_a_fact_is_declined(
    sync: Sync, api: FakeWonde, rows: Rows
) -> None:
    facts(api, 2)["restricted_access"] = True
    await sync()
    api.permissions = COURT_ORDERS
    facts(api, 2).update(relationship="Uncle", priority=4, restricted_access=False)
    assert (await sync()).changed == 1
    columns = ("relationship", "relationship_key", "priority", "restricted_access", "court_order")
    assert (await stored(rows, *columns))["S3:P3"] == ["Uncle", "uncle", 4, False, True]
    [lifted] = (await stored(rows, "restriction_lifted_at"))["S3:P3"]
    assert lifted is None  # the court order, which nobody can see, still stands


@pytest.mark.parametrize("fact", ["relationship", *LADDER_ATTRIBUTES])
async def test_no_fact_that_decides_access_is_lost_by_declining_it(
    sync: Sync, api: FakeWonde, digest: Digest, fact: str
) -> None:
    for pupil in (0, 1, 2):
        facts(api, pupil).update(
            parental_responsibility=False, lives_with_pupil=True, priority=3, court_order=True, restricted_access=True
        )
    await sync()
    before = await digest()
    api.permissions = {f"contacts.{fact}.read": False}
    assert (await sync()).changed == 0
    assert await digest() == before


@pytest.mark.parametrize("declined", ["contacts", "students.contacts", "students"])
async def test_a_whole_list_or_include_that_is_declined_counts_for_every_attribute(
    sync: Sync, api: FakeWonde, database: Database, declined: str
) -> None:
    await sync()
    api.declined = {declined}
    if declined != "contacts":
        for pupil in api.lists["students"]:
            del pupil["contacts"]
    result = await sync()
    assert set((await states(database, result.school_id)).values()) == {"DECLINED"}
    assert codes(result)["CAPABILITY_DECLINED"] == 5


async def test_a_permission_that_is_withdrawn_while_the_lists_are_read_counts(
    sync: Sync, api: FakeWonde, digest: Digest
) -> None:
    api.permissions = {"contacts.court_order.read": True}
    await sync()
    before = await digest()
    answer = FakeWonde.answer

    def withdrawn(target: str) -> Answer:
        if "/students" in target:
            api.permissions = COURT_ORDERS
        return answer(api, target)

    api.answer = withdrawn  # type: ignore[method-assign]
    assert (await sync()).changed == 0
    assert await digest() == before


async def test_an_order_that_came_before_its_permission_was_withdrawn_counts(
    sync: Sync, api: FakeWonde, rows: Rows
) -> None:
    api.permissions = {"contacts.court_order.read": True}
    await sync()
    facts(api)["court_order"] = True
    answer = FakeWonde.answer

    def withdrawn(target: str) -> Answer:
        if "/events" in target:  # the pupils have been read
            api.permissions = COURT_ORDERS
        return answer(api, target)

    api.answer = withdrawn  # type: ignore[method-assign]
    assert (await sync()).changed == 1
    assert (await stored(rows, "court_order"))["S1:P1"] == [True]


async def test_a_permission_that_is_given_while_the_lists_are_read_blanks_nothing(
    sync: Sync, api: FakeWonde, digest: Digest
) -> None:
    await sync()
    before = await digest()
    api.permissions = COURT_ORDERS
    answer = FakeWonde.answer

    def given(target: str) -> Answer:
        found = answer(api, target)
        if "/students" in target:
            api.permissions = {"contacts.court_order.read": True}
        return found

    api.page_size = 2
    api.answer = given  # type: ignore[method-assign]
    assert (await sync()).changed == 0
    assert await digest() == before


# An API that does not tell ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        Answer(403, b'{"error": "invalid_permissions"}'), Answer(403, b"{}"), Answer(404, b"{}"), Answer(400, b"{}"),
        Answer(405), Answer(200, b"{}"), Answer(200, b'{"data": null}'), Answer(200, b'{"data": {"a": true}}'),
        Answer(200, b'{"data": [1, null, "x", []]}'), Answer(200, b'{"data": [{"identity": 1}]}'),
        Answer(200, b'{"data": [{"identity": "contacts.court_order.read", "approved": "no"}]}'),
    ],
    ids=lambda answer: f"{answer.status} {answer.body.decode()}"[:50],
)  # fmt: skip
async def test_where_permissions_cannot_be_read_nothing_is_known_and_the_sync_goes_on(
    sync: Sync, api: FakeWonde, database: Database, answer: Answer
) -> None:
    api.faults = [None, answer]
    result = await sync()
    assert codes(result) == {}
    assert (await states(database, result.school_id)) == {
        "parental_responsibility": "UNKNOWN", "lives_with_pupil": "UNKNOWN", "priority": "SUPPLIED",
        "court_order": "SUPPLIED", "restricted_access": "UNKNOWN",
    }  # fmt: skip


@pytest.mark.parametrize("body", [HALF, Answer(200, b"<html></html>"), Answer(200, b"[]")], ids=["cut", "html", "list"])
async def test_an_answer_about_permissions_that_stays_unreadable_tells_nothing(
    sync: Sync, api: FakeWonde, body: Answer
) -> None:
    api.faults = [None, *[body] * QUICK.tries]
    assert codes(await sync()) == {}


@pytest.mark.parametrize("fault", [DROPPED, BUSY, BROKEN], ids=["dropped", "429", "500"])
async def test_an_api_that_does_not_answer_about_permissions_ends_the_sync(
    sync: Sync, api: FakeWonde, digest: Digest, fault: Answer
) -> None:
    await sync()
    before = await digest()
    facts(api, 2)["court_order"] = False
    api.faults = [None, *[fault] * QUICK.tries]
    with pytest.raises(FieldgateError) as caught:
        await sync()
    assert caught.value.code == "MIS_UNREACHABLE"
    assert await digest() == before


async def test_what_was_declined_stays_declined_until_somebody_says_otherwise_or_a_value_comes(
    sync: Sync, api: FakeWonde, rows: Rows, database: Database
) -> None:
    await sync()
    api.permissions = COURT_ORDERS
    school_id = (await sync()).school_id
    api.permissions = None
    for pupil in range(3):
        for one in api.lists["students"][pupil]["contacts"]["data"]:
            one["relationship"]["court_order"] = None
    assert (await sync()).changed == 0
    assert (await states(database, school_id))["court_order"] == "DECLINED"
    facts(api, 1)["court_order"] = False
    await sync()
    assert await stored(rows, "court_order") == {
        "S1:P1": [None], "S1:P2": [None], "S2:P1": [False], "S3:P3": [None],
    }  # fmt: skip
    assert (await states(database, school_id))["court_order"] == "SUPPLIED"  # as published of this MIS


# What is seen ----------------------------------------------------------------------------------------------------


async def test_an_attribute_is_supplied_where_somebody_entered_it(
    sync: Sync, api: FakeWonde, database: Database
) -> None:
    api.school["mis"] = "Arbor"
    facts(api, 2)["court_order"] = False
    facts(api, 0, 1)["priority"] = 1
    school_id = (await sync()).school_id
    assert set((await states(database, school_id)).values()) == {"UNKNOWN"}  # one value on all may be filled in
    facts(api)["parental_responsibility"] = True
    facts(api)["priority"] = 2
    await sync()
    assert await states(database, school_id) == {
        "parental_responsibility": "SUPPLIED", "lives_with_pupil": "UNKNOWN", "priority": "SUPPLIED",
        "court_order": "UNKNOWN", "restricted_access": "UNKNOWN",
    }  # fmt: skip
    facts(api)["parental_responsibility"] = False
    await sync()
    assert (await states(database, school_id))["parental_responsibility"] == "SUPPLIED"


async def test_what_was_seen_of_one_mis_says_nothing_of_the_next(
    sync: Sync, api: FakeWonde, database: Database
) -> None:
    facts(api)["lives_with_pupil"] = True
    school_id = (await sync()).school_id
    assert (await states(database, school_id))["lives_with_pupil"] == "SUPPLIED"
    api.school["mis"] = "sims "
    facts(api)["lives_with_pupil"] = False
    await sync()
    assert (await states(database, school_id))["lives_with_pupil"] == "SUPPLIED"
    api.school["mis"] = "Arbor"
    await sync()
    assert (await states(database, school_id))["lives_with_pupil"] == "UNKNOWN"


async def test_seeing_the_same_again_writes_nothing(sync: Sync, api: FakeWonde, rows: Rows) -> None:
    api.permissions = {f"contacts.{fact}.read": fact != "lives_with_pupil" for fact in LADDER_ATTRIBUTES}
    await sync()
    columns = ("attribute", "state", "source", "as_of")
    before = await rows("school_capability", *columns)
    assert {row["attribute"] for row in before} == {"court_order", "lives_with_pupil", "priority"}
    await sync()
    assert await rows("school_capability", *columns) == before


async def test_a_failed_sync_learns_nothing(sync: Sync, api: FakeWonde, rows: Rows) -> None:
    await sync()
    before = await rows("school_capability", "attribute", "state", "as_of")
    api.permissions = COURT_ORDERS
    api.faults = [*[None] * 6, *[BROKEN] * QUICK.tries]
    with pytest.raises(FieldgateError):
        await sync()
    assert await rows("school_capability", "attribute", "state", "as_of") == before


# What follows ----------------------------------------------------------------------------------------------------


async def test_sign_ins_are_looked_at_again_after_a_change_and_only_then(
    sync: Sync, api: FakeWonde, rows: Rows
) -> None:
    school_id = (await sync()).school_id
    asked = [{"school_id": school_id, "request": 1}]
    assert await rows("contact_allocation", "school_id", "request") == asked
    await sync()
    assert await rows("contact_allocation", "school_id", "request") == asked
    facts(api)["court_order"] = True
    await sync()
    assert await rows("contact_allocation", "school_id", "request") == [{"school_id": school_id, "request": 2}]
    api.faults = [None, None, *[BROKEN] * QUICK.tries]
    facts(api)["court_order"] = False
    with pytest.raises(FieldgateError):
        await sync()
    assert await rows("contact_allocation", "school_id", "request") == [{"school_id": school_id, "request": 2}]


async def test_the_request_and_the_counts_are_of_one_import(sync: Sync, api: FakeWonde, rows: Rows) -> None:
    result = await sync()
    [run] = await rows("import_run", "id", "counts")
    assert json.loads(run["counts"]) == result.counts
    api.school["name"] = "Testham Academy"  # any row counts: a pupil's leaving date decides as well
    await sync()
    assert [row["request"] for row in await rows("contact_allocation", "request", "school_id")] == [2]


async def test_a_contacts_update_is_closed_by_the_sync_that_delivers_it_and_by_no_other(
    sync: Sync, api: FakeWonde, rows: Rows, database: Database
) -> None:
    school_id = (await sync()).school_id
    [contact] = await rows("contact", "id", "source_id", where="source_id = 'P1'")
    update: dict[str, Any] = {
        "school_id": school_id, "id": "upd_1", "contact_id": contact["id"], "entity": "contact",
        "subject_id": contact["id"], "field": "phones_mobile", "new_value": "07700 900001", "submitted_at": NOW,
        "state": "SUBMITTED",
    }  # fmt: skip
    async with database.write() as session:
        await insert(session, "record_update", [update])
    phones = api.lists["contacts"][0]["contact_details"] = {"data": {"phones": {"mobile": "07700 900009"}}}
    await sync()
    assert await rows("record_update", "state", "closed_by") == [{"state": "SUBMITTED", "closed_by": None}]
    phones["data"]["phones"]["mobile"] = "07700 900001"
    api.faults = [*[None] * 9, *[BROKEN] * QUICK.tries]
    with pytest.raises(FieldgateError):
        await sync()
    assert await rows("record_update", "state", "closed_by") == [{"state": "SUBMITTED", "closed_by": None}]
    await sync()
    assert await rows("record_update", "state", "closed_by") == [{"state": "DELIVERED", "closed_by": "sync"}]
    names = [row["name"] for row in await rows("audit_event", "seq", "name")]
    assert names == ["school_added", "record_update_delivered"]
