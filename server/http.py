"""GraphQL over HTTP at /graphql: what the specification says, on bare ASGI because this is the hot path.

A request is read, run and answered without a framework's objects. Whatever is wrong with it is a refusal with a code;
what goes wrong inside is one masked error, whose cause is in the log under the answer's request id.
"""

import asyncio
import re
import secrets
import time
from collections.abc import Mapping

import orjson
from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
from starlette.types import Receive, Scope, Send

from resolvers.engine import Answer, Engine, Request
from schema.errors import ERRORS, OF_THE_INSTALLATION, FieldgateError
from server.graphiql_page import GraphiQLPage
from server.logs import Log, told
from server.negotiation import GRAPHQL_RESPONSE, HTML, JSON, chosen
from server.requests import Headers, asked_by_url, headers_read, posted
from server.waiting import CallerLeftError, CallerWatch, guarded

PATH = "/graphql"
BODY_SECONDS = 20.0
OFFERED = (JSON, GRAPHQL_RESPONSE)
OFFERED_TO_GET = (JSON, GRAPHQL_RESPONSE, HTML)
Header = tuple[bytes, bytes]
HEADERS: Mapping[str, list[Header]] = {
    media_type: [
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
        (b"vary", b"Accept"),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    for media_type in OFFERED
}
CHALLENGE = 'Bearer realm="fieldgate"'
NOBODY = 499
"""In the log only: the caller left before the answer was ready."""
_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]{0,99}")
_NO_QUERY = re.compile(r"mutation|subscription")


class Exchange:
    """One request and what is answered to it."""

    __slots__ = ("body", "extra", "media_type", "method", "request", "request_id", "status")

    def __init__(self, method: str, media_type: str | None) -> None:
        self.method = method
        self.media_type = media_type
        self.request: Request | None = None
        self.request_id: str | None = None
        self.status = 200
        self.body = b""
        self.extra: tuple[Header, ...] = ()

    def identify(self) -> str:
        """The id under which the log speaks of it; made when it is first needed."""
        if self.request_id is None:
            self.request_id = secrets.token_hex(8)
        return self.request_id

    def refuse(self, error: FieldgateError, *extra: Header) -> None:
        """Answer with one error and no data."""
        self.status = error.kind.status
        self.body = orjson.dumps({"errors": [{"message": error.message, "extensions": error.extensions()}]})
        self.extra = extra

    async def send(self, send: Send) -> None:
        """Send the answer."""
        length = (b"content-length", b"%d" % len(self.body))
        headers = [*HEADERS[self.media_type or JSON], *self.extra, length]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class GraphQLEndpoint:
    """Answers every method at /graphql."""

    def __init__(
        self,
        engine: Engine,
        page: GraphiQLPage,
        log: Log,
        *,
        max_body_bytes: int,
        body_seconds: float = BODY_SECONDS,
        access_log: bool = False,
    ) -> None:
        self.engine = engine
        self.page = page
        self.log = log
        self.max_body_bytes = max_body_bytes
        self.body_seconds = body_seconds
        self.access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        method: str = scope["method"]
        given = headers_read(scope["headers"])
        by_get = method in ("GET", "HEAD")
        exchange = Exchange(method, chosen(given.get(b"accept"), OFFERED_TO_GET if by_get else OFFERED))
        if exchange.media_type == HTML:
            response = self.page.index()
            exchange.status = response.status_code
            await response(scope, receive, send)
        else:
            await self._answer(exchange, given, scope, receive)
            if exchange.status != NOBODY:
                await exchange.send(send)
        if self.access_log:
            self._note(exchange, started)

    async def _answer(self, exchange: Exchange, given: Headers, scope: Scope, receive: Receive) -> None:
        try:
            request = await self._request(exchange, given, scope, receive)
            if request is not None:
                exchange.request = request
                self._take(exchange, await guarded(self.engine.execute(request), lambda: CallerWatch(receive)))
        except FieldgateError as error:
            exchange.refuse(error)
        except CallerLeftError:
            exchange.status = NOBODY
        except asyncio.CancelledError:
            # The task ends with this answer, so the cancellation has what it wants.
            exchange.refuse(FieldgateError("UNAVAILABLE", "The server is stopping."))
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller gets one masked error
            self._mask(exchange, error)

    async def _request(self, exchange: Exchange, given: Headers, scope: Scope, receive: Receive) -> Request | None:
        """The request; None where it is refused already, with a header that belongs to the refusal."""
        if exchange.method not in ("POST", "GET", "HEAD"):
            error = FieldgateError("METHOD_NOT_ALLOWED", "This address answers GET and POST.")
            exchange.refuse(error, (b"allow", b"GET, HEAD, POST"))
            return None
        if exchange.media_type is None:
            raise FieldgateError(
                "NOT_ACCEPTABLE", "Nothing in `Accept` is `application/graphql-response+json` or `application/json`."
            )
        client = scope.get("client")
        address = client[0] if client else None
        if exchange.method == "POST":
            return await posted(
                given, receive, most_bytes=self.max_body_bytes, seconds=self.body_seconds, address=address
            )
        request = asked_by_url(given, scope["query_string"], address)
        if _NO_QUERY.search(request.query) and not self._is_query(request):
            error = FieldgateError("METHOD_NOT_ALLOWED", "By GET only queries are answered.")
            exchange.refuse(error, (b"allow", b"POST"))
            return None
        return request

    def _is_query(self, request: Request) -> bool:
        """Whether the operation asked for is a query, or cannot be told: then the engine refuses it anyway."""
        try:
            document = parse(request.query, no_location=True, max_tokens=self.engine.gate.limits.tokens)
        except GraphQLError:
            return True
        operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
        name = request.operation_name
        asked = [each for each in operations if name is None or (each.name is not None and each.name.value == name)]
        return all(each.operation is OperationType.QUERY for each in asked)

    def _take(self, exchange: Exchange, answer: Answer) -> None:
        code = answer.refused
        if code in OF_THE_INSTALLATION:
            self.log.error("request failed", request_id=exchange.identify(), path=PATH, code=code)
            exchange.refuse(FieldgateError("UNAVAILABLE", "The database cannot answer now."))
            return
        exchange.body = answer.body
        if code is not None:
            exchange.status = status_of(code, exchange.media_type)
            if code == "UNAUTHENTICATED":
                exchange.extra = ((b"www-authenticate", CHALLENGE.encode()),)

    def _mask(self, exchange: Exchange, error: Exception) -> None:
        request_id = exchange.identify()
        self.log.error("request failed", request_id=request_id, path=PATH, code="INTERNAL_ERROR", **told(error))
        exchange.refuse(FieldgateError("INTERNAL_ERROR", "Something went wrong on the server.", requestId=request_id))

    def _note(self, exchange: Exchange, started: float) -> None:
        name = exchange.request.operation_name if exchange.request else None
        self.log.info(
            "request",
            method=exchange.method,
            path=PATH,
            status=exchange.status,
            ms=round((time.perf_counter() - started) * 1000, 3),
            request_id=exchange.identify(),
            operation=name if name and _NAME.fullmatch(name) else None,
        )


def status_of(code: str, media_type: str | None) -> int:
    """The HTTP status of a refusal by the engine.

    With `application/json` a well-formed GraphQL request is answered 200 whatever comes of it, as the specification has
    it, but for what clients and proxies act upon: who asks is not known (401), or the server cannot answer (5xx).
    """
    status = ERRORS[code].status
    if media_type == GRAPHQL_RESPONSE:
        return max(status, 400)  # an answer without data is never a success
    return status if status == 401 or status >= 500 else 200
