"""Answers an operation of people: each root by its handler, mutations one after the other, as the document has them.

Without a valid credential the whole operation is refused; any other refusal makes its root null, with one error.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from graphql import GraphQLObjectType, GraphQLSchema
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from authz.door import Door
from resolvers.asking import RootAnswer
from resolvers.documents import plain, refusal
from resolvers.executed import introspect, shaped
from resolvers.gate import Gate
from resolvers.operation import OperationPlan, Root
from resolvers.pages import Values
from resolvers.people import contact, staff
from resolvers.people.calls import Call, Handler, Sessions
from schema.errors import OF_THE_INSTALLATION, FieldgateError

HANDLERS: Mapping[str, Handler] = {**staff.HANDLERS, **contact.HANDLERS}


class People:
    """Answers people's operations for one gate and one database."""

    def __init__(self, gate: Gate, sessions: Sessions, door: Door | None = None) -> None:
        self.gate = gate
        self.sessions = sessions
        self.door = door or Door()

    async def answer(
        self, plan: OperationPlan, values: Values, given: Mapping[str, Any], token_hash: str | None, address: str | None
    ) -> Mapping[str, RootAnswer]:
        """The answers of the operation's roots; raises the refusal of the whole."""
        variables = get_variable_values(
            self.gate.graphql_schema, plan.node.variable_definitions or (), dict(given), hide_suggestions=True
        )
        if not isinstance(variables, VariableValues):
            raise refusal(FieldgateError("BAD_VARIABLES", "The variables are not of the declared types."))
        answers: dict[str, RootAnswer] = {}
        for root in plan.people_roots:
            arguments = plain(self._arguments(root, variables))
            call = Call(self.sessions, token_hash, arguments, self.gate.base_url, self.door, address)
            answers[root.key] = await self._root(root, call, first=not answers)
        return answers | introspect(self.gate, plan, values)

    def _arguments(self, root: Root, variables: VariableValues) -> Mapping[str, Any]:
        schema: GraphQLSchema = self.gate.graphql_schema
        parent = schema.type_map[root.selected.type_name]
        if not isinstance(parent, GraphQLObjectType):
            raise TypeError(root.selected.type_name)
        return get_argument_values(parent.fields[root.name], root.selected.nodes[0], variables, hide_suggestions=True)

    async def _root(self, root: Root, call: Call, *, first: bool) -> RootAnswer:
        # INVARIANT: what changes something is never cut off: whether it happened would not be known.
        seconds = self.gate.limits.deadline_seconds if root.selected.type_name == "Query" else None
        try:
            async with asyncio.timeout(seconds):
                value = await HANDLERS[root.name](call)
        except TimeoutError:
            return RootAnswer(b"null", root.failed(FieldgateError("DEADLINE_EXCEEDED", "The answer took too long.")))
        except FieldgateError as error:
            if error.code == "UNAUTHENTICATED" and first:
                raise
            if error.code in OF_THE_INSTALLATION:
                error = FieldgateError("UNAVAILABLE", "The database cannot answer now; nothing was changed.")
            return RootAnswer(b"null", root.failed(error))
        return RootAnswer(orjson.dumps(shaped(root.selected, value)), [])
