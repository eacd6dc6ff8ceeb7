"""Starlette's routes: everything that is not GraphQL by POST.

The schema for whoever may read it, whether the process lives and can answer, and the way to /graphql for a browser.
"""

import asyncio
import hashlib
from functools import cached_property

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from migrations import HEAD
from resolvers.engine import Request
from schema.errors import FieldgateError
from server.database import Database
from server.http import CHALLENGE, PATH, GraphQLEndpoint
from server.negotiation import HTML, JSON, chosen
from server.requests import credential
from server.sign_in_page import SignInPage

SCHEMA_PATH = "/schema.graphql"
PATHS = frozenset({"/", PATH, SCHEMA_PATH, "/healthz", "/readyz"})
READY_SECONDS = 2.0
PLAIN = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
ANY_APP = "{ viewer { app { id } } }"
"""What every valid token may ask."""


def routes(graphql: GraphQLEndpoint, database: Database, sign_in: SignInPage) -> Router:
    """The routes; a bare router, since no middleware of Starlette's may word an answer."""
    schema = PublishedSchema(graphql)
    return Router(
        [
            Route("/", home, methods=["GET"]),
            Route(PATH, graphql, name="graphql"),
            *graphql.page.routes(),
            *sign_in.routes(),
            Route(SCHEMA_PATH, schema.answer, methods=["GET"]),
            Route("/healthz", alive, methods=["GET"]),
            Route("/readyz", Readiness(database).answer, methods=["GET"]),
        ],
        # A redirect to the path without its slash would repeat the request's Host header.
        redirect_slashes=False,
        default=nothing_here,
    )


async def nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    """404, for any path that is not ours."""
    await PlainTextResponse(f"There is nothing here; the API is at {PATH}.\n", 404, PLAIN)(scope, receive, send)


async def home(request: HttpRequest) -> Response:
    """A browser is sent on to the GraphiQL page; a program is told where the API is."""
    accept = request.headers.get("accept")
    if chosen(accept.encode("latin-1") if accept else None, (JSON, HTML)) == HTML:
        return RedirectResponse(PATH, 302, PLAIN | {"Vary": "Accept"})
    return JSONResponse({"graphql": PATH, "schema": SCHEMA_PATH}, headers=PLAIN | {"Vary": "Accept"})


async def alive(_: HttpRequest) -> Response:
    """The process is up and takes requests."""
    return JSONResponse({"status": "ok"}, headers=PLAIN)


class PublishedSchema:
    """The SDL as text, with a tag by which a client sees that it has not changed."""

    def __init__(self, graphql: GraphQLEndpoint) -> None:
        self.engine = graphql.engine

    @cached_property
    def text(self) -> bytes:
        """The SDL."""
        return (self.engine.gate.schema.as_str() + "\n").encode()

    @cached_property
    def tag(self) -> str:
        """Its entity tag."""
        return f'"{hashlib.sha256(self.text).hexdigest()[:32]}"'

    async def answer(self, request: HttpRequest) -> Response:
        """The SDL; where the schema is not public, only with a valid token."""
        public = self.engine.gate.public_schema
        if not public:
            authorization = request.headers.get("authorization", "").encode("latin-1")
            asked = await self.engine.execute(Request(ANY_APP, token_hash=credential(authorization)))
            if asked.refused == "UNAUTHENTICATED":
                return Response(asked.body, 401, PLAIN | {"WWW-Authenticate": CHALLENGE}, JSON)
            if asked.refused is not None:
                return PlainTextResponse("The server cannot answer now.\n", 503, PLAIN)
        headers = {
            "ETag": self.tag,
            "Cache-Control": "public, no-cache" if public else "private, no-cache",
            "Vary": "Authorization",
            "X-Content-Type-Options": "nosniff",
        }
        held = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
        if self.tag in held or held == ["*"]:
            return Response(status_code=304, headers=headers)
        return Response(self.text, media_type="text/plain", headers=headers)


class Readiness:
    """Whether the database answers now. Probes that come while one is waiting share its answer."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.reading: asyncio.Task[str | None] | None = None

    async def answer(self, _: HttpRequest) -> Response:
        """200, or 503 with the reason's code."""
        if self.reading is None or self.reading.done():
            self.reading = asyncio.create_task(self._read())
        # A read of a stalled database may not even let itself be cancelled: it is left, and no second one is begun.
        done, _pending = await asyncio.wait({self.reading}, timeout=READY_SECONDS)
        if not done:
            return self._not_ready("UNAVAILABLE")
        code = self.reading.result()
        return JSONResponse({"status": "ready"}, headers=PLAIN) if code is None else self._not_ready(code)

    def _not_ready(self, code: str) -> Response:
        return JSONResponse({"status": "unavailable", "code": code}, 503, PLAIN)

    async def _read(self) -> str | None:
        """The code of what is wrong."""
        try:
            async with self.database.read() as session:
                rows = await session.fetch("SELECT version_num FROM alembic_version")
        except Exception as error:  # noqa: BLE001 - whatever keeps it from reading, it is not ready
            return error.code if isinstance(error, FieldgateError) else "UNAVAILABLE"
        return None if [row[0] for row in rows] == [HEAD] else "DATABASE_NOT_MIGRATED"
