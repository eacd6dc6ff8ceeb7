"""The three manifests that ship say what the scope catalogue says: each product's scopes, needs and implied objects.

The facts stand in tests/cases/scope_catalogue.csv; where the catalogue itself is beside the project, they are compared.
"""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from authz.manifests import Manifest, parse
from schema.fields import Choice, Field, Link, Part, Shape
from schema.registry import REGISTRY
from schema.vocabulary import BUNDLES

ROOT = Path(__file__).parents[2]
FACTS = ROOT / "tests" / "cases" / "scope_catalogue.csv"
CATALOGUE = ROOT.parent / "shared" / "design" / "scope-catalogue.csv"
MANIFESTS = sorted((ROOT / "server" / "manifests").glob("*.json"))


def facts() -> list[dict[str, str]]:
    with FACTS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def manifests() -> Iterator[Manifest]:
    for path in MANIFESTS:
        yield parse(path.read_bytes())


def test_every_product_asks_for_exactly_the_scopes_of_the_catalogue() -> None:
    asked = {
        (manifest.name, product.product, scope.scope, scope.need, "yes" if scope.implied else "no")
        for manifest in manifests()
        for product in manifest.products
        for scope in product.scopes
    }
    expected = {
        (fact["app"], fact["product"], fact["scope"], fact["need"], fact["implied"])
        for fact in facts()
        if fact["app"] and fact["shipped"] == "yes"
    }
    assert asked == expected


def test_row_conditions_are_those_of_the_three_seeds() -> None:
    conditions = {
        f"{manifest.slug}/{product.product}": set(product.row_conditions)
        for manifest in manifests()
        for product in manifest.products
    }
    contacts = {"parental_responsibility", "no_court_order"}
    assert conditions == {
        "maestro/core": set(),
        "juniper-websites/email-and-text": contacts,
        "juniper-websites/parent-portal": contacts | {"current_employees"},
        "juniper-websites/parents-evening": contacts,
        "operoo/contact-access": set(),
        "operoo/student-record": set(),
    }


def test_the_manifests_list_what_the_vendor_asked_for_and_leave_the_expansion_to_registration() -> None:
    for path in MANIFESTS:
        for product in json.loads(path.read_text(encoding="utf-8"))["products"]:
            listed = {entry["scope"] for entry in product["scopes"]}
            bundled = {scope for entry in product["bundles"] for scope in BUNDLES[entry["bundle"]]}
            assert not listed & bundled


@pytest.mark.parametrize("fact", [fact for fact in facts() if fact["shipped"] == "yes"], ids=lambda fact: fact["scope"])
def test_every_fact_is_a_real_field_of_the_api_with_that_scope_and_type(fact: dict[str, str]) -> None:
    entity = REGISTRY.entities[fact["entity"]]
    assert REGISTRY.scopes[fact["scope"]].sensitivity == fact["sensitivity"]
    if fact["field"] == "*":
        assert entity.object_scopes[-1] == fact["scope"]
        return
    type_name = entity.name
    *parts, last = fact["field"].split(".")
    for part in parts:
        item = REGISTRY.declared[f"{type_name}.{part}"].item
        assert isinstance(item, Part)
        type_name = item.type_name
    declared = REGISTRY.declared[f"{type_name}.{last}"]
    assert declared.sensitivity == fact["sensitivity"]
    assert fact["type"] in {"parent", type_of(declared.item)}
    own = {alternative[-1] for alternative in declared.rule}
    assert fact["scope"] in own.union(entity_scopes(declared.item))


def entity_scopes(item: object) -> tuple[str, ...]:
    """A link to an entity that sits in this one needs the entity's object scopes."""
    return REGISTRY.entities[item.target].object_scopes if isinstance(item, Link) else ()


def type_of(item: object) -> str:
    match item:
        case Part():
            return item.type_name
        case Link():
            return f"[{item.target}!]" if item.shape is Shape.LIST else item.target
        case Field():
            return item.kind.name if isinstance(item.kind, Choice) else item.kind.value
        case _:
            raise AssertionError(item)


def test_the_facts_are_those_of_the_catalogue_beside_the_project() -> None:
    if not CATALOGUE.exists():
        pytest.skip("no scope-catalogue.csv beside the project; tests/cases/scope_catalogue.csv stands alone")
    columns = ("entity", "field", "scope", "type", "sensitivity", "app", "product", "need", "implied")
    with CATALOGUE.open(encoding="utf-8", newline="") as file:
        expected = [tuple(row[column] for column in columns) for row in csv.DictReader(file)]
    assert [tuple(fact[column] for column in columns) for fact in facts()] == expected
