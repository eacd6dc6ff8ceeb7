"""`fieldgate serve` as a process: both databases, several workers, signals, and callers who leave."""

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import httpx
import pytest

from schema.errors import FieldgateError
from server.migrate import migrate
from server.serve import address, listen, serve
from server.settings import Settings
from tests.running import running_server, server_process
from tests.server.conftest import Filled, Site, fill
from tests.world import TOKEN

QUERY = "query Named($id: ID!) { school(id: $id) { name students(first: 2) { totalCount nodes { forename } } } }"
PATIENCE_SECONDS = 20


def eventually(check: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE_SECONDS
    while not check():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize("workers", [1, 2])
def test_a_served_database_answers_apps(database_url: str, tmp_path: Path, workers: int) -> None:
    world = fill(database_url)
    with (
        running_server(database_url, tmp_path / "key", workers=workers, access_log=True) as origin,
        httpx.Client(base_url=origin) as client,
    ):
        site = Site(origin, world, client)
        for _ in range(4):
            answer = site.ask(QUERY, variables={"id": world.schools[0]}, operationName="Named")
            assert answer.status_code == 200
            assert "server" not in answer.headers
            school = answer.json()["data"]["school"]
            assert school["name"] == "School 0"
            assert len(school["students"]["nodes"]) == 2
        assert site.ask(QUERY, token="fg_unknown", variables={"id": world.schools[0]}).status_code == 401
        assert site.ask("{ viewer { app { name } } }").json() == {"data": {"viewer": {"app": {"name": "Tester"}}}}


def test_all_that_a_server_logs_is_json_and_none_of_it_is_a_secret(filled: Filled, tmp_path: Path) -> None:
    settings = filled.settings(tmp_path)
    with server_process(settings.database_url, settings.key_file, workers=2, access_log=True) as server:
        with httpx.Client(base_url=server.origin) as client:
            Site(server.origin, filled.world, client).ask(QUERY, variables={"id": filled.world.schools[0]})
            client.get(f"/graphql?query={TOKEN}")
        with socket.create_connection(("127.0.0.1", httpx.URL(server.origin).port or 0)) as connection:
            connection.sendall(f"nonsense {TOKEN}\r\n\r\n".encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 400")
        said = server.log()
    first, *lines = said.splitlines()
    assert first == "Links in answers begin with http://127.0.0.1:8000."
    paths = [json.loads(line)["path"] for line in lines]
    assert paths[-2:] == ["/graphql", "/graphql"]
    assert TOKEN not in said


def test_a_worker_that_dies_is_replaced(filled: Filled, tmp_path: Path) -> None:
    settings = filled.settings(tmp_path)
    with server_process(settings.database_url, settings.key_file, workers=2) as server:
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children")

        def workers() -> list[int]:
            # One child is multiprocessing's own; the workers are those that hold the listening socket's program.
            pids = [int(pid) for pid in children.read_text().split()]
            return [pid for pid in pids if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]

        first = workers()
        assert len(first) == 2
        os.kill(first[0], signal.SIGKILL)
        assert eventually(lambda: len(workers()) == 2 and first[0] not in workers())
        for _ in range(8):
            assert httpx.post(f"{server.origin}/graphql", json={"query": "{ __typename }"}).status_code == 200


def test_a_port_that_is_taken_is_refused_in_a_sentence(filled: Filled, tmp_path: Path) -> None:
    settings = filled.settings(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FieldgateError) as refused:
            serve(Settings(database_url=settings.database_url, port=port))
    assert refused.value.code == "SETTING_INVALID"
    assert str(port) in refused.value.message


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_the_address_shown_has_the_port_that_was_got(host: str, shown: str) -> None:
    with listen(Settings(host=host, port=0)) as listener:
        assert address(host, listener) == f"http://{shown}:{listener.getsockname()[1]}/graphql"


def test_the_statement_of_a_caller_who_leaves_is_cancelled_on_postgresql(fresh_postgres: str, tmp_path: Path) -> None:
    asyncio.run(migrate(fresh_postgres))
    school_id = fill(fresh_postgres).schools[0]
    with running_server(fresh_postgres, tmp_path / "key", deadline_seconds=60) as origin:
        assert asyncio.run(waiting_statements(fresh_postgres, origin, school_id)) == (True, True, 200)


async def waiting_statements(database_url: str, origin: str, school_id: str) -> tuple[bool, bool, int]:
    """Whether a statement waited for a lock, whether it was gone once its caller left; then a query's status."""
    watching, blocking = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    locked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fieldgate' AND wait_event_type = 'Lock'"

    async def until(count: int) -> bool:
        for _ in range(PATIENCE_SECONDS * 10):
            if await watching.fetchval(locked) == count:
                return True
            await asyncio.sleep(0.1)
        return False

    body = {"query": QUERY, "variables": {"id": school_id}}
    async with httpx.AsyncClient(base_url=origin, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30) as client:
        async with blocking.transaction():
            await blocking.execute("LOCK TABLE student IN ACCESS EXCLUSIVE MODE")
            asking = asyncio.create_task(client.post("/graphql", json=body))
            waited = await until(1)
            asking.cancel()  # closes the connection
            gone = await until(0)
        answer = await client.post("/graphql", json=body)
    await watching.close()
    await blocking.close()
    return waited, gone, answer.status_code
