"""Grants, consents and tokens end when they end: by the database's clock, by a revoke, by hand-made SQL.

And what a request may do at all: without a token, with a dead one, when it would rather be refused than get nulls.
"""

import asyncio
import json
import re
from dataclasses import replace

import pytest

from authz import consent
from authz.audit import Actor
from resolvers.engine import Request
from schema.registry import MEMBERSHIP_TABLES, REGISTRY
from server.database import open_database
from tests.resolvers.serving import ALL_SCOPES, BASE_URL, Caller, Serving
from tests.world import NOW, insert

pytestmark = pytest.mark.asyncio(loop_scope="module")

SCHOOL = "query($id: ID!) { school(id: $id) { urn } }"
SOON_SECONDS = 0.4
TABLES = (*(each.table for each in REGISTRY.entities.values() if each.name != "School"), *MEMBERSHIP_TABLES)
RECORDS = re.compile("|".join(rf"\b{table}\b" for table in TABLES))  # a school's own row only names it in messages


async def in_a_moment(serving: Serving) -> str:
    """A moment soon after now, by the database's clock."""
    dialect = serving.database.dialect
    later = f"strftime('%Y-%m-%dT%H:%M:%f', 'now', '+{SOON_SECONDS} seconds') || '000Z'"
    if not dialect.is_sqlite:
        later = dialect.instant_text(f"(clock_timestamp() + interval '{SOON_SECONDS} seconds')")
    async with serving.database.read() as session:
        [[moment]] = await session.fetch(f"SELECT {later}")
    return str(moment)


async def ends(serving: Serving, table: str, column: str, value: str) -> None:
    """Let a row end in a moment: the write is now, and nothing is written when the moment comes."""
    placeholder = serving.database.dialect.instant()
    moment = await in_a_moment(serving)
    await serving.change(f"UPDATE {table} SET expires_at = {placeholder} WHERE {column} = ?", moment, value)


async def urn_and_codes(serving: Serving, caller: Caller) -> tuple[object, list[str]]:
    body = await serving.ask(caller, SCHOOL, {"id": serving.schools[0]})
    codes = [entry["extensions"]["code"] for entry in body.get("errors", ())]
    return (body["data"]["school"] if "data" in body else None), codes


async def test_an_expired_grant_is_denied_at_its_moment_without_a_write(serving: Serving) -> None:
    caller = await serving.caller({0: {"schools.urn.read"}})
    await ends(serving, "consent_grant", "app_id", caller.app_id)
    for _ in range(3):  # also once everything about it has been kept
        assert await urn_and_codes(serving, caller) == ({"urn": serving.world.rows["school"][0]["urn"]}, [])
    await asyncio.sleep(SOON_SECONDS + 0.05)
    for _ in range(3):
        assert await urn_and_codes(serving, caller) == ({"urn": None}, ["SCOPE_NOT_GRANTED"])


async def test_an_expired_consent_is_over_at_its_moment_without_a_write(serving: Serving) -> None:
    caller = await serving.caller({0: {"schools.urn.read"}})
    await ends(serving, "consent", "app_id", caller.app_id)
    for _ in range(3):
        assert await urn_and_codes(serving, caller) == ({"urn": serving.world.rows["school"][0]["urn"]}, [])
    await asyncio.sleep(SOON_SECONDS + 0.05)
    for _ in range(3):
        assert await urn_and_codes(serving, caller) == (None, ["NOT_FOUND"])
    assert (await serving.data(caller, "{ schools { nodes { id } totalCount } }"))["schools"] == {
        "nodes": [],
        "totalCount": 0,
    }
    data = await serving.data(caller, "{ viewer { app { consents { state scopes revokedAt expiresAt } } } }")
    [shown] = data["viewer"]["app"]["consents"]
    assert (shown["state"], shown["scopes"]) == ("revoked", [])
    assert shown["revokedAt"] == shown["expiresAt"] is not None


async def test_an_expired_token_is_refused_at_its_moment_without_a_write(serving: Serving) -> None:
    caller = await serving.caller({0: {"schools.urn.read"}})
    await ends(serving, "app_token", "app_id", caller.app_id)
    for _ in range(3):
        assert await urn_and_codes(serving, caller) == ({"urn": serving.world.rows["school"][0]["urn"]}, [])
    await asyncio.sleep(SOON_SECONDS + 0.05)
    for query in (SCHOOL, "query($id: ID!) { node(id: $id) { id } }"):
        assert (await serving.answer(caller, query, {"id": serving.schools[0]})).refused == "UNAUTHENTICATED"
    for query in ("{ schools { nodes { id } } }", "{ viewer { app { name } } }", "{ nodes(ids: []) { id } }"):
        assert (await serving.answer(caller, query)).refused == "UNAUTHENTICATED"


async def test_a_revoked_token_is_refused_by_the_next_request(serving: Serving) -> None:
    caller = await serving.caller({0: {"schools.urn.read"}})
    assert await urn_and_codes(serving, caller) == ({"urn": serving.world.rows["school"][0]["urn"]}, [])
    await serving.change(
        f"UPDATE app_token SET revoked_at = {serving.database.dialect.now} WHERE app_id = ?", caller.app_id
    )
    assert await urn_and_codes(serving, caller) == (None, ["UNAUTHENTICATED"])


async def test_one_of_an_apps_tokens_is_revoked_without_the_other(serving: Serving) -> None:
    caller = await serving.caller({0: {"schools.urn.read"}})
    second = replace(caller, token_hash=f"{caller.token_hash[:60]}beef")
    async with serving.database.write() as session:
        row = {"hash": second.token_hash, "id": f"{caller.app_id}2", "app_id": caller.app_id, "hint": "beef"}
        await insert(session, "app_token", [{**row, "created_at": NOW}])
    urn = serving.world.rows["school"][0]["urn"]
    for each in (caller, second) * 3:
        assert await urn_and_codes(serving, each) == ({"urn": urn}, [])
    await serving.change(
        f"UPDATE app_token SET revoked_at = {serving.database.dialect.now} WHERE hash = ?", second.token_hash
    )
    assert await urn_and_codes(serving, second) == (None, ["UNAUTHENTICATED"])
    assert await urn_and_codes(serving, caller) == ({"urn": urn}, [])


async def test_a_grant_that_another_process_revokes_is_gone_on_the_next_request(serving: Serving) -> None:
    scopes = {"schools.urn.read", "schools.la_code.read"}
    caller = await serving.caller({0: scopes}, asked=dict.fromkeys(scopes, "required"))
    urn = serving.world.rows["school"][0]["urn"]
    school_id = serving.schools[0]
    other = open_database(f"sqlite:///{serving.database.path}" if serving.database.dialect.is_sqlite  # type: ignore[attr-defined]
                          else serving.database.url)  # type: ignore[attr-defined]  # fmt: skip
    by = Actor("a test")
    try:
        for _ in range(5):
            assert await urn_and_codes(serving, caller) == ({"urn": urn}, [])
            async with other.write() as session:
                await consent.revoke(session, school_id, caller.app_id, by=by, scopes=["schools.urn.read"])
            assert await urn_and_codes(serving, caller) == ({"urn": None}, ["SCOPE_NOT_GRANTED"])
            async with other.write() as session:
                await consent.grant(session, school_id, caller.app_id, by=by, scopes=["schools.urn.read"])
        async with other.write() as session:
            await consent.revoke(session, school_id, caller.app_id, by=by)
        assert await urn_and_codes(serving, caller) == (None, ["NOT_FOUND"])
    finally:
        await other.close()


async def test_grants_deleted_and_added_by_hand_are_obeyed_by_the_next_request(serving: Serving) -> None:
    caller = await serving.caller({0: {"schools.urn.read"}})
    urn = serving.world.rows["school"][0]["urn"]
    for _ in range(2):
        assert await urn_and_codes(serving, caller) == ({"urn": urn}, [])
        assert await serving.change("DELETE FROM consent_grant WHERE app_id = ?", caller.app_id) == 1
        assert await urn_and_codes(serving, caller) == ({"urn": None}, ["SCOPE_NOT_GRANTED"])
        await serving.change(
            "INSERT INTO consent_grant (school_id, app_id, scope, granted_at, granted_by) "
            f"VALUES (?, ?, 'schools.la_code.read', {serving.database.dialect.now}, 'by hand')",
            serving.schools[0],
            caller.app_id,
        )
        await serving.change("UPDATE consent_grant SET scope = 'schools.urn.read' WHERE app_id = ?", caller.app_id)


async def test_row_conditions_changed_by_hand_are_obeyed_by_the_next_request(serving: Serving) -> None:
    caller = await serving.caller({0: {"employees.read"}})
    query = "query($id: ID!) { school(id: $id) { employees { totalCount } } }"
    before = (await serving.data(caller, query, {"id": serving.schools[0]}))["school"]["employees"]["totalCount"]
    await serving.change(
        "UPDATE consent SET row_conditions = '[\"current_employees\"]' WHERE app_id = ?", caller.app_id
    )
    after = (await serving.data(caller, query, {"id": serving.schools[0]}))["school"]["employees"]["totalCount"]
    assert after < before


async def test_another_apps_grants_do_not_change_what_an_app_reads(serving: Serving) -> None:
    caller, other = await serving.caller({0: ()}), await serving.caller({0: ALL_SCOPES})
    assert (await serving.data(other, SCHOOL, {"id": serving.schools[0]}))["school"]["urn"] is not None
    assert await urn_and_codes(serving, caller) == ({"urn": None}, ["SCOPE_NOT_GRANTED"])


# -- refused as a whole


async def test_data_needs_a_token_and_introspection_does_not(serving: Serving) -> None:
    for query in ("{ schools { nodes { id } } }", "{ viewer { app { name } } }", 'query { node(id: "x") { id } }'):
        answer = await serving.answer(None, query)
        assert (answer.refused, answer.status) == ("UNAUTHENTICATED", 401)
        assert "data" not in json.loads(answer.body)
        assert serving.driver.asked == []
    for query in ("{ __typename }", '{ __type(name: "Student") { name fields { name description } } }'):
        answer = await serving.answer(None, query)
        assert answer.refused is None
        assert "errors" not in json.loads(answer.body)
    data = (await serving.ask(None, '{ __schema { queryType { name } } __type(name: "Query") { name } }'))["data"]
    assert data == {"__schema": {"queryType": {"name": "Query"}}, "__type": {"name": "Query"}}


async def test_a_document_that_mixes_introspection_with_data_is_a_data_document(serving: Serving) -> None:
    query = "query($id: ID!) { __schema { queryType { name } } school(id: $id) { urn laCode } }"
    refused = await serving.answer(None, query, {"id": serving.schools[0]})
    assert (refused.refused, "data" in json.loads(refused.body)) == ("UNAUTHENTICATED", False)
    caller = await serving.caller({0: {"schools.urn.read"}})
    body = await serving.ask(caller, query, {"id": serving.schools[0]})
    assert body["data"]["__schema"] == {"queryType": {"name": "Query"}}
    assert body["data"]["school"] == {"urn": serving.world.rows["school"][0]["urn"], "laCode": None}
    assert [entry["extensions"]["coordinate"] for entry in body["errors"]] == ["School.laCode"]


async def test_an_unknown_token_is_refused(serving: Serving) -> None:
    for token in ("0" * 64, "", "' OR ''='"):
        answer = await serving.engine.execute(Request(SCHOOL, None, {"id": serving.schools[0]}, token))
        assert answer.refused == "UNAUTHENTICATED"


async def test_a_caller_who_would_rather_be_refused_gets_no_data_and_no_record_is_read(serving: Serving) -> None:
    query = """query($id: ID!) { school(id: $id) { name students { nodes { surname forename } } }
        node(id: $id) { ... on School { urn } } }"""
    caller = await serving.caller({0: {"students.read", "students.surname.read"}})
    answer = await serving.answer(caller, query, {"id": serving.schools[0]}, reject=True)
    body = json.loads(answer.body)
    assert (answer.refused, answer.status, list(body)) == ("OPERATION_REJECTED", 403, ["errors"])
    first, *denials = body["errors"]
    assert first["extensions"]["code"] == "OPERATION_REJECTED"
    assert "2 fields" in first["message"]
    assert [entry["extensions"]["coordinate"] for entry in denials] == ["Student.forename", "School.urn"]
    assert denials[1]["extensions"]["consentUrl"] == f"{BASE_URL}/consents/{caller.consents[0]}"
    assert not RECORDS.search(serving.sql), serving.sql
    await serving.answer(caller, query, {"id": serving.schools[0]})
    assert RECORDS.search(serving.sql)


async def test_a_caller_who_would_rather_be_refused_is_answered_when_all_is_granted(serving: Serving) -> None:
    caller = await serving.caller({0: {"schools.urn.read"}})
    plain = await serving.answer(caller, SCHOOL, {"id": serving.schools[0]})
    strict = await serving.answer(caller, SCHOOL, {"id": serving.schools[0]}, reject=True)
    assert strict == plain
    assert json.loads(plain.body)["data"]["school"]["urn"] is not None
