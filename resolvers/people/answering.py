"""Answers an operation of people: each root by its handler, mutations one after the other, as the document has them.

Without a valid credential the whole operation is refused; any other refusal makes its root null, with one error.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from graphql import GraphQLError, GraphQLObjectType, GraphQLSchema, OperationType
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from authz.door import Door
from authz.session import Sessions
from resolvers.asking import RootAnswer
from resolvers.documents import plain, refusal
from resolvers.executed import introspect
from resolvers.gate import Gate
from resolvers.operation import OperationPlan, Root
from resolvers.pages import Values
from resolvers.people import contact, staff
from resolvers.people.calls import Call, Handler
from resolvers.shaping import shaped
from schema.errors import OF_THE_INSTALLATION, FieldgateError

HANDLERS: Mapping[str, Handler] = {**staff.HANDLERS, **contact.HANDLERS}
MOST_ROOTS = 20
ONCE = frozenset({"me", "signIn"})
"""Roots that cost much and mean the same, or nothing good, a second time."""


class People:
    """Answers people's operations for one gate and one database. `report` is told what is wrong with the latter."""

    def __init__(
        self,
        gate: Gate,
        sessions: Sessions,
        door: Door | None = None,
        report: Callable[[FieldgateError], None] = lambda _: None,
    ) -> None:
        self.gate = gate
        self.sessions = sessions
        self.door = door or Door()
        self.report = report

    async def answer(
        self, plan: OperationPlan, values: Values, given: Mapping[str, Any], token_hash: str | None, address: str | None
    ) -> Mapping[str, RootAnswer]:
        """The answers of the operation's roots; raises the refusal of the whole."""
        _check_roots(plan.people_roots)
        arguments = self._arguments(plan, given)
        # INVARIANT: what changes something is never cut off: whether it happened would not be known.
        seconds = self.gate.limits.deadline_seconds if plan.node.operation is OperationType.QUERY else None
        deadline = asyncio.get_running_loop().time() + seconds if seconds is not None else None
        answers: dict[str, RootAnswer] = {}
        for root in plan.people_roots:
            call = Call(self.sessions, token_hash, arguments[root.key], self.gate.base_url, self.door, address)
            answers[root.key] = await self._root(root, call, deadline, first=not answers)
        return answers | introspect(self.gate, plan, values)

    def _arguments(self, plan: OperationPlan, given: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        """The arguments of every root, by its key, all of them before the first root does anything."""
        schema: GraphQLSchema = self.gate.graphql_schema
        variables = get_variable_values(
            schema, plan.node.variable_definitions or (), dict(given), hide_suggestions=True
        )
        found: dict[str, Mapping[str, Any]] = {}
        try:
            if not isinstance(variables, VariableValues):
                raise variables[0]
            for root in plan.people_roots:
                parent = schema.type_map[root.selected.type_name]
                if not isinstance(parent, GraphQLObjectType):
                    raise TypeError(root.selected.type_name)
                field, node = parent.fields[root.name], root.selected.nodes[0]
                found[root.key] = plain(get_argument_values(field, node, variables, hide_suggestions=True))
        except GraphQLError as error:
            text = "A variable has not a value of the type that an argument needs."
            raise refusal(FieldgateError("BAD_VARIABLES", text)) from error
        return found

    async def _root(self, root: Root, call: Call, deadline: float | None, *, first: bool) -> RootAnswer:
        try:
            async with asyncio.timeout_at(deadline):
                value = await HANDLERS[root.name](call)
        except TimeoutError:
            return RootAnswer(b"null", root.failed(FieldgateError("DEADLINE_EXCEEDED", "The answer took too long.")))
        except FieldgateError as error:
            # Nothing has been done yet: the whole is refused, as it is to an app.
            if first and (error.code == "UNAUTHENTICATED" or error.code in OF_THE_INSTALLATION):
                raise
            if error.code in OF_THE_INSTALLATION:
                self.report(error)
                error = FieldgateError("UNAVAILABLE", "The database cannot answer now.")
            return RootAnswer(b"null", root.failed(error))
        return RootAnswer(orjson.dumps(shaped(root.selected, value)), [])


def _check_roots(roots: list[Root]) -> None:
    if len(roots) > MOST_ROOTS:
        raise refusal(FieldgateError("QUERY_TOO_LARGE", f"An operation asks at most {MOST_ROOTS} fields of a person."))
    times = Counter(root.name for root in roots)
    for name in sorted(ONCE):
        if times[name] > 1:
            raise refusal(FieldgateError("QUERY_TOO_LARGE", f"An operation asks `{name}` once."))
