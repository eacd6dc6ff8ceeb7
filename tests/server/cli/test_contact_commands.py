"""`fieldgate contact`: allocating by hand, links that are shown once, updates that wait."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from authz import record_updates, sign_in
from authz.door import Door
from server.database import Database, open_database
from tests.families import Families
from tests.server.cli.conftest import Shell

Made = TypeVar("Made")


class Written:
    """What a test writes beside the shell, each time on a database that it opens for that."""

    def __init__(self, url: str) -> None:
        self.url = url

    def run(self, work: Callable[[Families], Awaitable[Made]]) -> Made:
        async def opened() -> Made:
            database: Database = open_database(self.url)
            try:
                families = Families(database, "shell")
                return await work(families)
            finally:
                await database.close()

        return asyncio.run(opened())


@pytest.fixture
def written(database_url: str) -> Written:
    return Written(database_url)


def begin(written: Written) -> tuple[str, str, str]:
    """A school, and a mother with access to one student: their ids, and the link's."""

    async def work(families: Families) -> tuple[str, str, str]:
        await families.begin()
        mother = await families.contact()
        return families.school, mother, await families.link(await families.student(), mother)

    return written.run(work)


def test_allocating_by_hand_gives_sign_ins_once(shell: Shell, written: Written) -> None:
    school, mother, _ = begin(written)
    first = shell("contact", "allocate", "--json").json["schools"]
    assert first == [{"schoolId": school, "allocated": [mother], "restored": [], "suspended": []}]
    [second] = shell("contact", "allocate", "--school", school, "--json").json["schools"]
    assert second["allocated"] == []
    assert school in shell("contact", "allocate").out
    [account] = shell("contact", "list", school, "--json").json["accounts"]
    assert (account["contactId"], account["name"], account["state"]) == (mother, "Mary Ash", "waiting")
    assert account["username"] in shell("contact", "list", school).out
    refused = shell("contact", "allocate", "--school", "sch_00000000", "--json")
    assert (refused.status, refused.json["error"]["code"]) == (1, "SCHOOL_UNKNOWN")


def test_a_link_is_printed_once_and_leads_to_a_secret(
    shell: Shell, written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELDGATE_BASE_URL", "https://fieldgate.example")
    school, mother, _ = begin(written)
    refused = shell("contact", "link", mother, "--json")
    assert (refused.status, refused.json["error"]["code"]) == (1, "NO_SIGN_IN")
    shell("contact", "allocate")
    printed = shell("contact", "link", mother, "--by", "A. Clerk")
    url = printed.out.strip()
    assert url.startswith("https://fieldgate.example/sign-in/link/")
    code = url.rpartition("/")[2]
    assert code not in printed.err
    assert shell("contact", "link", "con_nobody").status == 1

    async def choose(families: Families) -> list[tuple[object, ...]]:
        door = Door()
        await sign_in.choose_secret(families.database, door, code, "three green lorries")
        door.close()
        return await families.rows("SELECT actor FROM audit_event WHERE name = 'secret_link_issued'")

    assert written.run(choose) == [("A. Clerk",)]
    [account] = shell("contact", "list", school, "--json").json["accounts"]
    assert account["state"] == "ready"
    issued = shell("contact", "link", mother, "--json").json["link"]
    assert (issued["username"], issued["contactId"]) == (account["username"], mother)


def test_open_updates_are_listed_and_rejected(shell: Shell, written: Written) -> None:
    school, mother, _ = begin(written)

    async def submit(families: Families) -> str:
        token = await families.session_of(mother)
        async with families.database.write() as session:
            presence = await families.presence(token, session)
            return (await record_updates.submit(session, presence, mother, "phones_mobile", "7", None)).id

    update = written.run(submit)
    [listed] = shell("contact", "updates", school, "--json").json["updates"]
    assert (listed["id"], listed["field"], listed["newValue"]) == (update, "phones_mobile", "7")
    shown = shell("contact", "updates", school).out
    assert "Mary Ash" in shown
    assert update in shown
    assert shell("contact", "reject", update).status == 0
    refused = shell("contact", "reject", update, "--json")
    assert (refused.status, refused.json["error"]["code"]) == (1, "RECORD_UNKNOWN")
    assert shell("contact", "updates", school, "--json").json["updates"] == []
