"""The schema enforces itself: with its plans, or executed without them. Its directives are the only rules."""

import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError

from authz.rules import UnguardedFieldError, rules_of
from authz.session import SQLITE
from resolvers.engine import Engine
from resolvers.extension import GateContext, PlannedExecution
from resolvers.gate import Gate
from resolvers.reference import ReferenceReader
from schema.api import ApiBuilder, SchemaBuildError, build_schema
from schema.directives import Authenticated, RequiresScopes
from schema.fields import ORDINARY, Entity, Field, Kind
from schema.mis import ENTITIES
from schema.registry import Registry
from tests.resolvers.serving import ALL_SCOPES, BASE_URL, KEYS, SCHEMA, Caller, Serving, serve, shown

Directive = RequiresScopes | Authenticated

QUERY = """query($id: ID!) {
  school(id: $id) {
    name urn
    students { nodes { id surname contactDetails { salutation } } totalCount }
    contacts { nodes { id } }
  }
}"""
GRANTED = {"students.read", "students.contact_details.read"}
DENIED = ["School.urn", "Student.surname", "StudentContactDetails.salutation", "School.contacts"]


@pytest.fixture
def sqlite_copy(migrated_sqlite: Path, tmp_path: Path) -> str:
    """The URL of a migrated SQLite database."""
    path = tmp_path / "fieldgate.db"
    shutil.copy(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
async def serving(sqlite_copy: str) -> AsyncIterator[Serving]:
    """The world on SQLite: what enforces here does not know the database."""
    served = await serve(sqlite_copy)
    yield served
    await served.reader.close()
    await served.database.close()


def behind(serving: Serving, schema: strawberry.Schema) -> Engine:
    """An engine with a gate of its own, on this schema."""
    return Engine(Gate(schema, serving.database.dialect, KEYS, base_url=BASE_URL), serving.driver)


async def executed(serving: Serving, engine: Engine, schema: strawberry.Schema, caller: Caller, query: str) -> Any:
    """What `schema.execute` says when it has no plans but the reference reader in its context."""
    async with serving.database.read() as session:
        reader = ReferenceReader(engine.gate, session, caller.token_hash)
        context = GateContext(engine, caller.token_hash, reader)
        return await schema.execute(query, {"id": serving.schools[0]}, context)


def coordinates(errors: Sequence[GraphQLError]) -> list[str]:
    return [error.message.split()[0] for error in errors]


@contextmanager
def directives(schema: strawberry.Schema, coordinate: str, *given: Directive) -> Iterator[None]:
    """The field of a built schema with other directives."""
    type_name, _, name = coordinate.partition(".")
    named: Any = schema._schema.type_map[type_name]
    definition = named.fields[name].extensions["strawberry-definition"]
    before = definition.directives
    definition.directives = list(given)
    try:
        yield
    finally:
        definition.directives = before


async def test_with_its_plans_the_schema_answers_as_the_engine_does(serving: Serving) -> None:
    schema = build_schema([PlannedExecution])
    engine = behind(serving, schema)
    caller = await serving.caller({0: GRANTED})
    result = await schema.execute(QUERY, {"id": serving.schools[0]}, GateContext(engine, caller.token_hash))
    body = await serving.ask(caller, QUERY, {"id": serving.schools[0]})
    assert result.data == body["data"]
    assert [error.formatted for error in result.errors or ()] == body["errors"]
    assert [error["extensions"]["coordinate"] for error in body["errors"]] == DENIED


async def test_with_its_plans_the_schema_refuses_as_the_engine_does(serving: Serving) -> None:
    schema = build_schema([PlannedExecution])
    engine = behind(serving, schema)
    caller = await serving.caller({0: GRANTED})
    for token_hash, reject, code in ((None, False, "UNAUTHENTICATED"), (caller.token_hash, True, "OPERATION_REJECTED")):
        context = GateContext(engine, token_hash, reject=reject)
        result = await schema.execute(QUERY, {"id": serving.schools[0]}, context)
        assert result.data is None
        assert result.errors is not None
        assert (result.errors[0].extensions or {})["code"] == code
    assert (await schema.execute("{ __typename }", context_value=GateContext(engine, None))).data == {
        "__typename": "Query"
    }
    without = await schema.execute(QUERY, {"id": serving.schools[0]})
    assert (without.data, len(without.errors or ())) == (None, 1)


async def test_an_errors_place_is_counted_in_lines_of_graphql(serving: Serving) -> None:
    query = "# \u2028 \x85 \x0b \x0c no end of a line\r\nquery($id: ID!) {\r  school(id: $id) {\n    urn\n  }\n}"
    schema = build_schema([PlannedExecution])
    caller = await serving.caller({0: ()})
    engine = behind(serving, schema)
    result = await schema.execute(query, {"id": serving.schools[0]}, GateContext(engine, caller.token_hash))
    body = await serving.ask(caller, query, {"id": serving.schools[0]})
    assert [error.formatted for error in result.errors or ()] == body["errors"]
    assert body["errors"][0]["locations"] == [{"line": 4, "column": 5}]


async def test_without_its_plans_the_executor_enforces_with_one_error_for_each_place(serving: Serving) -> None:
    schema = build_schema()
    caller = await serving.caller({0: GRANTED})
    result = await executed(serving, behind(serving, schema), schema, caller, QUERY)
    body = await serving.ask(caller, QUERY, {"id": serving.schools[0]})
    assert result.data == body["data"]
    assert len(result.data["school"]["students"]["nodes"]) > 1
    assert sorted(coordinates(result.errors)) == sorted(DENIED)


async def test_without_its_plans_the_executor_asks_for_a_token(serving: Serving) -> None:
    schema = build_schema()
    nobody = Caller("app_none", "Nobody", "0" * 64, {})
    result = await executed(serving, behind(serving, schema), schema, nobody, QUERY)
    assert result.data == {"school": None}
    assert [error.original_error.code for error in result.errors] == ["UNAUTHENTICATED"]


async def test_with_neither_plans_nor_a_reader_every_field_refuses(serving: Serving) -> None:
    schema = build_schema()
    caller = await serving.granted()
    context = GateContext(behind(serving, schema), caller.token_hash)
    query = """query($id: ID!) { school(id: $id) { id } schools { totalCount } node(id: $id) { id }
        nodes(ids: [$id]) { id } viewer { app { name } } }"""
    for each in (context, None):
        result = await schema.execute(query, {"id": serving.schools[0]}, each)
        assert result.data == dict.fromkeys(("school", "schools", "node", "nodes", "viewer"))
        assert len(result.errors or ()) == 5


async def test_a_directive_edited_on_one_field_changes_plans_and_execution_at_once(serving: Serving) -> None:
    query = "query($id: ID!) { school(id: $id) { name urn students { nodes { surname forename } } } }"
    caller = await serving.caller({0: {"schools.urn.read", "students.read", "students.surname.read"}})
    row = serving.world.rows["school"][0]
    students = shown(serving.world, "student")

    async def both_ways() -> Any:
        schema = edited
        engine = behind(serving, schema)
        compiled = await replace(serving, engine=engine).ask(caller, query, {"id": serving.schools[0]})
        result = await executed(serving, engine, schema, caller, query)
        assert result.data == compiled["data"]
        denied = [error["extensions"]["coordinate"] for error in compiled.get("errors", ())]
        assert sorted(coordinates(result.errors or ())) == sorted(denied)
        return compiled["data"]["school"], denied

    edited = build_schema()
    school, denied = await both_ways()
    assert (school["name"], school["urn"], denied) == (row["name"], row["urn"], ["Student.forename"])
    assert [each["surname"] for each in school["students"]["nodes"]] == [each["surname"] for each in students]

    stricter = RequiresScopes(scopes=[["students.read", "students.medical_conditions.read"]])
    with directives(edited, "Student.surname", stricter), directives(edited, "School.name", stricter):
        school, denied = await both_ways()
    assert (school["name"], denied) == (None, ["School.name", "Student.surname", "Student.forename"])
    assert {each["surname"] for each in school["students"]["nodes"]} == {None}

    looser = RequiresScopes(scopes=[["no.such.scope"], ["students.read"]])
    with directives(edited, "Student.forename", looser), directives(edited, "School.urn", Authenticated()):
        school, denied = await both_ways()
    assert (school["urn"], denied) == (row["urn"], [])
    assert [each["forename"] for each in school["students"]["nodes"]] == [each["forename"] for each in students]


BAD_RULES: dict[str, tuple[Directive, ...]] = {
    "no rule": (),
    "two rules": (Authenticated(), RequiresScopes(scopes=[["students.read"]])),
    "the same rule twice": (Authenticated(), Authenticated()),
    "no list of scopes": (RequiresScopes(scopes=[]),),
    "an empty list of scopes": (RequiresScopes(scopes=[[]]),),
    "an empty list beside another": (RequiresScopes(scopes=[["students.read"], []]),),
}


@pytest.mark.parametrize("coordinate", ["Student.surname", "PageInfo.endCursor", "StudentEdge.node", "Query.school"])
@pytest.mark.parametrize("name", BAD_RULES)
def test_a_field_without_exactly_one_usable_rule_fails_the_build(name: str, coordinate: str) -> None:
    schema = SCHEMA
    with directives(schema, coordinate, *BAD_RULES[name]):
        with pytest.raises(UnguardedFieldError, match=coordinate):
            rules_of(schema)
        with pytest.raises(UnguardedFieldError, match=coordinate):
            Gate(schema, SQLITE, KEYS)
    assert coordinate in rules_of(schema)


def test_a_rule_on_an_interface_fails_the_build() -> None:
    schema = build_schema()
    for rule in (Authenticated(), RequiresScopes(scopes=[["students.read"]])):
        with (
            directives(schema, "Node.id", rule),
            pytest.raises(UnguardedFieldError, match="interface"),
        ):
            rules_of(schema)
    rules_of(schema)


def test_a_declaration_with_an_empty_list_of_scopes_fails_the_build() -> None:
    def with_rule(rule: Any) -> Registry:
        field = Field("open", Kind.TEXT, "Open to everybody.", ORDINARY, rule=rule)
        school = next(entity for entity in ENTITIES if entity.name == "School")
        changed: Entity = replace(school, fields=(*school.fields, field))
        return Registry(tuple(changed if entity is school else entity for entity in ENTITIES))

    ApiBuilder(with_rule((("schools.urn.read",),))).build()
    for rule in (((),), (("schools.urn.read",), ())):
        with pytest.raises(SchemaBuildError, match=r"School\.open"):
            ApiBuilder(with_rule(rule)).build()


def test_a_scope_that_no_declaration_knows_opens_nothing() -> None:
    rules = rules_of(build_schema())
    named = {scope for rule in rules.values() for alternative in rule for scope in alternative}
    assert {word for word in named if not word.startswith("role:")} == ALL_SCOPES
