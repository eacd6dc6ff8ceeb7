"""`School.mis.capabilities`: what imports saw of a school over what is published of its MIS, also in SQL."""

import pytest

from authz.capabilities import of_school, published
from tests.resolvers.serving import Serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUERY = "query($id: ID!) { school(id: $id) { mis { provider capabilities { attribute state source asOf } } } }"


@pytest.mark.parametrize("provider", ["SIMS", "sims", " I SAMS ", "Bromcom", "Arbor", "RM Integris", "Nobody's", None])
async def test_the_answer_is_that_of_the_rule(serving: Serving, provider: str | None) -> None:
    caller = await serving.caller({0: frozenset(), 2: frozenset()})
    for number in (0, 2):  # one with facts that imports saw, one without
        school = serving.schools[number]
        await serving.change("UPDATE school SET provider = ? WHERE id = ?", provider, school)
        mis = (await serving.data(caller, QUERY, {"id": school}))["school"]["mis"]
        assert mis["provider"] == provider
        async with serving.database.read() as session:
            expected = await of_school(session, school)
        assert mis["capabilities"] == [
            {"attribute": each.attribute.upper(), "state": each.state, "source": each.source, "asOf": each.as_of}
            for each in expected
        ]
    assert [each["state"] for each in mis["capabilities"]] == [each.state for each in published(provider)]


async def test_isams_supplies_neither_court_orders_nor_restrictions_as_published(serving: Serving) -> None:
    caller = await serving.caller({2: frozenset()})
    await serving.change("UPDATE school SET provider = 'iSAMS' WHERE id = ?", serving.schools[2])
    mis = (await serving.data(caller, QUERY, {"id": serving.schools[2]}))["school"]["mis"]
    known = {each["attribute"]: (each["state"], each["asOf"]) for each in mis["capabilities"]}
    assert known["COURT_ORDER"] == known["RESTRICTED_ACCESS"] == ("NOT_SUPPLIED", "2023-04-26")


async def test_what_the_school_declines_stands_over_what_is_published(serving: Serving) -> None:
    caller = await serving.caller({0: frozenset()})
    await serving.change("UPDATE school SET provider = 'SIMS' WHERE id = ?", serving.schools[0])
    mis = (await serving.data(caller, QUERY, {"id": serving.schools[0]}))["school"]["mis"]
    states = {each["attribute"]: each["state"] for each in mis["capabilities"]}
    assert states["COURT_ORDER"] == "DECLINED"
