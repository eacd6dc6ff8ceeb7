"""The ASGI application: GraphQL at /graphql, the schema, the GraphiQL page, and whether the server is well.

`create_app` is what a server program imports; the database is opened when the program starts, closed when it stops.
GraphQL by POST goes straight to its endpoint, everything else through Starlette's routes.
"""

import contextlib
import time
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authz.door import Door
from authz.secret_links import PATH as LINKS_PATH
from resolvers.cursors import load_keys
from resolvers.engine import Engine
from resolvers.gate import Gate
from resolvers.limits import Limits
from resolvers.people.answering import People
from schema.api import build_schema
from schema.errors import FieldgateError
from server.allocator import allocating
from server.database import PostgresDatabase, SqliteDatabase, open_database
from server.graphiql_page import ASSETS_PATH, graphiql_page
from server.http import PATH, Exchange, GraphQLEndpoint
from server.logs import Log, open_log, told
from server.migrate import pending
from server.negotiation import JSON
from server.readers import reader_for
from server.routes import PATHS, routes
from server.settings import Settings
from server.sign_in_page import SignInPage


def create_app(settings: Settings | None = None) -> "Application":
    """The application for these settings, or for the environment's; also `uvicorn --factory server.app:create_app`."""
    return Application(settings or Settings.from_environment())


@dataclass(frozen=True, slots=True)
class Site:
    """What answers while the application is open."""

    graphql: GraphQLEndpoint
    rest: ASGIApp


@contextlib.asynccontextmanager
async def opened(settings: Settings, log: Log) -> AsyncIterator[Site]:
    """The site over an open database; FieldgateError says why it cannot be opened."""
    if await pending(settings.database_url):
        raise FieldgateError("DATABASE_NOT_MIGRATED", "The database is not of this version.")
    database = open_database(settings.database_url, pool_size=settings.pool_size, pgbouncer=settings.pgbouncer)
    if not isinstance(database, SqliteDatabase | PostgresDatabase):
        raise TypeError(type(database).__name__)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        reader = reader_for(database, inline_cost=settings.inline_cost, deadline_seconds=settings.deadline_seconds)
        stack.push_async_callback(reader.close)
        gate = Gate(
            build_schema(),
            database.dialect,
            load_keys(settings.key_file),
            limits=limits(settings),
            base_url=settings.base_url,
            plan_cache_bytes=settings.plan_cache_bytes,
            public_schema=settings.public_schema,
        )
        door = Door(settings.sign_ins_per_address)
        people = People(gate, database, door, lambda error: log.error("request failed", path=PATH, code=error.code))
        engine = Engine(gate, reader, people)
        await reader.run(_rehearsal, 0)
        page = graphiql_page()
        endpoint = GraphQLEndpoint(
            engine, page, log, max_body_bytes=settings.max_body_bytes, access_log=settings.access_log
        )
        sign_in = SignInPage(database, door, settings.base_url)
        await stack.enter_async_context(allocating(database, door, log))
        yield Site(endpoint, routes(endpoint, database, sign_in))


def _rehearsal() -> Generator[Any, Any, None]:
    """Asks for nothing, but opens a connection: what the database cannot do is found out before the first caller."""
    yield from ()


def limits(settings: Settings) -> Limits:
    """The bounds on documents that these settings mean."""
    return Limits(
        depth=settings.max_depth,
        aliases=settings.max_aliases,
        directives=settings.max_directives,
        tokens=settings.max_tokens,
        cost=settings.max_cost,
        page_cap=settings.page_cap,
        default_page=settings.default_page,
        deadline_seconds=settings.deadline_seconds,
    )


class Application:
    """The outermost ASGI callable: opens and closes the site, and lets no exception out."""

    def __init__(self, settings: Settings, log: Log | None = None) -> None:
        self.settings = settings
        self.log = log or open_log()
        self.site: Site | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            site = self.site
            if site is None:
                exchange = Exchange(scope["method"], JSON)
                exchange.refuse(FieldgateError("UNAVAILABLE", "The server is not open."))
                await exchange.send(send)
            elif scope["path"] == PATH and scope["method"] == "POST":
                await site.graphql(scope, receive, send)
            else:
                await self._rest(site.rest, scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1000})

    async def _rest(self, rest: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        path: str = scope["path"]
        exchange = Exchange(scope["method"], JSON)
        sending = False

        async def watch(message: Message) -> None:
            nonlocal sending
            if message["type"] == "http.response.start":
                sending = True
                exchange.status = message["status"]
            await send(message)

        try:
            await rest(scope, receive, watch)
        except Exception as error:  # noqa: BLE001 - no exception may reach the server program, which would print it
            request_id = exchange.identify()
            self.log.error("request failed", request_id=request_id, path=_known(path), **told(error))
            if not sending:
                masked = FieldgateError("INTERNAL_ERROR", "Something went wrong on the server.", requestId=request_id)
                exchange.refuse(masked)
                await exchange.send(send)
        if self.settings.access_log and path != PATH:
            self.log.info(
                "request",
                method=exchange.method,
                path=_known(path),
                status=exchange.status,
                ms=round((time.perf_counter() - started) * 1000, 3),
                request_id=exchange.identify(),
            )

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with contextlib.AsyncExitStack() as stack:
            try:
                self.site = await stack.enter_async_context(opened(self.settings, self.log))
            except FieldgateError as error:
                await send({"type": "lifespan.startup.failed", "message": f"{error.message} {error.next_step}"})
                return
            except Exception as error:  # noqa: BLE001 - said in the log, without what it might quote
                self.log.error("start failed", **told(error))
                await send({"type": "lifespan.startup.failed", "message": "The server could not start."})
                return
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.site = None
        await send({"type": "lifespan.shutdown.complete"})


def _known(path: str) -> str:
    """A path as the log may have it: an address of ours, else only that it was none."""
    if path in PATHS:
        return path
    # INVARIANT: of a secret link the log has no code.
    return next((known for known in (ASSETS_PATH, LINKS_PATH) if path.startswith(known)), "other")
