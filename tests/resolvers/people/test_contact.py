"""What contacts ask and do through the API: nothing without a session, nothing of others, whatever id is tried."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from authz import sign_in, staff
from authz.audit import Actor
from authz.bearer import token_hash
from resolvers.cursors import CursorKeys
from resolvers.engine import Engine, Request
from resolvers.gate import Gate
from resolvers.people.answering import People
from schema.api import build_schema
from schema.vocabulary import NO_PERMISSION, VIEW_AND_UPDATE
from server.database import Database
from server.readers import reader_for
from tests.families import NOW, Families

SCHEMA = build_schema()
BASE_URL = "https://fieldgate.example"
ME = """{ me {
  username
  contact { id forename phones { mobile } emails { home } addresses { home { town } work { town } }
            updates { id subjectId field oldValue newValue submittedAt submittedByMe } }
  students { id forename gender dateOfBirth year registration dietaryNeeds phones { home }
             medicalConditions { id description updates { newValue submittedByMe } }
             formResponses { id form answers { question answer } respondedAt respondedByMe }
             updates { field newValue } }
} }"""
SUBMIT = """mutation($subject: ID!, $field: UpdatableField!, $value: String, $expected: String) {
  submitUpdate(subjectId: $subject, field: $field, value: $value, expected: $expected) {
    id field oldValue newValue } }"""
RESPOND = """mutation($student: ID!) {
  submitFormResponse(studentId: $student, form: "Trip", answers: [
    {question: "May she go?", answer: "Yes"}, {question: "Why?"}])
  { id answers { question answer } respondedByMe } }"""
OPEN = """query($school: ID!) { openUpdates(schoolId: $school) {
  id subjectId field newValue contactId contactName studentId studentName } }"""


class Site:
    """A school with two parents of one student, an administrator, and an engine."""

    def __init__(self, database: Database, engine: Engine) -> None:
        self.families = Families(database)
        self.engine = engine

    async def begin(self) -> "Site":
        families = await self.families.begin()
        self.student = await families.student(gender="FEMALE", date_of_birth="2015-03-04")
        self.asthma = await families.condition(self.student, "Asthma")
        self.mother = await families.contact(phones_mobile="1", addresses_home_town="Ashby")
        self.father = await families.contact("Tom", phones_mobile="CANARY")
        self.mothers_link = await families.link(self.student, self.mother)
        await families.link(self.student, self.father, "Father")
        self.mothers = await families.session_of(self.mother)
        self.fathers = await families.session_of(self.father)
        async with families.database.write() as session:
            issued = await staff.issue(session, families.school, name="A. Head", by=Actor("operator"))
        self.head = issued.secret
        return self

    async def ask(self, token: str | None, query: str, **variables: Any) -> Any:
        """The answer's body."""
        hashed = token_hash(token) if token is not None else None
        answer = await self.engine.execute(Request(query, None, variables, hashed))
        return json.loads(answer.body)

    async def data(self, token: str, query: str, **variables: Any) -> Any:
        """The value of the only root, which must be without errors."""
        body = await self.ask(token, query, **variables)
        assert "errors" not in body, body
        [value] = body["data"].values()
        return value

    async def code(self, token: str | None, query: str, **variables: Any) -> str:
        """The code of the only error."""
        body = await self.ask(token, query, **variables)
        [error] = body["errors"]
        assert set((body.get("data") or {}).values()) <= {None}
        code: str = error["extensions"]["code"]
        return code


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    reader = reader_for(database, inline_cost=20_000, deadline_seconds=20)  # type: ignore[arg-type]
    gate = Gate(SCHEMA, database.dialect, CursorKeys({1: bytes(32)}), base_url=BASE_URL)
    people = People(gate, database)
    yield await Site(database, Engine(gate, reader, people)).begin()
    people.door.close()
    await reader.close()


def updating(subject: str, field: str, value: str | None, expected: str | None = None) -> dict[str, Any]:
    return {"subject": subject, "field": field, "value": value, "expected": expected}


async def test_me_is_the_contacts_own_record_and_those_of_its_students(site: Site) -> None:
    await site.data(site.fathers, SUBMIT, **updating(site.asthma, "MEDICAL_CONDITION", "Asthma, mild", "Asthma"))
    await site.data(site.mothers, SUBMIT, **updating(site.mother, "PHONES_MOBILE", "2", "1"))
    await site.data(site.fathers, RESPOND, student=site.student)
    me = await site.data(site.mothers, ME)
    contact, [student] = me["contact"], me["students"]
    assert (contact["id"], contact["phones"], contact["emails"]) == (site.mother, {"mobile": "1"}, {"home": None})
    assert contact["addresses"] == {"home": {"town": "Ashby"}, "work": None}
    [update] = contact["updates"]
    assert (update["field"], update["oldValue"], update["newValue"], update["submittedByMe"]) == (
        "PHONES_MOBILE", "1", "2", True,
    )  # fmt: skip
    assert (student["gender"], student["dateOfBirth"], student["year"]) == ("FEMALE", "2015-03-04", None)
    [condition] = student["medicalConditions"]
    assert condition["updates"] == [{"newValue": "Asthma, mild", "submittedByMe": False}]
    [response] = student["formResponses"]
    assert (response["form"], response["respondedByMe"]) == ("Trip", False)
    assert response["answers"] == [{"question": "May she go?", "answer": "Yes"}, {"question": "Why?", "answer": None}]
    assert "CANARY" not in str(me)
    assert site.father not in str(me)


async def test_thirty_ids_of_other_students_open_nothing(site: Site) -> None:
    """They answer exactly as ids that nothing has."""
    elsewhere = await Families(site.families.database, "elsewhere").begin("Elsewhere")
    foreign = [await site.families.student(f"Sue {number}") for number in range(15)]
    foreign += [await elsewhere.student(f"Ben {number}") for number in range(15)]
    conditions = [await site.families.condition(each, "CANARY") for each in foreign[:5]]
    unknown = site.families.new_id("stu")
    expected = await site.ask(site.mothers, SUBMIT, **updating(unknown, "MEDICAL_CONDITION", "x"))
    assert expected["errors"][0]["extensions"]["code"] == "RECORD_UNKNOWN"
    for each in [*foreign, *conditions]:
        assert await site.ask(site.mothers, SUBMIT, **updating(each, "MEDICAL_CONDITION", "x", "CANARY")) == expected
    expected = await site.ask(site.mothers, RESPOND, student=unknown)
    for each in foreign:
        assert await site.ask(site.mothers, RESPOND, student=each) == expected
    me = await site.data(site.mothers, ME)
    assert [each["id"] for each in me["students"]] == [site.student]
    assert "CANARY" not in str(me)
    assert await site.families.rows("SELECT count(*) FROM record_update") == [(0,)]


async def test_without_a_live_session_nothing_is_answered(site: Site) -> None:
    for token in (None, "fgc_" + "x" * 43, site.head):
        assert await site.code(token, ME) == "UNAUTHENTICATED"
        assert await site.code(token, RESPOND, student=site.student) == "UNAUTHENTICATED"
    for token, query, kind in ((site.head, ME, "fgc_"), (site.mothers, OPEN, "fgs_")):
        body = await site.ask(token, query, **({} if query == ME else {"school": site.families.school}))
        assert kind in body["errors"][0]["message"]
    assert await site.data(site.mothers, "mutation { signOut }") is True
    assert await site.code(site.mothers, ME) == "UNAUTHENTICATED"
    assert await site.data(site.mothers, "mutation { signOut }") is True


@pytest.mark.parametrize("asks", ["reads", "writes"])
async def test_a_request_that_finds_no_link_ends_the_session_for_good(site: Site, asks: str) -> None:
    await site.families.override(site.mothers_link, NO_PERMISSION)
    refused = (
        await site.code(site.mothers, ME)
        if asks == "reads"
        else await site.code(site.mothers, RESPOND, student=site.student)
    )
    assert refused == "UNAUTHENTICATED"
    assert await site.families.events("sign_in_suspended") == ["sign_in_suspended"]
    await site.families.override(site.mothers_link, VIEW_AND_UPDATE)
    assert await site.code(site.mothers, ME) == "UNAUTHENTICATED"
    assert (await site.data(site.fathers, ME))["username"]


async def test_access_is_decided_at_each_request(site: Site) -> None:
    sibling = await site.families.student("Ben")
    second = await site.families.link(sibling, site.mother)
    assert len((await site.data(site.mothers, ME))["students"]) == 2
    await site.families.run(f"UPDATE student_contact SET deleted_at = '{NOW}' WHERE id = ?", second)
    assert [each["id"] for each in (await site.data(site.mothers, ME))["students"]] == [site.student]
    refused = await site.code(site.mothers, RESPOND, student=sibling)
    assert refused == "RECORD_UNKNOWN"


async def test_an_update_against_a_value_that_is_not_in_effect_is_a_conflict_that_names_the_update(site: Site) -> None:
    edit = updating(site.asthma, "MEDICAL_CONDITION", "Asthma, mild", "Asthma")
    first = await site.data(site.mothers, SUBMIT, **edit)
    body = await site.ask(site.fathers, SUBMIT, **updating(site.asthma, "MEDICAL_CONDITION", None, "Asthma"))
    [error] = body["errors"]
    assert (error["extensions"]["code"], error["extensions"]["updateId"]) == ("CONFLICT", first["id"])
    assert (await site.data(site.fathers, SUBMIT, **edit | {"value": "Severe", "expected": "Asthma, mild"}))["id"]


async def test_staff_of_the_school_see_who_submitted_what_and_reject_it(site: Site) -> None:
    own = await site.data(site.mothers, SUBMIT, **updating(site.mother, "EMAILS_HOME", "mary@example.org"))
    nuts = await site.data(site.mothers, SUBMIT, **updating(site.student, "MEDICAL_CONDITION", "Nut allergy"))
    first, second = await site.data(site.head, OPEN, school=site.families.school)
    assert first == {
        "id": own["id"],
        "subjectId": site.mother,
        "field": "EMAILS_HOME",
        "newValue": "mary@example.org",
        "contactId": site.mother,
        "contactName": "Mary Ash",
        "studentId": None,
        "studentName": None,
    }
    assert (second["subjectId"], second["studentId"], second["studentName"]) == (site.student, site.student, "Ann Ash")
    reject = "mutation($id: ID!) { rejectUpdate(updateId: $id) }"
    assert await site.data(site.head, reject, id=nuts["id"]) is True
    assert await site.code(site.head, reject, id=nuts["id"]) == "RECORD_UNKNOWN"
    assert await site.code(site.mothers, reject, id=own["id"]) == "UNAUTHENTICATED"
    assert [each["id"] for each in await site.data(site.head, OPEN, school=site.families.school)] == [own["id"]]
    [event] = await site.families.rows("SELECT actor FROM audit_event WHERE name = 'record_update_rejected'")
    assert event == ("A. Head",)


async def test_staff_of_another_school_see_and_reject_nothing(site: Site) -> None:
    own = await site.data(site.mothers, SUBMIT, **updating(site.mother, "EMAILS_HOME", "mary@example.org"))
    elsewhere = await Families(site.families.database, "elsewhere").begin("Elsewhere")
    async with site.families.database.write() as session:
        stranger = (await staff.issue(session, elsewhere.school, name="B. Head", by=Actor("operator"))).secret
    reject = "mutation($id: ID!) { rejectUpdate(updateId: $id) }"
    unknown = await site.ask(stranger, reject, id=elsewhere.new_id("upd"))
    assert await site.ask(stranger, reject, id=own["id"]) == unknown
    for school in (site.families.school, "sch_00000000", ""):
        assert await site.code(stranger, OPEN, school=school) == "SCHOOL_UNKNOWN"
    link = "mutation($id: ID!) { issueSecretLink(contactId: $id) { url } }"
    assert await site.ask(stranger, link, id=site.mother) == await site.ask(stranger, link, id=elsewhere.new_id("con"))
    assert await site.data(stranger, OPEN, school=elsewhere.school) == []


async def test_a_link_by_staff_leads_to_a_secret_and_that_to_a_session(site: Site) -> None:
    link = "mutation($id: ID!) { issueSecretLink(contactId: $id) { url username expiresAt } }"
    issued = await site.data(site.head, link, id=site.mother)
    assert issued["url"].startswith(f"{BASE_URL}/sign-in/link/")
    assert await site.code(site.mothers, link, id=site.mother) == "UNAUTHENTICATED"
    assert site.engine.people is not None
    door = site.engine.people.door
    code = issued["url"].rpartition("/")[2]
    await sign_in.choose_secret(site.families.database, door, code, "three green lorries")
    enter = (
        "mutation($name: String!, $secret: String!) { signIn(username: $name, secret: $secret) { token expiresAt } }"
    )
    opened = await site.data("fgc_" + "x" * 43, enter, name=issued["username"], secret="three green lorries")
    assert (await site.data(opened["token"], ME))["username"] == issued["username"]
    assert await site.code(None, enter, name=issued["username"], secret="something else") == "SIGN_IN_FAILED"
    assert await site.code(site.mothers, ME) == "UNAUTHENTICATED"  # sessions of before the new secret have ended


async def test_whatever_fails_at_sign_in_has_one_body(site: Site) -> None:
    enter = "mutation($name: String!, $secret: String!) { signIn(username: $name, secret: $secret) { token } }"
    names = dict(await site.families.rows("SELECT contact_id, username FROM contact_account"))
    await site.families.run("UPDATE contact_account SET suspended_at = created_at WHERE contact_id = ?", site.father)
    bodies = [
        await site.ask(None, enter, name=name, secret=secret)
        for name, secret in (
            (names[site.mother], "something else"),
            (names[site.father], "something else"),
            ("chk-chk-chk", "something else"),
            ("", ""),
            ("x" * 5000, "y" * 5000),
        )
    ]
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["data"] == {"signIn": None}


async def test_lists_for_staff_are_bounded(site: Site) -> None:
    for first in (0, -1, 501):
        query = f'{{ openUpdates(schoolId: "{site.families.school}", first: {first}) {{ id }} }}'
        assert await site.code(site.head, query) == "BAD_PAGE"
