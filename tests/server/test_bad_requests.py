"""What is no GraphQL request is refused with a clear error: never a 5xx, never anything of the server's insides."""

import gzip
import json
import re
import socket
import time
from collections.abc import Iterator
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from server.app import create_app
from tests.running import served
from tests.server.conftest import GRAPHQL_RESPONSE, Filled, Site, code_of
from tests.world import TOKEN

INSIDES = re.compile(
    r"Traceback|File \"|\.py\b|(?<!Syntax )Error\b|Exception|sqlite|SELECT|asyncpg|orjson|graphql-core|site-packages",
)
GOOD = json.dumps({"query": "{ __typename }"}).encode()


def send(site: Site, body: bytes, content_type: str | None = "application/json", **headers: str) -> httpx.Response:
    given = {"Accept": GRAPHQL_RESPONSE} | headers
    if content_type is not None:
        given["Content-Type"] = content_type
    return site.client.post("/graphql", content=body, headers=given)


def nested(levels: int, opening: str, closing: str) -> bytes:
    return (opening * levels + "1" + closing * levels).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b'{"query": "{ __typename }"',
        b'{"query": "{ __typename }"}}',
        b"{'query': '{ __typename }'}",
        b'{"query": NaN}',
        b"query=%7B__typename%7D",
        b"{ __typename }",
        b"\xef\xbb\xbf" + GOOD,
        b"\xff\xfe" + GOOD.decode().encode("utf-16-le"),
        b'{"query": "\xff"}',
        b'{"query": "\xed\xa0\x80"}',
        b'{"query": "\\ud800"}',
        b'{"query": "\x00"}',
        b'"{ __typename }"',
        b"1",
        b"null",
        b"true",
        b"[]",
        b'[{"query": "{ __typename }"}]',
        b"{}",
        b'{"qeury": "{ __typename }"}',
        nested(100_000, "[", "]"),
        nested(100_000, '{"a":', "}"),
        b'{"query": "{ __typename }", "variables": ' + nested(5_000, "[", "]") + b"}",
        b'{"query": "{ __typename }", "extensions": {"onDenied": "NOTHING"}}',
        b'{"query": "{ __typename }", "extensions": {"onDenied": ["REJECT"]}}',
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_body_that_is_no_graphql_request_is_refused(site: Site, body: bytes) -> None:
    for accept in (GRAPHQL_RESPONSE, "application/json"):
        answer = send(site, body, Accept=accept)
        assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")
        assert answer.headers["content-type"] == f"{accept}; charset=utf-8"


@pytest.mark.parametrize("member", ["query", "operationName", "variables", "extensions"])
@pytest.mark.parametrize("value", [0, 1.5, True, False, "text", ["list"], {"an": "object"}])
def test_a_member_of_the_wrong_type_is_refused(site: Site, member: str, value: object) -> None:
    if isinstance(value, str if member in ("query", "operationName") else dict):
        return
    answer = site.post({"query": "{ __typename }", member: value})
    assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")
    assert f"`{member}`" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("value", ["", "reject", "NULL", "REJECT, REJECT", "*"])
def test_an_unknown_way_of_denying_is_refused(site: Site, value: str) -> None:
    answer = site.ask("{ __typename }", headers={"Fieldgate-On-Denied": value})
    assert (answer.status_code, code_of(answer)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/graphql",
        "application/graphql-response+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/json; charset=latin-1",
        "application/json, text/plain",
        "application/jsonp",
        "json",
    ],
)
def test_a_body_of_another_media_type_is_refused(site: Site, content_type: str | None) -> None:
    answer = send(site, GOOD, content_type)
    assert (answer.status_code, code_of(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("content_type", ["application/json;charset=UTF-8", 'Application/JSON ; charset="utf-8"; v=1'])
def test_json_in_utf_8_may_be_said_in_several_ways(site: Site, content_type: str) -> None:
    assert send(site, GOOD, content_type).status_code == 200


def test_a_form_that_another_site_could_send_is_refused_and_so_is_a_packed_body(site: Site) -> None:
    answer = site.client.post("/graphql", data={"query": "{ __typename }"})
    assert (answer.status_code, code_of(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    answer = site.client.post("/graphql", files={"operations": b"{}"})
    assert (answer.status_code, code_of(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    answer = send(site, gzip.compress(GOOD), **{"Content-Encoding": "gzip"})
    assert (answer.status_code, code_of(answer)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "url",
    [
        "/graphql",
        "/graphql?query",
        "/graphql?qeury={__typename}",
        "/graphql?query={__typename}&query={__typename}",
        "/graphql?query={__typename}&variables=nonsense",
        "/graphql?query={__typename}&variables=",
        "/graphql?query={__typename}&variables=[]",
        "/graphql?query={__typename}&extensions=1",
        "/graphql?query={__typename}&extensions={%22onDenied%22:%22no%22}",
        "/graphql?query=%ff",
        "/graphql?query=%ed%a0%80",
        "/graphql?" + "a=1&" * 200 + "query={__typename}",
    ],
)
def test_a_url_that_holds_no_graphql_request_is_refused(site: Site, url: str) -> None:
    answer = site.client.get(url, headers={"Accept": GRAPHQL_RESPONSE})
    assert answer.status_code == 400
    assert code_of(answer) in ("BAD_REQUEST", "GRAPHQL_PARSE_FAILED")


@pytest.fixture(scope="module")
def narrow(filled: Filled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site that takes small bodies only, and those quickly."""
    application = create_app(filled.settings(tmp_path_factory.mktemp("narrow"), max_body_bytes=1000))
    with served(application) as origin, httpx.Client(base_url=origin) as client:
        if application.site is None:
            raise RuntimeError("The application is not open.")
        application.site.graphql.body_seconds = 0.4
        yield Site(origin, filled.world, client)


def test_a_body_over_the_limit_is_refused_while_it_is_read(narrow: Site) -> None:
    exact = GOOD.ljust(1000)

    def pieces(count: int) -> Iterator[bytes]:
        yield GOOD
        for _ in range(count):
            time.sleep(0.001)
            yield b" " * 100

    assert send(narrow, exact).status_code == 200
    assert narrow.client.post("/graphql", content=pieces(9), headers={"Content-Type": "application/json"}).is_success
    for answer in (
        send(narrow, exact + b" "),
        narrow.client.post("/graphql", content=pieces(30), headers={"Content-Type": "application/json"}),
        send(narrow, b"x" * 3_000_000),
    ):
        assert (answer.status_code, code_of(answer)) == (413, "PAYLOAD_TOO_LARGE")
        assert send(narrow, GOOD).status_code == 200


def raw(site: Site, *pieces: bytes, pause: float = 0.0) -> bytes:
    """What the server answers to these bytes, until it has nothing more to say."""
    with socket.create_connection(
        (urlsplit(site.origin).hostname or "", urlsplit(site.origin).port or 0)
    ) as connection:
        connection.settimeout(3)
        said = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(pause)
            connection.shutdown(socket.SHUT_WR)
            while received := connection.recv(65536):
                said += received
        except OSError:
            pass
        return said


def head(length: int, *more: str) -> bytes:
    lines = ("POST /graphql HTTP/1.1", "Host: x", "Content-Type: application/json", f"Content-Length: {length}", *more)
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def test_a_body_that_does_not_arrive_is_not_waited_for(narrow: Site) -> None:
    assert raw(narrow, head(len(GOOD)) + GOOD[:5], GOOD[5:], pause=0.1).startswith(b"HTTP/1.1 200")
    started = time.monotonic()
    said = raw(narrow, head(500) + GOOD[:5], pause=1.0)
    assert said.startswith(b"HTTP/1.1 400")
    assert b"did not arrive in time" in said
    assert time.monotonic() - started < 3


def test_a_head_without_end_is_refused(narrow: Site) -> None:
    said = raw(narrow, b"GET /graphql HTTP/1.1\r\n", *[b"X-Filler: " + b"x" * 8_000 + b"\r\n"] * 40, pause=0.001)
    assert said.startswith(b"HTTP/1.1 431")
    assert raw(narrow, head(len(GOOD), "X-Long: " + "x" * 50_000) + GOOD).startswith(b"HTTP/1.1 200")


def test_300_malformed_requests_meet_no_server_error_and_leave_the_server_well(site: Site) -> None:
    source = Random("malformed requests")
    statuses: dict[str, int] = {}
    for _ in range(300):
        said = raw(site, malformed(source))
        status = said[9:12].decode() or "closed"
        statuses[status] = statuses.get(status, 0) + 1
        assert not status.startswith("5"), said
        assert not INSIDES.search(said.decode("utf-8", "replace")), said
    assert sum(count for status, count in statuses.items() if status.startswith("4")) > 150, statuses
    assert site.ask("{ viewer { app { name } } }").json() == {"data": {"viewer": {"app": {"name": "Tester"}}}}
    assert site.client.get("/readyz").status_code == 200


def malformed(source: Random) -> bytes:
    """A request with something wrong in one to three places."""
    members: dict[str, Any] = {"query": "query Q($id: ID!) { school(id: $id) { name } }", "variables": {"id": "sch_x"}}
    body = json.dumps(members).encode()
    headers = {
        "Host": "x",
        "Accept": GRAPHQL_RESPONSE,
        "Content-Type": "application/json",
        "Authorization": f"Bearer {TOKEN}",
        "Connection": "close",
    }
    method, target, version = "POST", "/graphql", "HTTP/1.1"
    for _ in range(source.randint(1, 3)):
        what = source.randrange(7)
        if what == 0:
            method = source.choice(["GET", "HEAD", "PUT", "FOO", "post", "", "DELETE", "OPTIONS", "TRACE", "CONNECT"])
        elif what == 1:
            target = source.choice(
                [
                    "/graphql?query=" + "{a" * 900,
                    "/graphql/",
                    "//graphql",
                    "/graphql?variables=%",
                    "*",
                    "x",
                    "/%00",
                    "/%ff",
                    "http://x/graphql",
                    "/graphql?query=%22",
                    "/graphql#",
                    "/../graphql",
                    "/graphql/assets/../../http.py",
                ]
            )
        elif what == 2:
            version = source.choice(["HTTP/1.0", "HTTP/2", "HTTP/9.9", "", "http/1.1"])
        elif what == 3:
            name = source.choice(
                [*headers, "Content-Length", "Transfer-Encoding", "Content-Encoding", "Expect", "Upgrade"]
            )
            headers[name] = source.choice(
                ["", "\xff\xfe", "x" * 9_000, "-1", "chunked", "99", "gzip", "*/*", "\t", ",,;q"]
            )
        elif what == 4:
            place = source.randrange(len(body) + 1)
            body = body[:place] + source.randbytes(source.randint(0, 6)) + body[place + source.randint(0, 9) :]
        elif what == 5:
            values: list[Any] = [
                None,
                7,
                -1.5,
                True,
                [],
                [[]],
                {},
                {"id": []},
                {"id": 2**70},
                "\u0000",
                "}",
                "{ a b",
                "x" * 5_000,
            ]
            members[source.choice(["query", "variables", "operationName", "extensions"])] = source.choice(values)
            body = json.dumps(members).encode()
        else:
            body = source.choice([b"", b"null", b"[" * 5_000, source.randbytes(50), b'{"query":' * 200, body * 2])
    lines = [f"{method} {target} {version}", *(f"{name}: {value}" for name, value in headers.items())]
    if "Content-Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
