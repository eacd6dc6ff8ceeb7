"""Strawberry's door to the plans: a schema extension whose `on_execute` sets the result.

`schema.execute` then answers from compiled plans. Taken out, graphql-core executes instead, with the reader in the
context: the reference reader enforces, and without one every field refuses.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import ExecutionResult, GraphQLError, Source
from strawberry.extensions import SchemaExtension

from resolvers.engine import Engine, Request
from schema.errors import FieldgateError


class RefusingReader:
    """Resolves nothing: the plan extension is missing and no enforcing reader was given."""

    def resolve(self, *_: Any) -> Any:
        """Refuse."""
        raise FieldgateError("UNAVAILABLE", "This schema was executed without its plans.")


@dataclass(slots=True)
class GateContext:
    """The context value of `schema.execute`: whose request it is, and what answers it."""

    engine: Engine
    token_hash: str | None
    reader: Any = field(default_factory=RefusingReader)
    reject: bool = False


class PlannedExecution(SchemaExtension):
    """Replaces graphql-core's execution by the engine's."""

    async def on_execute(self) -> AsyncIterator[None]:
        """Answer from plans."""
        execution = self.execution_context
        context = execution.context
        if not isinstance(context, GateContext):
            raise FieldgateError("UNAVAILABLE", "The context value must be a GateContext.")
        text = execution.query or ""
        answer = await context.engine.execute(
            Request(
                text,
                execution.operation_name if execution._provided_operation_name else None,
                execution.variables or {},
                context.token_hash,
                context.reject,
            )
        )
        body = orjson.loads(answer.body)
        errors = [_graphql_error(entry, text) for entry in body.get("errors", ())]
        execution.result = ExecutionResult(data=body.get("data"), errors=errors or None)
        yield


_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)")  # GraphQL's lines; str.splitlines knows more ends than these


def _graphql_error(entry: dict[str, Any], text: str) -> GraphQLError:
    lines = _LINES.findall(text)
    positions = [
        sum(len(line) for line in lines[: place["line"] - 1]) + place["column"] - 1
        for place in entry.get("locations", ())
    ]
    return GraphQLError(
        entry["message"],
        source=Source(text),
        positions=positions or None,
        path=entry.get("path"),
        extensions=entry.get("extensions"),
    )
