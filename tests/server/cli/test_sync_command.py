"""`fieldgate sync wonde` as an operator runs it."""

from collections.abc import Iterator

import pytest

from server.sync import client
from tests.server.cli.conftest import Shell
from tests.server.sync.conftest import QUICK
from tests.server.sync.test_client import BROKEN
from tests.server.sync.wonde import SCHOOL, TOKEN, FakeWonde, served, small_school


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWonde]:
    monkeypatch.setenv("MIS_TOKEN", TOKEN)
    monkeypatch.setattr(client, "Patience", lambda: QUICK)
    with served(small_school()) as api:
        yield api


def options(api: FakeWonde) -> tuple[str, ...]:
    return "sync", "wonde", "--base-url", api.base_url, "--token-env", "MIS_TOKEN"


def test_a_sync_says_what_it_did(shell: Shell, api: FakeWonde) -> None:
    ran = shell(*options(api), "--source-school", SCHOOL)
    assert ran.status == 0
    assert ran.out.splitlines()[0].split() == ["read", "inserted", "updated", "deleted", "unchanged", "refused"]
    assert "Student            4     4         0" in ran.out
    assert "rows changed" in ran.err
    assert TOKEN not in ran.out + ran.err


def test_as_json_a_sync_gives_its_counts_and_findings(shell: Shell, api: FakeWonde) -> None:
    api.lists["students"][0]["date_of_birth"] = "soon"
    first = shell(*options(api), "--source-school", SCHOOL, "--json").json
    assert first["counts"]["Student"]["inserted"] == 4
    assert first["findings"] == {"BAD_DATE": 1}
    second = shell(*options(api), "--school", first["school"], "--json").json
    assert (second["school"], second["sourceSchool"], second["changed"]) == (first["school"], SCHOOL, 0)


def test_an_added_school_is_tied_to_its_mis_by_naming_both(shell: Shell, api: FakeWonde) -> None:
    school = shell("school", "add", "Testham").out.strip()
    alone = shell(*options(api), "--school", school, "--json")
    assert (alone.status, alone.json["error"]["code"]) == (1, "SCHOOL_SOURCE_INVALID")
    assert shell(*options(api), "--school", school, "--source-school", SCHOOL).status == 0
    assert shell(*options(api), "--school", school, "--json").json["changed"] == 0


def test_a_failed_sync_says_why_and_what_to_do(shell: Shell, api: FakeWonde) -> None:
    api.faults = [BROKEN] * 99
    ran = shell(*options(api), "--source-school", SCHOOL)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.splitlines() == [
        "The MIS API answers with status 500.",
        "Check the MIS API's address and try again; nothing was changed.",
    ]


def test_a_sync_needs_a_token_and_a_school(shell: Shell, api: FakeWonde, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shell(*options(api)).status == 2
    monkeypatch.delenv("MIS_TOKEN")
    ran = shell(*options(api), "--source-school", SCHOOL, "--json")
    assert ran.json["error"]["code"] == "SETTING_INVALID"
    assert "MIS_TOKEN" in ran.json["error"]["message"]
    assert api.requests == []
