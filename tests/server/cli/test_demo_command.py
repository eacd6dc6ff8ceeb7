"""`fieldgate demo` as a visitor runs it: prepare, serve, ask."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.server.cli.conftest import ROOT, command, environment


def prepare(folder: Path, *options: str) -> Any:
    done = subprocess.run(
        command("demo", "--dir", str(folder), "--no-serve", "--json", *options),
        cwd=ROOT, env=environment("sqlite:///not-this-one.db"), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_a_demo_is_made_once_and_again_when_asked(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    first = prepare(folder)
    assert {path.name for path in folder.iterdir()} <= {"fieldgate.db", "fieldgate.db-wal", "fieldgate.db-shm"}
    assert [school["students"] for school in first["schools"]] == [420, 950]
    made = (folder / "fieldgate.db").stat().st_ino
    second = prepare(folder)
    assert (folder / "fieldgate.db").stat().st_ino == made
    assert second["schools"] == first["schools"]
    assert second["apps"][0]["token"] != first["apps"][0]["token"]
    (folder / "notes.txt").write_text("a visitor's own")
    third = prepare(folder, "--reset")
    assert third["schools"] == first["schools"]  # the same ids: they come out of the seed
    assert (folder / "notes.txt").exists()
    assert not (ROOT / "not-this-one.db").exists()


def test_the_printed_curl_returns_data(tmp_path: Path) -> None:
    served = subprocess.Popen(
        command("demo", "--dir", str(tmp_path / "demo"), "--port", "0"),
        cwd=ROOT, env=environment("sqlite:///not-this-one.db"), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    with served:
        try:
            assert served.stdout is not None
            printed = next(line for line in served.stdout if line.startswith("curl "))
            answer = subprocess.run(printed, shell=True, capture_output=True, text=True, check=True)  # noqa: S602
        finally:
            served.terminate()
            served.wait(timeout=30)
    schools = json.loads(answer.stdout)["data"]["schools"]["nodes"]
    assert [school["name"] for school in schools] == ["Larkmoor Primary School", "Larkmoor High School"]
    assert all(len(school["students"]["nodes"]) == 2 for school in schools)


@pytest.mark.parametrize("option", ["--port", "--dir", "--no-serve", "--reset", "--json"])
def test_help_names_every_option(option: str) -> None:
    done = subprocess.run(
        command("demo", "--help"),
        cwd=ROOT,
        env=environment("sqlite:///x.db"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert option in done.stdout
