"""Runs one operation both ways on one database: compiled, and by graphql-core as the reference."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import DocumentNode, ExecutionResult, execute

from authz.session import SQLITE, ReadSession, Row
from resolvers.asking import RootAnswer
from resolvers.documents import RequestRefused, refusal
from resolvers.engine import Answer, Engine, Request
from resolvers.executed import ReaderContext, cut_document
from resolvers.flow import Run
from resolvers.gate import Gate
from resolvers.reference import ReferenceReader
from schema.errors import FieldgateError


@dataclass
class PlainSqlite:
    """A session on a plain connection: no thread to hop to, so that thousands of reference answers stay quick."""

    connection: sqlite3.Connection
    dialect = SQLITE

    async def fetch(self, statement: str, *parameters: object) -> Sequence[Row]:
        """All rows."""
        return self.connection.execute(statement, parameters).fetchall()


class Numbered:
    """A session whose statements already carry the database's own placeholders."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def drive(self, flow: Any) -> Any:
        """Run a flow in the session."""
        try:
            ask = next(flow)
            while True:
                ask = flow.send(await self._rows(ask.sql, ask.parameters))
        except StopIteration as done:
            return done.value

    async def _rows(self, sql: str, parameters: Sequence[object]) -> Sequence[Row]:
        connection: Any = self.session.connection  # type: ignore[attr-defined]
        if self.session.dialect.is_sqlite:
            if isinstance(connection, sqlite3.Connection):
                return connection.execute(sql, parameters).fetchall()
            return list(await connection.execute_fetchall(sql, parameters))
        found: Sequence[Row] = await connection.fetch(sql, *parameters)
        return found


@dataclass
class ReferenceAnswer:
    """The reference's answer, and the denials that its fields met while they ran."""

    answer: Answer
    denied: set[tuple[tuple[str, ...], str]]


async def reference_answer(gate: Gate, session: ReadSession, request: Request) -> ReferenceAnswer:
    """Decide as the engine does, then let graphql-core execute every root."""
    reader = ReferenceReader(gate, session, request.token_hash, raises=False)
    try:
        body = await _reference(gate, session, request, reader)
    except RequestRefused as refused:
        return ReferenceAnswer(Answer(orjson.dumps({"errors": refused.errors}), refused.code), set())
    except FieldgateError as error:
        return ReferenceAnswer(Answer(orjson.dumps({"errors": refusal(error).errors}), error.code), set())
    return ReferenceAnswer(Answer(body), set(reader.denied))


async def _reference(gate: Gate, session: ReadSession, request: Request, reader: ReferenceReader) -> bytes:
    operation = gate.documents.get(request.query).operation(request.operation_name)
    values = operation.values(request.variables)
    plan = operation.plan(values)
    run = Run(gate, plan, values, request.token_hash)
    drive = Numbered(session).drive
    if plan.needs_token:
        await drive(run.authenticate())
    answers: dict[str, RootAnswer] = {}
    failed = set()
    for root in plan.data_roots:
        prepared = await drive(run.prepare(root))
        answers[root.key] = RootAnswer(b"null", prepared.failed or prepared.denials)
        if prepared.failed is not None:
            failed.add(root.key)
    nodes = [node for root in plan.roots if root.key not in failed for node in root.selected.nodes]
    data: dict[str, Any] = {}
    if nodes:
        data = await _execute(gate, cut_document(plan, nodes), reader, dict(values))
    for root in plan.roots:
        errors = answers[root.key].errors if root.key in answers else []
        answers[root.key] = RootAnswer(orjson.dumps(data.get(root.key)), errors)
    return run.assemble(answers)


async def _execute(
    gate: Gate, document: DocumentNode, reader: ReferenceReader, values: dict[str, Any]
) -> dict[str, Any]:
    result = execute(gate.graphql_schema, document, context_value=ReaderContext(reader), variable_values=values)
    if not isinstance(result, ExecutionResult):
        result = await result
    assert result.errors is None, result.errors
    return result.data or {}


async def both(engine: Engine, session: ReadSession, request: Request) -> tuple[Answer, ReferenceAnswer]:
    """The compiled answer and the reference's."""
    compiled = await engine.execute(request)
    return compiled, await reference_answer(engine.gate, session, request)
