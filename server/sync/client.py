"""HTTP to a Wonde-like API: one school, read whole, page by page. It retries what may pass and refuses the rest.

Every answer is bounded in time, tries and size. Redirects are not followed and paging links must keep the API's own
origin, because the token goes with every request. No error carries the token or what the API wrote.
"""

import asyncio
import json
import random
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import NoReturn, Self

import httpx

from schema.errors import FieldgateError
from server.sync.records import source_id_of

PER_PAGE = 200
MAX_PAGE_BYTES = 64_000_000
_ERROR_NAME = re.compile(r"[a-z_]{1,40}")
_LOCAL_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long to try again. The waits double, with jitter, up to the longest."""

    tries: int = 8
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 60.0
    request_seconds: float = 60.0
    total_seconds: float = 3600.0

    def wait(self, failures: int) -> float:
        """Seconds before the next try; jitter keeps many schools' syncs from coming back at the same moment."""
        jitter = 0.5 + random.random()  # noqa: S311 - nothing secret depends on it
        return min(self.longest_wait_seconds, self.first_wait_seconds * 2.0 ** (failures - 1) * jitter)


class Declined(Exception):
    """The API answers `invalid_permissions`: the school does not let it supply this."""


class _Again(Exception):
    """A failure that may pass. `after` is what the API asks to wait."""

    def __init__(self, code: str, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.after = code, message, after


class WondeClient:
    """One API, one token. Use it as an asynchronous context manager."""

    def __init__(
        self, base_url: str, token: str, patience: Patience | None = None, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._base = checked_base_url(base_url)
        self._patience = patience or Patience()
        self._sleep = sleep
        self._deadline = time.monotonic() + self._patience.total_seconds
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {checked_token(token)}", "Accept": "application/json"},
            timeout=self._patience.request_seconds,
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def school(self, source_id: str) -> dict[str, object]:
        """The school's own record."""
        try:
            answer = await self._get(self._url(source_id))
        except Declined:
            raise FieldgateError("MIS_REFUSED", "The MIS API does not supply the school's own record.") from None
        record = answer.get("data")
        if not isinstance(record, dict) or record.get("id") != source_id:
            _invalid("The MIS API's answer about the school is not about this school.")
        return record

    async def pages(self, source_id: str, path: str, includes: tuple[str, ...]) -> AsyncIterator[list[object]]:
        """Every page of one of the school's lists. `Declined` is raised for the first page only."""
        query = {"cursor": "true", "per_page": str(PER_PAGE)}
        if includes:
            query["include"] = ",".join(includes)
        url: httpx.URL | None = self._url(source_id, path).copy_merge_params(query)
        seen: set[str] = set()
        while url is not None:
            seen.add(str(url))
            try:
                answer = await self._get(url)
            except Declined as error:
                if len(seen) == 1:
                    raise
                message = "The MIS API stopped supplying a list half-way: a permission was withdrawn."
                raise FieldgateError("MIS_REFUSED", message) from error
            records = answer.get("data")
            if not isinstance(records, list):
                _invalid("A page of the MIS API holds no list.")
            yield records
            url = self._next(answer, url)
            if url is not None and str(url) in seen:
                _invalid("The MIS API's paging goes in a circle.")

    async def supplies(self, source_id: str, path: str, include: str | None = None) -> bool:
        """Whether the API supplies a list, or one include of it."""
        query = {"per_page": "1"} | ({"include": include} if include else {})
        try:
            await self._get(self._url(source_id, path), query)
        except Declined:
            return False
        return True

    async def declined_permissions(self, source_id: str) -> frozenset[str] | None:
        """The names of the permissions that the school declines; None where the API does not tell.

        Not every API lists permissions, or lets every token read them: a refusal, or another shape, tells nothing.
        """
        try:
            answer = await self._get(self._url(source_id, "permissions", "meta/schools"))
        except Declined:
            return None
        except FieldgateError as refusal:
            if refusal.code == "MIS_UNREACHABLE":
                raise
            return None
        listed = answer.get("data")
        records = [record for record in listed if isinstance(record, dict)] if isinstance(listed, list) else []
        named = {str(record.get("identity")): record.get("approved") for record in records}
        return frozenset(name for name, approved in named.items() if approved is False) if named else None

    def _url(self, source_id: str, path: str = "", under: str = "schools") -> httpx.URL:
        if source_id_of(source_id) is None or set(source_id) == {"."}:
            raise FieldgateError("SETTING_INVALID", "That is not an id of a school at a MIS API.")
        tail = f"/{path}" if path else ""
        return self._base.copy_with(path=f"{self._base.path}/{under}/{source_id}{tail}")

    def _next(self, answer: dict[str, object], current: httpx.URL) -> httpx.URL | None:
        """The next page's address; None after the last. A list that fits one page may come without paging."""
        meta = answer.get("meta")
        paging = meta.get("pagination") if isinstance(meta, dict) else None
        if paging is None:
            return None
        if not isinstance(paging, dict):
            _invalid("The MIS API's paging is not an object.")
        following = paging.get("next")
        if following is None:
            if paging.get("more"):
                _invalid("The MIS API says that there is more, but not where.")
            return None
        try:
            url = current.join(following)
        except (httpx.InvalidURL, TypeError, AttributeError):
            _invalid("The MIS API's link to the next page is not an address.")
        # INVARIANT: the token goes to the API's own origin and nowhere else.
        if _origin(url) != _origin(self._base) or not url.path.startswith(f"{self._base.path}/"):
            _invalid("The MIS API's link to the next page leads to another server.")
        return url

    async def _get(self, url: httpx.URL, query: dict[str, str] | None = None) -> dict[str, object]:
        """One JSON object, tried again while that may help."""
        url = url.copy_merge_params(query) if query else url
        failures = 0
        while True:
            try:
                return await self._try(url)
            except _Again as problem:
                failures += 1
                wait = self._patience.wait(failures)
                if problem.after is not None:
                    wait = min(problem.after, self._patience.longest_wait_seconds)
                if failures >= self._patience.tries or time.monotonic() + wait > self._deadline:
                    raise FieldgateError(problem.code, problem.message) from None
                await self._sleep(wait)

    async def _try(self, url: httpx.URL) -> dict[str, object]:
        left = self._deadline - time.monotonic()
        try:
            async with asyncio.timeout(min(left, self._patience.request_seconds)):
                async with self._http.stream("GET", url) as response:
                    body = await _read(response)
        except (httpx.TransportError, TimeoutError) as error:
            raise _Again("MIS_UNREACHABLE", f"The MIS API does not answer: {type(error).__name__}.") from None
        except httpx.DecodingError:
            raise _Again("MIS_ANSWER_INVALID", "The MIS API's answer cannot be unpacked.") from None
        if response.status_code != 200:
            _refuse(response, body)
        answer = _parsed(body)
        if not isinstance(answer, dict):
            raise _Again("MIS_ANSWER_INVALID", "The MIS API's answer is not complete JSON.")
        return answer


async def _read(response: httpx.Response) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        if size > MAX_PAGE_BYTES:
            _invalid("A page of the MIS API is too large.")
        pieces.append(piece)
    return b"".join(pieces)


def _parsed(body: bytes) -> object:
    """The JSON value, decimals as they are written; None where it is none."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError):  # invalid UTF-8 is a ValueError as well
        return None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are no JSON


def _refuse(response: httpx.Response, body: bytes) -> NoReturn:
    status = response.status_code
    answer = _parsed(body) if len(body) < 100_000 else None
    name = answer.get("error") if isinstance(answer, dict) else None
    named = f" ({name})" if isinstance(name, str) and _ERROR_NAME.fullmatch(name) else ""
    if status == 403 and name == "invalid_permissions":
        raise Declined
    if status == 429:
        raise _Again("MIS_UNREACHABLE", "The MIS API asks for fewer requests.", retry_after(response.headers))
    if status >= 500:
        raise _Again("MIS_UNREACHABLE", f"The MIS API answers with status {status}.")
    if status in (401, 403, 404):
        meaning = {
            401: "The MIS API does not accept the token",
            403: "The MIS API does not let this token read the school",
            404: "The MIS API has no such school or list for this token",
        }[status]
        raise FieldgateError("MIS_REFUSED", f"{meaning}{named}.")
    _invalid(f"The MIS API answers with status {status}{named}.")


def retry_after(headers: httpx.Headers) -> float | None:
    """The seconds that a Retry-After asks to wait: a number, or a date."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch("[0-9]{1,9}", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def checked_base_url(base_url: str) -> httpx.URL:
    """The API's address; plain HTTP only on this machine, because the token goes with every request."""
    try:
        url = httpx.URL(base_url.rstrip("/"))
    except httpx.InvalidURL as error:
        raise FieldgateError("SETTING_INVALID", "The base URL is not an address.") from error
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise FieldgateError("SETTING_INVALID", "The base URL must be https://HOST/PATH.")
    if url.scheme == "http" and url.host not in _LOCAL_HOSTS:
        raise FieldgateError("SETTING_INVALID", "The base URL must be https: over http anybody could read the token.")
    return url.copy_with(path=url.path.rstrip("/"))


def checked_token(token: str) -> str:
    """A token that can stand in a header."""
    if not re.fullmatch("[!-~]+", token):
        raise FieldgateError("SETTING_INVALID", "The MIS API's token must be printable characters without blanks.")
    return token


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _invalid(message: str) -> NoReturn:
    raise FieldgateError("MIS_ANSWER_INVALID", message)
