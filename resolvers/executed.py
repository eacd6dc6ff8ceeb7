"""Roots that are not compiled: `viewer`, shaped over rows read in the request's snapshot, and introspection.

Introspection is graphql-core's, over the schema alone. Both come back as bytes, so that an operation may mix them with
compiled roots.
"""

from collections.abc import Sequence
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

from resolvers.asking import Flow, RootAnswer
from resolvers.documents import places
from resolvers.gate import Gate
from resolvers.operation import OperationPlan, Root
from resolvers.pages import Values
from resolvers.shaping import shaped
from resolvers.viewer import viewer_value


@dataclass(frozen=True, slots=True)
class ReaderContext:
    """The context of graphql-core's execution: who resolves its fields."""

    reader: Any


def execute_roots(gate: Gate, plan: OperationPlan, values: Values, app_id: str) -> Flow:
    """The answers of the roots that are not compiled."""
    answers: dict[str, RootAnswer] = {}
    viewers = [root for root in plan.executed if root.name == "viewer"]
    if viewers:
        consents = any(each.name == "consents" for root in viewers for each in root.selected.walk())
        value = yield from viewer_value(gate.dialect, app_id, consents=consents)
        answers |= {root.key: RootAnswer(orjson.dumps(shaped(root.selected, value)), []) for root in viewers}
    return answers | introspect(gate, plan, values)


def introspect(gate: Gate, plan: OperationPlan, values: Values) -> dict[str, RootAnswer]:
    """The answers of `__schema` and `__type`."""
    roots: list[Root] = [root for root in plan.executed if root.name != "viewer"]
    if not roots:
        return {}
    result = execute(
        gate.graphql_schema,
        cut_document(plan, [node for root in roots for node in root.selected.nodes]),
        variable_values=dict(values),
        hide_suggestions=True,
    )
    if not isinstance(result, ExecutionResult):
        raise TypeError("introspection is never awaited")
    data = result.data or {}
    answers: dict[str, RootAnswer] = {}
    for root in roots:
        errors = [
            orjson.dumps(error_entry(error))
            for error in result.errors or ()
            if error.path and error.path[0] == root.key
        ]
        answers[root.key] = RootAnswer(orjson.dumps(data.get(root.key)), errors)
    return answers


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
        entry["locations"] = places(error)
    if error.path:
        entry["path"] = list(error.path)
    return entry
