"""What holds of every operation of people: all arguments first, a bound on roots, a schema that is kept private."""

import json
from typing import Any

import pytest

from authz import schools, staff
from authz.audit import Actor
from authz.bearer import token_hash
from resolvers.engine import Engine, Request
from resolvers.gate import Gate
from resolvers.people.answering import MOST_ROOTS, People
from server.database import Database
from server.readers import reader_for
from tests.resolvers.serving import BASE_URL, KEYS, SCHEMA

BY = Actor("a test")


class Asked:
    """An engine over an empty database."""

    def __init__(self, database: Database, *, public_schema: bool = True) -> None:
        gate = Gate(SCHEMA, database.dialect, KEYS, base_url=BASE_URL, public_schema=public_schema)
        self.reader = reader_for(database, inline_cost=10**9, deadline_seconds=20)  # type: ignore[arg-type]
        self.engine = Engine(gate, self.reader, People(gate, database))

    async def ask(self, query: str, variables: dict[str, Any] | None = None, token: str | None = None) -> Any:
        answer = await self.engine.execute(Request(query, None, variables or {}, token))
        body = json.loads(answer.body)
        return answer.refused, body


async def test_a_null_for_an_argument_that_needs_a_value_is_refused_before_anything_is_done(database: Database) -> None:
    asked = Asked(database)
    query = 'mutation($u: String = "x") { signOut signIn(username: $u, secret: "y") { token } }'
    refused, body = await asked.ask(query, {"u": None})
    assert refused == "BAD_VARIABLES"
    assert "data" not in body
    await asked.reader.close()


@pytest.mark.parametrize("query", ["mutation { %s }", "query { %s }"])
async def test_an_operation_asks_so_many_fields_of_a_person_and_the_dear_ones_once(
    database: Database, query: str
) -> None:
    asked = Asked(database)
    if query.startswith("mutation"):
        many = " ".join(f"a{number}: signOut" for number in range(MOST_ROOTS + 1))
        twice = " ".join(f'a{number}: signIn(username: "x", secret: "y") {{ token }}' for number in range(2))
        token = None
    else:
        many = " ".join(
            f'a{number}: explainContactAccess(linkId: "x") {{ reason }}' for number in range(MOST_ROOTS + 1)
        )
        twice, token = "a: me { username } b: me { username }", "0" * 64
    for roots in (many, twice):
        assert (await asked.ask(query % roots, token=token))[0] == "QUERY_TOO_LARGE"
    await asked.reader.close()


@pytest.mark.parametrize(
    "query", ["{ nonsense }", "{ me { nonsense } }", "{ school(id: 1) {", "query A { a } query B { b }"]
)
async def test_a_private_schema_is_not_told_to_a_token_that_is_nobodys(database: Database, query: str) -> None:
    asked = Asked(database, public_schema=False)
    for token in (None, "0" * 64):
        refused, body = await asked.ask(query, token=token)
        assert refused == "UNAUTHENTICATED"
        assert "nonsense" not in json.dumps(body)
    await asked.reader.close()


async def test_a_private_schema_is_told_to_whoever_has_a_valid_token(database: Database) -> None:
    asked = Asked(database, public_schema=False)
    async with database.write() as session:
        school = await schools.add(session, "A School", by=BY)
        issued = await staff.issue(session, school, name="Ada", by=BY)
    refused, _ = await asked.ask("{ nonsense }", token=token_hash(issued.secret))
    assert refused == "GRAPHQL_VALIDATION_FAILED"
    async with database.write() as session:
        await staff.revoke(session, issued.id, by=BY)
    assert (await asked.ask("{ nonsense }", token=token_hash(issued.secret)))[0] == "UNAUTHENTICATED"
    await asked.reader.close()
