"""What a caller sees when something is not granted: one entry per selection and school, in document order."""

from typing import Any

import pytest

from resolvers.limits import Limits
from schema.ids import new_record_id, seeded_keys
from tests.resolvers.serving import ALL_SCOPES, BASE_URL, EMPTY_SCHOOL, Serving, places, shown
from tests.world import insert

pytestmark = pytest.mark.asyncio(loop_scope="module")

ID = "query($id: ID!)"


def summary(body: Any) -> list[tuple[str, list[str]]]:
    """Coordinate and missing scopes of each entry."""
    found = [entry["extensions"] for entry in body.get("errors", ())]
    return [(each["coordinate"], each["missingScopes"]) for each in found]


def paths(body: Any) -> list[str]:
    """The query path of each entry."""
    return [".".join(entry["extensions"]["queryPath"]) for entry in body.get("errors", ())]


async def test_an_entry_says_what_is_missing_where_from_whom_and_where_to_ask(serving: Serving) -> None:
    query = "query($id: ID!) {\n  school(id: $id) {\n    students { nodes { educationDetails { upn } } }\n  }\n}"
    caller = await serving.caller({0: ALL_SCOPES - {"students.upn.read"}}, asked={"students.upn.read": "optional"})
    body = await serving.ask(caller, query, {"id": serving.schools[0]})
    assert body["errors"] == [
        {
            "message": "StudentEducationDetails.upn needs scope `students.upn.read`, "
            f"which School 0 has not granted to {caller.name}.",
            "locations": [{"line": 3, "column": 43}],
            "extensions": {
                "code": "SCOPE_NOT_GRANTED",
                "coordinate": "StudentEducationDetails.upn",
                "usage": "SELECT",
                "queryPath": ["school", "students", "nodes", "educationDetails", "upn"],
                "schoolId": serving.schools[0],
                "requiredScopes": [["students.read", "students.upn.read"]],
                "missingScopes": ["students.upn.read"],
                "requested": "OPTIONAL",
                "consentUrl": f"{BASE_URL}/consents/{caller.consents[0]}",
            },
        }
    ]
    nodes = body["data"]["school"]["students"]["nodes"]
    assert nodes == [{"educationDetails": {"upn": None}}] * len(shown(serving.world, "student"))


async def test_one_denied_field_over_a_thousand_rows_is_one_error(serving: Serving) -> None:
    key, school_id = seeded_keys("thousand"), serving.schools[EMPTY_SCHOOL]
    pattern = serving.world.rows["student"][0]
    many = [
        {**pattern, "school_id": school_id, "id": new_record_id("stu", school_id, key), "source_id": f"many{number}",
         "year_id": None, "registration_id": None, "deleted_at": None, "surname": "Shown", "forename": "Hidden"}
        for number in range(1000)
    ]  # fmt: skip
    async with serving.database.write() as session:
        await insert(session, "student", many)
    try:
        caller = await serving.caller({EMPTY_SCHOOL: ALL_SCOPES - {"students.forename.read"}})
        query = f"{ID} {{ school(id: $id) {{ students(first: 1000) {{ nodes {{ surname forename }} }} }} }}"
        body = await serving.with_limits(Limits(page_cap=1000)).ask(caller, query, {"id": school_id})
    finally:
        await serving.change("DELETE FROM student WHERE school_id = ?", school_id)
    assert body["data"]["school"]["students"]["nodes"] == [{"surname": "Shown", "forename": None}] * 1000
    assert summary(body) == [("Student.forename", ["students.forename.read"])]


async def test_nothing_below_a_denied_link_or_object_is_reported(serving: Serving) -> None:
    query = f"""{ID} {{ school(id: $id) {{
        students {{ nodes {{ surname contactDetails {{ salutation phones {{ home }} }} }} totalCount }}
        employees {{ nodes {{ contactDetails {{ salutation phones {{ home }} }} employmentDetails {{ staffCode }} }} }}
    }} }}"""
    caller = await serving.caller({0: {"employees.read"}})
    body = await serving.ask(caller, query, {"id": serving.schools[0]})
    assert summary(body) == [
        ("School.students", ["students.read"]),
        ("Employee.contactDetails", ["employees.contact_details.read"]),
        ("Employee.employmentDetails", ["employees.employment_details.read"]),
    ]


async def test_entries_stand_in_document_order_across_roots_and_fragments(serving: Serving) -> None:
    query = f"""{ID} {{
        second: school(id: $id) {{ urn ...Rest laCode }}
        viewer {{ app {{ name }} }}
        first: node(id: $id) {{ ... on School {{ laCode }} id ... on School {{ urn }} }}
    }} fragment Rest on School {{ students {{ nodes {{ title surname }} }} phaseOfEducation }}"""
    caller = await serving.caller({0: {"students.read"}})
    body = await serving.ask(caller, query, {"id": serving.schools[0]})
    assert paths(body) == [
        "second.urn",
        "second.students.nodes.title",
        "second.students.nodes.surname",
        "second.phaseOfEducation",
        "second.laCode",
        "first.laCode",
        "first.urn",
    ]


async def test_selections_that_merge_are_one_entry_with_all_their_places(serving: Serving) -> None:
    query = (
        "query($id: ID!) {\n  school(id: $id) { students { nodes { surname } } }\n  ...More\n}\n"
        "fragment More on Query {\n  school(id: $id) { students { nodes { id surname\n ... { surname } } } }\n}"
    )
    caller = await serving.caller({0: {"students.read"}})
    body = await serving.ask(caller, query, {"id": serving.schools[0]})
    [entry] = body["errors"]
    assert entry["locations"] == list(places(query, "surname"))
    assert len(entry["locations"]) == 3


async def test_one_coordinate_under_two_keys_is_two_entries(serving: Serving) -> None:
    query = f"{ID} {{ school(id: $id) {{ students {{ nodes {{ surname other: surname forename: surname }} }} }} }}"
    caller = await serving.caller({0: {"students.read", "students.forename.read"}})
    body = await serving.ask(caller, query, {"id": serving.schools[0]})
    assert paths(body) == [f"school.students.nodes.{key}" for key in ("surname", "other", "forename")]
    assert {coordinate for coordinate, _ in summary(body)} == {"Student.surname"}
    assert all(row == {"surname": None, "other": None, "forename": None}
               for row in body["data"]["school"]["students"]["nodes"])  # fmt: skip


async def test_a_denial_is_given_whether_or_not_a_row_exists(serving: Serving) -> None:
    query = f"{ID} {{ school(id: $id) {{ students {{ nodes {{ surname classes {{ nodes {{ name }} }} }} }} }} }}"
    granted = {"students.read", "classes.read"}
    caller = await serving.caller({0: granted, EMPTY_SCHOOL: granted})
    full = await serving.ask(caller, query, {"id": serving.schools[0]})
    empty = await serving.ask(caller, query, {"id": serving.schools[EMPTY_SCHOOL]})
    assert empty["data"]["school"]["students"]["nodes"] == []
    assert summary(full) == summary(empty) == [
        ("Student.surname", ["students.surname.read"]),
        ("Class.name", ["classes.name.read"]),
    ]  # fmt: skip


async def test_what_is_left_out_by_a_directive_is_not_reported(serving: Serving) -> None:
    query = """query($id: ID!, $no: Boolean!) { school(id: $id) {
        urn @include(if: $no) ... @skip(if: true) { laCode } phaseOfEducation @skip(if: $no) } }"""
    caller = await serving.caller({0: ()})
    body = await serving.ask(caller, query, {"id": serving.schools[0], "no": False})
    assert body["data"] == {"school": {"phaseOfEducation": None}}
    assert summary(body) == [("School.phaseOfEducation", ["schools.phase_of_education.read"])]


async def test_a_path_is_given_only_where_no_list_stands_above(serving: Serving) -> None:
    condition = shown(serving.world, "medical_condition")[0]["id"]
    query = """query($id: ID!, $node: ID!) {
        school(id: $id) { urn a: address { town } students { nodes { year { name } } edges { node { surname } } } }
        one: node(id: $node) { ... on MedicalCondition { misId student { surname } notes { id } } }
        nodes(ids: [$node]) { ... on MedicalCondition { misId } }
        schools { nodes { urn } edges { node { urn } } pageInfo { hasNextPage } }
    }"""
    caller = await serving.caller({0: {"students.read", "groups.read", "students.medical_conditions.read"}})
    body = await serving.ask(caller, query, {"id": serving.schools[0], "node": condition})
    given = {".".join(entry["extensions"]["queryPath"]): entry.get("path") for entry in body["errors"]}
    assert given == {
        "school.urn": ["school", "urn"],
        "school.a": ["school", "a"],
        "school.students.nodes.year.name": None,
        "school.students.edges.node.surname": None,
        "one.misId": ["one", "misId"],
        "one.student.surname": ["one", "student", "surname"],
        "one.notes": ["one", "notes"],
        "nodes.misId": None,
        "schools.nodes.urn": None,
        "schools.edges.node.urn": None,
    }


async def test_two_schools_with_different_grants_each_answer_for_themselves(serving: Serving) -> None:
    caller = await serving.caller(
        {0: {"students.read", "students.surname.read"}, 1: {"students.read", "students.forename.read"}}
    )
    query = """query($a: ID!, $b: ID!) {
        a: school(id: $a) { name ...Pupils } b: school(id: $b) { name ...Pupils }
        nodes(ids: [$a, $b]) { ... on School { ...Pupils } }
        schools { nodes { ...Pupils } }
    } fragment Pupils on School { students { nodes { surname forename } } }"""
    first, second = serving.schools[:2]
    body = await serving.ask(caller, query, {"a": first, "b": second})
    surnames = [{"surname": row["surname"], "forename": None} for row in shown(serving.world, "student", 0)]
    forenames = [{"surname": None, "forename": row["forename"]} for row in shown(serving.world, "student", 1)]
    assert [each["students"]["nodes"] for each in (body["data"]["a"], body["data"]["b"])] == [surnames, forenames]
    for several in (body["data"]["nodes"], body["data"]["schools"]["nodes"]):
        assert [each["students"]["nodes"] for each in several] == [surnames, forenames]
    said = [(path, entry["extensions"]["schoolId"]) for path, entry in zip(paths(body), body["errors"], strict=True)]
    assert said == [
        ("a.students.nodes.forename", first),
        ("b.students.nodes.surname", second),
        ("nodes.students.nodes.surname", second),
        ("nodes.students.nodes.forename", first),
        ("schools.nodes.students.nodes.surname", second),
        ("schools.nodes.students.nodes.forename", first),
    ]


async def test_schools_that_lack_the_same_scopes_share_an_entry(serving: Serving) -> None:
    students = {"students.read", "students.surname.read"}
    caller = await serving.caller({0: students, 1: {"schools.urn.read"}, EMPTY_SCHOOL: students - {"students.read"}})
    body = await serving.ask(caller, "{ schools { nodes { urn students { nodes { surname } } } } }")
    by_path = [(entry["extensions"]["queryPath"][-1], entry["extensions"]) for entry in body["errors"]]
    assert [path for path, _ in by_path] == ["urn", "students"]
    assert [[each["id"] for each in extensions["schools"]] for _, extensions in by_path] == [
        [serving.schools[0], serving.schools[EMPTY_SCHOOL]],
        [serving.schools[1], serving.schools[EMPTY_SCHOOL]],
    ]
    for _, extensions in by_path:
        assert not {"schoolId", "consentUrl"} & extensions.keys()
    assert by_path[0][1]["schools"][1]["consentUrl"] == f"{BASE_URL}/consents/{caller.consents[EMPTY_SCHOOL]}"
    assert body["errors"][0]["message"].endswith(f"which School 0 and Empty School have not granted to {caller.name}.")


async def test_schools_that_lack_different_scopes_of_one_field_have_an_entry_each(serving: Serving) -> None:
    conditions = {"students.read", "students.medical_conditions.read"}
    caller = await serving.caller({0: conditions - {"students.read"}, 1: {"students.read"}, EMPTY_SCHOOL: ()})
    body = await serving.ask(caller, "{ schools { nodes { medicalConditions { nodes { id } } } } }")
    assert [(entry["extensions"]["schoolId"], entry["extensions"]["missingScopes"]) for entry in body["errors"]] == [
        (serving.schools[0], ["students.read"]),
        (serving.schools[1], ["students.medical_conditions.read"]),
        (serving.schools[EMPTY_SCHOOL], ["students.read", "students.medical_conditions.read"]),
    ]


async def test_an_entry_says_whether_the_app_asked_for_the_scope(serving: Serving) -> None:
    asked = {"schools.urn.read": "required", "schools.la_code.read": "optional", "students.read": "optional",
             "students.medical_conditions.read": "required"}  # fmt: skip
    caller = await serving.caller({0: ()}, asked=asked)
    query = f"{ID} {{ school(id: $id) {{ urn laCode phaseOfEducation medicalConditions {{ nodes {{ id }} }} }} }}"
    body = await serving.ask(caller, query, {"id": serving.schools[0]})
    assert {entry["extensions"]["coordinate"]: entry["extensions"]["requested"] for entry in body["errors"]} == {
        "School.urn": "REQUIRED",
        "School.laCode": "OPTIONAL",
        "School.phaseOfEducation": "NOT_REQUESTED",
        "School.medicalConditions": "REQUIRED",
    }


async def test_a_shared_entry_says_the_strongest_need_of_its_schools(serving: Serving) -> None:
    caller = await serving.caller({0: (), 1: ()}, asked={"schools.urn.read": "required"})
    await serving.change("UPDATE consent SET products = '[\"other\"]' WHERE id = ?", caller.consents[0])
    body = await serving.ask(caller, "{ schools { nodes { urn } } }")
    [entry] = body["errors"]
    assert len(entry["extensions"]["schools"]) == 2
    assert entry["extensions"]["requested"] == "REQUIRED"


async def test_a_field_with_two_ways_to_be_granted_names_both_and_the_shorter_lack(serving: Serving) -> None:
    query = f"{ID} {{ school(id: $id) {{ subjects {{ nodes {{ name }} }} }} }}"
    caller = await serving.caller({0: {"subjects.read", "classes.read"}})
    body = await serving.ask(caller, query, {"id": serving.schools[0]})
    [entry] = body["errors"]
    assert entry["extensions"]["requiredScopes"] == [
        ["subjects.read", "subjects.name.read"],
        ["classes.read", "classes.subject.read"],
    ]
    assert entry["extensions"]["missingScopes"] == ["subjects.name.read"]


@pytest.mark.parametrize("link", ["contacts", "studentContacts", "behaviours", "medicalConditions", "events"])
async def test_a_list_whose_object_is_not_granted_is_null_with_an_error_and_never_empty(
    serving: Serving, link: str
) -> None:
    caller = await serving.caller({EMPTY_SCHOOL: (), 0: ()})
    for school in (0, EMPTY_SCHOOL):  # "has none" must not be told from "has some"
        query = f"{ID} {{ school(id: $id) {{ {link} {{ nodes {{ id }} totalCount }} }} }}"
        body = await serving.ask(caller, query, {"id": serving.schools[school]})
        assert body["data"] == {"school": {link: None}}
        assert len(body["errors"]) == 1


async def test_a_link_from_a_record_is_null_with_an_error_and_never_empty(serving: Serving) -> None:
    query = f"""{ID} {{ school(id: $id) {{ students {{ nodes {{
        contacts {{ nodes {{ id }} }} medicalConditions {{ id }} attendanceSummary {{ id }} year {{ id }} }} }} }} }}"""
    caller = await serving.caller({0: {"students.read"}})
    body = await serving.ask(caller, query, {"id": serving.schools[0]})
    nothing = {"contacts": None, "medicalConditions": None, "attendanceSummary": None, "year": None}
    assert body["data"]["school"]["students"]["nodes"] == [nothing] * len(shown(serving.world, "student"))
    assert len(body["errors"]) == 4


async def test_a_value_that_the_mis_does_not_hold_is_null_without_an_error(serving: Serving) -> None:
    caller = await serving.granted()
    query = f"{ID} {{ school(id: $id) {{ students {{ nodes {{ surname forename }} }} }} }}"
    nodes = (await serving.data(caller, query, {"id": serving.schools[0]}))["school"]["students"]["nodes"]
    assert any(row["surname"] is None for row in nodes)
