"""Answers GraphQL requests: document → plan → run in one snapshot → bytes.

It knows no transport. A refusal carries a code and no data; everything else is an answer with `data`. Whatever fails
inside becomes one masked error; what went wrong is for the log.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from resolvers.asking import Flow
from resolvers.caller import known_token, unauthenticated
from resolvers.documents import Operation, RequestRefused, refusal
from resolvers.flow import Run, asks, check
from resolvers.gate import Gate
from resolvers.operation import OperationPlan
from resolvers.optimistic import optimistic
from resolvers.pages import Values
from resolvers.people.answering import People
from schema.errors import ERRORS, FieldgateError


@dataclass(frozen=True, slots=True)
class Request:
    """One GraphQL request. `token_hash` is the SHA-256 of the bearer token; `reject`: refuse rather than null.

    `address`: where it comes from, as far as the transport knows; for rate limits only, never for identity.
    """

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    token_hash: str | None = None
    reject: bool = False
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The response's body, and the code of a whole refusal."""

    body: bytes
    refused: str | None = None

    @property
    def status(self) -> int:
        """The HTTP status for `application/graphql-response+json`."""
        return 200 if self.refused is None else ERRORS[self.refused].status


class Driver(Protocol):
    """Runs flows against a database, each in one snapshot."""

    def takes_single(self, cost: int) -> bool:
        """Whether a flow that asks once may run as one statement outside a transaction."""
        ...

    async def run(self, make_flow: Callable[[], Flow], cost: int) -> Any:
        """The flow's value; raises FieldgateError (DEADLINE_EXCEEDED, UNAVAILABLE …)."""
        ...

    async def run_single(self, flow: Flow) -> Any:
        """The value of a flow that asks for rows once; None also where it must run in a transaction."""
        ...


class Engine:
    """Answers requests for one gate and one database; without `people`, those of apps only."""

    def __init__(self, gate: Gate, driver: Driver, people: People | None = None) -> None:
        self.gate = gate
        self.driver = driver
        self.people = people

    async def execute(self, request: Request) -> Answer:
        """The answer; it never raises for what a caller sent."""
        try:
            return Answer(await self._execute(request))
        except RequestRefused as refused:
            return Answer(orjson.dumps({"errors": refused.errors}), refused.code)
        except FieldgateError as error:
            return Answer(orjson.dumps({"errors": refusal(error).errors}), error.code)

    async def _execute(self, request: Request) -> bytes:
        gate = self.gate
        hidden = request.token_hash is None and not gate.public_schema
        try:
            document = gate.documents.get(request.query)
            operation: Operation = document.operation(request.operation_name)
            values = operation.values(request.variables)
            plan = operation.plan(values)
        except RequestRefused:
            if not gate.public_schema and not await self._is_known(request.token_hash):
                raise unauthenticated() from None  # what is wrong with the document would tell of the schema
            raise
        if plan.people_roots:
            return await self._answer_people(plan, values, request, hidden=hidden)
        if hidden:
            raise unauthenticated()
        body = await self._run(plan, values, request)
        if plan.needs_token:
            gate.documents.keep(document)
        return body

    async def _is_known(self, token_hash: str | None) -> bool:
        if token_hash is None:
            return False
        return bool(await self.driver.run(lambda: known_token(self.gate.dialect, token_hash), 0))

    async def _answer_people(self, plan: OperationPlan, values: Values, request: Request, *, hidden: bool) -> bytes:
        open_to_anybody = not any(self.gate.rules[root.selected.coordinate] for root in plan.people_roots)
        if request.token_hash is None and not open_to_anybody:
            text = "This needs a member of staff's token, or a contact's session, that is valid now."
            raise FieldgateError("UNAUTHENTICATED", text)
        if self.people is None:
            raise FieldgateError("UNAVAILABLE", "People are not answered here.")
        if plan.needs_token or (hidden and plan.executed):
            raise FieldgateError("CALLERS_MIXED", "An operation is answered for an app or for a person, not for both.")
        check(self.gate, plan, request.token_hash, plan.cost(values, self.gate.limits.default_page))
        answers = await self.people.answer(plan, values, request.variables, request.token_hash, request.address)
        return Run(self.gate, plan, values, request.token_hash).assemble(answers)

    async def _run(self, plan: OperationPlan, values: Values, request: Request) -> bytes:
        gate, token_hash = self.gate, request.token_hash
        cost = plan.cost(values, gate.limits.default_page)
        check(gate, plan, token_hash, cost)
        if not asks(gate, plan):
            return Run(gate, plan, values, token_hash).answer_without_rows()
        if self.driver.takes_single(cost) and not request.reject:
            flow = optimistic(gate, plan, values, token_hash)
            if flow is not None:
                body: bytes | None = await self.driver.run_single(flow)
                if body is not None:
                    return body

        def make_flow() -> Flow:
            return Run(gate, plan, values, token_hash).answer(reject=request.reject)

        made: bytes = await self.driver.run(make_flow, cost)
        return made
