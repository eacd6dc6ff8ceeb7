"""The Grand Bend sample district, read from a stand-in for the MIS API that is not part of this project.

Both are looked for in a folder beside the checkout, or where FIELDGATE_SHARED says; without them these tests skip.
"""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from authz import access
from authz.capabilities import of_school
from schema.errors import FieldgateError
from schema.vocabulary import VIEW_AND_UPDATE
from server.database import Database
from server.sync.client import Patience, WondeClient
from server.sync.connector import sync_school
from server.sync.imports import ImportResult, Wanted
from tests.server.sync.conftest import BY, Digest, Rows
from tests.server.sync.test_access import ORDERED, OVERRIDDEN, Access

SHARED = Path(os.environ.get("FIELDGATE_SHARED") or Path(__file__).parents[4] / "shared")
STUB, DATA = SHARED / "tools" / "wonde_stub.py", SHARED / "data" / "grand-bend"
HIGH, MIDDLE, ELEMENTARY = "A9000000101", "A9000000144", "A9000000107"
PATIENT = Patience(tries=12, first_wait_seconds=0.01, longest_wait_seconds=0.2, request_seconds=20)
COUNTS = {
    "student": 932, "contact": 1873, "student_contact": 1868, "employee": 78, "school_class": 532, "school_group": 82,
    "subject": 21, "attendance_summary": 932, "behaviour": 23, "school_event": 26, "session_attendance": 3767,
    "medical_condition": 13,
}  # fmt: skip

pytestmark = pytest.mark.skipif(
    not (STUB.is_file() and DATA.is_dir()),
    reason=f"There is no stand-in for the MIS API at {STUB}: see FIELDGATE_SHARED.",
)


class Stub:
    """The running stand-in."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def control(self, **operation: Any) -> Any:
        """One operation on it."""
        request = urllib.request.Request(  # noqa: S310 - an address of this machine
            self.base_url.replace("/v1.0", "/_control"), json.dumps(operation).encode(), method="POST"
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer)["results"][0]


@pytest.fixture(scope="module")
def running_stub() -> Iterator[Stub]:
    command = [sys.executable, str(STUB), "--data", str(DATA), "--port", "0", "--mutate"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Stub(process.stdout.readline().split()[-1])
        process.kill()


@pytest.fixture
def stub(running_stub: Stub) -> Iterator[Stub]:
    yield running_stub
    running_stub.control(op="reset")
    quiet = dict.fromkeys(("error_every", "truncate_every", "drop_every", "drop_after", "latency_ms"), 0)
    running_stub.control(op="fault", rate_limit="", missing_field="null", **quiet)


GrandBend = Callable[..., Awaitable[ImportResult]]


@pytest.fixture
def grand_bend(stub: Stub, database: Database) -> GrandBend:
    async def run(school: str = HIGH) -> ImportResult:
        async with WondeClient(stub.base_url, "test-token", PATIENT) as client:
            return await sync_school(database, client, Wanted(source_id=school), by=BY)

    return run


async def test_the_whole_district_is_stored_and_a_second_run_changes_nothing(
    grand_bend: GrandBend, rows: Rows, digest: Digest
) -> None:
    for school in (HIGH, MIDDLE, ELEMENTARY):
        assert (await grand_bend(school)).declined == ()
    found = {table: len(await rows(table, "id", "deleted_at", where="deleted_at IS NULL")) for table in COUNTS}
    assert found == COUNTS
    assert len({row["incident_id"] for row in await rows("behaviour", "incident_id", "id")}) == 21
    before = await digest()
    for school in (HIGH, MIDDLE, ELEMENTARY):
        again = await grand_bend(school)
        assert again.changed == 0
        assert sum(count["refused"] for count in again.counts.values()) == 0
    assert await digest() == before


@pytest.mark.parametrize(
    "fault",
    [{"rate_limit": "12/1"}, {"error_every": 3}, {"truncate_every": 3}, {"drop_every": 3}],
    ids=lambda fault: next(iter(fault)),
)
async def test_faults_now_and_then_end_in_a_complete_import(
    grand_bend: GrandBend, stub: Stub, rows: Rows, fault: dict[str, object]
) -> None:
    stub.control(op="fault", **fault)
    result = await grand_bend(MIDDLE)
    assert result.counts["Student"]["inserted"] == len(await rows("student", "id", "source_id")) == 236
    assert result.counts["StudentContact"]["inserted"] == 471


@pytest.mark.parametrize(
    "fault",
    [{"error_every": 1}, {"truncate_every": 1}, {"drop_every": 1}, {"drop_after": 9}, {"rate_limit": "1/100"}],
    ids=lambda fault: next(iter(fault)),
)
async def test_faults_without_end_change_nothing(
    grand_bend: GrandBend, stub: Stub, digest: Digest, fault: dict[str, object]
) -> None:
    await grand_bend()
    before = await digest()
    student = "A3147330470"
    stub.control(op="set", school=HIGH, entity="students", id=student, path="surname", value="Changed")
    stub.control(op="fault", **fault)
    with pytest.raises(FieldgateError) as caught:
        await grand_bend()
    assert caught.value.code in {"MIS_UNREACHABLE", "MIS_ANSWER_INVALID"}
    assert await digest() == before


async def test_a_link_removed_at_the_mis_is_gone_after_the_next_sync(
    grand_bend: GrandBend, stub: Stub, rows: Rows
) -> None:
    await grand_bend()
    student, contact = "A3147330470", "A1620644592"
    stub.control(op="remove_link", school=HIGH, student=student, contact=contact, bump="none")
    result = await grand_bend()
    assert (result.counts["StudentContact"]["deleted"], result.changed) == (1, 1)
    gone = await rows("student_contact", "source_id", "id", where="deleted_at IS NOT NULL")
    assert [row["source_id"] for row in gone] == [f"{student}:{contact}"]


async def test_people_keep_their_ids_when_the_school_changes_its_mis(
    grand_bend: GrandBend, stub: Stub, rows: Rows
) -> None:
    await grand_bend()
    people = {table: await rows(table, "upi", "id") for table in ("student", "contact", "employee")}
    stub.control(op="migrate", school=HIGH)
    result = await grand_bend()
    assert [result.counts[name]["inserted"] for name in ("Student", "Contact", "Employee")] == [0, 0, 0]
    assert people == {table: await rows(table, "upi", "id") for table in people}


async def test_a_pupil_who_is_deleted_and_enrolled_again_is_the_same(
    grand_bend: GrandBend, stub: Stub, rows: Rows
) -> None:
    await grand_bend()
    before = await rows("student", "upi", "id")
    stub.control(op="delete", school=HIGH, entity="students", id="A3147330470")
    assert (await grand_bend()).counts["Student"]["deleted"] == 1
    stub.control(op="reenrol", school=HIGH, id="A3147330470")
    assert (await grand_bend()).findings["ID_CHANGED"] == 1
    assert await rows("student", "upi", "id") == before
    assert await rows("student", "id", "upi", where="deleted_at IS NOT NULL") == []


async def test_what_the_school_declines_at_the_mis_stays_and_is_recorded(
    grand_bend: GrandBend, stub: Stub, digest: Digest
) -> None:
    await grand_bend()
    before = await digest()
    stub.control(op="permission", school=HIGH, identity="contacts.read", approved=False)
    result = await grand_bend()
    assert result.declined == ("Contact", "StudentContact")
    assert result.changed == 0
    assert await digest() == before


async def test_a_school_that_is_not_approved_is_refused(grand_bend: GrandBend, stub: Stub, digest: Digest) -> None:
    await grand_bend()
    before = await digest()
    stub.control(op="state", school=HIGH, state="revoked")
    with pytest.raises(FieldgateError, match="school_not_approved"):
        await grand_bend()
    assert await digest() == before


# Contacts' access ------------------------------------------------------------------------------------------------

STUDENT, CONTACT = "A3147330470", "A1620644592"
LINK = f"{STUDENT}:{CONTACT}"


@pytest.fixture
def school(database: Database) -> Access:
    return Access(database)


async def capabilities_of(database: Database, school_id: str) -> dict[str, str]:
    async with database.read() as session:
        return {each.attribute: each.state for each in await of_school(session, school_id)}


@pytest.mark.parametrize("missing_field", ["null", "omit"])
async def test_the_court_orders_that_a_school_declines_stay_as_they_are(
    grand_bend: GrandBend, stub: Stub, rows: Rows, digest: Digest, school: Access, missing_field: str
) -> None:
    stub.control(op="fault", missing_field=missing_field)
    first = await grand_bend(MIDDLE)
    assert first.findings["CAPABILITY_DECLINED"] == first.findings["DECLINED_BY_MIS"] == 1
    assert (await capabilities_of(school.database, first.school_id))["court_order"] == "DECLINED"
    assert await rows("student_contact", "id", "source_id", where="court_order IS NOT NULL") == []
    stub.control(op="permission", school=MIDDLE, identity="contacts.court_order.read", approved=True)
    given = await grand_bend(MIDDLE)
    assert "DECLINED_BY_MIS" not in given.findings
    ordered = await rows("student_contact", "id", "source_id", where="court_order")
    assert len(ordered) > 0
    assert (await capabilities_of(school.database, first.school_id))["court_order"] == "SUPPLIED"
    await school.choose(first.school_id)
    before, stored = await school.answers(), await digest()
    assert {before[link["source_id"]] for link in ordered} == {ORDERED}
    stub.control(op="permission", school=MIDDLE, identity="contacts.court_order.read", approved=False)
    assert (await grand_bend(MIDDLE)).changed == 0
    assert await digest() == stored
    assert await school.answers() == before


async def test_what_the_data_show_of_a_mis_is_observed(grand_bend: GrandBend, database: Database) -> None:
    for name in (HIGH, ELEMENTARY):
        result = await grand_bend(name)
        assert set((await capabilities_of(database, result.school_id)).values()) == {"SUPPLIED"}


async def test_an_order_comes_and_goes_under_an_override_without_any_mark_that_a_delta_would_show(
    grand_bend: GrandBend, stub: Stub, rows: Rows, school: Access
) -> None:
    await school.choose((await grand_bend()).school_id)
    override = await school.override(LINK)
    for order, answer in ((True, ORDERED), (None, OVERRIDDEN)):
        fields = {"court_order": order}
        stub.control(op="set_link", school=HIGH, student=STUDENT, contact=CONTACT, fields=fields, bump="none")
        assert (await grand_bend()).changed == 1
        assert await school.answer(LINK) == answer
        assert await school.to_review() == ([] if order else [LINK])
    assert [found for found, _ in await school.in_force()] == [override]
    lifted = await rows("student_contact", "source_id", "relinked_at", where="restriction_lifted_at IS NOT NULL")
    assert lifted == [{"source_id": LINK, "relinked_at": None}]


async def test_links_versions_overrides_and_answers_survive_a_change_of_mis(
    grand_bend: GrandBend, stub: Stub, rows: Rows, school: Access
) -> None:
    await school.choose((await grand_bend()).school_id)
    await school.override(LINK)
    columns = ("id", "student_id", "contact_id", "first_relationship_key", "defaults_version", "relinked_at")
    before, answers = await rows("student_contact", *columns), await by_link(school)
    stub.control(op="migrate", school=HIGH)
    result = await grand_bend()
    counted = result.counts["StudentContact"]
    assert (counted["inserted"], counted["deleted"], counted["updated"]) == (0, 0, len(before))
    assert await rows("student_contact", *columns) == before
    assert await by_link(school) == answers
    assert (await grand_bend()).changed == 0


async def by_link(school: Access) -> dict[str, tuple[str, str]]:
    """Every link's permission and reason, by our id."""
    async with school.database.read() as session:
        found = await access.decisions(session, school.school)
    assert {each.permission for each in found} > {VIEW_AND_UPDATE}
    return {each.link_id: (each.permission, each.reason) for each in found}


async def test_the_links_of_a_pupil_who_is_enrolled_again_find_their_overrides_to_review(
    grand_bend: GrandBend, stub: Stub, school: Access
) -> None:
    await school.choose((await grand_bend()).school_id)
    override, link = await school.override(LINK), await school.link(LINK)
    stub.control(op="delete", school=HIGH, entity="students", id=STUDENT)
    await grand_bend()
    assert (await by_link(school))[link][1] == "NO_LIVE_LINK"
    again = stub.control(op="reenrol", school=HIGH, id=STUDENT)["id"]
    await grand_bend()
    assert await school.in_force() == [(override, link)]
    assert await school.to_review() == [f"{again}:{CONTACT}"]
    assert (await by_link(school))[link] == OVERRIDDEN
