"""The published SDL is fresh, and says each field's rule where gateways and people look for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    InterfaceTypeDefinitionNode,
    ListValueNode,
    ObjectTypeDefinitionNode,
    StringValueNode,
    build_ast_schema,
    get_named_type,
    parse,
)

from authz.rules import rules_of
from schema.api import build_schema, rule_text, sdl
from schema.directives import role_rule
from schema.fields import Alternatives
from schema.registry import REGISTRY
from schema.tables import stored_leaves

PUBLISHED = Path(__file__).parents[2] / "schema" / "schema.graphql"
SCHEMA = build_schema()
SDL: DocumentNode = parse(sdl())
OBJECTS = [node for node in SDL.definitions if isinstance(node, ObjectTypeDefinitionNode)]
# What every consent shares, and one group whose values have a scope each.
NEEDS_NO_SCOPE = {
    "School.id",
    "School.name",
    "School.timezone",
    "School.mis",
    "SchoolMis.provider",
    "SchoolMis.capabilities",
    "MisCapability.attribute",
    "MisCapability.state",
    "MisCapability.source",
    "MisCapability.asOf",
    "School.extended",
}


def fields() -> Iterator[tuple[str, FieldDefinitionNode]]:
    for node in OBJECTS:
        for field in node.fields or ():
            yield f"{node.name.value}.{field.name.value}", field


FIELDS = dict(fields())


def rule_in(field: FieldDefinitionNode) -> Alternatives | None:
    """The rule that a field's directives spell out; None when they are not exactly one of the three."""
    if [directive.name.value for directive in field.directives or ()] == ["requiresRole"]:
        [argument] = (field.directives or ())[0].arguments or ()
        assert isinstance(argument.value, StringValueNode)
        return role_rule(argument.value.value)
    if [directive.name.value for directive in field.directives or ()] == ["authenticated"]:
        return ()
    if [directive.name.value for directive in field.directives or ()] != ["requiresScopes"]:
        return None
    [argument] = (field.directives or ())[0].arguments or ()
    assert argument.name.value == "scopes"
    assert isinstance(argument.value, ListValueNode)
    found = []
    for alternative in argument.value.values:
        assert isinstance(alternative, ListValueNode)
        found.append(tuple(each.value for each in alternative.values if isinstance(each, StringValueNode)))
        assert len(found[-1]) == len(alternative.values) > 0
    assert found
    return tuple(found)


def test_the_published_sdl_is_that_of_the_code() -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == sdl(), "run: fieldgate schema > schema/schema.graphql"


def test_the_sdl_is_a_schema_of_its_own() -> None:
    built = build_ast_schema(SDL)
    for name in REGISTRY.entities:
        named = built.type_map[name]
        assert isinstance(named, GraphQLObjectType)
        assert [each.name for each in named.interfaces] == ["Node"]
    node = built.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert {each.name for each in built.get_possible_types(node)} == set(REGISTRY.entities)


def test_the_directives_have_the_name_and_shape_that_gateways_know() -> None:
    text = sdl()
    assert "directive @requiresScopes(scopes: [[String!]!]!) on FIELD_DEFINITION" in text
    assert "directive @authenticated on FIELD_DEFINITION" in text


def test_every_field_of_every_object_type_carries_the_rule_that_is_enforced() -> None:
    assert len(FIELDS) > 350
    enforced = rules_of(SCHEMA)
    assert {coordinate: rule_in(field) for coordinate, field in FIELDS.items()} == dict(enforced)


def test_no_interface_carries_a_rule() -> None:
    interfaces = [node for node in SDL.definitions if isinstance(node, InterfaceTypeDefinitionNode)]
    assert [node.name.value for node in interfaces] == ["Node"]
    assert not any(field.directives for node in interfaces for field in node.fields or ())


def test_every_scope_of_the_registry_stands_in_the_sdl_and_no_other() -> None:
    named = {scope for field in FIELDS.values() for alternative in rule_in(field) or () for scope in alternative}
    assert {word for word in named if not word.startswith("role:")} == set(REGISTRY.scopes)


def test_only_what_every_consent_shares_needs_no_scope() -> None:
    free = {declared.coordinate for declared in REGISTRY.declared.values() if declared.rule == ()}
    assert free == NEEDS_NO_SCOPE


def test_scope_and_sensitivity_stand_in_the_description() -> None:
    for coordinate, field in FIELDS.items():
        assert field.description is not None, coordinate
        text = field.description.value
        rule = rule_in(field)
        assert rule is not None
        if (field.directives or ())[0].name.value == "requiresRole":
            role = rule[0][0].removeprefix("role:") if rule else "anybody"
            assert text.endswith(f"Role: `{role}`"), coordinate
            continue
        enough = "a consent in force" if coordinate in REGISTRY.declared else "a valid app token"
        assert rule_text(rule, enough) in text, coordinate
        for alternative in rule:
            for scope in alternative:
                assert f"`{scope}`" in text, coordinate
        declared = REGISTRY.declared.get(coordinate)
        if declared is not None:
            assert text.startswith(declared.description), coordinate
            assert text.endswith(f" · {declared.sensitivity}"), coordinate


def implies(way: Alternatives, rule: Alternatives) -> bool:
    """Whether whoever may go this way may also read under the rule."""
    if not rule:
        return True
    return bool(way) and all(any(set(needed) <= set(held) for needed in rule) for held in way)


def test_what_can_be_denied_is_nullable_so_that_a_denial_never_removes_its_parent() -> None:
    """A field that may not be null needs no more than every way to its object does."""
    rules = rules_of(SCHEMA)
    objects = {name: each for name, each in SCHEMA._schema.type_map.items()
               if isinstance(each, GraphQLObjectType) and not name.startswith("__")}  # fmt: skip
    strict = 0
    for type_name, named in objects.items():
        never_null = [name for name, field in named.fields.items() if isinstance(field.type, GraphQLNonNull)]
        ways = [
            (f"{parent}.{name}", rules[f"{parent}.{name}"])
            for parent, each in objects.items()
            for name, field in each.fields.items()
            if get_named_type(field.type).name == type_name
        ]
        if type_name in REGISTRY.entities:  # `node` and `nodes` look for a record only under its object's scopes
            ways.append(("Query.node", REGISTRY.object_rule(REGISTRY.entities[type_name])))
        for name in never_null:
            rule = rules[f"{type_name}.{name}"]
            strict += bool(rule)
            for way, needed in ways:
                assert implies(needed, rule), (way, type_name, name)
    assert strict > 50


@pytest.mark.parametrize("name", sorted(REGISTRY.entities))
def test_the_columns_of_an_entity_have_names_of_their_own(name: str) -> None:
    entity = REGISTRY.entities[name]
    columns = [leaf.column for leaf in stored_leaves(entity)]
    fixed = ["school_id", "id", "source_id", "first_synced_at", "deleted_at", *entity.extra_columns]
    assert len({*columns, *fixed}) == len(columns) + len(fixed)
    assert all(column == column.lower() and column.isascii() for column in columns)


def test_no_type_of_the_api_is_a_table_of_fieldgate_itself() -> None:
    names = {node.name.value for node in OBJECTS}
    assert not names & {"AppToken", "ConsentGrant", "AuditEvent", "ImportRun", "Subscription"}
    assert not any(word in FIELDS for word in ("App.tokens", "App.hash"))
