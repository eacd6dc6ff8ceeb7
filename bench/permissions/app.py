"""The application: Strawberry's own ASGI endpoint on Starlette."""

import hashlib
import os
from collections import defaultdict

from graphql import GraphQLError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry import Schema
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.types import ExecutionContext

from bench.handwritten import DATABASE
from bench.permissions import QUIET
from bench.permissions.loaders import Context, grants
from bench.permissions.types import Denied, Query, Student


class QuietSchema(Schema):
    """A denial is an answer, no fault: it goes into no log."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        super().process_errors([error for error in errors if not isinstance(error.original_error, Denied)])


class Endpoint(GraphQL[Context, None]):
    """The GraphQL endpoint; the token and the grants are read once per request."""

    def __init__(self, engine: AsyncEngine) -> None:
        schema = QuietSchema if os.environ.get(QUIET) else Schema
        super().__init__(schema(Query, types=[Student], extensions=[ParserCache, ValidationCache]))
        self.engine = engine

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        context = Context(self.engine, {})
        rows = await context.rows(grants(hashlib.sha256(token.encode()).hexdigest()))
        if kind.lower() != "bearer" or not rows:
            raise HTTPException(401, "This needs a token that is valid now.")
        found: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            if row.scope is not None:
                found[row.school_id].add(row.scope)
        context.granted.update({school: frozenset(scopes) for school, scopes in found.items()})
        return context


def create_app() -> Starlette:
    """The application, on the database that the environment names."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ[DATABASE]}", pool_size=16)
    return Starlette(routes=[Route("/graphql", Endpoint(engine))])
