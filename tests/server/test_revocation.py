"""A grant taken back in another process is gone from the very next request, on every worker and both databases.

"Next" is exact: a request that begins after `fieldgate revoke` has returned must not see the field.
"""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from schema.registry import REGISTRY
from server.database import open_database
from tests.running import running_server
from tests.world import TOKEN, World, make_world, write_app

ROOT = Path(__file__).resolve().parent.parent.parent
WORKERS = 2
READERS = 8
REQUESTS = 200
QUERY = "query ($id: ID!) { school(id: $id) { students(first: 5) { nodes { id forename } } } }"
SCOPE = "students.forename.read"


@pytest.fixture
async def world(database_url: str) -> World:
    world = make_world("revocation")
    database = open_database(database_url)
    async with database.write() as session:
        await world.write(session)
        await write_app(session, world, {0: REGISTRY.scopes}, required=[SCOPE, "students.read"])
    await database.close()
    return world


def shell(database_url: str, *words: str) -> dict[str, Any]:
    """Run `fieldgate …` as another process; its JSON answer."""
    environment = {**os.environ, "FIELDGATE_DATABASE_URL": database_url}
    command = [sys.executable, "-c", "from server.cli import main; main()", *words, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def ask(client: httpx.Client, school_id: str) -> dict[str, Any]:
    body = {"query": QUERY, "variables": {"id": school_id}}
    answer = client.post("/graphql", json=body, headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    read: dict[str, Any] = answer.json()
    return read


def sees_forenames(answer: dict[str, Any]) -> bool:
    return any(node["forename"] is not None for node in answer["data"]["school"]["students"]["nodes"])


def test_after_a_revoke_in_another_process_no_request_is_stale(database_url: str, world: World, tmp_path: Path) -> None:
    school_id = world.schools[0]
    names = ("--school", school_id, "--app", "tester")
    with running_server(database_url, tmp_path / "key", workers=WORKERS) as origin:
        # One connection a client, so that the kernel spreads them over the workers.
        clients = [httpx.Client(base_url=origin) for _ in range(READERS)]
        for client in clients:
            for _ in range(3):
                assert sees_forenames(ask(client, school_id))
        shell(database_url, "revoke", *names, "--scope", SCOPE)
        answers = [ask(clients[number % READERS], school_id) for number in range(REQUESTS)]
        stale = [answer for answer in answers if sees_forenames(answer)]
        assert stale == []
        assert {answer["errors"][0]["extensions"]["code"] for answer in answers} == {"SCOPE_NOT_GRANTED"}
        shell(database_url, "grant", *names, "--scope", SCOPE)
        assert all(sees_forenames(ask(client, school_id)) for client in clients)
        for client in clients:
            client.close()


def test_no_request_begun_after_a_revoke_is_stale_while_readers_never_pause(
    database_url: str, world: World, tmp_path: Path
) -> None:
    school_id = world.schools[0]
    names = ("--school", school_id, "--app", "tester")
    revoked, stop = threading.Event(), threading.Event()
    stale: list[int] = []
    counted = [0] * READERS

    def read(origin: str, number: int) -> None:
        with httpx.Client(base_url=origin) as client:
            while not stop.is_set():
                begun_after = revoked.is_set()
                answer = ask(client, school_id)
                if begun_after:
                    counted[number] += 1
                    if sees_forenames(answer):
                        stale.append(number)

    with running_server(database_url, tmp_path / "key", workers=WORKERS) as origin:
        readers = [threading.Thread(target=read, args=(origin, number)) for number in range(READERS)]
        for reader in readers:
            reader.start()
        for _ in range(3):
            shell(database_url, "revoke", *names, "--scope", SCOPE)
            revoked.set()
            threading.Event().wait(0.3)
            revoked.clear()
            shell(database_url, "grant", *names, "--scope", SCOPE)
        stop.set()
        for reader in readers:
            reader.join(timeout=30)
    assert sum(counted) >= REQUESTS / 2
    assert stale == []
