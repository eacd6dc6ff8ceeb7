"""Golden cases: each document of tests/golden gives exactly the bytes that stand beside it, on both databases.

graphql-core's executor gives the same. After a change that is meant, FIELDGATE_WRITE_GOLDEN=1 writes them anew; look at
the difference before it is committed.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from resolvers.engine import Engine, Request
from server.database import SqliteDatabase
from server.readers import reader_for
from tests.resolvers.harness import both
from tests.resolvers.serving import ALL_SCOPES, Serving, shown, unknown_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path.stem for path in GOLDEN.glob("*.graphql"))


def variables(serving: Serving) -> dict[str, Any]:
    """What the documents may ask for."""
    world = serving.world
    tables = ("subject", "school_group", "medical_condition", "employee", "student")
    firsts = [shown(world, table, school)[0]["id"] for table in tables for school in (0, 1)]
    return {
        "id": world.schools[0],
        "student": shown(world, "student")[1]["id"],
        "ids": [*firsts, "stu_" + "0" * 34, *world.schools, firsts[0]],
        "given": True,
        "page": None,
        "nothing": None,
    }


@pytest.mark.parametrize("name", CASES)
async def test_the_answer_is_the_golden_one_and_the_executors(serving: Serving, name: str) -> None:
    query = (GOLDEN / f"{name}.graphql").read_text(encoding="utf-8")
    caller = await serving.granted()
    given = {key: value for key, value in variables(serving).items() if f"${key}:" in query}
    request = Request(query, None, given, caller.token_hash)
    golden = GOLDEN / f"{name}.json"
    for _ in range(2):  # the second time everything is kept, and PostgreSQL may answer by one statement
        async with serving.database.read() as session:
            compiled, reference = await both(serving.engine, session, request)
        assert compiled.refused is None
        assert compiled.body == reference.answer.body
        if os.environ.get("FIELDGATE_WRITE_GOLDEN"):
            golden.write_bytes(compiled.body + b"\n")
        assert compiled.body + b"\n" == golden.read_bytes()


async def test_a_thread_of_sqlites_gives_the_golden_answers_too(serving: Serving) -> None:
    if not isinstance(serving.database, SqliteDatabase):
        pytest.skip("PostgreSQL is never read inline")
    reader = reader_for(serving.database, inline_cost=-1, deadline_seconds=20)
    engine = Engine(serving.engine.gate, reader)
    caller = await serving.granted()
    try:
        for name in CASES:
            query = (GOLDEN / f"{name}.graphql").read_text(encoding="utf-8")
            given = {key: value for key, value in variables(serving).items() if f"${key}:" in query}
            answer = await engine.execute(Request(query, None, given, caller.token_hash))
            assert answer.body + b"\n" == (GOLDEN / f"{name}.json").read_bytes()
    finally:
        await reader.close()


async def test_the_golden_answers_hold_what_their_names_promise(serving: Serving) -> None:
    def read(name: str) -> Any:
        return json.loads((GOLDEN / f"{name}.json").read_bytes())["data"]

    def deepest(value: Any) -> int:
        below = [deepest(each) for each in (value.values() if isinstance(value, dict) else value)] if isinstance(
            value, dict | list) else [0]  # fmt: skip
        return max(below, default=0) + (1 if isinstance(value, list) and value else 0)

    assert deepest(read("twelve_links")) >= 13
    assert deepest(read("links_to_one")) >= 5
    [*pupils] = read("two_hundred_aliases")["school"]["students"]["nodes"]
    assert [len(pupil) for pupil in pupils] == [200] * 3
    [*pupils] = read("sixty_fields")["school"]["students"]["nodes"]
    assert [len(pupil) for pupil in pupils] == [4 * 17 + 2] * 5
    hostile = read("hostile_aliases")["school"]["students"]["nodes"]
    rows = shown(serving.world, "student")[:4]
    assert [(each["id"], each["surname"], each["Forename"], each["k" * 70]) for each in hostile] == [
        (row["surname"], row["id"], row["forename"], row["surname"]) for row in rows
    ]
    everything = (GOLDEN / "values.json").read_text(encoding="utf-8")
    for sign in (
        "\\u001f",
        "\u2028",
        "\u2029",
        "学校",
        "🎒",
        '""',
        "null",
        '"0.6"',
        "-2147483648",
        "T08:30:00.000001Z",
    ):
        assert sign in everything, sign


async def test_every_value_of_a_record_comes_back_as_it_was_stored(serving: Serving) -> None:
    texts = (
        "\x01\x1f\x7f",
        "\u2028\u2029\ufeff\ufffd",
        "\U0010ffff 🎒",
        "\\u0041 \\n",
        "'; DROP TABLE student; --",
        "]}",
        "0",
    )
    caller = await serving.caller({1: ALL_SCOPES})
    [record, *_] = shown(serving.world, "student", 1)
    query = "query($id: ID!) { node(id: $id) { ... on Student { surname educationDetails { partTimeRate } } } }"
    for text in texts:
        for rate in ("0.6", "1", "-0.30", "12345678901234567890.5"):
            await serving.change(
                "UPDATE student SET surname = ?, part_time_rate = ? WHERE id = ?", text, rate, record["id"]
            )
            answer = await serving.answer(caller, query, {"id": record["id"]})
            assert json.loads(answer.body) == {
                "data": {"node": {"surname": text, "educationDetails": {"partTimeRate": rate}}}
            }
    await serving.change(
        "UPDATE student SET surname = ?, part_time_rate = ? WHERE id = ?",
        record["surname"], record["part_time_rate"], record["id"],
    )  # fmt: skip


async def test_a_literal_in_the_document_and_a_variable_give_the_same_answer(serving: Serving) -> None:
    caller = await serving.granted()
    school, missing = serving.schools[0], unknown_id("stu", serving.schools[0])
    pupils = "students(first: %s, after: %s) { nodes { id } }"
    literal = f'{{ school(id: "{school}") {{ {pupils % (3, "null")} }} n: node(id: "{missing}") {{ id }} }}'
    query = f"""query($school: ID!, $missing: ID!, $first: Int, $after: String) {{
        school(id: $school) {{ {pupils % ("$first", "$after")} }} n: node(id: $missing) {{ id }} }}"""
    plain = await serving.answer(caller, literal)
    given = {"school": school, "missing": missing, "first": 3}
    for values in (given, {**given, "after": None}):
        assert (await serving.answer(caller, query, values)).body == plain.body


async def test_an_explicit_null_does_not_take_a_default(serving: Serving) -> None:
    caller = await serving.granted()
    query = """query($id: ID!, $first: Int = 2, $yes: Boolean = true) {
        school(id: $id) { name @include(if: $yes) students(first: $first) { nodes { id } } } }"""
    given = {"id": serving.schools[0]}
    everybody = len(shown(serving.world, "student"))
    assert len((await serving.data(caller, query, given))["school"]["students"]["nodes"]) == 2
    without = await serving.data(caller, query, {**given, "first": None})
    assert len(without["school"]["students"]["nodes"]) == everybody
    refused = await serving.answer(caller, query, {**given, "yes": None})
    assert refused.refused == "BAD_VARIABLES"
    [error] = json.loads(refused.body)["errors"]
    assert "`$yes`" in error["message"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("ID!", None), ("ID!", 1.5), ("ID!", ["sch"]), ("ID!", True), ("Int", "1"), ("Int", 1.5), ("Int", 2**31),
     ("Int", True), ("Boolean!", "true"), ("Boolean!", None), ("String", 1), ("[ID!]!", [None]), ("[ID!]!", {"a": 1})],
)  # fmt: skip
async def test_a_variable_of_another_type_is_refused_without_repeating_its_value(
    serving: Serving, kind: str, value: object
) -> None:
    uses = {
        "ID!": "node(id: $v) { id }",
        "Int": 'school(id: "x") { students(first: $v) { totalCount } }',
        "Boolean!": "viewer @include(if: $v) { app { id } }",
        "String": 'school(id: "x") { students(after: $v) { totalCount } }',
        "[ID!]!": "nodes(ids: $v) { id }",
    }
    caller = await serving.granted()
    secret = "a-secret-value" if isinstance(value, str) else value
    answer = await serving.answer(caller, f"query($v: {kind}) {{ {uses[kind]} }}", {"v": secret})
    assert answer.refused == "BAD_VARIABLES"
    assert b"secret" not in answer.body
    assert serving.driver.asked == []


async def test_a_deep_selection_is_cut_into_statements_that_every_database_can_parse(serving: Serving) -> None:
    query = (GOLDEN / "twelve_links.graphql").read_text(encoding="utf-8")
    await serving.data(await serving.granted(), query, {"id": serving.schools[0]})
    levels = [lists_within_lists(ask.sql) for ask in serving.driver.asked]
    assert sum(levels) >= 13, "every list is read by one of the statements"
    assert max(levels) <= 4


def lists_within_lists(sql: str) -> int:
    """How many lists of a statement stand within one another."""
    opened: list[bool] = []
    deepest = 0
    for place, sign in enumerate(sql):
        if sign == "(":
            opened.append(sql.startswith(("(SELECT group_concat(", "(SELECT string_agg("), place))
            deepest = max(deepest, sum(opened))
        elif sign == ")":
            opened.pop()
    return deepest
