"""A repeated request is one statement, which reads no data once anything that the guess stands on has changed."""

import json
import sqlite3
from typing import Any

import pytest

from authz.session import SQLITE
from resolvers.cursors import CursorKeys
from resolvers.gate import Gate
from resolvers.optimistic import guarded
from tests.resolvers.serving import ALL_SCOPES, SCHEMA, Caller, Serving, shown

pytestmark = pytest.mark.asyncio(loop_scope="module")

STUDENT = "query($id: ID!) { __typename node(id: $id) { __typename id ... on Student { surname } } }"
PAGE = "query($id: ID!, $first: Int) { school(id: $id) { students(first: $first) { nodes { id } } } }"


async def body_and_asks(serving: Serving, caller: Caller, query: str, **values: object) -> tuple[Any, int]:
    answer = await serving.answer(caller, query, values)
    assert answer.refused is None
    return json.loads(answer.body), len(serving.driver.asked)


async def test_from_the_second_time_on_a_request_is_one_statement_for_any_record_and_token(serving: Serving) -> None:
    caller = await serving.caller({0: ALL_SCOPES})
    students = shown(serving.world, "student")[:3]
    for number, row in enumerate(students):
        body, asked = await body_and_asks(serving, caller, STUDENT, id=row["id"])
        assert body["data"]["node"] == {"__typename": "Student", "id": row["id"], "surname": row["surname"]}
        assert body["data"]["__typename"] == "Query"
        assert asked == (3 if number == 0 else 1)
    body, asked = await body_and_asks(serving, caller, STUDENT, id=students[0]["id"][:-1] + "0")
    assert (body["data"]["node"], asked) == (None, 1)


async def test_a_shortcut_is_of_one_app_one_page_size_and_one_school(serving: Serving) -> None:
    caller, other = await serving.caller({0: ALL_SCOPES, 1: ALL_SCOPES}), await serving.caller({0: {"students.read"}})
    rows = shown(serving.world, "student")
    for _ in range(3):
        for first in (1, 2):
            body, _asked = await body_and_asks(serving, caller, PAGE, id=serving.schools[0], first=first)
            assert len(body["data"]["school"]["students"]["nodes"]) == first
        body, _asked = await body_and_asks(serving, other, STUDENT, id=rows[0]["id"])
        assert body["data"]["node"]["surname"] is None
        assert [entry["extensions"]["code"] for entry in body["errors"]] == ["SCOPE_NOT_GRANTED"]
        body, _asked = await body_and_asks(serving, caller, STUDENT, id=rows[0]["id"])
        assert (body["data"]["node"]["surname"], "errors" in body) == (rows[0]["surname"], False)
        theirs = shown(serving.world, "student", 1)[0]
        body, _asked = await body_and_asks(serving, caller, STUDENT, id=theirs["id"])
        assert body["data"]["node"]["surname"] == theirs["surname"]


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ("UPDATE consent SET state = 'revoked' WHERE app_id = ?", [None]),
        ("DELETE FROM consent_grant WHERE app_id = ? AND scope = 'students.surname.read'", [None, "SCOPE_NOT_GRANTED"]),
        ("UPDATE app_token SET revoked_at = created_at WHERE app_id = ?", ["UNAUTHENTICATED"]),
    ],
)
async def test_a_change_is_obeyed_by_the_next_request(serving: Serving, change: str, answer: list[str | None]) -> None:
    caller = await serving.caller({0: ALL_SCOPES})
    row = shown(serving.world, "student")[0]
    for _ in range(3):
        await body_and_asks(serving, caller, STUDENT, id=row["id"])
    await serving.change(change, caller.app_id)
    body = await serving.ask(caller, STUDENT, {"id": row["id"]})
    node = [(body["data"]["node"] or {}).get("surname")] if "data" in body else []
    assert [*node, *(entry["extensions"]["code"] for entry in body.get("errors", ()))] == answer


async def test_sqlite_reads_no_data_once_the_version_has_moved() -> None:
    gate = Gate(SCHEMA, SQLITE, CursorKeys({1: b"k" * 32}))
    read: list[str] = []

    def data() -> str:
        read.append("{}")
        return read[-1]

    connection = sqlite3.connect(":memory:")
    connection.create_function("data", 0, data)
    connection.executescript(
        "CREATE TABLE app_token (hash, app_id, expires_at, revoked_at); CREATE TABLE school (id, deleted_at);"
        "CREATE TABLE consent (id, app_id, school_id, state, version, expires_at);"
        "INSERT INTO app_token VALUES ('hash', 'app', NULL, NULL); INSERT INTO school VALUES ('school', NULL);"
        "INSERT INTO consent VALUES ('consent', 'app', 'school', 'approved', 2, NULL)"
    )
    for until, times in (((), 1), (("9999-01-01T00:00:00.000000Z",), 1), (("2000-01-01T00:00:00.000000Z",), 0)):
        statement = guarded(gate, "SELECT 'x' AS id, data() AS j", 0, expires=bool(until))
        for version in (1, 2, 3):
            rows = connection.execute(statement, ("school", "hash", "consent", version, *until)).fetchall()
            assert rows == ([("{}",)] if version == 2 and times else [])
        assert len(read) == times
        read.clear()
    connection.close()
