"""Contacts' access is answered wherever it is asked: below several lists, filtered, by edges, with every setting.

SQLite's parser has a stack of its own: what is nested too deeply for one statement must become several.
"""

import itertools
import json

import pytest

from authz.contact_access import SETTING_COLUMNS
from resolvers.engine import Request
from schema.vocabulary import SOURCES
from tests.resolvers.harness import both
from tests.resolvers.serving import Serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

WAYS = {
    "students": "students { nodes { contacts%s { %s } } }",
    "classes and students": "classes { nodes { students { nodes { contacts%s { %s } } } } }",
    "staff": "employees(first: 5) { nodes { classes(first: 5) { nodes { students(first: 5) { nodes {"
    " contacts%s { %s } } } } } } }",
    "edges of marks": "sessionAttendance(last: 2) { edges { node { student { contacts%s { %s } } } } }",
    "contacts of contacts": "contacts { nodes { students { nodes { student { contacts%s { %s } } } } } }",
}
VALUES = (
    "nodes { access { permission reason } contact { id } }",
    "edges { cursor node { access { reason asOf override } student { id } } }",
    "nodes { accessOverride { value toReview } access { permission } }",
    "pageInfo { hasNextPage } totalCount",
)
FILTERS = ("", "(access: VIEW_AND_UPDATE)")
FLAGS = SETTING_COLUMNS[1:]


@pytest.mark.parametrize("flags", [False, True])
@pytest.mark.parametrize("source", SOURCES)
async def test_access_is_answered_in_every_place_and_as_the_executor_does(
    serving: Serving, source: str, flags: bool
) -> None:
    school = serving.schools[0]
    names = ", ".join(f"{name} = {str(flags).upper()}" for name in FLAGS)
    await serving.change(f"UPDATE contact_access_setting SET source = ?, {names} WHERE school_id = ?", source, school)
    caller = await serving.granted()
    for way, filtered, values in itertools.product(WAYS.values(), FILTERS, VALUES):
        query = f'{{ school(id: "{school}") {{ {way % (filtered, values)} }} }}'
        request = Request(query, None, {}, caller.token_hash)
        async with serving.database.read() as session:
            compiled, reference = await both(serving.engine, session, request)
        assert compiled.refused is None, (query, compiled.body)
        assert "data" in json.loads(compiled.body)
        assert compiled.body == reference.answer.body, query
