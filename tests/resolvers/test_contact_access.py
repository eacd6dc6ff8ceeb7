"""`StudentContact.access` as apps are answered: the decision for all alike, the reason for those who may know it.

The filter and the count by access need the scopes of the answer itself. What a school changes is obeyed by the next
request, also where it is changed by hand.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from schema.vocabulary import REASONS
from tests.resolvers.access import access, access_override, override, settings
from tests.resolvers.serving import ALL_SCOPES, Serving, shown
from tests.world import NOW, insert

pytestmark = pytest.mark.asyncio(loop_scope="module")

LINKS = """
query($id: ID!) {
  school(id: $id) {
    studentContacts { nodes {
      id
      access { permission reason override asOf }
      accessOverride { value origin setAt confirmedAt toReview }
    } }
  }
}
"""
PERMISSIONS = "query($id: ID!) { school(id: $id) { studentContacts { nodes { id access { permission reason } } } } }"
FILTERED = """
query($id: ID!, $access: ContactPermission) {
  school(id: $id) {
    studentContacts(access: $access) { totalCount nodes { id } pageInfo { hasNextPage endCursor } }
    students { nodes { id contacts(access: $access) { totalCount nodes { id } } } }
    contacts { nodes { id students(access: $access) { totalCount edges { cursor node { id } } } } }
  }
}
"""
READS = frozenset({"contacts.read", "students.read", "contacts.access.read"})
FACTS = (
    "contacts.court_order.read",
    "contacts.restricted_access.read",
    "contacts.access_override.read",
    "contacts.parental_responsibility.read",
    "contacts.lives_with_pupil.read",
    "contacts.priority.read",
    "contacts.relationship.read",
)
RUNGS = {"contacts.court_order.read": "COURT_ORDER", "contacts.restricted_access.read": "RESTRICTED_ACCESS"}


async def told(serving: Serving, school: int, scopes: frozenset[str]) -> dict[str, dict[str, str]]:
    """What an app with these scopes is told of each link."""
    caller = await serving.caller({school: scopes})
    nodes = (await serving.data(caller, PERMISSIONS, {"id": serving.schools[school]}))["school"]["studentContacts"]
    return {node["id"]: node["access"] for node in nodes["nodes"]}


@pytest.mark.parametrize("school", [0, 1])
async def test_every_link_is_answered_as_the_ladder_decides_it(serving: Serving, school: int) -> None:
    caller = await serving.granted()
    answer = (await serving.data(caller, LINKS, {"id": serving.schools[school]}))["school"]
    rows = shown(serving.world, "student_contact", school)
    assert answer["studentContacts"]["nodes"] == [
        {
            "id": row["id"],
            "access": access(serving.world, row),
            "accessOverride": access_override(serving.world, row),
        }
        for row in rows
    ]
    reasons = {node["access"]["reason"] for node in answer["studentContacts"]["nodes"]}
    assert len(reasons) >= 3, reasons


async def test_the_decision_is_the_same_whatever_the_app_may_read(serving: Serving) -> None:
    for school in (0, 1):
        everything = await told(serving, school, ALL_SCOPES)
        for scopes in (READS, READS | set(FACTS[:1]), ALL_SCOPES - set(FACTS)):
            fewer = await told(serving, school, frozenset(scopes))
            assert {link: each["permission"] for link, each in fewer.items()} == {
                link: each["permission"] for link, each in everything.items()
            }


async def test_no_reason_is_told_from_the_first_fact_on_that_the_app_may_not_read(serving: Serving) -> None:
    rungs = ("NO_LIVE_LINK", "COURT_ORDER", "RESTRICTED_ACCESS", "OVERRIDE", "PARENTAL_RESPONSIBILITY")
    everything = await told(serving, 0, ALL_SCOPES)
    for number, scope in enumerate(FACTS[:4]):
        known = set(rungs[: number + 1])
        for link, each in (await told(serving, 0, ALL_SCOPES - {scope})).items():
            real = everything[link]["reason"]
            assert each["reason"] == (real if real in known else "WITHHELD"), (scope, link)
    bare = await told(serving, 0, READS)
    assert {each["reason"] for each in bare.values()} <= {"WITHHELD", "NO_LIVE_LINK"}
    assert {each["reason"] for each in everything.values()} <= set(REASONS)


async def test_a_fact_that_is_not_granted_is_in_no_statement_but_in_the_decision(serving: Serving) -> None:
    caller = await serving.caller({0: READS})
    query = "query($id: ID!) { school(id: $id) { studentContacts { nodes { id access { reason asOf } } } } }"
    await serving.data(caller, query, {"id": serving.schools[0]})
    reading = serving.driver.asked[-1].sql
    for column in ("court_order", "restricted_access", "parental_responsibility", "priority", "relationship_key"):
        assert column not in reading
    assert "import_run" in reading


async def test_an_override_needs_the_scopes_of_what_may_mask_it(serving: Serving) -> None:
    for missing in ("contacts.access_override.read", "contacts.court_order.read", "contacts.restricted_access.read"):
        caller = await serving.caller({0: ALL_SCOPES - {missing}})
        body = await serving.ask(caller, LINKS, {"id": serving.schools[0]})
        nodes = body["data"]["school"]["studentContacts"]["nodes"]
        assert {node["access"]["override"] for node in nodes} == {None}
        assert {node["accessOverride"] for node in nodes} == {None}
        denied = [entry["extensions"] for entry in body["errors"]]
        assert [each["coordinate"] for each in denied] == ["ContactAccess.override", "StudentContact.accessOverride"]
        assert {tuple(each["missingScopes"]) for each in denied} == {(missing,)}


def permitted(serving: Serving, rows: Sequence[Mapping[str, Any]], wanted: str | None) -> list[str]:
    return [row["id"] for row in rows if wanted in (None, access(serving.world, row)["permission"])]


@pytest.mark.parametrize("wanted", ["VIEW_AND_UPDATE", "NO_PERMISSION", None])
async def test_lists_and_counts_are_filtered_by_access(serving: Serving, wanted: str | None) -> None:
    caller = await serving.granted()
    for school in (0, 1):
        given = {"id": serving.schools[school], "access": wanted}
        answer = (await serving.data(caller, FILTERED, given))["school"]
        rows = shown(serving.world, "student_contact", school)
        links = permitted(serving, rows, wanted)
        assert [node["id"] for node in answer["studentContacts"]["nodes"]] == links
        assert answer["studentContacts"]["totalCount"] == len(links)
        for student in answer["students"]["nodes"]:
            own = permitted(serving, [row for row in rows if row["student_id"] == student["id"]], wanted)
            assert [node["id"] for node in student["contacts"]["nodes"]] == own
            assert student["contacts"]["totalCount"] == len(own)
        for contact in answer["contacts"]["nodes"]:
            own = permitted(serving, [row for row in rows if row["contact_id"] == contact["id"]], wanted)
            assert [edge["node"]["id"] for edge in contact["students"]["edges"]] == own
    if wanted is not None:
        assert 0 < len(links) < len(rows)


async def test_a_filter_by_access_needs_the_scope_of_the_answer(serving: Serving) -> None:
    caller = await serving.caller({0: ALL_SCOPES - {"contacts.access.read"}})
    body = await serving.ask(caller, FILTERED, {"id": serving.schools[0], "access": "VIEW_AND_UPDATE"})
    school = body["data"]["school"]
    assert school["studentContacts"] is None, "never an unfiltered list, and never an empty one"
    assert {student["contacts"] for student in school["students"]["nodes"]} == {None}
    entries = [entry["extensions"] for entry in body["errors"]]
    assert [entry["usage"] for entry in entries] == ["FILTER"] * 3
    assert {entry["coordinate"] for entry in entries} == {"ContactAccess.permission"}
    assert entries[0]["queryPath"] == ["school", "studentContacts"]
    assert entries[0]["missingScopes"] == ["contacts.access.read"]
    assert "student_contact" not in serving.driver.asked[-1].sql
    unfiltered = await serving.data(caller, FILTERED, {"id": serving.schools[0], "access": None})
    assert unfiltered["school"]["studentContacts"]["totalCount"] == len(shown(serving.world, "student_contact"))


async def test_a_cursor_of_a_filtered_list_belongs_to_that_filter(serving: Serving) -> None:
    caller = await serving.granted()
    query = """query($id: ID!, $after: String, $access: ContactPermission) {
      school(id: $id) { studentContacts(first: 1, after: $after, access: $access) { nodes { id }
        pageInfo { endCursor hasNextPage } } } }"""
    given: dict[str, Any] = {"id": serving.schools[0], "access": "VIEW_AND_UPDATE"}
    found: list[str] = []
    while True:
        page = (await serving.data(caller, query, given))["school"]["studentContacts"]
        found += [node["id"] for node in page["nodes"]]
        given["after"] = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == permitted(serving, shown(serving.world, "student_contact"), "VIEW_AND_UPDATE")
    for other in ("NO_PERMISSION", None):
        body = await serving.ask(caller, query, {**given, "access": other})
        assert [entry["extensions"]["code"] for entry in body["errors"]] == ["BAD_CURSOR"]


async def test_a_literal_and_a_variable_filter_alike_and_two_filters_in_one_document_do_not_mix(
    serving: Serving,
) -> None:
    caller = await serving.granted()
    query = """query($id: ID!, $some: ContactPermission! = NO_PERMISSION) { school(id: $id) {
      yes: studentContacts(access: VIEW_AND_UPDATE) { totalCount }
      no: studentContacts(access: $some) { totalCount }
      all: studentContacts(access: null) { totalCount } } }"""
    for some, same in ((None, "no"), ("VIEW_AND_UPDATE", "yes"), ("NO_PERMISSION", "no")):
        given = {"id": serving.schools[0], **({"some": some} if some else {})}
        counts = (await serving.data(caller, query, given))["school"]
        rows = shown(serving.world, "student_contact")
        words = {"yes": "VIEW_AND_UPDATE", "no": "NO_PERMISSION"}
        assert counts["yes"]["totalCount"] == len(permitted(serving, rows, "VIEW_AND_UPDATE"))
        assert counts["no"]["totalCount"] == len(permitted(serving, rows, words[same]))
        assert counts["all"]["totalCount"] == len(rows)


async def test_what_a_school_changes_is_obeyed_by_the_next_request(serving: Serving) -> None:
    school = serving.schools[1]
    caller = await serving.caller({1: ALL_SCOPES})
    rows = shown(serving.world, "student_contact", 1)
    setting = next(row for row in serving.world.rows["contact_access_setting"] if row["school_id"] == school)
    query = "query($id: ID!) { node(id: $id) { ... on StudentContact { access { permission reason override } } } }"

    async def answers() -> list[Any]:
        return [(await serving.data(caller, query, {"id": row["id"]}))["node"]["access"] for row in rows]

    def expected() -> list[Any]:
        return [{key: access(serving.world, row)[key] for key in ("permission", "reason", "override")} for row in rows]

    def word(column: str, value: object) -> object:
        return int(bool(value)) if serving.database.dialect.is_sqlite and column != "source" else value

    seen = [await answers()]
    assert seen[0] == expected()
    for change in ({"source": "SYNC"}, {"court_order_always_denies": False, "source": "RELATIONSHIP_TYPE"}):
        for column, value in change.items():
            await serving.change(
                f"UPDATE contact_access_setting SET {column} = ? WHERE school_id = ?", word(column, value), school
            )
            setting[column] = value
            assert await answers() == expected(), change
        seen.append(await answers())
    assert settings(serving.world, school).source == "RELATIONSHIP_TYPE"
    link = next(row for row in rows if override(serving.world, row) is None)
    new = {"school_id": school, "id": "ovr_new", "link_id": link["id"], "value": "NO_PERMISSION", "set_by": "a test"}
    new |= {"set_at": NOW, "confirmed_at": None, "origin": "BULK", "cleared_at": None}
    async with serving.database.write() as session:
        await insert(session, "contact_override", [new])
    serving.world.rows["contact_override"].append(new)
    assert await answers() == expected()
    now = serving.database.dialect.now
    await serving.change(f"UPDATE contact_override SET cleared_at = {now} WHERE id = 'ovr_new'")
    new["cleared_at"] = NOW
    assert await answers() == expected()
    await serving.change("DELETE FROM contact_access_setting WHERE school_id = ?", school)
    serving.world.rows["contact_access_setting"].remove(setting)
    assert await answers() == expected(), "a school without settings is a new school"
    assert any(one != two for one, two in itertools.pairwise(seen))


async def test_a_link_whose_contact_or_student_is_gone_opens_nothing(serving: Serving) -> None:
    caller = await serving.granted()
    live = {row["id"] for table in ("student", "contact") for row in shown(serving.world, table)}
    answer = (await serving.data(caller, PERMISSIONS, {"id": serving.schools[0]}))["school"]["studentContacts"]["nodes"]
    by_id = {node["id"]: node["access"] for node in answer}
    dangling = [
        row["id"]
        for row in shown(serving.world, "student_contact")
        if not {row["student_id"], row["contact_id"]} <= live
    ]
    assert dangling, "the world should hold such links"
    for link in dangling:
        assert by_id[link] == {"permission": "NO_PERMISSION", "reason": "NO_LIVE_LINK"}


async def test_two_schools_with_different_settings_are_answered_in_one_request(serving: Serving) -> None:
    caller = await serving.granted()
    query = "{ schools { nodes { id studentContacts { nodes { id access { permission reason } } } } } }"
    answer = json.loads((await serving.answer(caller, query)).body)["data"]["schools"]["nodes"]
    for number in (0, 1):
        [nodes] = [each["studentContacts"]["nodes"] for each in answer if each["id"] == serving.schools[number]]
        for node, row in zip(nodes, shown(serving.world, "student_contact", number), strict=True):
            told_of = access(serving.world, row)
            assert node["access"] == {"permission": told_of["permission"], "reason": told_of["reason"]}
