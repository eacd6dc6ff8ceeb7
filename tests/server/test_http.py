"""GraphQL over HTTP at /graphql: what is answered, with which status, media type and headers.

Requests that are no GraphQL requests at all are in test_bad_requests.py.
"""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.app import create_app
from tests.running import served
from tests.server.conftest import GRAPHQL_RESPONSE, Filled, Site, code_of
from tests.world import TOKEN

JSON = "application/json"
UPNS = "query ($id: ID!) { school(id: $id) { students(first: 2) { nodes { educationDetails { upn } } } } }"


def test_an_answer_says_what_it_is_and_that_nobody_may_keep_it(site: Site) -> None:
    answer = site.ask("{ __typename }")
    assert answer.status_code == 200
    assert answer.json() == {"data": {"__typename": "Query"}}
    assert site.ask("mutation { __typename }").json() == {"data": {"__typename": "Mutation"}}
    headers = {name: value for name, value in answer.headers.items() if name != "date"}
    assert headers == {
        "content-type": "application/graphql-response+json; charset=utf-8",
        "vary": "Accept",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "content-length": "31",
    }


def test_variables_the_name_of_the_operation_and_unicode_arrive(site: Site) -> None:
    query = "query One { __typename } query Two($name: String!) { __type(name: $name) { name } }"
    answer = site.ask(query, operationName="Two", variables={"name": "School"})
    assert answer.json() == {"data": {"__type": {"name": "School"}}}
    answer = site.ask(query, operationName="Two", variables={"name": "Run🏃Swim🏊"})
    assert answer.json() == {"data": {"__type": None}}


def test_data_come_with_a_token_and_denied_fields_are_null_with_one_error(site: Site) -> None:
    first, second = (site.ask(UPNS, variables={"id": school}) for school in site.world.schools)
    assert (first.status_code, second.status_code) == (200, 200)
    assert "errors" not in first.json()
    (error,) = second.json()["errors"]
    assert error["extensions"]["code"] == "SCOPE_NOT_GRANTED"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        ("APPLICATION/GraphQL-Response+JSON; charset=UTF-8", GRAPHQL_RESPONSE),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL_RESPONSE),
        ("application/json;q=0.5, application/graphql-response+json;q=0.4", JSON),
        ("application/json, application/graphql-response+json", JSON),
        ("application/graphql-response+json, application/json", GRAPHQL_RESPONSE),
        ("text/html, */*;q=0.1", JSON),
        ("application/graphql-response+json;q=0, */*", JSON),
        ("application/json;q=0, */*", GRAPHQL_RESPONSE),
        ("text/event-stream, application/json", JSON),
        ("multipart/mixed;deferSpec=20220824, application/graphql-response+json", GRAPHQL_RESPONSE),
    ],
)
def test_the_accept_header_chooses_the_media_type(site: Site, accept: str | None, media_type: str) -> None:
    request = site.client.build_request("POST", "/graphql", json={"query": "{ __typename }"})
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept
    answer = site.client.send(request)
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{media_type}; charset=utf-8")


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "text/*",
        "application/xml, image/*",
        "application/json;q=0",
        "application/json;charset=utf-16",
        "application/json;q=2",
        "application/json;q=0.0, application/graphql-response+json;q=0",
        "*/json",
        "nonsense",
    ],
)
def test_an_accept_header_that_names_nothing_of_ours_is_refused(site: Site, accept: str) -> None:
    answer = site.ask("{ __typename }", headers={"Accept": accept})
    assert (answer.status_code, code_of(answer)) == (406, "NOT_ACCEPTABLE")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


REFUSALS: list[tuple[dict[str, Any], str, int, int]] = [
    ({"query": "{"}, "GRAPHQL_PARSE_FAILED", 400, 200),
    ({"query": ""}, "GRAPHQL_PARSE_FAILED", 400, 200),
    ({"query": "{ 8f31 }"}, "GRAPHQL_PARSE_FAILED", 400, 200),
    ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED", 400, 200),
    ({"query": "{ __typename @nothing }"}, "GRAPHQL_VALIDATION_FAILED", 400, 200),
    ({"query": "mutation { school(id: 1) { id } }"}, "GRAPHQL_VALIDATION_FAILED", 400, 200),
    ({"query": "subscription { __typename }"}, "GRAPHQL_VALIDATION_FAILED", 400, 200),
    ({"query": "query A { __typename } query B { __typename }"}, "OPERATION_NOT_FOUND", 400, 200),
    ({"query": "query A { __typename }", "operationName": "B"}, "OPERATION_NOT_FOUND", 400, 200),
    ({"query": "query A { __typename }", "operationName": ""}, "OPERATION_NOT_FOUND", 400, 200),
    ({"query": "query ($id: ID!) { node(id: $id) { id } }"}, "BAD_VARIABLES", 400, 200),
    ({"query": "query ($id: ID!) { node(id: $id) { id } }", "variables": {"id": None}}, "BAD_VARIABLES", 400, 200),
    ({"query": "{ " + "a" * 60_001 + " }"}, "GRAPHQL_VALIDATION_FAILED", 400, 200),
    ({"query": "{" + " a: __typename" * 20_001 + "}"}, "QUERY_TOO_LARGE", 400, 200),
    ({"query": "{" + " a: __typename" * 301 + "}"}, "QUERY_TOO_LARGE", 400, 200),
    ({"query": "{ schools(first: 1) { nodes { name } } }"}, "UNAUTHENTICATED", 401, 401),
]


@pytest.mark.parametrize(("body", "code", "status", "legacy_status"), REFUSALS)
def test_a_refused_operation_has_its_status_with_the_new_media_type_and_200_with_the_old(
    site: Site, body: dict[str, Any], code: str, status: int, legacy_status: int
) -> None:
    for media_type, expected in ((GRAPHQL_RESPONSE, status), (JSON, legacy_status)):
        answer = site.post(body, headers={"Accept": media_type})
        assert answer.status_code == expected
        assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
        assert "data" not in answer.json()
        assert {error["extensions"]["code"] for error in answer.json()["errors"]} == {code}


@pytest.mark.parametrize("media_type", [JSON, GRAPHQL_RESPONSE])
def test_data_without_a_valid_token_are_a_challenge(site: Site, media_type: str) -> None:
    for token in (None, "fg_unknown", "nonsense"):
        answer = site.ask("{ viewer { app { name } } }", token=token, headers={"Accept": media_type})
        assert (answer.status_code, code_of(answer)) == (401, "UNAUTHENTICATED")
        assert answer.headers["www-authenticate"] == 'Bearer realm="fieldgate"'


@pytest.mark.parametrize("sent", ["Bearer {}", "bearer {}", "BEARER   {}"])
def test_the_credential_is_a_bearer_token_in_the_authorization_header(site: Site, sent: str) -> None:
    answer = site.ask("{ viewer { app { name } } }", token=None, headers={"Authorization": sent.format(TOKEN)})
    assert answer.json() == {"data": {"viewer": {"app": {"name": "Tester"}}}}


@pytest.mark.parametrize(
    "sent", ["{}", "Basic {}", "Bearer", "Bearer{}", "Bearer {} {}", "Bearer {},", "Bearer x{}", "Bearer\t{}"]
)
def test_a_malformed_credential_counts_as_none(site: Site, sent: str) -> None:
    given = {"Authorization": sent.replace("{}", TOKEN)}
    assert site.ask("{ viewer { app { name } } }", token=None, headers=given).status_code == 401
    assert site.ask("{ __typename }", token=None, headers=given).status_code == 200


def test_two_credentials_are_none(site: Site) -> None:
    both = httpx.Headers([("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {TOKEN}")])
    body = {"query": "{ viewer { app { name } } }"}
    assert site.client.post("/graphql", json=body, headers=both).status_code == 401


def test_a_token_anywhere_else_is_no_credential(site: Site) -> None:
    query = "{ viewer { app { name } } }"
    body = {"query": query, "access_token": TOKEN, "extensions": {"Authorization": TOKEN}}
    headers = {"Cookie": f"token={TOKEN}; Authorization=Bearer {TOKEN}", "X-Authorization": f"Bearer {TOKEN}"}
    answer = site.client.post("/graphql", params={"access_token": TOKEN, "token": TOKEN}, json=body, headers=headers)
    assert answer.status_code == 401
    params = {"query": query, "access_token": TOKEN, "Authorization": f"Bearer {TOKEN}"}
    assert site.client.get("/graphql", params=params).status_code == 401


def test_an_operation_can_be_refused_when_anything_is_denied(site: Site) -> None:
    granted, denied = ({"id": school} for school in site.world.schools)
    ways: list[dict[str, Any]] = [
        {"extensions": {"onDenied": "REJECT"}},
        {"headers": {"Fieldgate-On-Denied": "REJECT"}},
    ]
    for way in ways:
        answer = site.ask(UPNS, variables=denied, **way)
        assert (answer.status_code, list(answer.json())) == (403, ["errors"])
        codes = [error["extensions"]["code"] for error in answer.json()["errors"]]
        assert codes == ["OPERATION_REJECTED", "SCOPE_NOT_GRANTED"]
        assert site.ask(UPNS, variables=granted, **way).json()["data"]["school"]
    legacy = {"Accept": JSON, "Fieldgate-On-Denied": "REJECT"}
    answer = site.ask(UPNS, variables=denied, headers=legacy)
    assert (answer.status_code, list(answer.json())) == (200, ["errors"])


@pytest.mark.parametrize("members", [{}, {"variables": None, "operationName": None, "extensions": None}])
def test_members_that_are_null_count_as_not_sent(site: Site, members: dict[str, None]) -> None:
    assert site.post({"query": "{ __typename }", **members}).json() == {"data": {"__typename": "Query"}}


def test_get_answers_queries_given_in_the_url(site: Site) -> None:
    params = {
        "query": "query A { __typename } query B($n: String!) { __type(name: $n) { name } }",
        "operationName": "B",
        "variables": json.dumps({"n": "School"}),
        "extensions": json.dumps({"anything": 1}),
    }
    answer = site.client.get("/graphql", params=params, headers={"Accept": GRAPHQL_RESPONSE})
    assert (answer.status_code, answer.json()) == (200, {"data": {"__type": {"name": "School"}}})
    assert answer.headers["vary"] == "Accept"
    answer = site.client.get("/graphql", params={"query": "{ __typename }", "operationName": "", "other": "x"})
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == {"data": {"__typename": "Query"}}


def test_get_reads_data_with_a_token_and_can_reject(site: Site) -> None:
    params = {"query": UPNS, "variables": json.dumps({"id": site.world.schools[1]})}
    headers = {"Accept": GRAPHQL_RESPONSE, "Authorization": f"Bearer {TOKEN}"}
    assert site.client.get("/graphql", params=params, headers=headers).json()["data"]["school"]
    params["extensions"] = json.dumps({"onDenied": "REJECT"})
    assert site.client.get("/graphql", params=params, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("mutation { __typename }", None),
        ("subscription { __typename }", None),
        ("query A { __typename } mutation B { __typename }", "B"),
        ("query A { __typename } mutation B { __typename }", None),
    ],
)
def test_get_refuses_what_is_no_query(site: Site, query: str, name: str | None) -> None:
    params = {"query": query} | ({"operationName": name} if name else {})
    for accept in (JSON, GRAPHQL_RESPONSE):
        answer = site.client.get("/graphql", params=params, headers={"Accept": accept})
        assert (answer.status_code, code_of(answer)) == (405, "METHOD_NOT_ALLOWED")
        assert answer.headers["allow"] == "POST"


def test_the_word_mutation_in_a_query_is_no_mutation(site: Site) -> None:
    for query in (
        '{ __type(name: "mutation") { name } }',
        "query mutation { __typename }",
        "{ __typename # mutation\n}",
    ):
        assert site.client.get("/graphql", params={"query": query}).status_code == 200
    answer = site.client.get("/graphql", params={"query": "mutation {"}, headers={"Accept": GRAPHQL_RESPONSE})
    assert (answer.status_code, code_of(answer)) == (400, "GRAPHQL_PARSE_FAILED")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_other_methods_are_told_which_there_are(site: Site, method: str) -> None:
    for accept in ("text/html", "*/*"):
        answer = site.client.request(method, "/graphql", headers={"Accept": accept})
        assert (answer.status_code, code_of(answer)) == (405, "METHOD_NOT_ALLOWED")
        assert answer.headers["allow"] == "GET, HEAD, POST"


def test_head_is_get_without_the_body(site: Site) -> None:
    params = {"query": "{ __typename }"}
    head, get = (site.client.request(method, "/graphql", params=params) for method in ("HEAD", "GET"))
    assert head.content == b""
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


def test_a_browser_gets_the_page_and_nobody_else_does(site: Site) -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    page = site.client.get("/graphql", headers={"Accept": browser})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["vary"] == "Accept"
    assert "default-src 'self'" in page.headers["content-security-policy"]
    for accept in ("*/*", "application/json, text/html;q=0.9", "application/json"):
        answer = site.client.get("/graphql", headers={"Accept": accept})
        assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")


def test_a_schema_that_is_not_public_is_read_with_a_valid_token_only(filled: Filled, tmp_path: Path) -> None:
    settings = filled.settings(tmp_path, public_schema=False)
    with served(create_app(settings)) as origin, httpx.Client(base_url=origin) as client:
        site = Site(origin, filled.world, client)
        for token in (None, "fg_unknown"):
            for query in ("{ __typename }", "{ __schema { queryType { name } } }"):
                assert site.ask(query, token=token).status_code == 401
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            schema = client.get("/schema.graphql", headers=headers)
            assert (schema.status_code, code_of(schema)) == (401, "UNAUTHENTICATED")
            assert schema.headers["www-authenticate"] == 'Bearer realm="fieldgate"'
        assert site.ask("{ __schema { queryType { name } } }").status_code == 200
        schema = client.get("/schema.graphql", headers={"Authorization": f"Bearer {TOKEN}"})
        assert schema.status_code == 200
        assert schema.headers["cache-control"] == "private, no-cache"
