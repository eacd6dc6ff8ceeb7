"""What a school's administrators ask and do through the API: at their own school only, with the real reasons."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from authz import access_settings, staff
from authz.clock import read_clock
from resolvers.cursors import CursorKeys
from resolvers.engine import Engine, Request
from resolvers.gate import Gate
from resolvers.people.answering import People
from resolvers.people.staff import HANDLERS
from schema.api import build_schema
from schema.people.declared import ADMINISTRATOR
from schema.people.staff import ROOTS
from schema.vocabulary import LADDER_ATTRIBUTES, NO_PERMISSION, VIEW_AND_UPDATE
from server.database import Database
from server.readers import reader_for
from tests.families import NOW
from tests.resolvers.people.staff_site import (
    APPLY,
    BULK,
    CHANGE,
    CLEAR,
    CONFIRM,
    DEFAULTS,
    EXPLAIN,
    OPERATOR,
    PREVIEW,
    READ,
    SET,
    SETTINGS,
    WARN,
    Site,
)  # fmt: skip
from tests.world import TOKEN_HASH, World, write_app

SCHEMA = build_schema()
EVERY_ATTRIBUTE = [name.upper() for name in LADDER_ATTRIBUTES]


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[Engine]:
    reader = reader_for(database, inline_cost=10**9, deadline_seconds=20)  # type: ignore[arg-type]
    gate = Gate(SCHEMA, database.dialect, CursorKeys({1: b"k" * 32}), base_url="https://gate.example.org")
    yield Engine(gate, reader, People(gate, database))
    await reader.close()


@pytest.fixture
async def site(database: Database, engine: Engine) -> Site:
    return await Site(database, engine).staffed()


def test_every_declared_root_is_answered_and_is_for_administrators() -> None:
    assert {root.name for root in ROOTS} == set(HANDLERS)
    assert {root.role for root in ROOTS} == {ADMINISTRATOR}
    assert all(str(root.annotation).endswith("| None") for root in ROOTS)


# Who may ask ------------------------------------------------------------------------------------------------------


def every_root(school: str, link: str) -> list[tuple[str, dict[str, Any]]]:
    """Each root with arguments for this school and this link."""
    return [
        (EXPLAIN, {"id": link}),
        (SET, {"id": link, "to": VIEW_AND_UPDATE}),
        (CONFIRM, {"id": link}),
        (CLEAR, {"id": link}),
        (READ, {"school": school}),
        (WARN, {"school": school}),
        (PREVIEW, {"school": school}),
        (BULK, {"school": school, "filter": {"relationship": "Aunt"}, "to": VIEW_AND_UPDATE, "dry": False}),
        (CHANGE, {"school": school, "always": True}),
        (DEFAULTS, {"school": school, "to": [{"relationship": "Aunt", "permission": VIEW_AND_UPDATE}]}),
        (APPLY, {"school": school, "dry": False}),
    ]


async def test_no_token_a_wrong_one_and_one_that_ended_open_nothing(site: Site) -> None:
    link = await site.new_link("Aunt")
    good = site.token
    async with site.database.write() as session:
        now = await read_clock(session)
        late = await staff.issue(session, site.school, name="B", by=OPERATOR, expires_at=now - timedelta(seconds=1))
        revoked = await staff.issue(session, site.school, name="C", by=OPERATOR)
        await staff.revoke(session, revoked.id, by=OPERATOR)
    events = await site.events()
    assert len(every_root(site.school, link)) == len(ROOTS)
    for token in (None, "fgs_wrong", late.secret, revoked.secret):
        site.token = token
        for query, variables in every_root(site.school, link):
            body = await site.ask(query, **variables)
            assert "data" not in body
            [error] = body["errors"]
            assert error["extensions"]["code"] == "UNAUTHENTICATED"
            if token is not None:
                assert "staff token" in error["message"]
    assert await site.events() == events
    site.token = good
    assert (await site.data(EXPLAIN, id=link))["permission"] == NO_PERMISSION


async def test_another_schools_ids_are_answered_as_ids_that_nothing_has(site: Site, engine: Engine) -> None:
    other = await Site(site.database, engine, "another").staffed()
    theirs, ours = await other.new_link("Aunt"), await site.new_link("Aunt")
    gone = site.new_id("lnk")
    for strangers, unknown in (
        (every_root(other.school, theirs), every_root("sch_00000000", gone)),
        (every_root(other.school, "lnk\x00"), every_root("\ud800", "")),
    ):
        for (query, variables), (_, other_variables) in zip(strangers, unknown, strict=True):
            answers = [await site.ask(query, **each) for each in (variables, other_variables)]
            assert answers[0] == answers[1]
            [error] = answers[0]["errors"]
            assert error["extensions"]["code"] in ("SCHOOL_UNKNOWN", "LINK_UNKNOWN")
    assert await other.actors() == await site.actors() == []
    assert (await other.data(EXPLAIN, id=theirs))["link"]["id"] == theirs
    assert (await site.data(EXPLAIN, id=ours))["link"]["id"] == ours


async def test_staff_and_app_fields_do_not_mix_in_one_operation(site: Site) -> None:
    query = f"query($school: ID!) {{ viewer {{ app {{ id }} }} contactAccess(schoolId: $school) {{ {SETTINGS} }} }}"
    body = await site.ask(query, school=site.school)
    assert body["errors"][0]["extensions"]["code"] == "CALLERS_MIXED"


# One link ---------------------------------------------------------------------------------------------------------


async def test_an_explanation_says_everything_of_a_link(site: Site) -> None:
    link = await site.new_link("Mother")
    found = await site.data(EXPLAIN, id=link)
    assert (found["permission"], found["reason"], found["source"]) == (
        VIEW_AND_UPDATE, "RELATIONSHIP_DEFAULT", "RELATIONSHIP_TYPE",
    )  # fmt: skip
    assert found["link"]["studentName"] == "Ann Ash"
    assert [(rung["reason"], rung["holds"], rung["decided"]) for rung in found["rungs"]] == [
        ("NO_LIVE_LINK", False, False),
        ("OVERRIDE", False, False),
        ("RELATIONSHIP_DEFAULT", True, True),
        ("NO_RULE_MATCHED", True, False),
    ]
    assert found["rungs"][2]["facts"] == [{"name": "DEFAULT", "value": VIEW_AND_UPDATE}]
    assert (found["override"], found["maskedBy"], found["history"], found["flags"]) == (None, None, [], [])


async def test_a_father_with_a_court_order_is_warned_about_and_denied_by_hand(site: Site) -> None:
    father = await site.new_link("Father", court_order=True)
    page = await site.data(WARN, school=site.school)
    assert page["warnings"] == [
        {
            "code": "COURT_ORDER_WITH_ACCESS",
            "text": "A court order is recorded against the link, and its answer is View and Update.",
            "link": {"id": father, "contactName": "Mary Ash"},
            "answer": {"permission": VIEW_AND_UPDATE, "reason": "RELATIONSHIP_DEFAULT"},
        }
    ]
    found = await site.data(SET, id=father, to=NO_PERMISSION, note="Order of 2 May.")
    assert (found["permission"], found["reason"]) == (NO_PERMISSION, "OVERRIDE")
    assert {name: found["override"][name] for name in ("setBy", "setByPosition", "note", "origin", "clearedAt")} == {
        "setBy": "A. Head",
        "setByPosition": "Head teacher",
        "note": "Order of 2 May.",
        "origin": "MANUAL",
        "clearedAt": None,
    }
    assert (await site.data(WARN, school=site.school))["warnings"] == []
    confirmed = await site.data(CONFIRM, id=father)
    assert confirmed["override"]["confirmedBy"] == "A. Head"
    cleared = await site.data(CLEAR, id=father)
    assert (cleared["permission"], cleared["override"]) == (VIEW_AND_UPDATE, None)
    assert [each["clearedBy"] for each in cleared["history"]] == ["A. Head"]
    assert await site.actors() == [
        (name, "A. Head", "Head teacher") for name in ("override_set", "override_confirmed", "override_cleared")
    ]
    assert await site.code(CLEAR, id=father) == "OVERRIDE_UNKNOWN"


async def test_several_mutations_happen_in_order_each_by_itself(site: Site) -> None:
    link = await site.new_link("Aunt")
    query = """mutation($id: ID!) {
      none: clearContactAccess(linkId: $id) { reason }
      first: setContactAccess(linkId: $id, permission: VIEW_AND_UPDATE) { reason }
      last: setContactAccess(linkId: $id, permission: NO_PERMISSION) { permission history { value } } }"""
    body = await site.ask(query, id=link)
    assert body["data"] == {
        "none": None,
        "first": {"reason": "OVERRIDE"},
        "last": {"permission": NO_PERMISSION, "history": [{"value": VIEW_AND_UPDATE}, {"value": NO_PERMISSION}]},
    }
    assert [error["path"] for error in body["errors"]] == [["none"]]


@pytest.mark.parametrize("note", ["a\x00b", "\ud800", "x" * 1001])
async def test_a_note_that_cannot_be_stored_is_refused(site: Site, note: str) -> None:
    link = await site.new_link("Aunt")
    assert await site.code(SET, id=link, to=VIEW_AND_UPDATE, note=note) == "TEXT_INVALID"
    assert await site.actors() == []


async def test_warnings_are_paged_by_their_cursor(site: Site) -> None:
    links = sorted([await site.new_link("Father", court_order=True) for _ in range(3)])
    first = await site.data(WARN, school=site.school, first=2)
    last = await site.data(WARN, school=site.school, first=2, after=first["endCursor"])
    assert [each["link"]["id"] for page in (first, last) for each in page["warnings"]] == links
    assert (first["hasNextPage"], last["hasNextPage"]) == (True, False)
    assert {"code": "COURT_ORDER_WITH_ACCESS", "count": 3} in last["counts"]
    for wrong in ({"first": 0}, {"first": -1}, {"first": 501}):
        assert await site.code(WARN, school=site.school, **wrong) == "BAD_PAGE"
    for after in ("", "x\x00", "lnk_" + "0" * 34):
        assert await site.code(WARN, school=site.school, after=after) == "BAD_CURSOR"


# Many links -------------------------------------------------------------------------------------------------------


async def test_grandparents_are_given_access_in_bulk_only_when_it_is_no_dry_run(site: Site) -> None:
    links = sorted([await site.new_link("Grandparent") for _ in range(3)])
    await site.new_link("Aunt")
    wanted = {"school": site.school, "filter": {"relationship": " GRANDPARENT"}, "to": VIEW_AND_UPDATE}
    seen = await site.data(BULK, **wanted)
    assert (seen["count"], seen["done"], [each["link"]["id"] for each in seen["links"]]) == (3, False, links)
    assert seen["gains"]["byReason"] == [{"before": "NO_RULE_MATCHED", "after": "OVERRIDE", "count": 3}]
    assert await site.actors() == []
    done = await site.data(BULK, **wanted, dry=False)
    assert (done["count"], done["done"], done["gains"]["count"], done["loses"]["count"]) == (3, True, 3, 0)
    assert await site.actors() == [("overrides_bulk_set", "A. Head", "Head teacher")]
    assert (await site.data(EXPLAIN, id=links[0]))["override"]["origin"] == "BULK"


async def test_a_dry_run_waits_for_no_writer(site: Site) -> None:
    await site.new_link("Aunt")
    async with site.database.write() as session:
        await access_settings.take_turn(session, site.school)
        wanted = {"filter": {"relationship": "Aunt"}, "to": VIEW_AND_UPDATE}
        seen = await asyncio.wait_for(site.data(BULK, school=site.school, **wanted), 5)
        assert (seen["done"], seen["count"]) == (False, 1)
        assert (await asyncio.wait_for(site.data(APPLY, school=site.school), 5))["done"] is False
    assert await site.code(BULK, school="sch_00000000", **wanted) == "SCHOOL_UNKNOWN"


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({}, "FILTER_NEEDED"),
        ({"relationship": " "}, "FILTER_NEEDED"),
        ({"relationship": "a\x00"}, "TEXT_INVALID"),
        ({"relationship": "\ud800"}, "TEXT_INVALID"),
        ({"classId": "everything"}, "BAD_ID"),
        ({"yearGroupId": ""}, "BAD_ID"),
    ],
    ids=range(6),
)
async def test_a_bulk_filter_that_cannot_be_used_is_refused(site: Site, wanted: Mapping[str, str], code: str) -> None:
    await site.new_link("Aunt")
    assert await site.code(BULK, school=site.school, filter=wanted, to=VIEW_AND_UPDATE, dry=False) == code
    assert await site.actors() == []


async def test_another_schools_class_and_year_group_match_nothing(site: Site, engine: Engine) -> None:
    other = await Site(site.database, engine, "another").staffed()
    await site.new_link("Aunt")
    for wanted in ({"classId": other.new_id("cls")}, {"yearGroupId": other.new_id("grp")}):
        done = await site.data(BULK, school=site.school, filter=wanted, to=VIEW_AND_UPDATE, dry=False)
        assert (done["count"], done["links"]) == (0, [])


# Settings ---------------------------------------------------------------------------------------------------------


async def test_a_new_schools_settings_are_read(site: Site) -> None:
    known = await site.data(READ, school=site.school)
    assert known == {
        "source": "RELATIONSHIP_TYPE",
        "courtOrderAlwaysDenies": False,
        "confirmMaskedOverrides": False,
        "accessForLeavers": False,
        "accessForApplicants": False,
        "acceptAssumedPriorities": False,
        "defaultsVersion": 0,
        "defaults": [
            {"relationship": name, "permission": VIEW_AND_UPDATE} for name in ("Mother", "Father", "Parent", "Guardian")
        ],
        "capabilities": [
            {
                "attribute": name,
                "state": "UNKNOWN",
                "source": "Nothing is published of what this MIS supplies.",
                "asOf": None,
                "doubtful": True,
            }
            for name in EVERY_ATTRIBUTE
        ],
    }


async def test_sync_is_previewed_acknowledged_and_switched_to(site: Site) -> None:
    mother, aunt = await site.new_link("Mother"), await site.new_link("Aunt", parental_responsibility=True)
    preview = await site.data(PREVIEW, school=site.school, source="SYNC")
    assert preview["links"] == 2
    assert [each["link"]["id"] for each in preview["gains"]["links"]] == [aunt]
    assert preview["loses"] == {
        "count": 1,
        "byReason": [{"before": "RELATIONSHIP_DEFAULT", "after": "NO_RULE_MATCHED", "count": 1}],
        "links": [
            {
                "link": {"id": mother},
                "before": {"permission": VIEW_AND_UPDATE, "reason": "RELATIONSHIP_DEFAULT"},
                "after": {"reason": "NO_RULE_MATCHED"},
            }
        ],
    }
    body = await site.ask(CHANGE, school=site.school, source="SYNC", names=["PRIORITY"])
    [error] = body["errors"]
    assert error["extensions"]["code"] == "ACKNOWLEDGEMENT_NEEDED"
    assert error["extensions"]["attributes"] == [name for name in EVERY_ATTRIBUTE if name != "PRIORITY"]
    changed = await site.data(CHANGE, school=site.school, source="SYNC", names=EVERY_ATTRIBUTE)
    assert changed["source"] == "SYNC"
    assert (await site.data(EXPLAIN, id=aunt))["reason"] == "PARENTAL_RESPONSIBILITY"
    back = await site.data(CHANGE, school=site.school, source="RELATIONSHIP_TYPE", always=True)
    assert (back["source"], back["courtOrderAlwaysDenies"]) == ("RELATIONSHIP_TYPE", True)
    assert [name for name, *_ in await site.actors()] == ["contact_access_source_changed"] * 2


async def test_defaults_are_set_for_new_links_and_applied_to_old_ones_on_demand(site: Site) -> None:
    parent = await site.new_link("Parent")
    wanted = [{"relationship": name, "permission": to} for name, to in (
        ("Mother", VIEW_AND_UPDATE), ("Father", VIEW_AND_UPDATE), ("Parent", NO_PERMISSION)
    )]  # fmt: skip
    known = await site.data(DEFAULTS, school=site.school, to=wanted)
    assert (known["defaultsVersion"], sorted(known["defaults"], key=str)) == (1, sorted(wanted, key=str))
    found = await site.data(EXPLAIN, id=parent)
    assert (found["permission"], found["defaultsVersion"], found["todaysVersion"]) == (VIEW_AND_UPDATE, 0, 1)
    preview = await site.data(PREVIEW, school=site.school, defaults=True)
    seen = await site.data(APPLY, school=site.school)
    assert (seen["done"], seen["links"], seen["loses"]) == (False, 1, preview["loses"])
    assert (await site.data(EXPLAIN, id=parent))["permission"] == VIEW_AND_UPDATE
    done = await site.data(APPLY, school=site.school, dry=False)
    assert (done["done"], done["version"], done["loses"]["count"]) == (True, 1, 1)
    assert (await site.data(EXPLAIN, id=parent))["permission"] == NO_PERMISSION
    for twice in ("Mother", " mother "):
        both = [wanted[0], {"relationship": twice, "permission": NO_PERMISSION}]
        assert await site.code(DEFAULTS, school=site.school, to=both) == "DEFAULTS_INVALID"
    assert [name for name, *_ in await site.actors()] == ["contact_defaults_changed", "contact_defaults_applied"]


# The next request -------------------------------------------------------------------------------------------------


async def test_the_next_request_of_an_app_follows_every_change_and_overrides_stay(site: Site) -> None:
    mother = await site.new_link("Mother")
    aunt, kept = await site.new_link("Aunt", priority=1), await site.new_link("Grandparent")
    world = World([site.school], site.new_id("app"))
    scopes = ["students.read", "contacts.read", "contacts.access.read"]
    async with site.database.write() as session:
        await write_app(session, world, {0: scopes})
    query = "query($id: ID!) { node(id: $id) { ... on StudentContact { access { permission } } } }"

    async def told() -> list[str]:
        permissions = []
        for link in (mother, aunt, kept):
            answer = await site.engine.execute(Request(query, None, {"id": link}, TOKEN_HASH))
            permissions.append(json.loads(answer.body)["data"]["node"]["access"]["permission"])
        return permissions

    yes, no = VIEW_AND_UPDATE, NO_PERMISSION
    assert await told() == [yes, no, no]
    await site.data(SET, id=kept, to=yes)
    assert await told() == [yes, no, yes]
    await site.data(CHANGE, school=site.school, source="SYNC", names=EVERY_ATTRIBUTE)
    assert await told() == [no, yes, yes]
    await site.data(CHANGE, school=site.school, source="RELATIONSHIP_TYPE")
    assert await told() == [yes, no, yes]
    await site.data(BULK, school=site.school, filter={"presentAnswer": yes}, to=no, dry=False)
    assert await told() == [no, no, no]
    await site.data(CLEAR, id=mother)
    assert await told() == [yes, no, no]
    await site.data(DEFAULTS, school=site.school, to=[{"relationship": "Aunt", "permission": yes}])
    assert await told() == [yes, no, no]
    await site.data(APPLY, school=site.school, dry=False)
    assert await told() == [no, yes, no]


async def test_a_token_that_is_revoked_is_refused_at_the_next_call(site: Site) -> None:
    link = await site.new_link("Mother", deleted_at=NOW)
    assert (await site.data(EXPLAIN, id=link))["reason"] == "NO_LIVE_LINK"
    assert await site.code(SET, id=link, to=NO_PERMISSION) == "LINK_UNKNOWN"
    async with site.database.write() as session:
        await staff.revoke(session, site.token_id, by=OPERATOR)
    assert (await site.ask(EXPLAIN, id=link))["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
