"""A world behind an engine, on either database, for apps with grants of their own; what is asked of it is recorded.

Each test registers the apps it needs: one written world serves a whole module, and no test sees another's grants.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from authz.session import Row
from resolvers.asking import Ask, Flow
from resolvers.cursors import CursorKeys
from resolvers.engine import Answer, Engine, Request
from resolvers.gate import Gate
from resolvers.limits import Limits
from resolvers.people.answering import People
from schema.api import build_schema
from schema.ids import new_plain_id, new_record_id, new_school_id, seeded_keys
from schema.registry import REGISTRY
from server.database import Database, open_database
from server.readers import Reader, reader_for
from tests.world import NOW, World, insert, make_world

SCHEMA = build_schema()
KEYS = CursorKeys({1: b"k" * 32})
BASE_URL = "https://gate.example.org/fg"
ALL_SCOPES = frozenset(REGISTRY.scopes)
QUICK_SECONDS = 0.2
EMPTY_SCHOOL = 2  # the number of the world's school that holds no record
_NUMBERS = count(1)


class RecordingDriver:
    """Runs flows as the reader does, and keeps every statement that they ask for."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.asked: list[Ask] = []

    def takes_single(self, cost: int) -> bool:
        return self.reader.takes_single(cost)

    async def run(self, make_flow: Callable[[], Flow], cost: int) -> Any:
        return await self.reader.run(lambda: self._recorded(make_flow()), cost)

    async def run_single(self, flow: Flow) -> Any:
        return await self.reader.run_single(self._recorded(flow))

    def _recorded(self, flow: Flow) -> Flow:
        rows: Sequence[Row] | None = None
        while True:
            try:
                ask = flow.send(rows)  # type: ignore[arg-type]  # a generator is started with None
            except StopIteration as done:
                return done.value
            self.asked.append(ask)
            rows = yield ask


@dataclass(frozen=True, slots=True)
class Caller:
    """An app with a token. `consents`: its consents' ids, by the school's number."""

    app_id: str
    name: str
    token_hash: str
    consents: Mapping[int, str]


@dataclass
class Serving:
    """One database with a world in it, and what answers from it."""

    database: Database
    world: World
    reader: Reader
    driver: RecordingDriver
    engine: Engine
    _granted: Caller | None = None

    @property
    def schools(self) -> list[str]:
        """The ids of the world's schools, then of one that holds nothing."""
        return self.world.schools

    def with_limits(self, limits: Limits) -> "Serving":
        """The same database behind a gate with other limits."""
        gate = Gate(SCHEMA, self.database.dialect, KEYS, limits=limits, base_url=BASE_URL)
        return replace(self, engine=Engine(gate, self.driver))

    async def caller(
        self,
        grants: Mapping[int, Iterable[str]],
        *,
        asked: Mapping[str, str] | None = None,
        row_conditions: Sequence[str] = (),
    ) -> Caller:
        """A new app that asks for these scopes (scope → need), with these grants at the schools of these numbers."""
        number = next(_NUMBERS)
        app_id, token_hash = new_plain_id("app"), hashlib.sha256(str(number).encode()).hexdigest()
        made = Caller(app_id, f"App {number}", token_hash, {each: f"cns_{number}_{each}" for each in grants})
        head = {"id": app_id, "slug": f"app-{number}", "name": made.name, "vendor": "A Vendor", "manifest_version": 1}
        async with self.database.write() as session:
            await insert(session, "app", [{**head, "created_at": NOW}])
            token = {"hash": token_hash, "id": f"tok_{number}", "app_id": app_id, "hint": "none", "created_at": NOW}
            await insert(session, "app_token", [token])
            core = {"app_id": app_id, "version": 1, "product": "core"}
            await insert(session, "app_product", [{**core, "title": "Core", "row_conditions": "[]"}])
            scopes = [{**core, "scope": scope, "need": need, "implied": False} for scope, need in (asked or {}).items()]
            await insert(session, "app_scope", scopes)
            for school, granted in grants.items():
                key = {"school_id": self.schools[school], "app_id": app_id}
                consent = {**key, "id": made.consents[school], "state": "approved", "version": 1}
                consent |= {"products": '["core"]', "manifest_version": 1, "created_at": NOW}
                await insert(session, "consent", [{**consent, "row_conditions": json.dumps(list(row_conditions))}])
                rows = [{**key, "scope": scope, "granted_at": NOW, "granted_by": "a test"} for scope in sorted(granted)]
                await insert(session, "consent_grant", rows)
        return made

    async def granted(self) -> Caller:
        """The app that every school of the world has granted everything."""
        if self._granted is None:
            self._granted = await self.caller(dict.fromkeys(range(len(self.schools)), ALL_SCOPES))
        return self._granted

    async def answer(
        self, caller: Caller | None, query: str, variables: Mapping[str, Any] | None = None, *, reject: bool = False
    ) -> Answer:
        """The engine's answer; `driver.asked` is what this request alone asked for."""
        self.driver.asked.clear()
        token_hash = caller.token_hash if caller is not None else None
        return await self.engine.execute(Request(query, None, variables or {}, token_hash, reject))

    async def quick_answer(self, caller: Caller | None, query: str) -> Answer:
        """The answer, which must cost little processor time: in one of three tries: one may clear up for others."""
        for _ in range(3):
            before = time.process_time()
            answer = await self.answer(caller, query)
            if (spent := time.process_time() - before) < QUICK_SECONDS:
                return answer
        raise AssertionError(f"{spent:.3f} seconds of processor time")

    async def ask(self, caller: Caller | None, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The answer's body, read."""
        return json.loads((await self.answer(caller, query, variables)).body)

    async def data(self, caller: Caller, query: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The answer's data, which must be without errors."""
        body = await self.ask(caller, query, variables)
        assert "errors" not in body, body["errors"]
        return body["data"]

    async def change(self, statement: str, *parameters: object) -> int:
        """Write by hand, on a connection of its own as another process would."""
        other = open_database(_url(self.database), pool_size=1)
        try:
            async with other.write() as session:
                return await session.execute(statement, *parameters)
        finally:
            await other.close()

    @property
    def sql(self) -> str:
        """All that the last request asked for, as one text."""
        return "\n".join(ask.sql for ask in self.driver.asked)


def _url(database: Any) -> str:
    return f"sqlite:///{database.path}" if database.dialect.is_sqlite else str(database.url)


def make_serving_world() -> World:
    """Two schools with records, then one without any."""
    world = make_world("serving", schools=2, size=12)
    empty = dict(world.rows["school"][0])
    key = seeded_keys("empty")
    while empty["id"] <= world.schools[-1]:
        empty["id"] = new_school_id(key)
    empty |= {"name": "Empty School", "source_id": "S-empty"}
    world.schools.append(empty["id"])
    world.rows["school"].append(empty)
    for row in world.rows["school"]:
        row["deleted_at"] = None
    for school in (0, 1):
        _tie(world, school)
    for number, row in enumerate(world.rows["employee"]):
        row["current"] = (True, False, None)[number % 3]
    first = world.rows["school"][0]
    first |= {name: True for name in ("allows_writeback", "has_timetables") if first[name] is None}
    return world


def _tie(world: World, school: int) -> None:
    """Tie a school's records together more than chance would, so that deep questions have deep answers."""
    students, groups = shown(world, "student", school), shown(world, "school_group", school)
    for row in students[1:]:
        row |= {"year_id": groups[0]["id"], "registration_id": groups[1]["id"]}
    for row, student in zip(world.of("attendance_summary", school), students, strict=False):
        row["student_id"] = student["id"]
    for row in world.of("student_contact", school)[:6]:
        row["student_id"] = students[0]["id"]


async def serve(url: str) -> Serving:
    """The world written to a migrated database, and an engine on it."""
    world = make_serving_world()
    database = open_database(url)
    async with database.write() as session:
        await world.write(session)
    reader = reader_for(database, inline_cost=10**9, deadline_seconds=20)  # type: ignore[arg-type]
    driver = RecordingDriver(reader)
    gate = Gate(SCHEMA, database.dialect, KEYS, base_url=BASE_URL)
    engine = Engine(gate, driver, People(gate, database))
    return Serving(database, world, reader, driver, engine)


def shown(world: World, table: str, school: int = 0) -> list[dict[str, Any]]:
    """The live rows of a table at one school, in the order in which lists show them."""
    return sorted((row for row in world.of(table, school) if row["deleted_at"] is None), key=lambda row: str(row["id"]))


def unknown_id(prefix: str, school_id: str) -> str:
    """A well-formed id that no record has."""
    return new_record_id(prefix, school_id)


def places(text: str, *names: str) -> Iterator[dict[str, int]]:
    """Line and column of each of these words in a document, in the order in which they stand there."""
    for number, line in enumerate(text.splitlines(), 1):
        for name in names:
            if name in line.split():
                yield {"line": number, "column": line.index(name) + 1}
