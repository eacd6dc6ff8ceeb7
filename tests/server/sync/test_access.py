"""Who has access after each sync, with Sync as the source: the story of the guidance, overrides, faults, a new MIS."""

import asyncio
from typing import Any

import pytest

from authz import access, access_settings, accounts, contact_sessions, overrides, presence
from authz.bearer import token_hash
from schema.errors import FieldgateError
from schema.vocabulary import LADDER_ATTRIBUTES, NO_PERMISSION, SYNC, VIEW_AND_UPDATE
from server.database import Database
from tests.server.sync.conftest import BY, QUICK, Digest, Sync
from tests.server.sync.test_client import BROKEN, BUSY, DROPPED, HALF
from tests.server.sync.test_links import facts
from tests.server.sync.wonde import Answer, FakeWonde, link

OVERRIDDEN, ORDERED = (VIEW_AND_UPDATE, "OVERRIDE"), (NO_PERMISSION, "COURT_ORDER")
RESTRICTED, NO_RULE = (NO_PERMISSION, "RESTRICTED_ACCESS"), (NO_PERMISSION, "NO_RULE_MATCHED")


class Access:
    """What the school decides, and what follows."""

    def __init__(self, database: Database) -> None:
        self.database, self.school = database, ""

    async def choose(self, school_id: str, source: str = SYNC, **settings: Any) -> None:
        """The school's source and settings."""
        self.school = school_id
        async with self.database.write() as session:
            await access_settings.change(
                session, school_id, by=BY, acknowledge=LADDER_ATTRIBUTES, source=source, **settings
            )

    async def answers(self) -> dict[str, tuple[str, str]]:
        """Permission and reason of every link, by the link's id at the MIS API."""
        async with self.database.read() as session:
            rows = await session.fetch(
                "SELECT id, source_id FROM student_contact WHERE school_id = ? AND source_id IS NOT NULL", self.school
            )
            found = await access.decisions(session, self.school)
        sources = {row[0]: row[1] for row in rows}
        return {sources[one.link_id]: (one.permission, one.reason) for one in found if one.link_id in sources}

    async def answer(self, source: str) -> tuple[str, str]:
        """Those of one link."""
        return (await self.answers())[source]

    async def override(self, source: str, value: str = VIEW_AND_UPDATE) -> str:
        """The school sets the link's permission by hand; the override's id."""
        async with self.database.write() as session:
            return (await overrides.set_override(session, self.school, await self.link(source), value, BY)).id

    async def confirm(self, source: str) -> None:
        """The school says that the override is still meant."""
        async with self.database.write() as session:
            await overrides.confirm(session, self.school, await self.link(source), BY)

    async def link(self, source: str) -> str:
        """Our id of a link."""
        async with self.database.read() as session:
            [[found]] = await session.fetch("SELECT id FROM student_contact WHERE source_id = ?", source)
        return str(found)

    async def to_review(self) -> list[str]:
        """The links whose override came out from under something stronger and was not looked at since."""
        facts = access.LINK.facts(self.database.dialect)
        async with self.database.read() as session:
            rows = await session.fetch(
                f"SELECT l.source_id FROM {access.links_sql()} WHERE l.school_id = ? AND {facts['to_review']}",
                self.school,
            )
        return [row[0] for row in rows]

    async def in_force(self) -> list[tuple[str, str]]:
        """The overrides in force, with their links."""
        async with self.database.read() as session:
            rows = await session.fetch("SELECT id, link_id FROM contact_override WHERE cleared_at IS NULL ORDER BY id")
        return [tuple(row) for row in rows]


@pytest.fixture
def school(database: Database) -> Access:
    return Access(database)


async def test_the_contact_of_the_14th_of_february_loses_access_with_the_order_of_the_20th_of_march(
    sync: Sync, api: FakeWonde, school: Access
) -> None:
    await school.choose((await sync()).school_id)
    assert await school.answer("S1:P1") == (VIEW_AND_UPDATE, "PRIORITY")
    facts(api)["court_order"] = True
    assert await school.answer("S1:P1") == (VIEW_AND_UPDATE, "PRIORITY")  # until the next sync
    await sync()
    assert await school.answer("S1:P1") == ORDERED
    assert await school.answer("S2:P1") == (VIEW_AND_UPDATE, "PRIORITY")  # the same person's other link


async def test_an_order_in_a_second_entry_of_a_contact_counts(sync: Sync, api: FakeWonde, school: Access) -> None:
    facts(api).update(parental_responsibility=True)
    await school.choose((await sync()).school_id)
    assert await school.answer("S1:P1") == (VIEW_AND_UPDATE, "PARENTAL_RESPONSIBILITY")
    api.lists["students"][0]["contacts"]["data"].append(link("P1", relationship="Carer", court_order=True))
    await sync()
    assert await school.answer("S1:P1") == ORDERED


async def test_contacts_whom_only_the_pupils_lists_name_keep_their_access_and_their_sessions(
    sync: Sync, api: FakeWonde, school: Access, digest: Digest
) -> None:
    await school.choose((await sync()).school_id)
    await accounts.run_queue(school.database)
    async with school.database.write() as session:
        [[contact]] = await session.fetch("SELECT id FROM contact WHERE source_id = 'P2'")
        token = (await contact_sessions.begin(session, school.school, contact)).token
    before, stored = await school.answers(), await digest()
    contacts, api.lists["contacts"] = api.lists["contacts"], []
    result = await sync()
    assert (result.changed, result.findings, result.declined) == (0, {"NOT_SUPPLIED": 1}, ("Contact",))
    assert (await school.answers(), await digest()) == (before, stored)
    facts(api)["court_order"] = True  # what the pupils' lists say counts meanwhile
    assert (await sync()).changed == 1
    assert await school.answer("S1:P1") == ORDERED
    async with school.database.read() as session:
        assert await presence.find_presence(session, token_hash(token)) is not None
    api.lists["contacts"] = contacts
    assert (await sync()).changed == 0


async def test_an_empty_list_of_contacts_is_taken_for_true_where_that_is_asked_for_or_nobody_is_named(
    sync: Sync, api: FakeWonde
) -> None:
    await sync()
    contacts, api.lists["contacts"] = api.lists["contacts"], []
    result = await sync(accept_empty=True)
    assert (result.counts["Contact"]["deleted"], result.counts["StudentContact"]["deleted"]) == (3, 4)
    assert "NOT_SUPPLIED" not in (await sync()).findings  # none is stored that could be kept
    api.lists["contacts"] = contacts
    assert (await sync()).counts["Contact"]["updated"] == 3
    api.lists["contacts"] = []
    for pupil in api.lists["students"]:
        pupil["contacts"] = {"data": []}
    assert (await sync()).counts["Contact"]["deleted"] == 3


async def test_an_empty_list_of_contacts_ends_no_link_that_was_declined(
    sync: Sync, api: FakeWonde, digest: Digest
) -> None:
    await sync()
    before = await digest()
    api.declined = {"students.contacts"}
    api.lists["contacts"] = []
    for pupil in api.lists["students"]:
        del pupil["contacts"]
    assert (await sync()).changed == 0
    assert await digest() == before


@pytest.fixture
async def grandparent(sync: Sync, api: FakeWonde, school: Access) -> str:
    """A grandparent whom no rule gives access, and to whom the school gave it; the override."""
    api.lists["students"][3]["contacts"]["data"].append(
        link("P2", relationship="Grandmother", priority=5, parental_responsibility=False, lives_with_pupil=True)
    )
    await school.choose((await sync()).school_id)
    assert await school.answer("S4:P2") == NO_RULE
    return await school.override("S4:P2")


CHANGES: tuple[dict[str, object], ...] = (
    {"relationship": "Aunt"}, {"relationship": None}, {"relationship": "Mother"}, {"parental_responsibility": True},
    {"parental_responsibility": ""}, {"lives_with_pupil": False}, {"lives_with_pupil": None}, {"priority": 1},
    {"priority": 9}, {"priority": "-1"},
    {"relationship": "Other", "parental_responsibility": False, "lives_with_pupil": False, "priority": 99},
)  # fmt: skip


async def test_no_change_of_the_mis_alters_what_the_school_set_by_hand(
    sync: Sync, api: FakeWonde, school: Access, grandparent: str
) -> None:
    for change in CHANGES:
        facts(api, 3).update(change)
        assert (await sync()).changed == 1, change
        assert await school.answer("S4:P2") == OVERRIDDEN, change
        assert await school.to_review() == []


async def test_a_court_order_masks_the_override_and_lifting_it_brings_it_back_to_review(
    sync: Sync, api: FakeWonde, school: Access, grandparent: str
) -> None:
    facts(api, 3)["court_order"] = True
    await sync()
    assert await school.answer("S4:P2") == ORDERED
    assert await school.in_force() == [(grandparent, await school.link("S4:P2"))]
    facts(api, 3).update(court_order=False, restricted_access=True)
    await sync()
    assert (await school.answer("S4:P2"), await school.to_review()) == (RESTRICTED, [])
    facts(api, 3)["restricted_access"] = False
    await sync()
    assert (await school.answer("S4:P2"), await school.to_review()) == (OVERRIDDEN, ["S4:P2"])
    await school.choose(school.school, confirm_masked_overrides=True)
    assert await school.answer("S4:P2") == NO_RULE
    await sync()
    assert (await school.answer("S4:P2"), await school.to_review()) == (NO_RULE, ["S4:P2"])
    await school.confirm("S4:P2")
    assert (await school.answer("S4:P2"), await school.to_review()) == (OVERRIDDEN, [])


async def test_an_override_that_was_set_after_the_order_was_lifted_is_not_to_review(
    sync: Sync, api: FakeWonde, school: Access
) -> None:
    await school.choose((await sync()).school_id)
    facts(api, 2)["court_order"] = False
    await sync()
    await school.override("S3:P3", NO_PERMISSION)
    assert (await school.answer("S3:P3"), await school.to_review()) == ((NO_PERMISSION, "OVERRIDE"), [])


async def test_priority_0_that_is_raised_to_3_without_parental_responsibility_loses_access(
    sync: Sync, api: FakeWonde, school: Access
) -> None:
    facts(api).update(priority=0, parental_responsibility=None)
    facts(api, 1).update(priority=0, parental_responsibility=True)
    await school.choose((await sync()).school_id)
    assert (await school.answer("S1:P1"), (await school.answer("S2:P1"))[0]) == (
        (VIEW_AND_UPDATE, "PRIORITY"), VIEW_AND_UPDATE,
    )  # fmt: skip
    facts(api)["priority"] = facts(api, 1)["priority"] = 3
    await sync()
    assert await school.answer("S1:P1") == NO_RULE
    assert await school.answer("S2:P1") == (VIEW_AND_UPDATE, "PARENTAL_RESPONSIBILITY")


@pytest.mark.parametrize("at", [1, 2, 9])
@pytest.mark.parametrize(
    "fault",
    [DROPPED, BUSY, BROKEN, HALF, Answer(401, b"{}"), Answer(404, b"{}"), Answer(200, b'{"data": 1}')],
    ids=["dropped", "429", "500", "truncated", "401", "404", "no list"],
)
async def test_a_failed_sync_leaves_every_answer(
    sync: Sync, api: FakeWonde, school: Access, digest: Digest, grandparent: str, fault: Answer, at: int
) -> None:
    before, stored = await school.answers(), await digest()
    for pupil in range(3):  # everybody's answer would change
        facts(api, pupil).update(court_order=not facts(api, pupil)["court_order"])
    facts(api, 3)["court_order"] = True
    # Twice, because an answer about permissions may be of any shape: what is asked for next may not.
    api.faults = [*[None] * (at - 1), *[fault] * QUICK.tries * 2]
    with pytest.raises(FieldgateError):
        await sync()
    assert await school.answers() == before
    assert await digest() == stored
    api.faults = []
    await sync()
    after = await school.answers()
    assert {source for source in before if before[source] != after[source]} == {"S1:P1", "S2:P1", "S3:P3", "S4:P2"}


async def test_an_override_survives_many_syncs(
    sync: Sync, api: FakeWonde, school: Access, digest: Digest, grandparent: str
) -> None:
    in_force, before = await school.in_force(), await digest()
    for number in range(10):
        await sync()
        assert await digest() == before
        assert await school.answer("S4:P2") == OVERRIDDEN, number
    for number in range(10):
        facts(api, 3)["priority"] = number
        await sync()
        assert await school.answer("S4:P2") == OVERRIDDEN, number
    assert await school.in_force() == in_force


async def test_a_link_that_comes_back_finds_its_override_again_to_review(
    sync: Sync, api: FakeWonde, school: Access, grandparent: str
) -> None:
    [gone] = api.lists["students"][3]["contacts"]["data"]
    api.lists["students"][3]["contacts"]["data"] = []
    await sync()
    assert await school.answer("S4:P2") == (NO_PERMISSION, "NO_LIVE_LINK")
    api.lists["students"][3]["contacts"]["data"] = [gone]
    await sync()
    assert (await school.answer("S4:P2"), await school.to_review()) == (OVERRIDDEN, ["S4:P2"])
    assert [override for override, _ in await school.in_force()] == [grandparent]


async def test_overrides_and_answers_survive_a_change_of_mis(
    sync: Sync, api: FakeWonde, school: Access, grandparent: str
) -> None:
    before = await school.answers()
    api.change_ids()
    api.school["mis"] = "Arbor"
    await sync()
    after = await school.answers()
    assert {source.replace("M", ""): answer for source, answer in after.items()} == before
    assert (after["MS4:MP2"], await school.to_review()) == (OVERRIDDEN, [])
    facts(api, 3)["court_order"] = True
    await sync()
    assert await school.answer("MS4:MP2") == ORDERED


async def test_declining_a_fact_gives_access_to_nobody_who_had_none(sync: Sync, api: FakeWonde, school: Access) -> None:
    facts(api).update(parental_responsibility=False, lives_with_pupil=True, priority=5)
    facts(api, 1).update(restricted_access=True)
    await school.choose((await sync()).school_id)
    before = await school.answers()
    assert [permission for permission, _ in before.values()].count(VIEW_AND_UPDATE) == 1
    for fact in ("relationship", *LADDER_ATTRIBUTES):
        api.permissions = {f"contacts.{fact}.read": False}
        await sync()
        assert await school.answers() == before, fact
    api.permissions = {f"contacts.{fact}.read": False for fact in LADDER_ATTRIBUTES}
    await sync()
    assert await school.answers() == before


async def test_defaults_that_change_touch_only_links_first_synced_later(
    sync: Sync, api: FakeWonde, school: Access, database: Database
) -> None:
    school.school = (await sync()).school_id
    async with database.write() as session:
        await access_settings.set_defaults(
            session, school.school, {"Mother": NO_PERMISSION, "Aunt": VIEW_AND_UPDATE}, BY
        )
    for pupil, contact in ((3, "P2"), (3, "P3")):
        api.lists["students"][pupil]["contacts"]["data"].append(link(contact))
    facts(api, 3, 1)["relationship"] = " AUNT "
    await sync()
    allowed, default = (VIEW_AND_UPDATE, "RELATIONSHIP_DEFAULT"), "RELATIONSHIP_DEFAULT"
    expected = {
        "S1:P1": allowed, "S1:P2": allowed, "S2:P1": allowed, "S3:P3": allowed,
        "S4:P2": (NO_PERMISSION, default), "S4:P3": allowed,
    }  # fmt: skip
    assert await school.answers() == expected
    kept = api.lists["students"].pop(1)  # a pupil goes, and comes back under another id
    await sync()
    api.lists["students"].append(kept | {"id": "S9"})
    await sync()
    assert (await school.answers())["S9:P1"] == allowed
    api.change_ids()
    await sync()
    assert sorted((await school.answers()).values()) == sorted(expected.values())


async def test_syncs_and_overrides_at_the_same_time_lose_and_refuse_nothing(
    sync: Sync, api: FakeWonde, school: Access, grandparent: str
) -> None:
    async def syncs() -> None:
        for number in range(6):
            for pupil in range(4):
                facts(api, pupil).update(priority=number, court_order=number % 2 == 1)
            await sync()

    running = asyncio.create_task(syncs())
    count = 0
    while not running.done():
        await school.override("S4:P2", (NO_PERMISSION, VIEW_AND_UPDATE)[count % 2])
        await school.override("S1:P2")
        count += 1
    await running
    assert count > 6
    overridden = [link for _, link in await school.in_force()]
    assert sorted(overridden) == sorted([await school.link("S4:P2"), await school.link("S1:P2")])
    assert await school.answer("S4:P2") == ORDERED
