"""The generated schools: the same every time, of the size that was asked for, with every odd case of real data."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from server.demo.generate import PRIMARY, SECONDARY, generate_school, generate_town
from server.sync.reading import Reading, SchoolRecords
from server.sync.upn import is_valid_upn
from server.sync.wonde import ENDPOINTS

ROOT = Path(__file__).parents[3]
DIGEST = "from tests.server.demo.test_generate import digest; print(digest())"


@cache
def town() -> tuple[SchoolRecords, SchoolRecords]:
    return generate_town()


def digest() -> str:
    """A digest of both schools."""
    text = json.dumps([[records.school, records.lists] for records in generate_town()], default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def students(records: SchoolRecords) -> list[Any]:
    return list(records.lists["students"])


def links(records: SchoolRecords) -> list[Any]:
    return [item["relationship"] for student in students(records) for item in student["contacts"]["data"]]


def upns(records: SchoolRecords, key: str = "upn") -> list[Any]:
    return [student["education_details"]["data"][key] for student in students(records)]


def mail_of(contact: Any) -> Any:
    return contact["contact_details"]["data"]["emails"]["email"]


def share(values: list[Any], wanted: object) -> float:
    return sum(type(value) is type(wanted) and value == wanted for value in values) / len(values)


@pytest.fixture(params=[0, 1], ids=["primary", "secondary"])
def records(request: pytest.FixtureRequest) -> SchoolRecords:
    return town()[request.param]


def test_the_same_seed_gives_the_same_schools_in_every_process() -> None:
    def in_another(seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", DIGEST]
        return subprocess.run(
            command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
        ).stdout.strip()

    assert {in_another("1"), in_another("2"), digest()} == {digest()}
    assert generate_town("another") != generate_town()


def test_a_primary_and_a_secondary_school_have_more_than_a_thousand_pupils() -> None:
    primary, secondary = town()
    assert (len(students(primary)), len(students(secondary))) == (420, 950)
    assert {student["education_details"]["data"]["current_nc_year"] for student in students(primary)} == set("R123456")
    years = {student["education_details"]["data"]["current_nc_year"] for student in students(secondary)}
    assert years == {str(year) for year in range(7, 14)}


def test_every_list_of_the_mis_api_is_generated() -> None:
    for records in town():
        assert set(records.lists) == {endpoint.path for endpoint in ENDPOINTS}
        assert all(len(listed) > 0 for listed in records.lists.values())


def test_siblings_share_contacts_within_a_school_and_across_the_two() -> None:
    for records in town():
        times = Counter(item["id"] for student in students(records) for item in student["contacts"]["data"])
        assert sum(count > 1 for count in times.values()) > 0.1 * len(times)
    mails = [{mail_of(contact) for contact in records.lists["contacts"]} - {None, ""} for records in town()]
    assert len(mails[0] & mails[1]) > 30


def test_upns_are_valid_but_for_the_odd_ones(records: SchoolRecords) -> None:
    given = [upn for upn in upns(records) if upn]
    assert share(upns(records), None) == pytest.approx(0.025, abs=0.005)
    assert share(upns(records), "") == pytest.approx(0.01, abs=0.005)
    assert sum(upn[-1].isalpha() for upn in given) / len(given) == pytest.approx(0.015, abs=0.005)
    wrong = [upn for upn in given if not is_valid_upn(upn)]
    assert 1 <= len(wrong) <= 5
    assert sum(upn is not None for upn in upns(records, "former_upn")) > 5


def test_links_have_their_odd_cases_at_realistic_rates(records: SchoolRecords) -> None:
    found = links(records)
    assert share([link["court_order"] for link in found], True) == pytest.approx(0.015, abs=0.004)
    assert share([link["restricted_access"] for link in found], True) == pytest.approx(0.01, abs=0.004)
    responsibility = [link["parental_responsibility"] for link in found]
    assert all(share(responsibility, value) > 0.02 for value in (True, None, "", False))
    assert {link["priority"] for link in found} >= {None, 0, 1, 2, 3, 4, 5, 6}
    assert {link["lives_with_pupil"] for link in found} == {True, False, None}


def test_people_have_their_odd_cases(records: SchoolRecords) -> None:
    linked = {item["id"] for student in students(records) for item in student["contacts"]["data"]}
    contacts: list[Any] = list(records.lists["contacts"])
    employees: list[Any] = list(records.lists["employees"])
    assert sum(contact["id"] not in linked for contact in contacts) > 5
    assert any(student["contacts"]["data"] == [] for student in students(records))
    assert sum(student["restored_at"] is not None for student in students(records)) == 3
    current = Counter(employee["employment_details"]["data"]["current"] for employee in employees)
    assert (current[False], current[None]) == (3, 3)
    assert len({c["upi"] for c in contacts} & {e["upi"] for e in employees}) == 1
    assert any(contact["middle_names"] == "" for contact in contacts)
    assert any(mail_of(contact) == "" for contact in contacts)
    assert any(not student["forename"].isascii() for student in students(records))
    assert len({contact["id"] for contact in contacts}) == len(contacts)


def test_groups_and_incidents_have_their_odd_cases(records: SchoolRecords) -> None:
    groups: list[Any] = list(records.lists["groups"])
    kinds = {"YEAR", "REGISTRATION", "HOUSE", "CLUB", "USER_DEFINED", "ENRICHMENT"}
    assert {group["type"] for group in groups} == kinds
    incidents: list[Any] = list(records.lists["behaviours"])
    parts = [[part["id"] for part in incident["students"]["data"]] for incident in incidents]
    assert max(map(len, parts)) > 1
    assert any(len(set(part)) < len(part) for part in parts)


def test_only_the_odd_cases_are_findings(records: SchoolRecords) -> None:
    reading = Reading(records.school, records.source_id)
    for endpoint in ENDPOINTS:
        reading.take(endpoint, records.lists[endpoint.path])
        reading.close(endpoint)
    assert set(reading.findings.by_code) == {"BLANK_BOOLEAN", "UNKNOWN_CHOICE", "UPN_CHECK_FAILED"}
    assert reading.findings.refused_records.total() == 0


@pytest.mark.parametrize("size", [1, 40, 3000])
def test_a_school_of_any_size_can_be_made(size: int) -> None:
    for plan in (PRIMARY, SECONDARY):
        records = generate_school("any", students=size, plan=plan, source_id="X1", name="Any School")
        assert len(students(records)) == size
        assert (records.source_id, records.school["name"]) == ("X1", "Any School")
        assert len({upn for upn in upns(records) if upn}) == sum(1 for upn in upns(records) if upn)
