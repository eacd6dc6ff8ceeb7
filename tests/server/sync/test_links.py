"""What a sync writes of a link that no MIS sends: its key, its version of the defaults, what was lifted or came back.

And that a link is the same link for as long as it is of the same two people, whatever the MIS calls it.
"""

from typing import Any

import pytest

from authz import capabilities
from authz.contact_access import relationship_key
from server.database import Database
from tests.server.sync.conftest import Rows, Sync
from tests.server.sync.wonde import FakeWonde, link, person, student
from tests.world import NOW, insert

INTERNAL = (
    "source_id", "id", "relationship_key", "first_relationship_key", "defaults_version", "priority_assumed",
    "restriction_lifted_at", "relinked_at",
)  # fmt: skip


@pytest.fixture
def links(rows: Rows) -> Any:
    """The links by source id, with all that no MIS sends."""

    async def read() -> dict[str, dict[str, Any]]:
        found = await rows("student_contact", *INTERNAL)
        return {row["source_id"]: row | {"priority_assumed": bool(row["priority_assumed"])} for row in found}

    return read


def facts(api: FakeWonde, pupil: int = 0, contact: int = 0) -> dict[str, Any]:
    """The facts of one link as the API holds them, to be changed."""
    found: dict[str, Any] = api.lists["students"][pupil]["contacts"]["data"][contact]["relationship"]
    return found


async def set_version(database: Database, school_id: str, version: int) -> None:
    """The school sets another version of its defaults."""
    flags = ("court_order_always_denies", "confirm_masked_overrides", "access_for_leavers", "access_for_applicants")
    row: dict[str, Any] = dict.fromkeys((*flags, "accept_assumed_priorities"), False)
    row |= {"school_id": school_id, "source": "SYNC", "defaults_version": version, "updated_at": NOW}
    async with database.write() as session:
        await session.execute("DELETE FROM contact_access_setting WHERE school_id = ?", school_id)
        await insert(session, "contact_access_setting", [row])


async def test_a_link_is_written_with_its_key_and_the_version_in_force(
    sync: Sync, api: FakeWonde, links: Any, database: Database
) -> None:
    facts(api)["relationship"] = "  STEP  Mother\u00a0(former) "
    facts(api, contact=1)["relationship"] = " "
    school_id = (await sync()).school_id
    found = await links()
    assert found["S1:P1"] | {"id": "-"} == {
        "source_id": "S1:P1", "id": "-", "relationship_key": "step mother (former)",
        "first_relationship_key": "step mother (former)", "defaults_version": 0, "priority_assumed": False,
        "restriction_lifted_at": None, "relinked_at": None,
    }  # fmt: skip
    assert (found["S1:P2"]["relationship_key"], found["S1:P2"]["first_relationship_key"]) == (None, None)
    await set_version(database, school_id, 3)
    api.lists["students"][3]["contacts"]["data"].append(link("P2"))
    await sync()
    versions = {source: found["defaults_version"] for source, found in (await links()).items()}
    assert versions == {"S1:P1": 0, "S1:P2": 0, "S2:P1": 0, "S3:P3": 0, "S4:P2": 3}


async def test_the_key_follows_the_relationship_and_the_first_one_stays(sync: Sync, api: FakeWonde, links: Any) -> None:
    await sync()
    facts(api)["relationship"] = "Stiefgroßmutter"
    await sync()
    found = (await links())["S1:P1"]
    assert (found["relationship_key"], found["first_relationship_key"]) == ("stiefgrossmutter", "mother")
    assert relationship_key("STIEFGROSSMUTTER") == found["relationship_key"]


async def test_a_link_without_its_key_gets_it_at_the_next_sync(sync: Sync, links: Any, database: Database) -> None:
    await sync()
    async with database.write() as session:
        await session.execute("UPDATE student_contact SET relationship_key = NULL, priority_assumed = NULL")
    result = await sync()
    assert result.counts["StudentContact"]["updated"] == result.changed == 4
    assert {found["relationship_key"] for found in (await links()).values()} == {"mother"}
    assert (await sync()).changed == 0


async def test_where_the_include_is_declined_all_of_it_stays(sync: Sync, api: FakeWonde, links: Any) -> None:
    await sync()
    before = await links()
    api.declined = {"students.contacts"}
    for pupil in api.lists["students"]:
        del pupil["contacts"]
    assert (await sync()).changed == 0
    assert await links() == before


@pytest.mark.parametrize("fact", ["court_order", "restricted_access"])
async def test_lifting_an_order_or_a_restriction_is_remembered_until_the_next_one(
    sync: Sync, api: FakeWonde, links: Any, rows: Rows, fact: str
) -> None:
    facts(api)[fact] = True
    await sync()
    assert (await links())["S1:P1"]["restriction_lifted_at"] is None
    facts(api)["priority"] = 2
    await sync()
    assert (await links())["S1:P1"]["restriction_lifted_at"] is None
    facts(api)[fact] = None
    await sync()
    lifted = (await links())["S1:P1"]["restriction_lifted_at"]
    [latest] = (await rows("import_run", "finished_at", "id"))[-1:]
    assert lifted == latest["finished_at"]
    for priority in (3, 4):
        facts(api)["priority"] = priority
        await sync()
        assert (await links())["S1:P1"]["restriction_lifted_at"] == lifted
    facts(api)[fact] = True
    await sync()
    assert (await links())["S1:P1"]["restriction_lifted_at"] == lifted
    facts(api)[fact] = False
    await sync()
    assert (await links())["S1:P1"]["restriction_lifted_at"] > lifted


async def test_of_an_order_and_a_restriction_both_must_go(sync: Sync, api: FakeWonde, links: Any) -> None:
    facts(api).update(court_order=True, restricted_access=True)
    await sync()
    facts(api)["court_order"] = False
    await sync()
    assert (await links())["S1:P1"]["restriction_lifted_at"] is None
    facts(api)["restricted_access"] = False
    await sync()
    assert (await links())["S1:P1"]["restriction_lifted_at"] is not None


async def test_a_link_that_comes_back_says_when_and_keeps_its_version(
    sync: Sync, api: FakeWonde, links: Any, database: Database, rows: Rows
) -> None:
    school_id = (await sync()).school_id
    before = await links()
    gone = api.lists["students"][0]["contacts"]["data"].pop(0)
    await sync()
    await set_version(database, school_id, 1)
    assert await links() == before
    gone["relationship"]["relationship"] = "Grandmother"
    api.lists["students"][0]["contacts"]["data"].append(gone)
    await sync()
    after = await links()
    assert await rows("student_contact", "id", "source_id", where="deleted_at IS NOT NULL") == []
    relinked = after["S1:P1"].pop("relinked_at")
    [latest] = (await rows("import_run", "finished_at", "id"))[-1:]
    assert relinked == latest["finished_at"]
    assert after["S1:P1"] == {
        key: value for key, value in before["S1:P1"].items() if key != "relinked_at"
    } | {"relationship_key": "grandmother"}  # fmt: skip
    assert (await sync()).changed == 0
    facts(api, contact=1)["priority"] = 4
    assert (await sync()).changed == 1
    assert (await links())["S1:P1"]["relinked_at"] == relinked


async def test_a_link_that_was_deleted_under_an_order_comes_back_both_lifted_and_relinked(
    sync: Sync, api: FakeWonde, links: Any
) -> None:
    await sync()
    [gone] = api.lists["students"][2]["contacts"]["data"]
    api.lists["students"][2]["contacts"]["data"] = []
    await sync()
    gone["relationship"]["court_order"] = False
    api.lists["students"][2]["contacts"]["data"] = [gone]
    await sync()
    found = (await links())["S3:P3"]
    assert found["restriction_lifted_at"] == found["relinked_at"] is not None


# The same link under other ids -----------------------------------------------------------------------------------


async def test_links_keep_their_ids_and_versions_when_the_school_changes_its_mis(
    sync: Sync, api: FakeWonde, links: Any, database: Database
) -> None:
    school_id = (await sync()).school_id
    before = await links()
    await set_version(database, school_id, 5)
    api.change_ids()
    result = await sync()
    assert (result.counts["StudentContact"]["inserted"], result.counts["StudentContact"]["deleted"]) == (0, 0)
    assert result.findings["ID_CHANGED"] == 9
    after = await links()
    assert after == {
        f"MS{source[1]}:M{source[3:]}": row | {"source_id": f"MS{source[1]}:M{source[3:]}"}
        for source, row in before.items()
    }
    assert (await sync()).changed == 0


async def test_the_links_of_a_pupil_who_is_enrolled_again_come_back(
    sync: Sync, api: FakeWonde, links: Any, database: Database
) -> None:
    school_id = (await sync()).school_id
    before = await links()
    pupil = api.lists["students"].pop(0)
    await sync()
    await set_version(database, school_id, 2)
    api.lists["students"].append(pupil | {"id": "S9"})
    assert (await sync()).counts["StudentContact"]["updated"] == 2
    after = await links()
    for contact in ("P1", "P2"):
        was, now = before[f"S1:{contact}"], after[f"S9:{contact}"]
        assert now["relinked_at"] is not None
        assert now | {"relinked_at": None, "source_id": was["source_id"]} == was


async def test_a_pupil_who_changes_id_between_two_syncs_has_lost_no_link(
    sync: Sync, api: FakeWonde, links: Any
) -> None:
    await sync()
    before = await links()
    api.lists["students"][0]["id"] = "S9"
    await sync()
    after = await links()
    assert after["S9:P1"] == before["S1:P1"] | {"source_id": "S9:P1"}
    assert len(after) == len(before)


async def test_a_link_never_becomes_one_of_two_others(sync: Sync, api: FakeWonde, links: Any, rows: Rows) -> None:
    await sync()
    before = await links()
    api.lists["students"][0]["id"] = "S9"
    api.lists["students"][0]["contacts"]["data"].pop(0)
    await sync()  # the link of S1 and P1 is gone, and keeps the name that it had
    api.lists["students"].append(student("S1", link("P1"), upi="somebody else"))
    result = await sync()
    after = await links()
    assert result.counts["StudentContact"]["inserted"] == 1
    assert after["S1:P1"]["id"] != before["S1:P1"]["id"]
    [freed] = await rows("student_contact", "id", "source_id", where="deleted_at IS NOT NULL")
    assert freed == {"id": before["S1:P1"]["id"], "source_id": None}
    api.lists["students"][0]["contacts"]["data"].append(link("P1"))
    await sync()
    assert (await links())["S9:P1"]["id"] == before["S1:P1"]["id"]
    assert (await sync()).changed == 0


# Priorities ------------------------------------------------------------------------------------------------------


SENT: tuple[tuple[object, int | None], ...] = (
    (0, 0), (2, 2), ("1", 1), ("0", 0), ("01", None), (" 1", None), ("1.0", None), (1.0, None), (True, None),
    (False, None), (-1, None), ("-1", None), (1.5, None), ("+1", None), ("one", None), ("\u0661", None), ("", None),
    (None, None), (2**31, None),
)  # fmt: skip


async def test_a_priority_is_a_whole_number_or_its_plain_text(sync: Sync, api: FakeWonde, rows: Rows) -> None:
    api.lists["contacts"] += [person(f"L{number}") for number in range(len(SENT))]
    links = [link(f"L{number}", priority=sent) for number, (sent, _) in enumerate(SENT)]
    api.lists["students"].append(student("S5", *links))
    result = await sync()
    found = await rows("student_contact", "source_id", "priority", where="source_id LIKE 'S5:%'")
    stored = {row["source_id"]: row["priority"] for row in found}
    for number, (sent, expected) in enumerate(SENT):
        assert stored[f"S5:L{number}"] == expected, sent
    refused = [sent for sent, expected in SENT if expected is None and sent not in ("", None)]
    assert result.findings == {"BAD_NUMBER": len(refused)}


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u00a0"])
async def test_a_blank_parental_responsibility_is_null_on_its_link_and_recorded(
    sync: Sync, api: FakeWonde, rows: Rows, blank: str
) -> None:
    facts(api)["parental_responsibility"] = blank
    facts(api, contact=1)["parental_responsibility"] = False
    await sync()
    found = await rows("student_contact", "source_id", "parental_responsibility", where="source_id LIKE 'S1%'")
    assert [row["parental_responsibility"] for row in found] == [None, False]
    [finding] = await rows("import_finding", "code", "source_id", "field")
    assert finding == {"code": "BLANK_BOOLEAN", "source_id": "S1:P1", "field": "parentalResponsibility"}


@pytest.fixture
def filled_in(api: FakeWonde, monkeypatch: pytest.MonkeyPatch) -> None:
    """The school's MIS is one of whom it is published that its priorities are filled in."""
    assumed = tuple(
        capabilities.Capability(each.attribute, "ASSUMED", "The connector counts them.", "2026-01-05")
        if each.attribute == "priority" else each
        for each in capabilities.published("SIMS")
    )  # fmt: skip
    monkeypatch.setitem(capabilities.all_published(), "filledin", assumed)
    api.school["mis"] = "Filled In"


@pytest.mark.parametrize("unnamed", [None, "", " ", [], {}, "absent"], ids=repr)
async def test_a_read_that_names_no_mis_is_of_the_one_that_is_known(
    sync: Sync, api: FakeWonde, links: Any, filled_in: None, rows: Rows, unnamed: object
) -> None:
    await sync()
    before = await links()
    assert all(found["priority_assumed"] for found in before.values())
    api.school["mis"] = unnamed
    if unnamed == "absent":
        del api.school["mis"]
    assert (await sync()).changed == 0
    assert (await links(), await rows("school", "provider", "name")) == (
        before, [{"provider": "Filled In", "name": "Testham School"}],
    )  # fmt: skip
    facts(api)["priority"] = 2
    api.lists["students"][3]["contacts"]["data"].append(link("P3"))
    await sync()
    assert {source for source, found in (await links()).items() if found["priority_assumed"]} == {*before, "S4:P3"}
    api.school["mis"] = "SIMS"
    await sync()
    assert not any(found["priority_assumed"] for found in (await links()).values())


async def test_a_mark_that_an_earlier_mis_left_stays_while_none_is_named(
    sync: Sync, api: FakeWonde, links: Any, filled_in: None
) -> None:
    await sync()
    api.permissions = {"contacts.priority.read": False}
    api.school["mis"] = "SIMS"  # whose priorities are its own; but these were kept, with who said them
    await sync()
    api.permissions = None
    del api.school["mis"]
    assert (await sync()).changed == 0
    assert all(found["priority_assumed"] for found in (await links()).values())


async def test_a_priority_that_the_connector_fills_in_is_marked(
    sync: Sync, api: FakeWonde, links: Any, filled_in: None
) -> None:
    facts(api)["priority"] = None
    await sync()
    marks = {source: found["priority_assumed"] for source, found in (await links()).items()}
    assert marks == {"S1:P1": False, "S1:P2": True, "S2:P1": True, "S3:P3": True}
    assert (await sync()).changed == 0
    api.permissions = {"contacts.priority.read": False}
    api.school["mis"] = "SIMS"  # whose priorities are its own; but these were kept, with who said them
    await sync()
    assert {source: found["priority_assumed"] for source, found in (await links()).items()} == marks
    api.permissions = None
    await sync()
    assert not any(found["priority_assumed"] for found in (await links()).values())
