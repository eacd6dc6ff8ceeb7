"""Records by id: hidden, unknown and not consented are one answer; only `school(id)` says NOT_FOUND."""

import asyncio
import json
from typing import Any

import pytest

from tests.resolvers.serving import ALL_SCOPES, EMPTY_SCHOOL, Caller, Serving, shown, unknown_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

NODE = """query($id: ID!) { node(id: $id) { __typename id ... on Employee { surname classes { nodes { name } } }
    ... on Student { surname } ... on Contact { surname } ... on StudentContact { relationship } } }"""
NODES = "query($id: ID!) { nodes(ids: [$id]) { id ... on Employee { surname } } }"
SCHOOL = "query($id: ID!) { school(id: $id) { id name urn students { nodes { surname } } } }"

NOT_FOUND = (
    b'{"data":{"school":null},"errors":[{"message":"There is no school with this id and a consent in force.",'
    b'"locations":[{"line":1,"column":19}],"path":["school"],"extensions":{"code":"NOT_FOUND",'
    b'"nextStep":"See `viewer { app { consents { \xe2\x80\xa6 } } }` for the schools that this app can read."}}]}'
)


async def body_of(serving: Serving, caller: Caller, query: str, record_id: str) -> bytes:
    return (await serving.answer(caller, query, {"id": record_id})).body


def employee(serving: Serving, *, current: bool, school: int = 0) -> str:
    """A live employee who works there now, or no longer."""
    rows = shown(serving.world, "employee", school)
    return str(next(row["id"] for row in rows if row["current"] is current))


async def test_hidden_unknown_and_not_consented_are_the_same_bytes(serving: Serving) -> None:
    caller = await serving.caller({0: ALL_SCOPES}, row_conditions=["current_employees"])
    deleted = next(row["id"] for row in serving.world.of("student") if row["deleted_at"] is not None)
    unreadable = await serving.caller({0: ALL_SCOPES - {"employees.read"}})
    nobodys = "zzz" + employee(serving, current=True)[3:]
    assert json.loads(await body_of(serving, caller, NODE, employee(serving, current=True)))["data"]["node"]["id"]
    for query, nothing in ((NODE, b'{"data":{"node":null}}'), (NODES, b'{"data":{"nodes":[null]}}')):
        for record_id in (
            employee(serving, current=False),
            deleted,
            unknown_id("emp", serving.schools[0]),
            employee(serving, current=True, school=1),
            unknown_id("emp", "sch_00000000"),
            nobodys,
        ):
            assert await body_of(serving, caller, query, record_id) == nothing
        assert await body_of(serving, unreadable, query, employee(serving, current=True)) == nothing


async def test_a_school_by_id_says_not_found_alike_for_unknown_never_consented_and_revoked(serving: Serving) -> None:
    caller = await serving.caller({0: {"students.read"}, EMPTY_SCHOOL: ALL_SCOPES})
    for state in ("revoked", "declined", "pending", "invited", "cancelled"):
        await serving.change("UPDATE consent SET state = ? WHERE id = ?", state, caller.consents[0])
        assert await body_of(serving, caller, SCHOOL, serving.schools[0]) == NOT_FOUND
    for school_id in (serving.schools[1], "sch_00000000"):
        assert await body_of(serving, caller, SCHOOL, school_id) == NOT_FOUND
    entry = json.loads(NOT_FOUND)["errors"][0]
    assert entry["extensions"]["nextStep"].startswith("See `viewer { app { consents")


async def test_not_found_does_not_change_with_what_else_is_asked(serving: Serving) -> None:
    caller = await serving.caller({0: ALL_SCOPES})
    query = "query($id: ID!, $no: ID!) { school(id: $no) { name } other: school(id: $id) { name } }"
    answers = set()
    for number, school_id in ((1, serving.schools[1]), (2, "sch_00000000"), (3, serving.schools[EMPTY_SCHOOL])):
        body = await serving.ask(caller, query, {"id": serving.schools[0], "no": school_id})
        assert body["data"] == {"school": None, "other": {"name": "School 0"}}, number
        answers.add(json.dumps(body))
    assert len(answers) == 1


async def test_viewer_says_what_happened_to_a_consent(serving: Serving) -> None:
    caller = await serving.caller({0: {"schools.urn.read"}, 1: ()}, asked={"students.read": "required"})
    await serving.change(
        "UPDATE consent SET state = 'revoked', revoke_reason = 'No longer used' WHERE id = ?", caller.consents[0]
    )
    body = await serving.data(
        caller, "{ viewer { app { name consents { id school { id name } state scopes missing revokeReason } } } }"
    )
    assert body["viewer"]["app"] == {
        "name": caller.name,
        "consents": [
            {
                "id": caller.consents[0],
                "school": {"id": serving.schools[0], "name": "School 0"},
                "state": "revoked",
                "scopes": [],
                "missing": [],
                "revokeReason": "No longer used",
            },
            {
                "id": caller.consents[1],
                "school": {"id": serving.schools[1], "name": "School 1"},
                "state": "approved",
                "scopes": [],
                "missing": ["students.read"],
                "revokeReason": None,
            },
        ],
    }


@pytest.mark.parametrize(
    "malformed",
    [
        "",
        "x",
        "sch_",
        "SCH_00000000",
        "stu_" + "0" * 33,
        "stu_" + "0" * 35,
        "stu_" + "i" * 34,
        "' OR 1=1 --",
        "sch_0000000é",
        "sch_00000000\n",
        "None",
        "\x01\x02",
    ],
)
async def test_an_id_that_is_not_well_formed_is_a_bad_id(serving: Serving, malformed: str) -> None:
    caller = await serving.granted()
    for query in (NODE, NODES, SCHOOL):
        body = await serving.ask(caller, query, {"id": malformed})
        [entry] = body["errors"]
        assert entry["extensions"]["code"] == "BAD_ID"
        assert list(body["data"].values()) == [None]
        assert malformed == "" or malformed not in entry["message"]


async def test_a_records_id_is_no_schools_id(serving: Serving) -> None:
    caller = await serving.granted()
    record = shown(serving.world, "student")[0]["id"]
    body = await serving.ask(caller, SCHOOL, {"id": record})
    assert [entry["extensions"]["code"] for entry in body["errors"]] == ["BAD_ID"]
    data = await serving.data(caller, "query($id: ID!) { node(id: $id) { id __typename } }", {"id": serving.schools[0]})
    assert data == {"node": {"id": serving.schools[0], "__typename": "School"}}


async def test_records_by_ids_keep_their_order_and_their_gaps(serving: Serving) -> None:
    caller = await serving.caller({0: ALL_SCOPES, 1: ALL_SCOPES - {"classes.read"}})
    first, second = shown(serving.world, "student", 0)[0]["id"], shown(serving.world, "student", 1)[0]["id"]
    gone = unknown_id("stu", serving.schools[0])
    hidden = shown(serving.world, "school_class", 1)[0]["id"]
    ids = [second, gone, first, hidden, second, serving.schools[0]]
    for query in (
        "query($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        "query { nodes(ids: [" + ", ".join(f'"{each}"' for each in ids) + "]) { id } }",
    ):
        data = await serving.data(caller, query, {"ids": ids} if "$ids" in query else {})
        assert data["nodes"] == [
            {"id": second}, None, {"id": first}, None, {"id": second}, {"id": serving.schools[0]}
        ]  # fmt: skip
    assert (await serving.data(caller, "query { nodes(ids: []) { id } }"))["nodes"] == []
    mixed = await serving.data(caller, 'query($id: ID!) { nodes(ids: [$id, "' + second + '"]) { id } }', {"id": first})
    assert mixed["nodes"] == [{"id": first}, {"id": second}]


async def test_records_of_several_types_are_asked_for_in_turn_by_one_document(serving: Serving) -> None:
    caller = await serving.caller(
        {0: ALL_SCOPES - {"contacts.surname.read"}, 1: ALL_SCOPES - {"employees.surname.read"}}
    )
    query = """query($id: ID!) { node(id: $id) { __typename id ... on Student { surname } ... on Contact { surname }
        ... on Employee { surname } } }"""
    for _ in range(3):
        for table, kind, denied_at in (
            ("student", "Student", None),
            ("contact", "Contact", 0),
            ("employee", "Employee", 1),
        ):
            for school in (0, 1):
                for row in shown(serving.world, table, school)[:2]:
                    body = await serving.ask(caller, query, {"id": row["id"]})
                    surname = None if denied_at == school else row["surname"]
                    assert body["data"]["node"] == {"__typename": kind, "id": row["id"], "surname": surname}
                    found = [entry["extensions"]["schoolId"] for entry in body.get("errors", ())]
                    assert found == ([serving.schools[school]] if denied_at == school else [])


# -- rows that a row condition hides


LINKS = """query($id: ID!) { school(id: $id) {
    studentContacts { totalCount nodes { id } }
    students { nodes { contacts { totalCount nodes { id contact { id } } } } }
    contacts { totalCount nodes { id students { totalCount nodes { id } } } } } }"""


def hidden_by(row: Any, conditions: list[str]) -> bool:
    if "parental_responsibility" in conditions and row["parental_responsibility"] is not True:
        return True
    return "no_court_order" in conditions and True in (row["court_order"], row["restricted_access"])


@pytest.mark.parametrize(
    "conditions", [["parental_responsibility"], ["no_court_order"], ["no_court_order", "parental_responsibility"]]
)
async def test_a_row_that_a_condition_hides_is_absent_from_lists_links_and_counts(
    serving: Serving, conditions: list[str]
) -> None:
    # The caller may not read the facts that the conditions are about: they decide all the same.
    facts = {"contacts.parental_responsibility.read", "contacts.court_order.read", "contacts.restricted_access.read"}
    caller = await serving.caller({0: ALL_SCOPES - facts}, row_conditions=conditions)
    rows = shown(serving.world, "student_contact")
    links = [row for row in rows if not hidden_by(row, conditions)]
    assert 0 < len(links) < len(rows)
    school = (await serving.data(caller, LINKS, {"id": serving.schools[0]}))["school"]
    assert [each["id"] for each in school["studentContacts"]["nodes"]] == [row["id"] for row in links]
    assert school["studentContacts"]["totalCount"] == len(links)
    live = {row["id"] for row in shown(serving.world, "contact")}
    reachable = sorted({str(row["contact_id"]) for row in links if row["contact_id"] in live})
    assert [each["id"] for each in school["contacts"]["nodes"]] == reachable
    assert school["contacts"]["totalCount"] == len(reachable)
    for each in school["contacts"]["nodes"]:
        expected = [row["id"] for row in links if row["contact_id"] == each["id"]]
        assert [link["id"] for link in each["students"]["nodes"]] == expected
        assert each["students"]["totalCount"] == len(expected)
    of_students = [link["id"] for each in school["students"]["nodes"] for link in each["contacts"]["nodes"]]
    students = {row["id"] for row in shown(serving.world, "student")}
    assert sorted(of_students) == [row["id"] for row in links if row["student_id"] in students]
    for row in rows:
        body = await body_of(serving, caller, NODE, row["id"])
        assert (body == b'{"data":{"node":null}}') is hidden_by(row, conditions)
    assert len({row["contact_id"] for row in rows} & live) > len(reachable), "a contact should be hidden with its links"


async def test_a_condition_that_this_server_does_not_know_reads_nothing(serving: Serving) -> None:
    caller = await serving.caller({0: ALL_SCOPES}, row_conditions=["nice_people_only"])
    answer = await serving.answer(caller, SCHOOL, {"id": serving.schools[0]})
    body = json.loads(answer.body)  # the consent is closed, as if it were not in force
    assert body["data"] == {"school": None}
    assert [entry["extensions"]["code"] for entry in body["errors"]] == ["NOT_FOUND"]
    assert "student" not in serving.sql


async def test_requests_at_the_same_time_do_not_mix(serving: Serving) -> None:
    first = await serving.caller({0: {"schools.urn.read"}})
    second = await serving.caller({0: {"schools.la_code.read"}})
    query = "query($id: ID!) { school(id: $id) { urn laCode } }"

    async def one(caller: Caller) -> list[str]:
        body = await serving.ask(caller, query, {"id": serving.schools[0]})
        return [entry["extensions"]["coordinate"] for entry in body["errors"]]

    found = await asyncio.gather(*(one(caller) for caller in (first, second) * 20))
    assert found == [["School.laCode"], ["School.urn"]] * 20
