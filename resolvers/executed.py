"""Roots that graphql-core executes: introspection, and `viewer` over rows read in the request's snapshot.

They come back as bytes, so that an operation may mix them with compiled roots.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    execute,
)

from authz.selection import Selected
from resolvers.asking import Flow, RootAnswer
from resolvers.documents import Values
from resolvers.gate import Gate
from resolvers.operation import OperationPlan
from resolvers.viewer import viewer_value


class StoredValues:
    """Resolves fields of values that are already read: `viewer` and what is below it."""

    def __init__(self, viewer: Mapping[str, Any] | None) -> None:
        self.viewer = viewer

    def resolve(self, parent: Any, info: Any, coordinate: str, arguments: Mapping[str, Any]) -> Any:
        """The stored value."""
        if coordinate == "Query.viewer":
            return self.viewer
        return parent[coordinate.partition(".")[2]]


@dataclass(frozen=True, slots=True)
class ReaderContext:
    """The context of graphql-core's execution: who resolves its fields."""

    reader: Any


def execute_roots(gate: Gate, plan: OperationPlan, values: Values, app_id: str) -> Flow:
    """The answers of the roots that are not compiled."""
    viewer = None
    wanted = [root for root in plan.executed if root.name == "viewer"]
    if wanted:
        consents = any(_asks_for_consents(root.selected) for root in wanted)
        viewer = yield from viewer_value(gate.dialect, app_id, consents=consents)
    nodes = [node for root in plan.executed for node in root.selected.nodes]
    result = execute(
        gate.graphql_schema,
        cut_document(plan, nodes),
        context_value=ReaderContext(StoredValues(viewer)),
        variable_values=dict(values),
        hide_suggestions=True,
    )
    if not isinstance(result, ExecutionResult):
        raise TypeError("stored values are never awaited")
    data = result.data or {}
    answers: dict[str, RootAnswer] = {}
    for root in plan.executed:
        errors = [
            (root.selected.index, orjson.dumps(error_entry(error)))
            for error in result.errors or ()
            if error.path and error.path[0] == root.key
        ]
        answers[root.key] = RootAnswer(orjson.dumps(data.get(root.key)), errors)
    return answers


def _asks_for_consents(selected: Selected) -> bool:
    return any(each.name == "consents" for each in selected.walk())


def cut_document(plan: OperationPlan, nodes: Sequence[FieldNode]) -> DocumentNode:
    """The operation cut down to some of its root fields, for graphql-core's executor."""
    operation = plan.node
    cut = OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=operation.variable_definitions,
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(nodes)),
    )
    return DocumentNode(definitions=(cut, *plan.fragments.values()))


def error_entry(error: GraphQLError) -> dict[str, Any]:
    """An executor's own error as an entry. What a resolver raised is raised on: the transport masks and logs it."""
    if error.original_error is not None:
        raise error.original_error
    entry: dict[str, Any] = {"message": error.message}
    if error.locations:
        entry["locations"] = [{"line": each.line, "column": each.column} for each in error.locations]
    if error.path:
        entry["path"] = list(error.path)
    return entry
