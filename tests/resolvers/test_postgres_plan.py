"""PostgreSQL's single statement: freshness and data together, and no data read once the consent's version has moved."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from resolvers.asking import Ask
from schema.registry import MEMBERSHIP_TABLES, REGISTRY
from server.database import PostgresDatabase
from tests.postgres import new_database
from tests.resolvers.serving import ALL_SCOPES, Caller, Serving, serve, shown

pytestmark = pytest.mark.asyncio(loop_scope="module")

TABLES = {*(entity.table for entity in REGISTRY.entities.values()), *MEMBERSHIP_TABLES}
QUERY = """query($id: ID!) { school(id: $id) { name
    students(first: 5) { totalCount nodes { surname classes { nodes { name subject { name } } } } } } }"""


@pytest.fixture(scope="module")
def postgres_copy(postgres_url: str, migrated_postgres: str) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database."""
    with new_database(postgres_url, template=migrated_postgres) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def serving(postgres_copy: str) -> AsyncIterator[Serving]:
    """The world on PostgreSQL."""
    served = await serve(postgres_copy)
    yield served
    await served.reader.close()
    await served.database.close()


async def asked_again(serving: Serving, caller: Caller, query: str = QUERY) -> Ask:
    """The one statement of a request that is repeated."""
    for _ in range(2):
        answer = await serving.answer(caller, query, {"id": serving.schools[0]})
        assert answer.refused is None
    [ask] = serving.driver.asked
    return ask


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


async def record_scans(serving: Serving, ask: Ask) -> dict[str, bool]:
    """Each table of records in the statement's plan, and whether anything of it was executed."""
    connection = await asyncpg.connect(postgres(serving).url)
    try:
        [[text]] = await connection.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {ask.sql}", *ask.parameters)
        as_text = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN (ANALYZE) {ask.sql}", *ask.parameters))
    finally:
        await connection.close()
    scans: dict[str, bool] = {}
    for node in nodes(json.loads(text)[0]["Plan"]):
        table = node.get("Relation Name")
        if table in TABLES and node.get("Alias") != "live":  # `live`: the freshness row's look at the school
            scans[table] = scans.get(table, False) or node["Actual Loops"] > 0
    assert ("never executed" in as_text) is (False in scans.values())
    return scans


def postgres(serving: Serving) -> PostgresDatabase:
    assert isinstance(serving.database, PostgresDatabase)
    return serving.database


async def test_the_data_part_is_executed_while_the_version_holds(serving: Serving) -> None:
    ask = await asked_again(serving, await serving.caller({0: ALL_SCOPES}))
    scans = await record_scans(serving, ask)
    assert scans == dict.fromkeys(("school", "student", "student_class", "school_class", "subject"), True)


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM consent_grant WHERE app_id = $1 AND scope = 'students.surname.read'",
        "UPDATE consent SET row_conditions = '[\"no_court_order\"]' WHERE app_id = $1",
        "UPDATE consent SET state = 'revoked' WHERE app_id = $1",
        "UPDATE consent SET expires_at = clock_timestamp() WHERE app_id = $1",
        "UPDATE app_token SET revoked_at = clock_timestamp() WHERE app_id = $1",
        "UPDATE consent SET version = version + 1 WHERE app_id = $1",
        "DELETE FROM app_token WHERE app_id = $1",
    ],
)
async def test_the_data_part_is_never_executed_once_the_version_has_moved(serving: Serving, change: str) -> None:
    caller = await serving.caller({0: ALL_SCOPES})
    ask = await asked_again(serving, caller)
    connection = await asyncpg.connect(postgres(serving).url)
    try:
        await connection.execute(change, caller.app_id)
    finally:
        await connection.close()
    scans = await record_scans(serving, ask)
    assert scans == dict.fromkeys(("school", "student", "student_class", "school_class", "subject"), False)


async def test_the_data_part_is_never_executed_once_a_grant_has_expired(serving: Serving) -> None:
    caller = await serving.caller({0: ALL_SCOPES})
    await serving.change(
        "UPDATE consent_grant SET expires_at = clock_timestamp() + interval '1 hour' "
        "WHERE app_id = ? AND scope = 'students.surname.read'",
        caller.app_id,
    )
    ask = await asked_again(serving, caller)
    assert all((await record_scans(serving, ask)).values())
    *others, valid_until = ask.parameters
    assert isinstance(valid_until, str)
    past = Ask(ask.sql, [*others, "2020-01-01T00:00:00.000000Z"])  # as if the hour had passed, without a write
    assert not any((await record_scans(serving, past)).values())


async def test_a_moved_version_is_answered_from_the_new_grants(serving: Serving) -> None:
    query = "query($id: ID!) { school(id: $id) { students { nodes { x: surname } } } }"
    caller = await serving.caller({0: ALL_SCOPES})
    first = await asked_again(serving, caller, query)
    await serving.change(
        "DELETE FROM consent_grant WHERE app_id = ? AND scope = 'students.surname.read'", caller.app_id
    )
    body = await serving.ask(caller, query, {"id": serving.schools[0]})
    assert {each["x"] for each in body["data"]["school"]["students"]["nodes"]} == {None}
    assert [error["extensions"]["coordinate"] for error in body["errors"]] == ["Student.surname"]
    tried, *again = [ask.sql for ask in serving.driver.asked]
    assert tried == first.sql  # tried and thrown away, having read nothing
    assert '"surname"' in tried
    assert not any('"surname"' in sql for sql in again)
    assert '"surname"' not in (await asked_again(serving, caller, query)).sql


async def test_a_repeated_request_for_a_school_or_a_record_is_one_statement_on_the_wire(serving: Serving) -> None:
    caller = await serving.caller({0: ALL_SCOPES})
    record = shown(serving.world, "student")[0]["id"]
    node = "query($id: ID!) { node(id: $id) { ... on Student { surname contacts { nodes { relationship } } } } }"
    denied = "query($id: ID!) { school(id: $id) { name students { nodes { id } } } }"
    lesser = await serving.caller({0: ()})
    pool = await postgres(serving).pool()
    for asking, query, record_id in (
        (caller, QUERY, serving.schools[0]),
        (caller, node, record),
        (lesser, denied, serving.schools[0]),
    ):
        for _ in range(2):
            await serving.answer(asking, query, {"id": record_id})
        wire: list[str] = []

        def log(record: Any, wire: list[str] = wire) -> None:
            wire.append(record.query)

        async with every_connection(pool) as connections:
            for connection in connections:
                connection.add_query_logger(log)
        wire.clear()
        await serving.answer(asking, query, {"id": record_id})
        async with every_connection(pool) as connections:
            for connection in connections:
                connection.remove_query_logger(log)
        assert len(wire) == 1, wire
        assert "app_token" in wire[0]


@contextlib.asynccontextmanager
async def every_connection(pool: Any) -> AsyncIterator[list[Any]]:
    """All connections that the pool has open."""
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(pool.acquire()) for _ in range(pool.get_size())]


async def test_what_one_statement_cannot_answer_is_read_in_one_snapshot(serving: Serving) -> None:
    caller = await serving.caller({0: ALL_SCOPES, 1: ALL_SCOPES})
    query = "query($id: ID!) { a: school(id: $id) { name } b: school(id: $id) { urn } schools { nodes { id } } }"
    for _ in range(3):
        first = await serving.answer(caller, query, {"id": serving.schools[0]})
    assert len(serving.driver.asked) > 1
    assert (await serving.answer(caller, query, {"id": serving.schools[0]})).body == first.body
