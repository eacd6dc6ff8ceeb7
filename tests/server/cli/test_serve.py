"""`fieldgate serve` answers with as many processes as asked, stops when told to, and refuses what it cannot use."""

import json
import signal
import socket
import subprocess
from pathlib import Path

import httpx

from server.serve import environment
from server.settings import Settings
from tests.server.cli.conftest import ROOT, Shell, command, run_process
from tests.server.cli.conftest import environment as process_environment

STOP_LIMIT_SECONDS = 30


def test_serve_answers_until_it_is_told_to_stop(shell: Shell, database_url: str, tmp_path: Path) -> None:
    with subprocess.Popen(
        command("serve", "--port", "0", "--workers", "2"),
        env={**process_environment(database_url), "FIELDGATE_KEY_FILE": str(tmp_path / "fieldgate.key")},
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        try:
            url = server.stdout.readline().split()[-1]
            assert httpx.get(url.replace("/graphql", "/readyz")).status_code == 200
            assert "server" not in httpx.post(url, json={"query": "{ __typename }"}).headers
            assert shell("school", "add", "Ashby School").status == 0, "the shell works while the server runs"
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=STOP_LIMIT_SECONDS)
        finally:
            server.kill()
    assert server.returncode == 0


def test_with_json_the_first_thing_said_is_where_it_answers(database_url: str, tmp_path: Path) -> None:
    with subprocess.Popen(
        command("serve", "--port", "0", "--json"),
        env={**process_environment(database_url), "FIELDGATE_KEY_FILE": str(tmp_path / "fieldgate.key")},
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        try:
            said = "".join(iter(server.stdout.readline, "}\n")) + "}"
            ready = json.loads(said)
            assert (ready["host"], ready["workers"]) == ("127.0.0.1", 1)
            assert httpx.get(ready["url"].replace("/graphql", "/healthz")).status_code == 200
            server.send_signal(signal.SIGINT)
            server.wait(STOP_LIMIT_SECONDS)
        finally:
            server.kill()
    assert server.returncode == 0


def test_a_database_that_was_not_migrated_is_not_served(tmp_path: Path) -> None:
    ran = run_process(f"sqlite:///{tmp_path / 'none.db'}", "serve", "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "DATABASE_NOT_MIGRATED")


def test_a_port_that_is_taken_is_refused_in_a_sentence(database_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = run_process(database_url, "serve", "--port", str(taken.getsockname()[1]), "--json")
    assert (ran.status, ran.json["error"]["code"]) == (1, "SETTING_INVALID")


def test_settings_reach_the_worker_processes_whole() -> None:
    settings = Settings(port=1, workers=3, deadline_seconds=2.5, pgbouncer=True, key_file=Path("/keys/one"))
    assert Settings.from_environment(environment(settings)) == settings
