"""Property: for any grants and any operation, the compiled answer and the executed answer are the same bytes."""

import hashlib
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolvers.cursors import CursorKeys
from resolvers.engine import Engine, Request
from resolvers.gate import Gate
from resolvers.limits import Limits
from schema.api import build_schema
from schema.ids import new_plain_id, seeded_keys
from schema.registry import REGISTRY
from server.database import SqliteDatabase, open_database, sqlite_connect
from server.readers import reader_for
from tests.resolvers.harness import PlainSqlite, both
from tests.resolvers.operations import OperationMaker
from tests.world import NOW, World, insert, make_world

KEYS = CursorKeys({1: b"k" * 32})
SCHEMA = build_schema()
ANY_COST = Limits(cost=10**18)
CASES = int(os.environ.get("FIELDGATE_PROPERTY_CASES", "1000"))
CONDITIONS: tuple[list[str], ...] = (
    [],
    [],
    [],
    ["parental_responsibility"],
    ["no_court_order"],
    ["current_employees", "no_court_order", "parental_responsibility"],
)


def random_scopes(source: Random) -> list[str]:
    """A set of scopes: from almost none to all."""
    scopes = sorted(REGISTRY.scopes)
    objects = [scope for scope in scopes if scope.count(".") == 1]
    share = source.choice([0.3, 0.6, 0.8, 0.95, 1.0])
    chosen = {scope for scope in scopes if source.random() < share}
    return sorted(chosen | {scope for scope in objects if source.random() < 0.8})


async def write_apps(session: Any, world: World, count: int) -> list[str]:
    """Apps with random grants and row conditions; their tokens' hashes."""
    source, key = Random("apps"), seeded_keys("apps")
    hashes = []
    for number in range(count):
        app_id = new_plain_id("app", key)
        head = {"id": app_id, "slug": f"app-{number}", "name": f"App {number}", "vendor": "V", "manifest_version": 1}
        await insert(session, "app", [{**head, "created_at": NOW}])
        hashes.append(hashlib.sha256(str(number).encode()).hexdigest())
        token = {"hash": hashes[-1], "id": f"tok_{number}", "app_id": app_id, "hint": "none", "created_at": NOW}
        await insert(session, "app_token", [token])
        for school_id in world.schools:
            if source.random() < 0.15:
                continue
            row: dict[str, Any] = {
                "school_id": school_id,
                "app_id": app_id,
                "id": f"cns_{number}_{school_id}",
                "state": "approved",
            }
            row |= {"state": "approved", "version": 1, "manifest_version": 1, "created_at": NOW, "products": "[]"}
            row["row_conditions"] = json.dumps(source.choice(CONDITIONS))
            await insert(session, "consent", [row])
            grants = [
                {"school_id": school_id, "app_id": app_id, "scope": scope, "granted_at": NOW, "granted_by": "t"}
                for scope in random_scopes(source)
            ]
            await insert(session, "consent_grant", grants)
    return hashes


class Bench:
    """An engine on a world, and a session for the reference."""

    def __init__(self, engine: Engine, session: PlainSqlite, world: World, hashes: list[str]) -> None:
        self.engine, self.session, self.world, self.hashes = engine, session, world, hashes


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    import asyncio

    from server.migrate import migrate

    path = tmp_path_factory.mktemp("property") / "fieldgate.db"
    url = f"sqlite:///{path}"
    world = make_world("property", schools=4, size=6)

    async def prepare() -> list[str]:
        await migrate(url)
        database = open_database(url)
        async with database.write() as session:
            await world.write(session)
            hashes = await write_apps(session, world, 60)
        await database.close()
        return hashes

    hashes = asyncio.run(prepare())
    connection = sqlite_connect(Path(path), read_only=True)
    gate = Gate(SCHEMA, PlainSqlite.dialect, KEYS, limits=ANY_COST)
    reader = reader_for(SqliteDatabase(path), inline_cost=10**9, deadline_seconds=20)
    yield Bench(Engine(gate, reader), PlainSqlite(connection), world, hashes)
    asyncio.run(reader.close())
    connection.close()


@settings(
    max_examples=CASES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(source=st.randoms(use_true_random=False))
async def test_compiled_and_executed_answers_are_the_same_bytes(bench: Bench, source: Random) -> None:
    operation = OperationMaker(SCHEMA._schema, bench.world, source).make()
    request = Request(operation.text, None, operation.variables, source.choice(bench.hashes))
    compiled, reference = await both(bench.engine, bench.session, request)
    assert compiled.body == reference.answer.body
    assert compiled.refused == reference.answer.refused
    reported = {
        (tuple(entry["extensions"]["queryPath"]), entry["extensions"]["coordinate"])
        for entry in json.loads(compiled.body).get("errors", ())
        if "queryPath" in entry["extensions"]
    }
    assert reference.denied <= reported


@pytest.mark.prove
async def test_twenty_thousand_more_operations_are_answered_alike(bench: Bench) -> None:
    for seed in range(int(os.environ.get("FIELDGATE_PROOF_CASES", "20000"))):
        source = Random(f"proof {seed}")
        operation = OperationMaker(SCHEMA._schema, bench.world, source).make()
        request = Request(operation.text, None, operation.variables, source.choice(bench.hashes))
        compiled, reference = await both(bench.engine, bench.session, request)
        assert compiled.body == reference.answer.body, operation


@pytest.fixture
async def postgres_bench(fresh_postgres: str) -> AsyncIterator[Any]:
    from server.migrate import migrate

    await migrate(fresh_postgres)
    world = make_world("property", schools=4, size=6)
    database = open_database(fresh_postgres)
    async with database.write() as session:
        await world.write(session)
        hashes = await write_apps(session, world, 20)
    gate = Gate(SCHEMA, database.dialect, KEYS, limits=ANY_COST)
    reader = reader_for(database, inline_cost=0, deadline_seconds=20)  # type: ignore[arg-type]
    yield Engine(gate, reader), database, world, hashes
    await reader.close()
    await database.close()


async def test_compiled_and_executed_answers_are_the_same_bytes_on_postgresql(postgres_bench: Any) -> None:
    engine, database, world, hashes = postgres_bench
    source = Random("postgresql")
    for _ in range(max(CASES // 10, 20)):
        operation = OperationMaker(SCHEMA._schema, world, source).make()
        request = Request(operation.text, None, operation.variables, source.choice(hashes))
        for _ in range(2):  # the second time the single statement answers, where one can
            async with database.read() as session:
                compiled, reference = await both(engine, session, request)
            assert compiled.body == reference.answer.body, operation


def test_sqlite_and_its_json_are_what_the_plans_expect() -> None:
    assert sqlite3.sqlite_version_info >= (3, 37)
