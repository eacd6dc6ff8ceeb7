"""The application around GraphQL: its other addresses, its start and its end, and what it says when it fails inside."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Message

from resolvers.engine import Answer, Engine, Request
from schema.api import sdl
from schema.errors import FieldgateError
from server.app import Application, create_app, opened
from server.logs import open_log
from server.routes import Readiness
from server.settings import Settings
from tests.running import served
from tests.server.conftest import GRAPHQL_RESPONSE, Filled, Site, code_of
from tests.world import TOKEN

SECRET = "a value of a record"
BODY = {"query": "query Named { __typename }", "operationName": "Named", "variables": {"secret": SECRET}}


def test_the_published_schema_is_text_with_a_tag(site: Site) -> None:
    answer = site.client.get("/schema.graphql")
    assert (answer.status_code, answer.text) == (200, sdl())
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "public, no-cache"
    tag = answer.headers["etag"]
    for held in (tag, f'"other", W/{tag}', "*"):
        again = site.client.get("/schema.graphql", headers={"If-None-Match": held})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert site.client.get("/schema.graphql", headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_running_server_is_alive_and_ready(site: Site) -> None:
    assert site.client.get("/healthz").json() == {"status": "ok"}
    ready = site.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert ready.headers["cache-control"] == "no-store"


def test_a_browser_at_the_root_is_sent_to_the_page_whatever_host_it_names(site: Site) -> None:
    headers = {"Accept": "text/html,*/*;q=0.8", "Host": "elsewhere.example"}
    answer = site.client.get("/", headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (302, "/graphql")
    assert site.client.get("/").json() == {"graphql": "/graphql", "schema": "/schema.graphql"}


@pytest.mark.parametrize("path", ["/nothing", "/graphql/", "/graphql/assets/", "/graphql/assets/%2e%2e/app.py"])
def test_any_other_address_is_nothing_and_is_not_repeated(site: Site, path: str) -> None:
    answer = site.client.get(path, headers={"Host": "elsewhere.example"})
    assert answer.status_code == 404
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "elsewhere" not in str(answer.headers) + answer.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/schema.graphql", "/"])
def test_other_addresses_are_only_read(site: Site, path: str) -> None:
    answer = site.client.post(path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.fixture
def failing(filled: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Site, io.BytesIO]]:
    """A site whose engine fails inside, and its log."""

    async def fail(_: Engine, request: Request) -> Answer:
        try:
            raise KeyError(request.variables["secret"], request.token_hash)
        except KeyError as error:
            raise RuntimeError(f"the value was {SECRET}") from error

    monkeypatch.setattr(Engine, "execute", fail)
    log = io.BytesIO()
    settings = filled.settings(tmp_path, access_log=True, public_schema=False)
    with served(Application(settings, open_log(log))) as origin, httpx.Client(base_url=origin) as client:
        yield Site(origin, filled.world, client), log


def lines(log: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


@pytest.mark.parametrize("media_type", ["application/json", GRAPHQL_RESPONSE])
def test_a_failure_inside_is_told_to_the_log_and_only_its_number_to_the_caller(
    failing: tuple[Site, io.BytesIO], media_type: str
) -> None:
    site, log = failing
    answer = site.post(BODY, token=TOKEN, headers={"Accept": media_type})
    assert (answer.status_code, code_of(answer)) == (500, "INTERNAL_ERROR")
    (error,) = answer.json()["errors"]
    assert set(error["extensions"]) == {"code", "requestId", "nextStep"}
    failed, accessed = lines(log)
    assert failed["request_id"] == accessed["request_id"] == error["extensions"]["requestId"]
    assert failed["error"] == "RuntimeError from KeyError"
    assert any("test_app.py" in place for place in failed["where"])
    for hidden in (SECRET, TOKEN, "__typename"):
        assert hidden not in answer.text + log.getvalue().decode()


def test_a_failure_at_another_address_is_masked_as_well(failing: tuple[Site, io.BytesIO]) -> None:
    site, log = failing
    answer = site.client.get("/schema.graphql", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (answer.status_code, code_of(answer)) == (500, "INTERNAL_ERROR")
    assert [line["path"] for line in lines(log)] == ["/schema.graphql"] * 2
    assert TOKEN not in log.getvalue().decode()


def test_each_request_is_one_line_of_the_access_log_without_what_was_asked(filled: Filled, tmp_path: Path) -> None:
    log = io.BytesIO()
    settings = filled.settings(tmp_path, access_log=True)
    with served(Application(settings, open_log(log))) as origin, httpx.Client(base_url=origin) as client:
        site = Site(origin, filled.world, client)
        query = "query Named($secret: String!) { __type(name: $secret) { name } }"
        site.ask(query, operationName="Named", variables={"secret": SECRET})
        site.ask("{ __typename }", operationName="<script>")
        client.get("/graphql", params={"query": "{ __typename }", "token": TOKEN})
        client.get(f"/{TOKEN}?{TOKEN}")
        client.get("/graphql/assets/nothing.js")
        client.get("/healthz")
    told = [(line["method"], line["path"], line["status"], line.get("operation")) for line in lines(log)]
    assert told == [
        ("POST", "/graphql", 200, "Named"),
        ("POST", "/graphql", 400, None),
        ("GET", "/graphql", 200, None),
        ("GET", "other", 404, None),
        ("GET", "/graphql/assets/", 404, None),
        ("GET", "/healthz", 200, None),
    ]
    assert len({line["request_id"] for line in lines(log)}) == 6
    assert all(set(line) <= {"time", "level", "event", "method", "path", "status", "ms", "request_id", "operation"}
               for line in lines(log))  # fmt: skip
    assert not any(hidden in log.getvalue().decode() for hidden in (SECRET, TOKEN, "__type", "script"))


@pytest.mark.parametrize("media_type", ["application/json", GRAPHQL_RESPONSE])
def test_what_is_wrong_with_the_installation_is_not_the_callers_to_know(
    filled: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, media_type: str
) -> None:
    async def gone(_: Engine, __: Request) -> Answer:
        return Answer(b'{"errors":[{"message":"There is no database at /srv/place."}]}', "DATABASE_NOT_MIGRATED")

    monkeypatch.setattr(Engine, "execute", gone)
    log = io.BytesIO()
    application = Application(filled.settings(tmp_path), open_log(log))
    with served(application) as origin, httpx.Client(base_url=origin) as client:
        answer = Site(origin, filled.world, client).ask("{ __typename }", headers={"Accept": media_type})
    assert (answer.status_code, code_of(answer)) == (503, "UNAVAILABLE")
    assert "/srv" not in answer.text
    assert [line["code"] for line in lines(log)] == ["DATABASE_NOT_MIGRATED"]


async def lifespan(application: ASGIApp) -> list[Message]:
    """What a server program is told when it starts and stops the application."""
    sent: list[Message] = []
    received: list[Message] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Message:
        return received.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await application({"type": "lifespan"}, receive, send)
    return sent


async def test_the_application_opens_and_closes(filled: Filled, tmp_path: Path) -> None:
    said = await lifespan(create_app(filled.settings(tmp_path)))
    assert [message["type"] for message in said] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


@pytest.mark.parametrize("url", ["sqlite:///{}/none.db", "sqlite:///{}/empty.db", "postgresql://nobody@127.0.0.1:1/x"])
async def test_a_database_that_cannot_be_served_is_a_sentence_at_the_start(tmp_path: Path, url: str) -> None:
    (tmp_path / "empty.db").touch()
    settings = Settings(database_url=url.format(tmp_path), key_file=tmp_path / "key")
    (said,) = await lifespan(create_app(settings))
    assert said["type"] == "lifespan.startup.failed"
    assert said["message"].endswith(("Run `fieldgate migrate`.", "that the database is running."))


async def test_a_key_file_that_is_no_key_file_is_a_sentence_too(filled: Filled, tmp_path: Path) -> None:
    settings = filled.settings(tmp_path)
    settings.key_file.write_text("nonsense")
    with pytest.raises(FieldgateError) as refused:
        async with opened(settings, open_log(io.BytesIO())):
            pass
    assert refused.value.code == "SETTING_INVALID"


async def test_a_request_before_the_start_is_told_to_come_again(tmp_path: Path) -> None:
    application = create_app(Settings(database_url=f"sqlite:///{tmp_path}/none.db"))
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
        answer = await client.post("/graphql", json={"query": "{ __typename }"})
    assert (answer.status_code, code_of(answer)) == (503, "UNAVAILABLE")


class Stalled:
    """A database that does not answer until it is released."""

    def __init__(self) -> None:
        self.released = asyncio.Event()
        self.reads = 0

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        self.reads += 1
        await self.released.wait()
        yield self

    async def fetch(self, _: str) -> list[tuple[str]]:
        return [("another revision",)]


async def test_readiness_says_no_while_the_database_stalls_and_asks_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.routes.READY_SECONDS", 0.1)
    database = Stalled()
    readiness: Any = Readiness(database)  # type: ignore[arg-type]  # only its reading is used
    answers = await asyncio.gather(*(readiness.answer(None) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {503}
    assert json.loads(answers[0].body) == {"status": "unavailable", "code": "UNAVAILABLE"}
    assert database.reads == 1
    database.released.set()
    answer = await readiness.answer(None)
    assert (answer.status_code, json.loads(answer.body)["code"]) == (503, "DATABASE_NOT_MIGRATED")
