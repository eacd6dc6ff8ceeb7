"""The page and its files as bytes and headers: what a browser is told, what a name reaches, what a missing build says.

The build here is a small stand-in; the real one is opened in Chromium by test_graphiql_browser.py.
"""

import gzip
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest
from graphql import build_schema, parse, validate
from starlette.applications import Starlette
from starlette.types import Message

from schema.api import sdl
from server.graphiql_page import BUILT_PAGE, GraphiQLPage, graphiql_page, takes_gzip

SCRIPT = b"console.log('GraphiQL');\n" * 200
STYLE = b"body{margin:0}"
INDEX = (
    '<!doctype html><script type="module" src="/graphql/assets/index-abc.js"></script>'
    '<link rel="stylesheet" href="/graphql/assets/index-abc.css">'
)
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; font-src 'self' data:; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    dist = tmp_path / "dist"
    assets = dist / "assets"
    assets.mkdir(parents=True)
    (tmp_path / "secret.js").write_text("outside")
    (dist / "index.html").write_text(INDEX)
    (assets / "index-abc.js").write_bytes(SCRIPT)
    (assets / "index-abc.js.gz").write_bytes(gzip.compress(SCRIPT))
    (assets / "index-abc.css").write_bytes(STYLE)
    (assets / "codicon-1.ttf").write_bytes(b"\0\1\0\0font")
    (assets / "icon-1.svg").write_text("<svg/>")
    (assets / "notes.unknown").write_text("?")
    return dist


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


Ask = Callable[..., Awaitable[Answer]]


def asking(page: GraphiQLPage) -> Ask:
    """Asks the page's routes without an HTTP client, because a client tidies `..` away before it sends a path."""
    app = Starlette(routes=page.routes())

    async def ask(name: str, method: str = "GET", accept_encoding: str = "identity") -> Answer:
        raw = f"/graphql/assets/{name}"
        sent: list[Message] = []
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"fieldgate.test"), (b"accept-encoding", accept_encoding.encode())],
        }

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await app(scope, receive, send)
        headers = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))

    return ask


@pytest.fixture
def ask(dist: Path) -> Ask:
    return asking(graphiql_page(dist))


def test_the_page_is_sent_under_the_strict_policy_and_never_cached(dist: Path) -> None:
    page = graphiql_page(dist)
    answer = page.index()
    assert page.is_built
    assert (answer.status_code, bytes(answer.body).decode()) == (200, INDEX)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("index-abc.js", "text/javascript; charset=utf-8"),
        ("index-abc.css", "text/css; charset=utf-8"),
        ("codicon-1.ttf", "font/ttf"),
        ("icon-1.svg", "image/svg+xml"),
        ("notes.unknown", "application/octet-stream"),
    ],
)
async def test_a_file_is_sent_with_its_type_and_may_be_kept_for_good(ask: Ask, name: str, media_type: str) -> None:
    answer = await ask(name)
    assert answer.status == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def test_a_file_is_sent_packed_to_who_takes_it_and_plain_to_who_does_not(ask: Ask) -> None:
    packed = await ask("index-abc.js", accept_encoding="br, gzip")
    plain = await ask("index-abc.js")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-length"] == str(len(packed.body))
    assert len(packed.body) < len(SCRIPT) / 10
    assert "content-encoding" not in plain.headers
    assert plain.headers["content-length"] == str(len(SCRIPT))
    assert gzip.decompress(packed.body) == plain.body == SCRIPT
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("coding", ["gzip", "identity"])
async def test_head_tells_the_same_as_get_without_a_body(ask: Ask, coding: str) -> None:
    got = await ask("index-abc.js", accept_encoding=coding)
    told = await ask("index-abc.js", "HEAD", accept_encoding=coding)
    assert (told.status, told.body) == (200, b"")
    assert told.headers == got.headers


@pytest.mark.parametrize(
    ("header", "allowed"),
    [
        ("gzip", True),
        ("GZIP;q=0.5", True),
        ("br;q=1.0, gzip ; q=0.2", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, *", False),
        ("*;q=0", False),
        ("br, deflate", False),
        ("", False),
        ("gzip;q=nonsense", False),
    ],
)
def test_gzip_is_sent_only_when_the_header_allows_it(header: str, allowed: bool) -> None:
    assert takes_gzip(header) is allowed


@pytest.mark.parametrize(
    "name",
    [
        "",
        "absent.js",
        "index-abc.js.gz",
        "../index.html",
        "../../secret.js",
        "..%2findex.html",
        "%2e%2e/%2e%2e/secret.js",
        "..%5c..%5csecret.js",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "index-abc.js%00",
        "index-abc.js/",
        "./index-abc.js",
        "%ff%fe",
    ],
)
async def test_a_name_that_is_no_built_file_reaches_nothing(ask: Ask, name: str) -> None:
    answer = await ask(name)
    assert (answer.status, answer.body) == (404, b"There is no such file.\n")
    assert answer.headers["cache-control"] == "no-store"


async def test_only_get_and_head_are_answered(ask: Ask) -> None:
    assert (await ask("index-abc.js", "POST")).status == 405


async def test_a_packed_copy_that_does_not_match_its_file_is_not_used(dist: Path) -> None:
    (dist / "assets" / "index-abc.js.gz").write_bytes(gzip.compress(b"an older build"))
    assert (await asking(graphiql_page(dist))("index-abc.js")).body == SCRIPT


async def test_files_are_read_at_start_and_not_again(dist: Path) -> None:
    ask = asking(graphiql_page(dist))
    (dist / "assets" / "index-abc.css").write_text("changed")
    (dist / "assets" / "late.js").write_text("late")
    assert (await ask("index-abc.css")).body == STYLE
    assert (await ask("late.js")).status == 404


async def test_without_a_build_the_page_says_what_to_run(tmp_path: Path) -> None:
    page = graphiql_page(tmp_path / "nothing")
    answer = page.index()
    assert not page.is_built
    assert answer.status_code == 404
    assert b"make demo" in answer.body
    assert b"npm ci" in answer.body
    assert answer.headers["content-security-policy"] == POLICY
    assert (await asking(page)("index-abc.js")).status == 404


def test_a_build_that_lacks_a_file_the_page_names_counts_as_none(dist: Path) -> None:
    (dist / "assets" / "index-abc.css").unlink()
    assert not graphiql_page(dist).is_built


def test_both_examples_that_the_page_opens_with_are_valid_for_the_published_schema() -> None:
    source = (BUILT_PAGE.parent / "src" / "first-query.ts").read_text(encoding="utf-8")
    shown = source.split("`")[1]
    commented = re.search(r"^# query \{.*", shown, re.DOTALL | re.MULTILINE)
    assert commented is not None
    uncommented = re.sub(r"^# ", "", commented[0], flags=re.MULTILINE)
    schema = build_schema(sdl())
    for example in (shown, uncommented):
        assert validate(schema, parse(example)) == []
