"""What a MIS supplies: what is published of it, what an import saw, and which of the two speaks."""

from datetime import date

import pytest

from authz import schools
from authz.audit import Actor
from authz.capabilities import Capability, all_published, doubtful, observe, of_school, published, seen_before
from schema.vocabulary import CAPABILITIES, LADDER_ATTRIBUTES
from server.database import Database

BY = Actor("a test")
LISTED = ("SIMS", "Arbor", "Bromcom", "ScholarPack", "RM Integris", "iSAMS")
FIRST, LATER = "2026-01-05T08:30:00.000000Z", "2026-01-06T08:30:00.000000Z"


async def new_school(database: Database, mis: str = "") -> str:
    async with database.write() as session:
        return await schools.add(session, "Testham", by=BY, mis=mis)


async def states(database: Database, school_id: str) -> dict[str, str]:
    async with database.read() as session:
        return {each.attribute: each.state for each in await of_school(session, school_id)}


@pytest.mark.parametrize("mis", LISTED)
def test_each_attribute_of_a_listed_mis_has_a_state_a_source_and_a_day(mis: str) -> None:
    said = published(mis)
    assert tuple(each.attribute for each in said) == LADDER_ATTRIBUTES
    for each in said:
        assert each.state in CAPABILITIES
        assert each.source.endswith(".")
        assert each.as_of is not None
        assert date(2022, 1, 1) < date.fromisoformat(each.as_of) <= date(2026, 11, 24)


def test_only_what_a_public_source_says_is_known() -> None:
    known = {(mis, each.attribute): each.state for mis in LISTED for each in published(mis) if each.state != "UNKNOWN"}
    assert known == {
        ("SIMS", "court_order"): "SUPPLIED",
        ("iSAMS", "court_order"): "NOT_SUPPLIED",
        ("iSAMS", "restricted_access"): "NOT_SUPPLIED",
    }
    assert {each.as_of for each in published("iSAMS")} == {"2023-04-26"}


@pytest.mark.parametrize("name", ["RM Integris", "rm integris", "RMINTEGRIS", " RM  Integris\n"])
def test_a_mis_is_found_whatever_the_case_and_blanks_of_its_name(name: str) -> None:
    assert published(name) == published("RM Integris") != published("Arbor")


@pytest.mark.parametrize("name", [None, "", " ", "Another MIS"])
def test_of_a_mis_that_is_not_listed_nothing_is_known(name: str | None) -> None:
    assert {(each.state, each.as_of) for each in published(name)} == {("UNKNOWN", None)}


def test_doubtful_is_what_sync_could_go_wrong_by() -> None:
    each_state = [Capability(state.lower(), state, "Somebody.", None) for state in CAPABILITIES]
    assert [each.state for each in doubtful(each_state)] == ["NOT_SUPPLIED", "UNKNOWN", "DECLINED"]


async def test_a_school_has_what_is_published_of_its_mis(database: Database) -> None:
    school_id = await new_school(database, "ISAMS")
    async with database.read() as session:
        assert await of_school(session, school_id) == published("iSAMS")
        assert await of_school(session, "sch_zzzzzzzz") == published(None)


@pytest.mark.parametrize(
    ("mis", "attribute", "seen", "state"),
    [
        ("SIMS", "court_order", "DECLINED", "DECLINED"),
        ("iSAMS", "court_order", "DECLINED", "DECLINED"),
        ("Arbor", "court_order", "DECLINED", "DECLINED"),
        ("Arbor", "court_order", "SUPPLIED", "SUPPLIED"),
        ("", "priority", "SUPPLIED", "SUPPLIED"),
        ("iSAMS", "court_order", "SUPPLIED", "NOT_SUPPLIED"),
        ("SIMS", "court_order", "SUPPLIED", "SUPPLIED"),
    ],
)
async def test_what_an_import_saw_speaks_where_nothing_is_published_or_where_it_was_declined(
    database: Database, mis: str, attribute: str, seen: str, state: str
) -> None:
    school_id = await new_school(database, mis)
    async with database.write() as session:
        await observe(session, school_id, {attribute: (seen, "An import saw it.")}, FIRST)
    async with database.read() as session:
        [found] = [each for each in await of_school(session, school_id) if each.attribute == attribute]
    by_import = seen == "DECLINED" or (seen == state and mis != "SIMS")
    assert found.state == state
    assert (found.source == "An import saw it.", found.as_of == "2026-01-05") == (by_import, by_import)


async def test_values_that_were_seen_do_not_make_an_assumed_priority_the_schools_own(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assumed = tuple(Capability(name, "ASSUMED", "Its connector counts.", "2026-01-05") for name in LADDER_ATTRIBUTES)
    monkeypatch.setitem(all_published(), "assuming", assumed)
    school_id = await new_school(database, "Assuming")
    async with database.write() as session:
        await observe(session, school_id, {"priority": ("SUPPLIED", "An import saw it.")}, FIRST)
    assert (await states(database, school_id))["priority"] == "ASSUMED"


async def test_what_is_seen_as_before_keeps_its_moment_and_what_is_not_seen_is_forgotten(database: Database) -> None:
    school_id, other = await new_school(database), await new_school(database)
    both = {"priority": ("SUPPLIED", "Seen."), "court_order": ("DECLINED", "Told.")}
    async with database.write() as session:
        await observe(session, school_id, both, FIRST)
        await observe(session, other, both, FIRST)
        await observe(session, school_id, both, LATER)
    async with database.read() as session:
        assert await seen_before(session, school_id) == both
        days = {each.attribute: each.as_of for each in await of_school(session, school_id)}
    assert (days["priority"], days["court_order"]) == ("2026-01-05", "2026-01-05")
    async with database.write() as session:
        await observe(session, school_id, {"priority": ("DECLINED", "Told.")}, LATER)
    async with database.read() as session:
        assert await seen_before(session, school_id) == {"priority": ("DECLINED", "Told.")}
        assert await seen_before(session, other) == both
        [priority] = [each for each in await of_school(session, school_id) if each.attribute == "priority"]
    assert priority == Capability("priority", "DECLINED", "Told.", "2026-01-06")
