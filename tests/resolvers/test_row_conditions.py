"""Which rows an app's row conditions withhold, as the three Juniper products state them, on every path to a row.

A father has parental responsibility for one child, and a court order stands against him for the other.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from authz import access, apps, consent, tokens
from authz.audit import Actor
from authz.bearer import token_hash
from authz.manifests import Manifest
from authz.session import WriteSession
from resolvers.engine import Engine, Request
from resolvers.gate import Gate
from schema.ids import new_record_id, seeded_keys
from server.database import Database, open_database
from server.readers import reader_for
from tests.manifests import shipped
from tests.resolvers.serving import BASE_URL, KEYS, SCHEMA
from tests.world import insert

pytestmark = pytest.mark.asyncio(loop_scope="module")

BY = Actor("a head")
SCHOOL = "sch_" + "c" * 8
PRODUCTS = ("email-and-text", "parent-portal", "parents-evening")
PREFIXES = {"ann": "stu", "ben": "stu", "here": "emp", "left": "emp", "unsaid": "emp", "class": "cls", "group": "grp"}
STAFF = {"here": True, "left": False, "unsaid": None}
LINKS = {
    # contact, child: parental responsibility, court order, restricted access
    ("father", "ann"): (True, False, False),
    ("father", "ben"): (True, True, False),
    ("mother", "ann"): (None, False, False),
    ("mother", "ben"): (True, None, None),
    ("aunt", "ann"): (False, False, False),
    ("guardian", "ben"): (True, False, True),
}
SHOWN = {("father", "ann"), ("mother", "ben")}
"""Null responsibility is not listed; a null court order shares; restricted access counts as a court order."""
KEY = seeded_keys("row conditions")
IDS = {name: new_record_id(prefix, SCHOOL, KEY) for name, prefix in PREFIXES.items()}
IDS |= {name: new_record_id("con", SCHOOL, KEY) for name in ("father", "mother", "aunt", "guardian")}
LINK_IDS = {pair: new_record_id("lnk", SCHOOL, KEY) for pair in LINKS}


class Conditions:
    """The school behind an engine, and for each Juniper product an app that has it and no other."""

    def __init__(self, database: Database, engine: Engine, secrets: dict[str, str]) -> None:
        self.database, self.engine, self.secrets = database, engine, secrets

    async def ask(self, product: str, query: str, **variables: Any) -> Any:
        """The data for the app that has this product; only denied fields may stand among the errors."""
        answer = await self.engine.execute(Request(query, None, variables, token_hash(self.secrets[product])))
        body = json.loads(answer.body)
        assert {entry["extensions"]["code"] for entry in body.get("errors", ())} <= {"SCOPE_NOT_GRANTED"}
        return body["data"]


async def write_school(session: WriteSession) -> None:
    here = {"school_id": SCHOOL}
    await insert(session, "school", [{"id": SCHOOL, "name": "Two Children", "timezone": "Europe/London"}])
    await insert(session, "student", [{**here, "id": IDS[name]} for name in ("ann", "ben")])
    parents = ("father", "mother", "aunt", "guardian")
    await insert(session, "contact", [{**here, "id": IDS[name], "surname": name} for name in parents])
    for (contact, child), (responsible, court_order, restricted) in LINKS.items():
        link: dict[str, Any] = {
            **here,
            "id": LINK_IDS[contact, child],
            "student_id": IDS[child],
            "contact_id": IDS[contact],
        }
        link |= {"parental_responsibility": responsible, "court_order": court_order, "restricted_access": restricted}
        await insert(session, "student_contact", [link])
    staff: list[dict[str, Any]] = [
        {**here, "id": IDS[name], "current": current, "surname": name} for name, current in STAFF.items()
    ]
    await insert(session, "employee", staff)
    await insert(session, "school_class", [{**here, "id": IDS["class"]}])
    await insert(session, "school_group", [{**here, "id": IDS["group"]}])
    for table, column in (("employee_class", "class_id"), ("employee_group", "group_id")):
        of = IDS[column.removesuffix("_id")]
        await insert(session, table, [{**here, "employee_id": IDS[name], column: of} for name in STAFF])


def manifest_of(product: str) -> Manifest:
    """Juniper's manifest under a slug of the product's own, so that each product has an app."""
    return replace(shipped("juniper-websites"), slug=f"juniper-{product}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def conditions(module_database_url: str) -> AsyncIterator[Conditions]:
    database = open_database(module_database_url)
    secrets = {}
    async with database.write() as session:
        await write_school(session)
        for product in PRODUCTS:
            manifest = manifest_of(product)
            await apps.register(session, manifest, by=BY)
            app = await apps.find(session, manifest.slug)
            [asked] = [each for each in manifest.products if each.product == product]
            scopes = [each.scope for each in asked.scopes]
            await consent.grant(session, SCHOOL, app.id, by=BY, products=[product], scopes=scopes)
            secrets[product] = (await tokens.issue(session, app.id, by=BY)).secret
    reader = reader_for(database, inline_cost=10**9, deadline_seconds=20)  # type: ignore[arg-type]
    yield Conditions(database, Engine(Gate(SCHEMA, database.dialect, KEYS, base_url=BASE_URL), reader), secrets)
    await reader.close()
    await database.close()


PATHS = """
query($id: ID!) { school(id: $id) {
  students { nodes { id contacts { totalCount nodes { id contact { id } } } } }
  contacts { totalCount nodes { id students { totalCount nodes { id student { id contacts { nodes { id } } } } } } }
  studentContacts { totalCount nodes { id } pageInfo { hasNextPage } }
} }"""
NODE = """query($id: ID!) { node(id: $id) { id
  ... on StudentContact { contact { id } } ... on Contact { students { totalCount nodes { id } } } } }"""
STAFF_PATHS = """
query($id: ID!) { school(id: $id) {
  employees { totalCount nodes { id } }
  classes { nodes { employees { totalCount nodes { id } } } }
  groups { nodes { employees { totalCount nodes { id } } } }
} }"""


@pytest.mark.parametrize("product", PRODUCTS)
async def test_a_father_is_seen_with_one_child_and_not_with_the_other(conditions: Conditions, product: str) -> None:
    links = sorted(LINK_IDS[pair] for pair in SHOWN)
    people = sorted({IDS[contact] for contact, _ in SHOWN})
    school = (await conditions.ask(product, PATHS, id=SCHOOL))["school"]
    assert [each["id"] for each in school["studentContacts"]["nodes"]] == links
    assert school["studentContacts"]["totalCount"] == len(links)
    assert [each["id"] for each in school["contacts"]["nodes"]] == people
    assert school["contacts"]["totalCount"] == len(people)
    for student in school["students"]["nodes"]:
        child = next(name for name in ("ann", "ben") if IDS[name] == student["id"])
        expected = sorted(LINK_IDS[pair] for pair in SHOWN if pair[1] == child)
        assert [each["id"] for each in student["contacts"]["nodes"]] == expected
        assert student["contacts"]["totalCount"] == len(expected)
    for contact in school["contacts"]["nodes"]:
        [name] = [name for name in ("father", "mother") if IDS[name] == contact["id"]]
        expected = [LINK_IDS[pair] for pair in SHOWN if pair[0] == name]
        assert [each["id"] for each in contact["students"]["nodes"]] == expected
        assert contact["students"]["totalCount"] == 1
        for link in contact["students"]["nodes"]:
            assert {each["id"] for each in link["student"]["contacts"]["nodes"]} <= set(links)


@pytest.mark.parametrize("product", PRODUCTS)
async def test_a_withheld_link_or_contact_is_nothing_by_id(conditions: Conditions, product: str) -> None:
    for pair, link in LINK_IDS.items():
        node = (await conditions.ask(product, NODE, id=link))["node"]
        assert (node is not None) is (pair in SHOWN), pair
    for name in ("father", "mother", "aunt", "guardian"):
        node = (await conditions.ask(product, NODE, id=IDS[name]))["node"]
        assert (node is not None) is (name in ("father", "mother")), name
        if node is not None:
            assert node["students"]["totalCount"] == 1


@pytest.mark.parametrize("product", PRODUCTS)
async def test_staff_who_have_left_are_on_no_path_and_those_of_whom_nothing_is_said_are(
    conditions: Conditions, product: str
) -> None:
    visible = sorted(IDS[name] for name, current in STAFF.items() if current is not False)
    school = (await conditions.ask(product, STAFF_PATHS, id=SCHOOL))["school"]
    lists = [
        school["employees"],
        *(each["employees"] for kind in ("classes", "groups") for each in school[kind]["nodes"]),
    ]
    granted = [each for each in lists if each is not None]
    assert len(granted) == (0 if product == "parents-evening" and school["employees"] is None else 3)
    for each in granted:
        assert [employee["id"] for employee in each["nodes"]] == visible
        assert each["totalCount"] == len(visible)
    for name, current in STAFF.items():
        node = (await conditions.ask(product, NODE, id=IDS[name]))["node"]
        assert (node is not None) is (current is not False), name


async def test_revoking_the_scope_of_a_fact_changes_no_row(conditions: Conditions) -> None:
    before = await conditions.ask("parent-portal", PATHS, id=SCHOOL)
    async with conditions.database.write() as session:
        app = await apps.find(session, "juniper-parent-portal")
        facts = ["contacts.court_order.read", "contacts.parental_responsibility.read"]
        revoked = await consent.revoke(session, SCHOOL, app.id, by=BY, scopes=facts)
    assert list(revoked.scopes) == facts
    assert await conditions.ask("parent-portal", PATHS, id=SCHOOL) == before
    current = "employees.current.read"
    staff = await conditions.ask("parent-portal", STAFF_PATHS, id=SCHOOL)
    async with conditions.database.write() as session:
        await consent.revoke(session, SCHOOL, app.id, by=BY, scopes=[current])
    assert await conditions.ask("parent-portal", STAFF_PATHS, id=SCHOOL) == staff


async def test_row_conditions_never_change_the_answer_of_the_ladder(conditions: Conditions) -> None:
    async with conditions.database.read() as session:
        answers = {each.link_id: each for each in await access.decisions(session, SCHOOL)}
    assert set(answers) == set(LINK_IDS.values()), "every link is decided, also those that an app may not see"
