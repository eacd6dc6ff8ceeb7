"""Pages: a whole list forwards and backwards, each record once; cursors open only where they were made."""

import base64
import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from resolvers.limits import Limits
from tests.resolvers.serving import ALL_SCOPES, Caller, Serving, shown
from tests.world import NOW

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = "edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
ARGUMENTS = "$first: Int, $after: String, $last: Int, $before: String"
GIVEN = "first: $first, after: $after, last: $last, before: $before"


@dataclass(frozen=True)
class List:
    """A list that can be paged: its document, the way to it in the answer, and all its records."""

    query: str
    variables: dict[str, Any]
    way: tuple[str, ...]
    ids: list[str]

    def of(self, data: Any) -> Any:
        for key in self.way:
            data = data[key]
        return data


def of_school(link: str, school_id: str, ids: list[str]) -> List:
    query = f"query($id: ID!, {ARGUMENTS}) {{ school(id: $id) {{ {link}({GIVEN}) {{ {PAGE} }} }} }}"
    return List(query, {"id": school_id}, ("school", link), ids)


def of_node(kind: str, link: str, record_id: str, ids: list[str]) -> List:
    query = f"query($id: ID!, {ARGUMENTS}) {{ node(id: $id) {{ ... on {kind} {{ {link}({GIVEN}) {{ {PAGE} }} }} }} }}"
    return List(query, {"id": record_id}, ("node", link), ids)


def lists(serving: Serving) -> dict[str, List]:
    """One list of every kind that can be paged: of a school, through a membership, by a key, of schools."""
    world = serving.world
    students = [row["id"] for row in shown(world, "student")]
    pairs = [row for row in world.of("student_class") if row["student_id"] in students]
    school_class = max((row["id"] for row in shown(world, "school_class")),
                       key=lambda each: sum(pair["class_id"] == each for pair in pairs))  # fmt: skip
    of_class = sorted(pair["student_id"] for pair in pairs if pair["class_id"] == school_class)
    links = shown(world, "student_contact")
    student = max(students, key=lambda each: sum(row["student_id"] == each for row in links))
    return {
        "students of a school": of_school("students", serving.schools[0], students),
        "students of a class": of_node("Class", "students", school_class, of_class),
        "contacts of a student": of_node(
            "Student", "contacts", student, [row["id"] for row in links if row["student_id"] == student]
        ),
        "schools": List(
            f"query({ARGUMENTS}) {{ schools({GIVEN}) {{ {PAGE} }} }}", {}, ("schools",), sorted(serving.schools)
        ),
    }


KINDS = ("students of a school", "students of a class", "contacts of a student", "schools")


async def page_of(serving: Serving, caller: Caller, of: List, **page: Any) -> Any:
    found = of.of(await serving.data(caller, of.query, {**of.variables, **page}))
    ids = [edge["node"]["id"] for edge in found["edges"]]
    assert ids == [node["id"] for node in found["nodes"]]
    cursors = [edge["cursor"] for edge in found["edges"]]
    ends = (found["pageInfo"]["startCursor"], found["pageInfo"]["endCursor"])
    assert ends == ((cursors[0], cursors[-1]) if cursors else (None, None))
    return ids, found["pageInfo"]


@pytest.mark.parametrize("size", [1, 2, 3, 500])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_list_is_paged_forwards_and_backwards_with_each_record_once(
    serving: Serving, kind: str, size: int
) -> None:
    caller, of = await serving.granted(), lists(serving)[kind]
    assert len(of.ids) >= 3
    seen: list[str] = []
    cursor = None
    while True:
        ids, info = await page_of(serving, caller, of, first=size, after=cursor)
        assert info["hasPreviousPage"] is bool(seen)
        seen += ids
        assert info["hasNextPage"] is (len(seen) < len(of.ids))
        cursor = info["endCursor"]
        if not info["hasNextPage"]:
            break
    assert seen == of.ids
    behind, info = await page_of(serving, caller, of, first=size, after=cursor)
    assert (behind, info["hasNextPage"], info["hasPreviousPage"]) == ([], False, True)

    seen, cursor = [], None
    while True:
        ids, info = await page_of(serving, caller, of, last=size, before=cursor)
        assert info["hasNextPage"] is bool(seen)
        seen = ids + seen
        assert info["hasPreviousPage"] is (len(seen) < len(of.ids))
        cursor = info["startCursor"]
        if not info["hasPreviousPage"]:
            break
    assert seen == of.ids


@pytest.mark.parametrize("kind", KINDS)
async def test_after_and_before_together_bound_a_page_from_both_sides(serving: Serving, kind: str) -> None:
    caller, of = await serving.granted(), lists(serving)[kind]
    found = of.of(await serving.data(caller, of.query, of.variables))
    cursors = [edge["cursor"] for edge in found["edges"]]
    assert len(set(cursors)) == len(of.ids)
    between, info = await page_of(serving, caller, of, after=cursors[0], before=cursors[-1])
    assert (between, info["hasNextPage"], info["hasPreviousPage"]) == (of.ids[1:-1], True, True)
    last, _ = await page_of(serving, caller, of, last=1, after=cursors[0], before=cursors[-1])
    assert last == of.ids[-2:-1]
    for lower, upper in pairwise(cursors):
        nothing, _ = await page_of(serving, caller, of, first=5, after=lower, before=upper)
        assert nothing == []


async def refused(serving: Serving, caller: Caller, of: List, **page: Any) -> str:
    """The code with which a page is refused; nothing but the caller's grants is read for it."""
    body = json.loads((await serving.answer(caller, of.query, {**of.variables, **page})).body)
    [error] = body["errors"]
    assert body["data"] == {of.way[0]: None}
    assert error["path"] == [of.way[0]]
    assert not any(" LIMIT " in ask.sql or " student " in ask.sql for ask in serving.driver.asked), serving.sql
    return str(error["extensions"]["code"])


async def a_cursor(serving: Serving, caller: Caller, of: List) -> str:
    _, info = await page_of(serving, caller, of, first=2)
    return str(info["endCursor"])


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_no_cursor_is_a_bad_cursor(serving: Serving, kind: str, argument: str) -> None:
    caller, of = await serving.granted(), lists(serving)[kind]
    good = await a_cursor(serving, caller, of)
    raw = base64.urlsafe_b64decode(good + "=" * (-len(good) % 4))
    flipped = [bytes([*raw[:place], raw[place] ^ 1, *raw[place + 1 :]]) for place in (0, 1, 6, 7, 20, len(raw) - 1)]
    forged = [base64.urlsafe_b64encode(each).decode().rstrip("=") for each in (*flipped, raw[:-1], raw[:7], raw + b"x")]
    for text in ("", "x", "é", "\x00", "stu_" + "0" * 34, of.ids[0], "A" * 5000, good[:-2], f" {good}", *forged):
        assert await refused(serving, caller, of, **{argument: text}) == "BAD_CURSOR", text


async def test_a_cursor_opens_only_in_its_own_list_school_app_and_record(serving: Serving) -> None:
    caller, other = await serving.granted(), await serving.caller({0: ALL_SCOPES, 1: ALL_SCOPES})
    of = lists(serving)
    cursor = await a_cursor(serving, caller, of["students of a school"])
    for list_kind in KINDS[1:]:
        assert await refused(serving, caller, of[list_kind], after=cursor) == "BAD_CURSOR"
    assert await refused(serving, caller, of_school("contacts", serving.schools[0], []), after=cursor) == "BAD_CURSOR"
    assert await refused(serving, caller, of_school("students", serving.schools[1], []), after=cursor) == "BAD_CURSOR"
    assert await refused(serving, other, of["students of a school"], after=cursor) == "BAD_CURSOR"
    schools = await a_cursor(serving, caller, of["schools"])
    assert await refused(serving, other, of["schools"], after=schools) == "BAD_CURSOR"
    cursor = await a_cursor(serving, caller, of["students of a class"])
    for row in shown(serving.world, "school_class"):
        if row["id"] != of["students of a class"].variables["id"]:
            one_more = of_node("Class", "students", row["id"], [])
            assert await refused(serving, caller, one_more, after=cursor) == "BAD_CURSOR"


async def test_a_cursor_tells_nothing_of_the_record_it_points_to(serving: Serving) -> None:
    caller, of = await serving.granted(), lists(serving)["students of a school"]
    found = of.of(await serving.data(caller, of.query, of.variables))
    for edge in found["edges"]:
        raw = base64.urlsafe_b64decode(edge["cursor"] + "=" * (-len(edge["cursor"]) % 4))
        assert edge["node"]["id"].encode() not in raw
        assert edge["node"]["id"][12:20].encode() not in raw


async def test_a_page_can_be_asked_for_under_the_same_cursor_by_any_selection(serving: Serving) -> None:
    caller, of = await serving.granted(), lists(serving)["students of a school"]
    cursor = await a_cursor(serving, caller, of)
    query = (
        "query($id: ID!, $after: String) { s: school(id: $id) { x: students(after: $after) { n: nodes { k: id } } } }"
    )
    data = await serving.data(caller, query, {**of.variables, "after": cursor})
    assert [each["k"] for each in data["s"]["x"]["n"]] == of.ids[2:]


async def test_a_change_of_the_consent_ends_its_cursors_and_says_so(serving: Serving) -> None:
    of, other = lists(serving)["students of a school"], lists(serving)["schools"]
    caller = await serving.caller({0: ALL_SCOPES - {"students.upn.read"}, 1: ALL_SCOPES, 2: ALL_SCOPES})
    cursor, of_schools = await a_cursor(serving, caller, of), await a_cursor(serving, caller, other)
    assert (await page_of(serving, caller, of, first=2, after=cursor))[0] == of.ids[2:4]
    await serving.change(
        "INSERT INTO consent_grant (school_id, app_id, scope, granted_at, granted_by) "
        f"VALUES (?, ?, 'students.upn.read', {serving.database.dialect.instant()}, 'a test')",
        serving.schools[0], caller.app_id, NOW,
    )  # fmt: skip
    assert await refused(serving, caller, of, after=cursor) == "CONSENT_CHANGED"
    assert await refused(serving, caller, of, before=cursor) == "CONSENT_CHANGED"
    fresh = await a_cursor(serving, caller, of)
    assert (await page_of(serving, caller, of, first=2, after=fresh))[0] == of.ids[2:4]
    assert (await page_of(serving, caller, other, first=2, after=of_schools))[0] == other.ids[2:]


async def test_a_cursor_has_no_place_in_a_list_below_a_list(serving: Serving) -> None:
    caller = await serving.granted()
    below = [
        "school(id: $id) { students { nodes { classes(after: $c) { totalCount } } } }",
        "school(id: $id) { students { edges { node { classes(before: $c) { totalCount } } } } }",
        "nodes(ids: [$id]) { ... on School { students(after: $c) { totalCount } } }",
        "schools { nodes { students(after: $c) { totalCount } } }",
        "school(id: $id) { classes { nodes { subject { classes(after: $c) { totalCount } } } } }",
    ]
    for selection in below:
        declared = "$id: ID!, $c: String" if "$id" in selection else "$c: String"
        body = await serving.ask(caller, f"query({declared}) {{ {selection} }}", {"id": serving.schools[0], "c": "x"})
        [error] = body["errors"]
        assert error["extensions"]["code"] == "BAD_CURSOR"
        assert "list" in error["message"]
        assert list(body["data"].values()) == [None]


async def test_a_page_has_one_direction_and_a_size_from_one_to_the_cap(serving: Serving) -> None:
    caller = await serving.granted()
    for kind in KINDS:
        of = lists(serving)[kind]
        for page in ({"first": 1, "last": 1}, {"first": 0}, {"last": 0}, {"first": -1}, {"first": 501}, {"last": 501},
                     {"last": -(2**31)}):  # fmt: skip
            assert await refused(serving, caller, of, **page) == "BAD_PAGE", page
        assert (await page_of(serving, caller, of, first=500))[0] == of.ids
        assert (await page_of(serving, caller, of, first=None, last=None))[0] == of.ids
        assert (await page_of(serving, caller, of, first=None, last=1))[0] == of.ids[-1:]
    deeper = "query($id: ID!) { school(id: $id) { students { nodes { classes(first: 0) { totalCount } } } } }"
    body = await serving.ask(caller, deeper, {"id": serving.schools[0]})
    assert [error["extensions"]["code"] for error in body["errors"]] == ["BAD_PAGE"]


async def test_without_a_size_a_page_has_the_default_size(serving: Serving) -> None:
    caller, of = await serving.granted(), lists(serving)["students of a school"]
    ids, info = await page_of(serving.with_limits(Limits(default_page=3)), caller, of)
    assert (ids, info["hasNextPage"]) == (of.ids[:3], True)


async def test_the_size_of_a_page_is_not_kept_from_the_request_before(serving: Serving) -> None:
    caller = await serving.granted()
    query = """query($id: ID!, $first: Int, $last: Int) {
        school(id: $id) { students(first: $first, last: $last) { nodes { id } } } }"""
    ids = [row["id"] for row in shown(serving.world, "student")]
    asked = [
        ({"first": 1}, ids[:1]),
        ({"first": 3}, ids[:3]),
        ({"last": 1}, ids[-1:]),
        ({"last": 2}, ids[-2:]),
        ({}, ids),
    ]
    for page, expected in [each for each in asked for _ in range(3)] + asked:
        data = await serving.data(caller, query, {"id": serving.schools[0], **page})
        assert [each["id"] for each in data["school"]["students"]["nodes"]] == expected


async def test_a_list_is_counted_only_when_asked(serving: Serving) -> None:
    caller = await serving.granted()
    query = "query($id: ID!) { school(id: $id) { students(first: 2) { nodes { id } %s } } schools { nodes { id } %s } }"
    await serving.data(
        caller, query % ("pageInfo { hasNextPage }", "pageInfo { hasNextPage }"), {"id": serving.schools[0]}
    )
    assert "count(" not in serving.sql
    data = await serving.data(caller, query % ("totalCount", "totalCount"), {"id": serving.schools[0]})
    assert serving.sql.count("count(") == 2
    assert data["school"]["students"]["totalCount"] == len(shown(serving.world, "student"))
    assert data["schools"]["totalCount"] == 3


async def test_the_same_request_has_the_same_bytes_each_time(serving: Serving) -> None:
    caller = await serving.granted()
    for kind in KINDS:
        of = lists(serving)[kind]
        answers = {(await serving.answer(caller, of.query, of.variables)).body for _ in range(3)}
        assert len(answers) == 1
