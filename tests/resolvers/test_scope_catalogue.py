"""Every scope of the registry: what it guards is read as stored when granted; without it, it is null with one error.

A denied column's name, or a denied object's table, does not stand in any statement that the request asked for.
"""

import csv
from pathlib import Path

import pytest

from schema.fields import Link
from schema.registry import REGISTRY
from tests.manifests import shipped
from tests.resolvers.serving import ALL_SCOPES, Serving, shown
from tests.resolvers.sites import SITES, Site, sites_of, without

pytestmark = pytest.mark.asyncio(loop_scope="module")

FACTS = Path(__file__).parents[1] / "cases" / "scope_catalogue.csv"


def facts() -> list[dict[str, str]]:
    with FACTS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


async def test_every_scope_of_the_registry_and_of_the_catalogue_decides_somewhere() -> None:
    decided = {scope for site in SITES for scope in site.scopes}
    assert decided == set(ALL_SCOPES)
    assert len(decided) >= 201
    named = {fact["scope"] for fact in facts()}
    assert len(named) == 77
    assert named <= decided


async def test_every_field_of_the_catalogue_is_a_place_where_its_scope_decides() -> None:
    decided = {(site.entity.name, ".".join([*(part.name for part in site.parts), site.item.name]), scope)
               for site in SITES for scope in site.scopes}  # fmt: skip
    lists = {(site.item.target, scope) for site in SITES if isinstance(site.item, Link) for scope in site.scopes}
    for fact in facts():
        if fact["field"] == "*":
            assert (fact["entity"], fact["scope"]) in lists, fact
        else:
            assert (fact["entity"], fact["field"], fact["scope"]) in decided, fact


@pytest.mark.parametrize("scope", sorted(ALL_SCOPES))
async def test_what_a_scope_guards_is_read_when_granted_and_denied_without_it(serving: Serving, scope: str) -> None:
    everything = await serving.granted()
    for site in sites_of(scope):
        school = (await serving.data(everything, site.query(), {"id": serving.schools[0]}))["school"]
        values = site.found(school)
        assert values == site.expected(serving.world), site.coordinate
        assert any(value not in (None, {"nodes": []}, []) for value in values), f"{site.coordinate} shows nothing"
        assert site.hidden_words().search(serving.sql), f"the SQL of {site.coordinate} is not what this test looks for"
        await denied(serving, site, scope)


async def denied(serving: Serving, site: Site, scope: str) -> None:
    caller = await serving.caller({0: without(scope, site)})
    body = await serving.ask(caller, site.query(), {"id": serving.schools[0]})
    assert all(value is None for value in site.found(body["data"]["school"])), site.coordinate
    [error] = body["errors"]
    assert error["extensions"]["code"] == "SCOPE_NOT_GRANTED"
    assert error["extensions"]["coordinate"] == site.coordinate
    assert error["extensions"]["missingScopes"] == [scope]
    assert f"`{scope}`" in error["message"]
    assert not site.hidden_words().search(serving.sql), serving.sql


MAESTRO = """
query($id: ID!) {
  school(id: $id) {
    classes { nodes { id code name description subject { id name } } }
    groups { nodes { id code name notes type description } }
    students { nodes { id upi surname forename gender dateOfBirth educationDetails { upn admissionDate } } }
    contacts { nodes { id surname } }
  }
}
"""


async def test_maestro_reads_its_fields_with_what_its_manifest_requires_and_is_refused_contacts(
    serving: Serving,
) -> None:
    [product] = shipped("maestro").products
    required = [each.scope for each in product.scopes if each.need == "required"]
    caller = await serving.caller({0: required})
    body = await serving.ask(caller, MAESTRO, {"id": serving.schools[0]})
    school, world = body["data"]["school"], serving.world

    subjects = {row["id"]: {"id": row["id"], "name": row["name"]} for row in shown(world, "subject")}
    assert school["classes"]["nodes"] == [
        {**{key: row[key] for key in ("id", "code", "name", "description")}, "subject": subjects.get(row["subject_id"])}
        for row in shown(world, "school_class")
    ]
    assert any(row["subject"] for row in school["classes"]["nodes"])
    assert school["groups"]["nodes"] == [
        {key: row[key] for key in ("id", "code", "name", "notes", "type", "description")}
        for row in shown(world, "school_group")
    ]
    assert school["students"]["nodes"] == [
        {
            **{key: row[key] for key in ("id", "upi", "surname", "forename", "gender")},
            "dateOfBirth": row["date_of_birth"],
            "educationDetails": {"upn": row["upn"], "admissionDate": row["admission_date"]},
        }
        for row in shown(world, "student")
    ]
    assert school["contacts"] is None
    [error] = body["errors"]
    assert (error["path"], error["extensions"]["missingScopes"]) == (["school", "contacts"], ["contacts.read"])


async def test_maestro_asks_for_sixteen_fields_and_three_objects() -> None:
    of_maestro = [fact for fact in facts() if fact["app"] == "Maestro"]
    assert sum(fact["field"] != "*" for fact in of_maestro) == 16
    assert sum(fact["field"] == "*" for fact in of_maestro) == 3


PRODUCTS = sorted({(fact["app"], fact["product"]) for fact in facts() if fact["app"] and fact["shipped"] == "yes"})
SLUGS = {"Maestro": "maestro", "Juniper Websites": "juniper-websites", "Operoo": "operoo"}


@pytest.mark.parametrize(("app", "name"), PRODUCTS, ids=lambda value: value.lower().replace(" ", "-"))
async def test_a_product_that_is_granted_in_full_reads_every_field_it_names(
    serving: Serving, app: str, name: str
) -> None:
    product = next(each for each in shipped(SLUGS[app]).products if each.product == name)
    caller = await serving.caller({0: [each.scope for each in product.scopes]})
    for fact in facts():
        if (fact["app"], fact["product"]) != (app, name) or fact["shipped"] != "yes" or fact["type"] == "parent":
            continue  # an object is read through its fields
        site = next(
            site for site in sites_of(fact["scope"])
            if (site.entity.name, site.item.name) == (fact["entity"], fact["field"].split(".")[-1])
        )  # fmt: skip
        school = (await serving.data(caller, site.query(), {"id": serving.schools[0]}))["school"]
        assert site.found(school) == site.expected(serving.world), fact


async def test_an_object_that_no_product_names_is_not_implied_by_its_fields(serving: Serving) -> None:
    """A field's scope without its object's opens nothing: the registry, not the app, says what goes together."""
    for entity in REGISTRY.entities.values():
        if entity.name in ("School", "Subject"):
            continue
        own = {scope for scope in ALL_SCOPES if scope.startswith(f"{entity.scope_prefix}.")} - {*entity.object_scopes}
        caller = await serving.caller({0: own})
        record = shown(serving.world, entity.table)[0]["id"]
        query = f"query($id: ID!) {{ node(id: $id) {{ id ... on {entity.name} {{ __typename }} }} }}"
        body = await serving.answer(caller, query, {"id": record})
        assert body.body == b'{"data":{"node":null}}', entity.name
