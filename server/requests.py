"""Reads a GraphQL request out of an HTTP request: headers, a JSON body or URL parameters.

What is not a GraphQL request at all is refused here; whether the document makes sense is the engine's matter.
The credential comes from the `Authorization` header and from nowhere else.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.types import Receive

from authz.bearer import PREFIXES, token_hash
from resolvers.engine import Request
from schema.errors import FieldgateError
from server.negotiation import is_json
from server.waiting import BodyLateError, CallerLeftError, Deadline, guarded

READ = frozenset(
    {b"accept", b"authorization", b"content-encoding", b"content-length", b"content-type", b"fieldgate-on-denied"}
)
PARAMETERS = frozenset({"query", "operationName", "variables", "extensions"})
MOST_PARAMETERS = 100
REJECT = "REJECT"
# A scheme in any case, then one token; nothing else is a credential of ours, and none is asked for in a URL.
_CREDENTIAL = re.compile(
    rb"bearer +((?:" + b"|".join(prefix.encode() for prefix in PREFIXES) + rb")[A-Za-z0-9_-]{1,200})", re.IGNORECASE
)

Headers = Mapping[bytes, bytes]


def headers_read(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers that matter here; one sent twice is joined as a list, which is refused where a list means nothing."""
    given: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in READ:
            given[name] = given[name] + b"," + value if name in given else value
    return given


def credential(authorization: bytes | None) -> str | None:
    """The hash of the bearer token; None without one, and for a header that has not a token's form."""
    if authorization is None:
        return None
    read = _CREDENTIAL.fullmatch(authorization)
    return token_hash(read[1].decode("ascii")) if read else None


async def posted(
    given: Headers, receive: Receive, *, most_bytes: int, seconds: float, address: str | None = None
) -> Request:
    """The request in a body. `address`: where it comes from."""
    if not is_json(given.get(b"content-type")):
        raise FieldgateError("UNSUPPORTED_MEDIA_TYPE", "The body must be `application/json` in UTF-8.")
    if given.get(b"content-encoding", b"identity").lower() != b"identity":
        raise FieldgateError("UNSUPPORTED_MEDIA_TYPE", "The body must not be compressed.")
    announced = given.get(b"content-length", b"")
    if announced.isdigit() and int(announced[:20]) > most_bytes:
        raise _too_large(most_bytes)
    try:
        body = await guarded(_body(receive, most_bytes), lambda: Deadline(seconds))
    except BodyLateError as late:
        raise FieldgateError("BAD_REQUEST", "The body did not arrive in time.") from late
    try:
        members = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise FieldgateError("BAD_REQUEST", "The body is not JSON in UTF-8, or is nested too deeply.") from error
    if type(members) is not dict:
        what = "Batches are not taken: send one request." if type(members) is list else "It must be a JSON object."
        raise FieldgateError("BAD_REQUEST", f"The body is not a GraphQL request. {what}")
    return _request(members, given, address)


async def _body(receive: Receive, most_bytes: int) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body", False):
        pieces, size = [body], len(body)
        while message.get("more_body", False) and size <= most_bytes:
            message = await receive()
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
        body = b"".join(pieces)
    if message["type"] == "http.disconnect":
        raise CallerLeftError
    if len(body) > most_bytes:
        raise _too_large(most_bytes)
    return body


def _too_large(most_bytes: int) -> FieldgateError:
    return FieldgateError("PAYLOAD_TOO_LARGE", f"The body has more than {most_bytes} bytes.", limit=most_bytes)


def asked_by_url(given: Headers, query_string: bytes, address: str | None = None) -> Request:
    """The request in a URL's parameters. Others than GraphQL's are passed over; one of those given twice is refused."""
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except ValueError as error:
        raise FieldgateError("BAD_REQUEST", "The URL's parameters are not UTF-8, or are too many.") from error
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in PARAMETERS:
            if name in members:
                raise FieldgateError("BAD_REQUEST", f"`{name}` is given twice.")
            members[name] = value
    if members.get("operationName") == "":
        del members["operationName"]
    for name in ("variables", "extensions"):
        if name in members:
            try:
                members[name] = orjson.loads(members[name])
            except orjson.JSONDecodeError as error:
                raise FieldgateError("BAD_REQUEST", f"`{name}` is not JSON.") from error
    return _request(members, given, address)


def _request(members: Mapping[str, Any], given: Headers, address: str | None) -> Request:
    query = members.get("query")
    name = members.get("operationName")
    variables = members.get("variables")
    extensions = members.get("extensions")
    if type(query) is not str:
        raise FieldgateError("BAD_REQUEST", "`query` is missing or not a string.")
    if name is not None and type(name) is not str:
        raise FieldgateError("BAD_REQUEST", "`operationName` is not a string.")
    if variables is None:
        variables = {}
    elif type(variables) is not dict:
        raise FieldgateError("BAD_REQUEST", "`variables` is not a JSON object.")
    if extensions is not None and type(extensions) is not dict:
        raise FieldgateError("BAD_REQUEST", "`extensions` is not a JSON object.")
    return Request(
        query, name, variables, credential(given.get(b"authorization")), _rejects(extensions, given), address
    )


def _rejects(extensions: Mapping[str, Any] | None, given: Headers) -> bool:
    asked = extensions.get("onDenied") if extensions else None
    header = given.get(b"fieldgate-on-denied")
    if asked is None and header is None:
        return False
    if asked not in (None, REJECT) or header not in (None, REJECT.encode()):
        raise FieldgateError("BAD_REQUEST", "The only value of `onDenied` is `REJECT`.")
    return True
