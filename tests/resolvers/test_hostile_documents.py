"""Documents and guesses that once went wrong: each is dealt with by a code, quickly, and leaves nothing behind."""

import json

import pytest
from graphql import get_introspection_query

from resolvers.engine import Request
from resolvers.limits import Limits
from tests.resolvers.serving import ALL_SCOPES, Serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

ID = "query($id: ID!)"


async def code(serving: Serving, query: str, variables: dict[str, object] | None = None) -> str | None:
    return (await serving.answer(await serving.granted(), query, variables)).refused


async def test_an_estimate_beyond_64_bits_is_refused_like_any_other(serving: Serving) -> None:
    inner = "id"
    for link in ("students", "classes") * 7:
        inner = f"{link} {{ nodes {{ {inner} }} }}"
    query = f'{{ school(id: "{serving.schools[0]}") {{ {inner} }} }}'
    assert await code(serving.with_limits(Limits()), query) == "QUERY_TOO_COSTLY"


async def test_a_variable_of_one_operation_does_not_shape_another(serving: Serving) -> None:
    query = (
        "query A($x: [ID!]!) { nodes(ids: $x) { id } } "
        "query B($x: Boolean!) { schools { nodes { id @include(if: $x) } } }"
    )
    caller = await serving.granted()
    for ids in ([serving.schools[0]], [serving.schools[1]]):
        request = Request(query, "A", {"x": ids}, caller.token_hash)
        body = json.loads((await serving.engine.execute(request)).body)
        assert body["data"]["nodes"] == [{"id": ids[0]}]


@pytest.mark.parametrize("times", [300, 1500])
async def test_the_same_field_hundreds_of_times_is_refused_before_it_is_compared(serving: Serving, times: int) -> None:
    query = f'{{ school(id: "{serving.schools[0]}") {{ {"students { nodes { id } } " * times} }} }}'
    answer = await serving.with_limits(Limits()).quick_answer(await serving.granted(), query)
    assert answer.refused == "QUERY_TOO_LARGE"


async def test_the_standard_introspection_is_answered_and_a_multiple_of_it_is_not(serving: Serving) -> None:
    limited = serving.with_limits(Limits())
    query = get_introspection_query(
        input_value_deprecation=True, schema_description=True, specified_by_url=True, directive_is_repeatable=True
    )
    assert (await limited.answer(None, query)).refused is None
    fan = " ".join(
        f"a{number}: __schema {{ types {{ name fields {{ name type {{ name }} }} }} }}" for number in range(100)
    )
    assert (await limited.quick_answer(None, f"{{ {fan} }}")).refused == "QUERY_TOO_COSTLY"


@pytest.mark.parametrize(
    "spreads",
    [
        " ".join(f"fragment F{each} on __Schema {{ ...F{each + 1} ...F{each + 1} }}" for each in range(24)),
        "fragment F0 on __Schema { ...F0 ...F0 ...F0 }",
    ],
    ids=["a chain that ends nowhere", "a circle"],
)
async def test_fragments_of_an_introspection_are_measured_once_each(serving: Serving, spreads: str) -> None:
    answer = await serving.with_limits(Limits()).quick_answer(None, f"{{ __schema {{ ...F0 }} }} {spreads}")
    assert answer.refused == "GRAPHQL_VALIDATION_FAILED"


async def test_lists_of_consents_many_times_over_are_refused(serving: Serving) -> None:
    one = "consents { id scopes missing products }"
    query = f"{{ viewer {{ app {{ {' '.join(f'a{number}: {one}' for number in range(150))} }} }} }}"
    assert await code(serving.with_limits(Limits()), query) == "QUERY_TOO_COSTLY"
    assert await code(serving.with_limits(Limits()), f"{{ viewer {{ app {{ {one} }} }} }}") is None


async def test_pages_of_types_that_the_id_does_not_name_do_not_matter(serving: Serving) -> None:
    student = next(row["id"] for row in serving.world.of("student") if row["deleted_at"] is None)
    query = (
        f"{ID} {{ node(id: $id) {{ ... on Student {{ id }} ... on Class {{ students(first: 0) {{ totalCount }} }} }} }}"
    )
    assert await serving.data(await serving.granted(), query, {"id": student}) == {"node": {"id": student}}


async def test_entries_of_several_types_stand_in_the_order_of_the_document(serving: Serving) -> None:
    caller = await serving.caller({0: {"students.read", "employees.read"}})
    ids = [serving.world.of(table)[0]["id"] for table in ("employee", "student")]
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Student { surname } ... on Employee { surname } } }"
    body = await serving.ask(caller, query, {"ids": ids})
    found = [entry["extensions"]["coordinate"] for entry in body["errors"]]
    assert found == ["Student.surname", "Employee.surname"]


async def test_a_condition_that_is_not_known_closes_the_consent_until_it_is_taken_back(serving: Serving) -> None:
    caller = await serving.caller({0: ALL_SCOPES})
    query = f"{ID} {{ school(id: $id) {{ name }} }}"
    asked = (caller, query, {"id": serving.schools[0]})
    change = "UPDATE consent SET row_conditions = ? WHERE app_id = ?"
    assert await serving.data(*asked) == {"school": {"name": "School 0"}}
    await serving.change(change, '["new_condition"]', caller.app_id)
    for _ in range(2):
        body = await serving.ask(*asked)
        assert [entry["extensions"]["code"] for entry in body["errors"]] == ["NOT_FOUND"]
    await serving.change(change, "[]", caller.app_id)
    assert await serving.data(*asked) == {"school": {"name": "School 0"}}
    await serving.change("UPDATE app_token SET revoked_at = created_at WHERE app_id = ?", caller.app_id)
    assert (await serving.answer(*asked)).refused == "UNAUTHENTICATED"


async def test_a_school_that_is_gone_is_as_one_that_never_consented(serving: Serving) -> None:
    caller = await serving.caller({0: ALL_SCOPES, 1: ALL_SCOPES})
    student = next(row["id"] for row in serving.world.of("student", 1) if row["deleted_at"] is None)
    school = serving.schools[1]
    moment = "'2026-01-05T08:30:00.000001Z'"
    await serving.change(f"UPDATE school SET deleted_at = {moment} WHERE id = ?", school)
    try:
        body = await serving.ask(caller, f"{ID} {{ school(id: $id) {{ name }} }}", {"id": school})
        assert [entry["extensions"]["code"] for entry in body["errors"]] == ["NOT_FOUND"]
        assert await serving.data(caller, f"{ID} {{ node(id: $id) {{ id }} }}", {"id": student}) == {"node": None}
        listed = await serving.data(caller, "{ schools { totalCount nodes { id } } }")
        assert listed == {"schools": {"totalCount": 1, "nodes": [{"id": serving.schools[0]}]}}
    finally:
        await serving.change("UPDATE school SET deleted_at = NULL WHERE id = ?", school)


async def test_nothing_is_asked_of_the_database_for_callers_who_cannot_be_known(serving: Serving) -> None:
    query = f"{ID} {{ school(id: $id) {{ name }} }}"
    assert (await serving.answer(None, query, {"id": serving.schools[0]})).refused == "UNAUTHENTICATED"
    assert serving.driver.asked == []
