"""What becomes of odd records: each is kept or refused, and every one is a finding."""

import re
from pathlib import Path
from typing import Any

import pytest

from schema.registry import REGISTRY
from schema.tables import stored_leaves
from server.sync.findings import FINDINGS, REFUSED, Findings
from server.sync.reading import Reading
from server.sync.records import api_path
from server.sync.wonde import ENDPOINTS, RENAMED, STRICTER
from tests.server.sync.wonde import FakeWonde, link, person, small_school, student

ROOT = Path(__file__).parents[3]
BY_PATH = {endpoint.path: endpoint for endpoint in ENDPOINTS}


def reading_of(api: FakeWonde, **lists: list[Any]) -> Reading:
    """A read of the small school with some lists replaced."""
    reading = Reading(api.school, str(api.school["id"]))
    for endpoint in ENDPOINTS:
        name = endpoint.path.replace("-", "_").replace("/", "_")
        reading.take(endpoint, lists.get(name, api.lists[endpoint.path]))
        reading.close(endpoint)
    return reading


def value(reading: Reading, entity: str, source_id: str, field: str) -> object:
    names = [api_path(leaf) for leaf in stored_leaves(REGISTRY.entities[entity])]
    return reading.drafts[entity][source_id].values[names.index(field)]


def findings(reading: Reading) -> list[tuple[Any, ...]]:
    return [(f.code, f.outcome.value, f.entity, f.source_id, f.field, f.value) for f in reading.findings]


@pytest.fixture
def api() -> FakeWonde:
    return small_school()


def test_an_ordinary_school_has_no_findings(api: FakeWonde) -> None:
    reading = reading_of(api)
    assert findings(reading) == []
    assert {name: len(drafts) for name, drafts in reading.drafts.items()} == {
        "Student": 4, "Contact": 3, "StudentContact": 4, "Employee": 2, "Class": 1, "Group": 2, "Subject": 1,
        "AttendanceSummary": 1, "SessionAttendance": 1, "Behaviour": 3, "Event": 1, "MedicalCondition": 1,
        "MedicalNote": 1,
    }  # fmt: skip


def test_values_are_found_under_the_names_of_the_mis_api(api: FakeWonde) -> None:
    extended = {"premium_pupil_indicator": True, "gifted_and_talented_status": False, "free_school_meals_6": True}
    address = {"house_number": 5, "postcode": "QQ1 1AA"}
    details = {"phones": {"mobile": "07700 900001"}, "addresses": {"home": address, "work": None, "postal": []}}
    pupil = student("S1", extended_details={"data": extended}, contact_details={"data": details})
    reading = reading_of(api, students=[pupil])
    assert value(reading, "Student", "S1", "extendedDetails.pupilPremium") is True
    assert value(reading, "Student", "S1", "extendedDetails.giftedAndTalented") is False
    assert value(reading, "Student", "S1", "extendedDetails.freeSchoolMeals6") is True
    assert value(reading, "Student", "S1", "contactDetails.phones.mobile") == "07700 900001"
    assert value(reading, "Student", "S1", "contactDetails.addresses.home.houseNumber") == "5"
    assert value(reading, "Student", "S1", "contactDetails.addresses.postal.postcode") is None
    assert value(reading, "Student", "S1", "educationDetails.admissionDate") == "2024-09-03"
    assert value(reading, "AttendanceSummary", "A1", "unauthorisedAbsences") == 2
    assert value(reading, "Behaviour", "B1:S1", "incidentDate") == "2025-10-01"
    assert value(reading, "Event", "V1", "startDate") == "2025-07-01T08:00:00.000000Z"
    assert findings(reading) == []


def test_an_incident_date_may_stand_under_its_plain_name(api: FakeWonde) -> None:
    incident = {"id": "B9", "date": "2025-10-01", "students": {"data": [{"id": "S1"}]}}
    assert value(reading_of(api, behaviours=[incident]), "Behaviour", "B9:S1", "incidentDate") == "2025-10-01"


def test_every_renamed_and_stricter_field_is_declared() -> None:
    declared = {(e.name, api_path(leaf)) for e in REGISTRY.entities.values() for leaf in stored_leaves(e)}
    assert RENAMED.keys() | STRICTER.keys() <= declared


def test_each_pupils_part_in_an_incident_is_a_record_even_twice(api: FakeWonde) -> None:
    reading = reading_of(api)
    assert list(reading.drafts["Behaviour"]) == ["B1:S1", "B1:S2", "B1:S1:2"]
    assert [value(reading, "Behaviour", one, "points") for one in reading.drafts["Behaviour"]] == [3, 1, 0]
    assert set(reading.incidents.values()) == {"B1"}


def test_an_odd_value_is_recorded_with_record_field_and_value(api: FakeWonde) -> None:
    pupil = student("S1", link("P1", priority="01", parental_responsibility="", court_order="no"), date_of_birth="soon")
    pupil["education_details"]["data"]["upn"] = "C801200005001"
    reading = reading_of(api, students=[pupil])
    assert findings(reading) == [
        ("BAD_DATE", "refused", "Student", "S1", "dateOfBirth", "soon"),
        ("UPN_CHECK_FAILED", "kept", "Student", "S1", "educationDetails.upn", "C801200005001"),
        ("BLANK_BOOLEAN", "kept", "StudentContact", "S1:P1", "parentalResponsibility", ""),
        ("BAD_NUMBER", "refused", "StudentContact", "S1:P1", "priority", "01"),
        ("UNREADABLE_FACT", "kept", "StudentContact", "S1:P1", "courtOrder", "no"),
    ]
    assert value(reading, "Student", "S1", "educationDetails.upn") == "C801200005001"
    assert value(reading, "StudentContact", "S1:P1", "priority") is None


@pytest.mark.parametrize("unreadable", ["no", "true", "false", 0, 1, "yes", {}, [True]])
def test_an_unreadable_fact_gives_nobody_access(api: FakeWonde, unreadable: object) -> None:
    facts = ("court_order", "restricted_access", "parental_responsibility", "lives_with_pupil")
    reading = reading_of(api, students=[student("S1", link("P1", **dict.fromkeys(facts, unreadable)))])
    names = ("courtOrder", "restrictedAccess", "parentalResponsibility", "livesWithPupil")
    assert [value(reading, "StudentContact", "S1:P1", name) for name in names] == [True, True, False, False]
    assert [finding[0] for finding in findings(reading)] == ["UNREADABLE_FACT"] * len(facts)


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"surname": "X"}, "MISSING_ID"), ({"id": None}, "MISSING_ID"), ({"id": " "}, "MISSING_ID"),
        ({"id": "a:b"}, "BAD_ID"), ({"id": "x" * 101}, "BAD_ID"), ({"id": {}}, "BAD_ID"), ({"id": True}, "BAD_ID"),
        ("S9", "BAD_RECORD"), (None, "BAD_RECORD"), (["S9"], "BAD_RECORD"),
    ],
)  # fmt: skip
def test_a_record_without_a_usable_id_is_refused(api: FakeWonde, record: object, code: str) -> None:
    reading = reading_of(api, contacts=[record, person("P1")])
    assert list(reading.drafts["Contact"]) == ["P1"]
    assert [(f.code, f.outcome.value, f.entity) for f in reading.findings] == [(code, "refused", "Contact")]
    assert reading.findings.refused_records == {"Contact": 1}


def test_a_whole_number_is_an_id_too(api: FakeWonde) -> None:
    assert list(reading_of(api, subjects=[{"id": 77}]).drafts["Subject"]) == ["77"]


def test_of_two_records_with_one_id_the_first_is_kept(api: FakeWonde) -> None:
    reading = reading_of(api, contacts=[person("P1", surname="First"), person("P1", surname="Second")])
    assert value(reading, "Contact", "P1", "surname") == "First"
    assert findings(reading) == [("DUPLICATE_RECORD", "refused", "Contact", "P1", None, None)]


def test_of_two_links_to_one_contact_the_first_is_kept(api: FakeWonde) -> None:
    reading = reading_of(api, students=[student("S1", link("P1", court_order=True), link("P1", court_order=False))])
    assert value(reading, "StudentContact", "S1:P1", "courtOrder") is True
    assert findings(reading) == [("DUPLICATE_RECORD", "refused", "StudentContact", "S1:P1", None, None)]


FACTS = {
    "court_order": "courtOrder", "restricted_access": "restrictedAccess",
    "parental_responsibility": "parentalResponsibility", "lives_with_pupil": "livesWithPupil",
}  # fmt: skip
DENIES, GRANTS = ("court_order", "restricted_access"), ("parental_responsibility", "lives_with_pupil")


def second_entry(api: FakeWonde, whole_record: bool, fact: str, first: object, second: object) -> Reading:
    """A read in which a link stands twice, in one list of the pupil's or in a second record of the pupil."""
    entries = link("P1", **{fact: first}), link("P1", **{fact: second})
    pupils = [student("S1", entries[0]), student("S1", entries[1])] if whole_record else [student("S1", *entries)]
    return reading_of(api, students=pupils)


@pytest.mark.parametrize("whole_record", [False, True], ids=["entry", "pupil"])
@pytest.mark.parametrize(
    ("facts", "first", "second", "kept"),
    [
        (DENIES, False, True, True), (DENIES, None, True, True), (DENIES, True, False, True),
        (DENIES, True, None, True), (DENIES, False, None, False), (DENIES, None, False, None),
        (DENIES, False, "no", True),
        (GRANTS, True, False, False), (GRANTS, None, False, False), (GRANTS, None, True, None),
        (GRANTS, False, True, False), (GRANTS, False, None, False), (GRANTS, True, None, True),
        (GRANTS, True, "no", False),
    ],
)  # fmt: skip
def test_of_a_second_entry_of_a_link_counts_what_denies_access_and_nothing_else(
    api: FakeWonde, facts: tuple[str, ...], first: object, second: object, kept: object, whole_record: bool
) -> None:
    for fact in facts:
        reading = second_entry(api, whole_record, fact, first, second)
        assert value(reading, "StudentContact", "S1:P1", FACTS[fact]) is kept, fact
        denied = [found for found in findings(reading) if found[:2] == ("DUPLICATE_RECORD", "kept")]
        told = ("DUPLICATE_RECORD", "kept", "StudentContact", "S1:P1", FACTS[fact], str(kept).lower())
        assert denied == ([] if kept is first else [told])


def test_of_a_second_entry_of_a_link_nothing_else_is_taken(api: FakeWonde) -> None:
    entries = link("P1", priority=5), link("P1", relationship="Father", priority=1, bill_payer=True)
    reading = reading_of(api, students=[student("S1", *entries, {"id": "P1"}, link("P1/"))])
    names = ("relationship", "priority", "billPayer")
    assert [value(reading, "StudentContact", "S1:P1", name) for name in names] == ["Mother", 5, None]
    assert reading.findings.by_code == {"DUPLICATE_RECORD": 2, "BAD_ID": 1}


def test_an_order_of_a_second_entry_counts_where_the_first_has_no_facts(api: FakeWonde) -> None:
    reading = reading_of(api, students=[student("S1", {"id": "P1"}, link("P1", court_order=True))])
    assert value(reading, "StudentContact", "S1:P1", "courtOrder") is True
    assert value(reading, "StudentContact", "S1:P1", "relationship") is None


def test_a_second_record_of_a_pupil_adds_no_link(api: FakeWonde) -> None:
    reading = reading_of(api, students=[student("S1", link("P1")), student("S1", link("P2"))])
    assert list(reading.drafts["StudentContact"]) == ["S1:P1"]


def test_a_contact_without_the_facts_of_the_link_is_linked_and_recorded(api: FakeWonde) -> None:
    reading = reading_of(api, students=[student("S1", {"id": "P1"})])
    assert value(reading, "StudentContact", "S1:P1", "courtOrder") is None
    assert findings(reading) == [("MISSING_RELATIONSHIP", "kept", "StudentContact", "S1:P1", None, None)]


def test_a_declined_list_or_include_is_kept_and_recorded(api: FakeWonde) -> None:
    reading = Reading(api.school, "T1")
    reading.decline(BY_PATH["contacts"])
    reading.decline(BY_PATH["students"], "contacts")
    reading.decline(BY_PATH["students"], "year")
    reading.decline(BY_PATH["students"], "education_details")
    assert reading.kept == {"Contact", "StudentContact"}
    assert {"year_id", "upn", "admission_date"} <= reading.kept_columns["Student"]
    assert "surname" not in reading.kept_columns["Student"]
    assert [(f.code, f.entity, f.field) for f in reading.findings] == [
        ("DECLINED_BY_MIS", "Contact", None),
        ("DECLINED_BY_MIS", "Student", "contacts"),
        ("DECLINED_BY_MIS", "Student", "year"),
        ("DECLINED_BY_MIS", "Student", "education_details"),
    ]


def test_what_is_in_no_record_of_a_list_was_not_supplied(api: FakeWonde) -> None:
    for pupil in api.lists["students"]:
        del pupil["contacts"], pupil["year"]
    del api.lists["students"][0]["groups"]  # the others have theirs: this pupil is in no group
    reading = reading_of(api)
    assert reading.kept == {"StudentContact"}
    assert reading.kept_columns == {"Student": {"year_id"}}
    assert findings(reading) == [
        ("NOT_SUPPLIED", "kept", "Student", None, "contacts", None),
        ("NOT_SUPPLIED", "kept", "Student", None, "year", None),
    ]


def test_a_list_of_which_no_record_can_be_used_was_not_supplied(api: FakeWonde) -> None:
    reading = reading_of(api, contacts=[{"surname": "A"}, "B"])
    assert reading.kept == {"Contact"}
    assert [finding[0] for finding in findings(reading)] == ["MISSING_ID", "BAD_RECORD", "NOT_SUPPLIED"]


def test_an_empty_list_means_that_there_is_nothing(api: FakeWonde) -> None:
    assert reading_of(api, contacts=[]).kept == set()


def test_an_unknown_group_type_is_other_and_a_strange_gender_is_null(api: FakeWonde) -> None:
    group = {"id": "G1", "name": "Enrichment", "type": "ENRICHMENT", "employees": {"data": []}}
    reading = reading_of(api, groups=[group], contacts=[person("P1", gender="Other")])
    assert value(reading, "Group", "G1", "type") == "OTHER"
    assert value(reading, "Contact", "P1", "gender") is None
    assert [(f.code, f.outcome.value, f.value) for f in reading.findings] == [
        ("UNKNOWN_CHOICE", "kept", "ENRICHMENT"),
        ("UNKNOWN_CHOICE", "refused", "Other"),
    ]


def test_nuls_and_lone_surrogates_are_taken_out_and_recorded(api: FakeWonde) -> None:
    reading = reading_of(api, contacts=[person("P1", surname="O\x00Neil\ud83d")])
    assert value(reading, "Contact", "P1", "surname") == "ONeil"
    assert findings(reading) == [("BAD_CHARACTERS", "kept", "Contact", "P1", "surname", "ONeil")]


def test_a_finding_holds_no_more_than_200_characters_of_a_value() -> None:
    found = Findings()
    found.add("BAD_TEXT", REFUSED, "Contact", "P1", "title", ["x" * 500])
    assert [len(f.value or "") for f in found] == [200]


def test_more_findings_than_an_import_records_are_counted() -> None:
    found = Findings(limit=2)
    for number in range(5):
        found.refuse_record("MISSING_ID", "Contact", None, number)
    assert [(f.code, f.value) for f in found] == [("MISSING_ID", "0"), ("MISSING_ID", "1"), ("MORE_FINDINGS", "3")]
    assert found.by_code["MISSING_ID"] == 5


def test_the_schools_zone_rules_times_that_name_none() -> None:
    api = small_school()
    api.school["timezone"] = "America/New_York"
    reading = reading_of(api, events=[{"id": "V1", "start_date": "2025-07-01 09:00:00"}])
    assert value(reading, "Event", "V1", "startDate") == "2025-07-01T13:00:00.000000Z"


def test_every_kind_of_finding_is_explained_once_and_used() -> None:
    explained = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "sync.md").read_text("utf-8"), re.MULTILINE)
    assert explained == list(FINDINGS)
    sources = "".join(file.read_text("utf-8") for file in (ROOT / "server" / "sync").glob("*.py"))
    assert [code for code in FINDINGS if sources.count(f'"{code}"') < 2] == []
