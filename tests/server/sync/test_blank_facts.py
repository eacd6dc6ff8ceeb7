"""A fact of links that a read has of nobody: whether somebody took it away, or the MIS API did not supply it."""

import pytest

from schema.vocabulary import LADDER_ATTRIBUTES
from server.sync.supply import MANY
from tests.server.sync.conftest import Digest, Rows, Sync
from tests.server.sync.test_links import facts
from tests.server.sync.test_supply import codes, stored
from tests.server.sync.wonde import FakeWonde, link, person, student


def larger(api: FakeWonde, links: int) -> None:
    """The school with exactly so many links, each with every fact, and nothing else about its pupils."""
    for path in ("attendance-summaries", "attendance/session", "behaviours", "medical-conditions"):
        api.lists[path] = []
    everything = {"parental_responsibility": False, "lives_with_pupil": True, "restricted_access": False}
    api.lists["contacts"] += [person(f"L{number}") for number in range(links)]
    api.lists["students"] = [
        student(f"T{number}", link(f"L{number}", **everything, priority=number % 5)) for number in range(links)
    ]


@pytest.mark.parametrize("fact", ["relationship", *LADDER_ATTRIBUTES])
async def test_a_fact_that_many_links_had_and_none_has_now_was_not_supplied(
    sync: Sync, api: FakeWonde, digest: Digest, fact: str
) -> None:
    larger(api, MANY)
    await sync()
    before = await digest()
    for pupil in range(MANY):
        facts(api, pupil)[fact] = None
    facts(api, 0).pop(fact)
    result = await sync()
    assert (result.changed, codes(result)) == (0, {"NOT_SUPPLIED": 1})
    assert await digest() == before


@pytest.mark.parametrize("fact", ["relationship", *LADDER_ATTRIBUTES])
async def test_a_fact_that_no_link_names_any_more_was_not_supplied_however_few_had_it(
    sync: Sync, api: FakeWonde, digest: Digest, fact: str
) -> None:
    values = {"relationship": "Carer", "priority": 4, "parental_responsibility": False, "lives_with_pupil": False}
    everybody = [one["relationship"] for pupil in api.lists["students"] for one in pupil["contacts"]["data"]]
    for one in everybody:
        one.update(dict.fromkeys(("relationship", *LADDER_ATTRIBUTES)))
    facts(api)[fact] = values.get(fact, True)
    await sync()
    before = await digest()
    for one in everybody:
        del one[fact]
    result = await sync()
    assert (result.changed, codes(result)) == (0, {"NOT_SUPPLIED": 1})
    assert await digest() == before
    facts(api, 2)[fact] = None  # the MIS knows the fact again, and has it of nobody
    result = await sync()
    assert (result.changed, codes(result)) == (1, {})


async def test_an_order_that_no_link_names_stays_on_a_link_that_comes_back(
    sync: Sync, api: FakeWonde, rows: Rows
) -> None:
    await sync()
    [gone] = api.lists["students"][2]["contacts"]["data"]
    api.lists["students"][2]["contacts"]["data"] = []
    await sync()
    for pupil in range(2):
        for one in api.lists["students"][pupil]["contacts"]["data"]:
            one["relationship"]["court_order"] = None
    await sync()
    api.lists["students"][2]["contacts"]["data"] = [gone]  # the only one that ever had an order
    for pupil in range(3):
        for one in api.lists["students"][pupil]["contacts"]["data"]:
            del one["relationship"]["court_order"]
    assert codes(await sync()) == {"NOT_SUPPLIED": 1}
    assert await stored(rows, "court_order") == {"S1:P1": [None], "S1:P2": [None], "S2:P1": [None], "S3:P3": [True]}


async def test_a_fact_that_few_links_had_may_have_been_taken_away_by_hand(
    sync: Sync, api: FakeWonde, rows: Rows
) -> None:
    larger(api, MANY - 1)
    await sync()
    for pupil in range(MANY - 1):
        facts(api, pupil)["parental_responsibility"] = None
    assert (await sync()).changed == MANY - 1
    assert set(map(tuple, (await stored(rows, "parental_responsibility")).values())) == {(None,)}


async def test_where_one_link_still_has_the_fact_the_others_lost_it(sync: Sync, api: FakeWonde) -> None:
    larger(api, MANY + 1)
    await sync()
    for pupil in range(MANY):
        facts(api, pupil)["court_order"] = None
    assert (await sync()).changed == MANY


BARE: tuple[object, ...] = (
    None, [], {}, {"data": {}}, {"data": []}, {"data": None}, "Mother", {"id": 5}, {"bill_payer": False},
)  # fmt: skip


@pytest.mark.parametrize("nothing", BARE, ids=str)
async def test_a_link_without_its_facts_keeps_those_that_decide_access(
    sync: Sync, api: FakeWonde, rows: Rows, nothing: object
) -> None:
    facts(api, 2).update(priority=2, bill_payer=True)
    await sync()
    api.lists["students"][2]["contacts"]["data"][0]["relationship"] = nothing
    result = await sync()
    assert codes(result) == {"MISSING_RELATIONSHIP": 1}
    columns = ("court_order", "priority", "relationship", "relationship_key", "bill_payer")
    billed = False if nothing == {"bill_payer": False} else None
    assert (await stored(rows, *columns))["S3:P3"] == [True, 2, "Mother", "mother", billed]
