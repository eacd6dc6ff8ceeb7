"""Documents that ask for too much are refused before anything is read, quickly, with what was counted."""

import json
from collections.abc import Iterator

import pytest

from resolvers.engine import Request
from resolvers.limits import Limits
from tests.resolvers.serving import Serving

pytestmark = pytest.mark.asyncio(loop_scope="module")


def chain(length: int, last: str, times: int = 2) -> str:
    """Fragments that each spread the next so many times."""
    links = [f"fragment F{each} on Query {{ {f'...F{each + 1} ' * times}}}" for each in range(length)]
    return f"query {{ ...F0 }} {' '.join(links)} fragment F{length} on Query {{ {last} }}"


async def refused(serving: Serving, query: str, limits: Limits | None = None) -> dict[str, object]:
    """The one error of a refusal that read nothing."""
    caller = await serving.granted()
    answer = await serving.with_limits(limits or Limits()).answer(caller, query, {})
    assert serving.driver.asked == []
    body = json.loads(answer.body)
    assert "data" not in body
    found: dict[str, object] = {**body["errors"][0]["extensions"], "message": body["errors"][0]["message"]}
    return found


async def test_a_costly_query_is_refused_with_its_estimate(serving: Serving) -> None:
    inner = "students(first: 500) { nodes { id surname } }"
    pupils = f"students(first: 500) {{ nodes {{ classes(first: 500) {{ nodes {{ {inner} }} }} }} }}"
    query = f'{{ school(id: "{serving.schools[0]}") {{ {pupils} }} }}'
    error = await refused(serving, query)
    assert (error["code"], error["cost"], error["limit"]) == ("QUERY_TOO_COSTLY", 2 * 500**3, 2_000_000)
    assert str(2 * 500**3) in str(error["message"])


async def test_the_estimate_is_rows_times_fields_whatever_is_granted(serving: Serving) -> None:
    limits = Limits(cost=100)
    school = serving.schools[0]
    for caller in (await serving.granted(), await serving.caller({0: ()})):
        for size, code in ((50, None), (51, "QUERY_TOO_COSTLY")):
            query = f'{{ school(id: "{school}") {{ students(first: {size}) {{ nodes {{ id surname }} }} }} }}'
            answer = await serving.with_limits(limits).answer(caller, query)
            assert answer.refused == code
            query = 'query($n: Int) { school(id: "%s") { students(last: $n) { edges { node { id surname } } } } }'
            assert (await serving.with_limits(limits).answer(caller, query % school, {"n": size})).refused == code
    ids = [school] * 51
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    caller = await serving.granted()
    assert (await serving.with_limits(limits).answer(caller, query, {"ids": ids})).refused == "QUERY_TOO_COSTLY"
    assert (await serving.with_limits(limits).answer(caller, query, {"ids": ids[:50]})).refused is None


async def test_costs_of_several_roots_and_aliases_add_up(serving: Serving) -> None:
    limits = Limits(cost=100)
    one = f'school(id: "{serving.schools[0]}") {{ students(first: 34) {{ nodes {{ id }} }} }}'
    assert (
        await serving.with_limits(limits).answer(await serving.granted(), f"{{ a: {one} b: {one} }}")
    ).refused is None
    assert (await refused(serving, f"{{ a: {one} b: {one} c: {one} }}", limits))["cost"] == 102


async def test_a_deep_query_is_refused_with_its_depth(serving: Serving) -> None:
    selection = "year { id }"
    for _ in range(20):
        selection = f"year {{ students {{ nodes {{ {selection} }} }} }}"
    error = await refused(serving, f'{{ node(id: "x") {{ ... on Student {{ {selection} }} }} }}')
    assert error["code"] == "QUERY_TOO_DEEP"
    assert "63 levels" in str(error["message"])


async def test_a_large_document_is_refused(serving: Serving) -> None:
    for query, words in (
        ("{ " + " ".join(f"a{each}: __typename" for each in range(301)) + " }", "300 aliases"),
        ("{ __typename " + "@include(if: true) @skip(if: false) " * 51 + "}", "100 directives"),
        ("{ " + "__typename " * 20_001 + "}", "20000 tokens"),
        ("{ " + "__typename " * 10_001 + "}", "10000 fields"),
        (" ".join(f"query Q{each} {{ __typename }}" for each in range(251)), "250 operations"),
        ("{ __typename }" + " ".join(f"fragment F{each} on Query {{ id }}" for each in range(250)), "250 operations"),
    ):
        error = await refused(serving, query)
        assert error["code"] == "QUERY_TOO_LARGE"
        assert words in str(error["message"])
    allowed = "{ " + " ".join(f"a{each}: __typename" for each in range(300)) + " }"
    assert (await serving.answer(None, allowed)).refused is None


BOMBS = {
    "a chain of forty fragments, each spreading the next twice": chain(40, "__typename"),
    "the same chain with nothing but data at its end": chain(40, "viewer { app { id } }", times=3),
    "a circle of fragments, each spreading the next twice": chain(17, "...F0"),
    "a circle that is never spread": chain(17, "...F0").replace("...F0 }", "__typename }", 1),
    "a chain that is longer than the stack": chain(700, "__typename", times=1),
    "the longest chain allowed": chain(200, "__typename", times=1),
    "an introspection of types of fields of types": "{ __schema { " + "types { fields { type { " * 6 + "name"
    + " } } }" * 6 + " } }",
    "nested lists as an id": '{ node(id: ' + "[" * 5000 + "]" * 5000 + ") { id } }",
    "selections nested beyond the parser": "{ a" * 6000 + " }" * 6000,
    "thousands of unknown fields": "{ " + " ".join(f"x{each}" for each in range(3000)) + " }",
    "thousands of small operations": " ".join(f"query Q{each} {{ __typename }}" for each in range(3000)),
    "one alias for many fields": "{ " + " ".join("a: __typename" for _ in range(300)) + " }",
    "objects to be merged": "{ " + "viewer { app { id } } " * 1000 + "}",
    "objects to be merged, from fragments": "{ " + " ".join(f"...F{each}" for each in range(240)) + " } "
    + " ".join(f"fragment F{each} on Query {{ viewer {{ app {{ id name }} }} }}" for each in range(240)),
    "objects to be merged in a fragment that is never spread": "{ __typename } fragment F on Query { "
    + "viewer { app { id } } " * 1000 + "}",
    "introspection under many aliases": "{ " + " ".join(
        f"a{each}: __schema {{ types {{ fields {{ args {{ type {{ name }} }} }} }} }}" for each in range(290)) + " }",
    "directives many times over": "{ __typename " + "@include(if: true) " * 3000 + "}",
    "a big number": "{ node(id: " + "9" * 100_000 + ") { id } }",
    "a big size": '{ school(id: "x") { students(first: ' + "9" * 100_000 + ") { totalCount } } }",
    "a big page": '{ school(id: "x") { students(first: 99999999999) { totalCount } } }',
}  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
async def test_a_document_made_to_be_dear_is_dealt_with_quickly(serving: Serving, name: str) -> None:
    answer = await serving.quick_answer(None, BOMBS[name])
    assert b"Traceback" not in answer.body
    assert answer.status < 500
    assert len(answer.body) < 50_000
    assert b"set_int_max_str_digits" not in answer.body


async def test_every_fragment_of_a_doubling_chain_counts_as_often_as_it_is_spread(serving: Serving) -> None:
    assert (await serving.answer(None, chain(12, "__typename"))).body == b'{"data":{"__typename":"Query"}}'
    error = await refused(serving, chain(14, "__typename"))
    assert "10000 fields" in str(error["message"])


def words(text: str) -> Iterator[str]:
    yield from text.replace("`", " ").split()


async def test_no_suggestion_names_a_field_that_was_not_asked_for(serving: Serving) -> None:
    for query in ("{ schoool { id } }", '{ school(id: "x") { surnme } }', '{ school(idd: "x") { id } }',
                  '{ node(id: "x") { ... on Studnt { id } } }'):  # fmt: skip
        answer = await serving.engine.execute(Request(query))
        assert answer.refused == "GRAPHQL_VALIDATION_FAILED"
        assert "did" not in {word.lower() for word in words(answer.body.decode())}
