"""One sign-in for a contact if and only if a link is View and Update: allocated once, suspended, restored."""

import asyncio
import re
import time

import pytest

from authz import accounts, allocation, secret_links
from authz.accounts import AllocationResult, canonical_username, new_username
from authz.audit import Actor
from schema.errors import FieldgateError
from schema.vocabulary import NO_PERMISSION, VIEW_AND_UPDATE
from server.database import Database
from tests.families import Families
from tests.world import insert

OFFICE = Actor("School office")


@pytest.fixture
async def families(database: Database) -> Families:
    return await Families(database).begin()


async def allocated(families: Families) -> AllocationResult:
    async with families.database.write() as session:
        return await accounts.allocate(session, families.school)


async def ask(families: Families) -> None:
    async with families.database.write() as session:
        await allocation.request(session, families.school)


async def waiting(families: Families) -> list[str]:
    async with families.database.read() as session:
        return await accounts.queued(session)


async def usernames(families: Families) -> dict[str, str]:
    return dict(await families.rows("SELECT contact_id, username FROM contact_account"))


async def test_only_contacts_with_access_get_a_username(families: Families) -> None:
    """The seed's example: Parent and Guardian set to No Permission get none; Mother and Father do."""
    student = await families.student()
    contacts = {}
    for relationship in ("Mother", "Father", "Parent", "Guardian", "Grandparent"):
        contacts[relationship] = await families.contact()
        await families.link(student, contacts[relationship], relationship)
    for label in ("Mother", "Father"):
        await families.add(
            "contact_default",
            school_id=families.school,
            version=1,
            relationship=label.casefold(),
            label=label,
            permission=VIEW_AND_UPDATE,
        )
    await families.run("UPDATE student_contact SET defaults_version = 1")
    result = await allocated(families)
    assert set(result.allocated) == {contacts["Mother"], contacts["Father"]}
    assert set(await usernames(families)) == {contacts["Mother"], contacts["Father"]}


async def test_two_runs_and_a_sibling_allocate_once(families: Families) -> None:
    mother = await families.contact()
    await families.link(await families.student(), mother)
    first = await allocated(families)
    await families.link(await families.student("Ben"), mother)
    second = await allocated(families)
    assert (first.allocated, second.changed) == ((mother,), 0)
    assert len(await usernames(families)) == 1
    assert await families.events() == ["sign_in_allocated"]


async def test_losing_one_of_two_links_changes_nothing_and_losing_the_last_suspends(families: Families) -> None:
    mother = await families.contact()
    links = [await families.link(await families.student(), mother) for _ in range(2)]
    await allocated(families)
    await families.override(links[0], NO_PERMISSION)
    assert (await allocated(families)).changed == 0
    await families.override(links[1], NO_PERMISSION)
    assert (await allocated(families)).suspended == (mother,)
    assert (await allocated(families)).changed == 0
    assert await families.events() == ["sign_in_allocated", "sign_in_suspended"]


async def test_access_that_returns_keeps_the_username_and_nothing_else(families: Families) -> None:
    mother = await families.contact()
    link = await families.link(await families.student(), mother)
    await allocated(families)
    before = await usernames(families)
    async with families.database.write() as session:
        issued = await secret_links.issue(session, families.school, mother, by=OFFICE)
    await families.run("UPDATE contact_account SET secret_hash = 'x', secret_set_at = created_at")
    await families.override(link, NO_PERMISSION)
    await allocated(families)
    with pytest.raises(FieldgateError) as refused:
        async with families.database.write() as session:
            await secret_links.issue(session, families.school, mother, by=OFFICE)
    assert refused.value.code == "NO_SIGN_IN"
    await families.override(link, VIEW_AND_UPDATE)
    assert (await allocated(families)).restored == (mother,)
    assert await usernames(families) == before
    assert await families.rows("SELECT secret_hash, secret_set_at, suspended_at FROM contact_account") == [
        (None, None, None)
    ]
    async with families.database.read() as session:
        assert await secret_links.find(session, issued.code) is None
    assert (await families.events())[-1] == "sign_in_restored"


async def test_one_contact_without_access_can_be_suspended_before_the_run(families: Families) -> None:
    mother, father = await families.contact(), await families.contact()
    student = await families.student()
    link = await families.link(student, mother)
    await families.link(student, father, "Father")
    await allocated(families)
    await families.override(link, NO_PERMISSION)
    async with families.database.write() as session:
        assert list(await accounts.suspend_lost(session, families.school, father)) == []
        lost = await accounts.suspend_lost(session, families.school, mother)
        assert list(lost) == [mother]
        assert list(await accounts.suspend_lost(session, families.school)) == []
        await accounts.settle(session, families.school, lost)
    assert await families.events("sign_in_suspended") == ["sign_in_suspended"]


async def test_a_run_takes_its_request_away_but_not_one_that_came_meanwhile(families: Families) -> None:
    await families.link(await families.student(), await families.contact())
    await ask(families)
    [result] = await accounts.run_queue(families.database)
    assert len(result.allocated) == 1
    assert await waiting(families) == []
    await ask(families)
    async with families.database.write() as session:
        await accounts._take_away(session, families.school, 7)
    assert await waiting(families) == [families.school]


@pytest.mark.parametrize("asks_first", [True, False])
async def test_a_change_that_asks_while_a_run_works_is_not_lost(families: Families, asks_first: bool) -> None:
    """The run reads while the change's transaction is open, with the request raised in it already or not yet."""
    father = await families.contact()
    student = await families.student()
    await families.link(student, await families.contact())
    await ask(families)

    async def change() -> None:
        async with families.database.write() as session:
            link = {
                "school_id": families.school,
                "id": families.new_id("lnk"),
                "student_id": student,
                "contact_id": father,
                "relationship_key": "father",
            }
            if asks_first:
                await allocation.request(session, families.school)
            await insert(session, "student_contact", [link])
            await asyncio.sleep(0.2)
            if not asks_first:
                await allocation.request(session, families.school)

    async def run() -> None:
        await asyncio.sleep(0.05)
        await accounts.run_queue(families.database)

    await asyncio.gather(change(), run())
    for _ in range(2):
        await accounts.run_queue(families.database)
    assert await waiting(families) == []
    assert father in await usernames(families)


async def test_workers_that_run_the_queue_at_once_allocate_once(families: Families) -> None:
    for _ in range(5):
        await families.link(await families.student(), await families.contact())
    await ask(families)
    await asyncio.gather(*(accounts.run_queue(families.database) for _ in range(4)))
    assert await families.events() == ["sign_in_allocated"] * 5


async def test_a_day_that_comes_asks_for_a_run(families: Families) -> None:
    await families.student(admission_date="2010-09-01")
    assert await accounts.request_by_date(families.database, 7) == []
    [[today]] = await families.rows("SELECT CAST(CURRENT_DATE AS TEXT)")
    student = await families.student(admission_date=today)
    assert await accounts.request_by_date(families.database, 7) == [], "nobody is to see the student"
    await families.link(student, await families.contact())
    assert await accounts.request_by_date(families.database, 7) == [families.school]
    assert await waiting(families) == [families.school]
    await accounts.run_queue(families.database)
    assert await accounts.request_by_date(families.database, 7) == [], "everything is done"
    assert await waiting(families) == []
    await families.run("UPDATE student_contact SET relationship_key = 'aunt'")
    assert await accounts.request_by_date(families.database, 7) == [families.school]


async def test_three_thousand_contacts_are_allocated_in_one_run_of_seconds(families: Families) -> None:
    student = await families.student()
    contacts = [families.new_id("con") for _ in range(3000)]
    people = [{"school_id": families.school, "id": each} for each in contacts]
    links = [
        {
            "school_id": families.school,
            "id": families.new_id("lnk"),
            "student_id": student,
            "contact_id": each,
            "relationship_key": "mother",
        }
        for each in contacts
    ]
    async with families.database.write() as session:
        await insert(session, "contact", people)
        await insert(session, "student_contact", links)
    started = time.perf_counter()
    result = await allocated(families)
    seconds = time.perf_counter() - started
    assert len(result.allocated) == 3000
    names = await usernames(families)
    assert len(set(names.values())) == 3000
    assert await families.rows("SELECT count(*) FROM audit_event WHERE name = 'sign_in_allocated'") == [(3000,)]
    print(f"3,000 contacts allocated in {seconds:.2f} s")
    assert seconds < 20


async def test_a_username_that_is_taken_is_thrown_again(families: Families, monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["aaa-aaa-aaa", "aaa-aaa-aaa", "bbb-bbb-bbb"])
    monkeypatch.setattr(accounts, "new_username", lambda: next(names))
    for _ in range(2):
        await families.link(await families.student(), await families.contact())
    assert len((await allocated(families)).allocated) == 2
    assert sorted((await usernames(families)).values()) == ["aaa-aaa-aaa", "bbb-bbb-bbb"]
    assert await families.events() == ["sign_in_allocated"] * 2


def test_a_username_is_short_unambiguous_and_read_however_it_is_typed() -> None:
    name = new_username()
    assert re.fullmatch(rf"([{accounts.LETTERS}]{{3}}-){{2}}[{accounts.LETTERS}]{{3}}", name)
    assert not set("01oilabdptvgeu") & set(accounts.LETTERS)
    for typed in (name, name.upper(), name.replace("-", ""), f" {name.replace('-', ' ')} "):
        assert canonical_username(typed) == name
    assert canonical_username("somebody else") == "somebodyelse"


def test_a_text_of_any_length_is_made_a_username_of_at_once() -> None:
    started = time.perf_counter()
    for character in ("a", "\N{COMBINING ACUTE ACCENT}", " ", "\U0001f600"):
        assert canonical_username(character * 1_000_000) == ""
    assert time.perf_counter() - started < 0.05


async def test_what_is_no_username_is_nobodys_and_no_database_is_asked(families: Families) -> None:
    await families.link(await families.student(), await families.contact())
    await allocated(families)
    [name] = (await usernames(families)).values()
    async with families.database.read() as session:
        assert await accounts.by_username(session, name) is not None
        for wrong in ("", "\x00", "k4m-x2r-93\x00", "\ud800", name.upper(), f"{name}\n", f"{name}-{name}"):
            assert await accounts.by_username(session, wrong) is None
