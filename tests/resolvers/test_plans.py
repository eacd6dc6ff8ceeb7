"""A query beside its plan: what was denied, and the SQL for both databases, so that a reviewer sees what a change does.

The files stand in `tests/golden/plans`: `NAME.graphql` (its first line names the scopes, row conditions, and the source
of contact access) and `NAME.plan`. Write plans anew with `FIELDGATE_WRITE_GOLDEN=1`, and read the difference.
"""

import os
import re
from pathlib import Path

import pytest

from authz.contact_access import AccessSettings
from authz.plan import Planner
from authz.rules import rules_of
from authz.session import POSTGRESQL, SQLITE, Dialect
from resolvers import writer
from resolvers.compiler import Compiler
from resolvers.conditions import Visible
from resolvers.documents import Documents
from resolvers.limits import Limits
from resolvers.operation import Root
from resolvers.pages import Page
from resolvers.program import Program
from resolvers.writer import writer_for
from schema.registry import REGISTRY
from schema.vocabulary import RELATIONSHIP_TYPE
from tests.resolvers.serving import SCHEMA

FOLDER = Path(__file__).parent.parent / "golden" / "plans"
NAMES = sorted(path.stem for path in FOLDER.glob("*.graphql"))
LIMITS = Limits()
RULES = rules_of(SCHEMA)


def compiled(root: Root, planner: Planner, conditions: list[str], access: AccessSettings, dialect: Dialect) -> Program:
    pages = {
        page.selected.index: Page(page.size({}, LIMITS.default_page), None, None, backwards=False)
        for page in root.pages
    }
    compiler = Compiler(REGISTRY, writer_for(dialect), planner, Visible(dialect, conditions), pages, access)
    _, type_name, children = next(iter(root.targets()))
    return compiler.records(REGISTRY.entities[type_name], children, many=False)


def laid_out(sql: str) -> str:
    """The statement over several lines, each SELECT deeper than the one around it."""
    lines = []
    depth = 0
    for piece in re.split(r"(?=\(SELECT )|(?= FROM )|(?= WHERE )|(?= ORDER BY [a-z]\d)|(?<=\)), (?='')", sql):
        lines.append("  " * depth + piece.strip())
        bare = re.sub(r"'(?:[^']|'')*'", "", piece)
        depth = max(depth + bare.count("(") - bare.count(")"), 0)
    return "\n".join(lines)


def plan_of(text: str) -> str:
    head, _, query = text.partition("\n")
    head, _, source = head.partition("source:")
    access = AccessSettings(source.strip() or RELATIONSHIP_TYPE)
    scopes, _, conditions = head.removeprefix("# scopes:").partition("conditions:")
    planner = Planner(RULES, frozenset(scopes.split()))
    operation = Documents(SCHEMA._schema, LIMITS, 1_000_000).get(query).operation(None)
    root = operation.plan({}).roots[0]
    denials = planner.denials(root.selected.below, (root.key,))
    parts = [f"denied {'.'.join(each.query_path)}: {' '.join(each.missing)}" for each in denials]
    for dialect in (SQLITE, POSTGRESQL):
        program = compiled(root, planner, conditions.split(), access, dialect)
        parts.append(f"-- {dialect.name}\n{laid_out(program.main.sql)}")
        parts += [
            f"-- {dialect.name}, deeper level {number}\n{laid_out(slot.sql)}"
            for number, slot in enumerate(program.slots)
        ]
    return "\n\n".join(parts) + "\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_query_has_the_plan_beside_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "ORDERED_AGGREGATES", False)
    made = plan_of((FOLDER / f"{name}.graphql").read_text(encoding="utf-8"))
    written = FOLDER / f"{name}.plan"
    if os.environ.get("FIELDGATE_WRITE_GOLDEN"):
        written.write_text(made, encoding="utf-8")
    assert made == written.read_text(encoding="utf-8")


def test_there_are_plans_to_compare() -> None:
    assert len(NAMES) >= 5
