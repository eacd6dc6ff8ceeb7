"""What takes a contact's last access away ends the sign-in in the same transaction: nothing of before comes back."""

import time
from collections.abc import Awaitable, Callable

import pytest

from authz import accounts, contact_sessions, presence, secret_links, sign_in
from authz.audit import Actor
from authz.bearer import token_hash
from schema.vocabulary import NO_PERMISSION, RELATIONSHIP_TYPE, VIEW_AND_UPDATE
from server.database import Database
from tests.deciding import School
from tests.world import insert

OFFICE = Actor("School office")
Change = Callable[[School, str], Awaitable[object]]


@pytest.fixture
async def school(database: Database) -> School:
    school = School(database)
    await school.begin()
    return school


async def override_set(school: School, link: str) -> None:
    await school.set(link, NO_PERMISSION)


async def override_cleared(school: School, link: str) -> None:
    await school.clear(link)


async def overrides_set_in_bulk(school: School, _: str) -> None:
    await school.bulk(NO_PERMISSION, answer=VIEW_AND_UPDATE)


async def source_changed(school: School, _: str) -> None:
    await school.to_sync()


async def setting_changed(school: School, _: str) -> None:
    await school.change(court_order_always_denies=True)


async def defaults_applied(school: School, _: str) -> None:
    await school.set_defaults({"Father": VIEW_AND_UPDATE})
    await school.apply_defaults()


async def override_set_back(school: School, link: str) -> None:
    await school.set(link, VIEW_AND_UPDATE)


async def source_changed_back(school: School, _: str) -> None:
    await school.change(source=RELATIONSHIP_TYPE)


async def setting_changed_back(school: School, _: str) -> None:
    await school.change(court_order_always_denies=False)


@pytest.mark.parametrize(
    ("lose", "regain", "overridden"),
    [
        (override_set, override_cleared, False),
        (override_cleared, override_set_back, True),
        (overrides_set_in_bulk, override_cleared, False),
        (source_changed, source_changed_back, False),
        (setting_changed, setting_changed_back, False),
        (defaults_applied, override_set_back, False),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
async def test_access_that_is_lost_and_regained_before_any_run_finds_nothing_of_before(
    school: School, lose: Change, regain: Change, overridden: bool
) -> None:
    link = await school.synced("Aunt" if overridden else "Mother", court_order=True)
    [[contact]] = await school.rows("SELECT id FROM contact")
    if overridden:
        await school.set(link, VIEW_AND_UPDATE)
    token = await school.session_of(contact)
    await school.run("UPDATE contact_account SET secret_hash = 'x', secret_set_at = created_at")
    async with school.database.write() as session:
        issued = await secret_links.issue(session, school.school, contact, by=OFFICE)
    await lose(school, link)
    await regain(school, link)
    assert (await school.answer(link))[0] == VIEW_AND_UPDATE
    async with school.database.read() as session:
        assert await presence.find_presence(session, token_hash(token)) is None
        assert await sign_in.find_link(session, issued.code) is None
    assert await school.rows("SELECT secret_hash FROM contact_account WHERE suspended_at IS NOT NULL") == [(None,)]
    changed = [name for name in await school.events() if not name.startswith(("secret_link", "contact_defaults_ch"))]
    before = changed.index("sign_in_suspended") - 1
    assert changed[before] not in {"sign_in_allocated", "sign_in_suspended"}, "the change comes before what it did"
    [result] = await accounts.run_queue(school.database)
    assert result.restored == (contact,)


async def test_one_of_several_links_that_is_lost_leaves_the_sign_in(school: School) -> None:
    contact = await school.contact()
    links = [await school.link(await school.student(), contact) for _ in range(2)]
    token = await school.session_of(contact)
    await school.set(links[0], NO_PERMISSION)
    assert len((await school.presence(token)).links) == 1
    await school.bulk(NO_PERMISSION, answer=NO_PERMISSION)
    assert len((await school.presence(token)).links) == 1
    await school.set(links[1], NO_PERMISSION)
    assert await school.events("sign_in_suspended") == ["sign_in_suspended"]


async def test_what_loses_nobody_is_cheap_for_three_thousand_sign_ins(school: School) -> None:
    contacts, student = [school.new_id("con") for _ in range(3000)], await school.student()
    links = [
        {
            "school_id": school.school,
            "id": school.new_id("lnk"),
            "student_id": student,
            "contact_id": each,
            "relationship_key": "mother",
            "defaults_version": 0,
        }
        for each in contacts
    ]
    held = [
        {"school_id": school.school, "contact_id": each, "id": school.new_id("acc"), "username": each}
        | {"created_at": "2026-01-05T08:30:00.000001Z"}
        for each in contacts
    ]
    async with school.database.write() as session:
        await insert(session, "contact", [{"school_id": school.school, "id": each} for each in contacts])
        await insert(session, "student_contact", links)
        await insert(session, "contact_account", held)
        await contact_sessions.begin(session, school.school, contacts[0])
    taken = []
    for contact in (None, contacts[0]):
        async with school.database.write() as session:
            started = time.perf_counter()
            assert await accounts.suspend_lost(session, school.school, contact) == {}
            taken.append(time.perf_counter() - started)
    print(f"3,000 sign-ins looked at in {taken[0] * 1000:.0f} ms, one in {taken[1] * 1000:.1f} ms")
    assert taken[0] < 1
    assert taken[1] < 0.1
    await school.bulk(NO_PERMISSION, answer=VIEW_AND_UPDATE)
    assert await school.rows("SELECT count(*) FROM contact_account WHERE suspended_at IS NULL") == [(0,)]
