"""The client against a server that fails in every way: what may pass is tried again, the rest is refused."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from schema.errors import FieldgateError
from server.sync.client import Declined, Patience, WondeClient, checked_base_url, retry_after
from tests.server.sync.conftest import QUICK
from tests.server.sync.wonde import SCHOOL, TOKEN, Answer, FakeWonde

HALF = Answer(200, b'{"data": [{"id": "S1"')
DROPPED = Answer(200, b'{"data": [{"id": "S1"', announced=4000)
BUSY = Answer(429, b'{"error": "too_many_requests"}', {"Retry-After": "7"})
BROKEN = Answer(500, b"<html>Server Error</html>")


def client_of(api: FakeWonde, waits: list[float] | None = None, patience: Patience = QUICK) -> WondeClient:
    async def sleep(seconds: float) -> None:
        if waits is not None:
            waits.append(seconds)

    return WondeClient(api.base_url, TOKEN, patience, sleep)


async def read(client: WondeClient, path: str = "students", includes: tuple[str, ...] = ()) -> list[object]:
    return [record async for page in client.pages(SCHOOL, path, includes) for record in page]


async def refusal(client: WondeClient) -> FieldgateError:
    async with client:
        with pytest.raises(FieldgateError) as caught:
            await read(client)
    assert TOKEN not in str(caught.value) + repr(caught.value.details)
    return caught.value


async def test_every_page_is_read_by_cursor_with_the_token_and_the_includes(api: FakeWonde) -> None:
    async with client_of(api) as client:
        records = await read(client, includes=("year", "contacts"))
    assert records == api.lists["students"]
    assert api.requests[0] == f"/v1.0/schools/{SCHOOL}/students?cursor=true&per_page=200&include=year%2Ccontacts"
    assert len(api.requests) == 2
    assert api.tokens == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("fault", [HALF, DROPPED, BUSY, BROKEN, Answer(200, b"[]"), Answer(200, b'{"data": NaN}')])
async def test_what_may_pass_is_tried_again(api: FakeWonde, fault: Answer) -> None:
    api.faults = [fault, None, fault]
    async with client_of(api) as client:
        assert await read(client) == api.lists["students"]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (HALF, "MIS_ANSWER_INVALID"), (DROPPED, "MIS_UNREACHABLE"), (BUSY, "MIS_UNREACHABLE"),
        (BROKEN, "MIS_UNREACHABLE"), (Answer(200, b"\xff\xfe"), "MIS_ANSWER_INVALID"),
        (Answer(200, b"[" * 100_000), "MIS_ANSWER_INVALID"),
        (Answer(200, b"zip", {"Content-Encoding": "gzip"}), "MIS_ANSWER_INVALID"),
    ],
)  # fmt: skip
async def test_what_does_not_pass_is_refused_after_a_bounded_number_of_tries(
    api: FakeWonde, fault: Answer, code: str
) -> None:
    api.faults = [fault] * 50
    assert (await refusal(client_of(api))).code == code
    assert len(api.requests) == QUICK.tries


async def test_an_api_that_is_not_there_is_unreachable() -> None:
    api = FakeWonde({"id": SCHOOL}, {}, base_url="http://127.0.0.1:9/v1.0")
    assert (await refusal(client_of(api))).code == "MIS_UNREACHABLE"


async def test_waits_double_with_jitter_and_a_longest(api: FakeWonde) -> None:
    api.faults = [BROKEN] * 50
    waits: list[float] = []
    await refusal(client_of(api, waits, Patience(tries=8, first_wait_seconds=1, longest_wait_seconds=20)))
    assert len(waits) == 7
    assert all(0.5 * 2**n <= wait <= 1.5 * 2**n or wait == 20 for n, wait in enumerate(waits))
    assert max(waits) == 20


async def test_retry_after_is_obeyed_up_to_the_longest_wait(api: FakeWonde) -> None:
    waits: list[float] = []
    api.faults = [BUSY, Answer(429, b"", {"Retry-After": "86400"})]
    async with client_of(api, waits, Patience(longest_wait_seconds=30)) as client:
        await read(client)
    assert waits == [7, 30]


def test_retry_after_may_be_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    waited = retry_after(httpx.Headers({"Retry-After": soon}))
    assert waited is not None
    assert 55 < waited <= 60
    assert retry_after(httpx.Headers({"Retry-After": "Tue, 01 Jan 2019 00:00:00 GMT"})) == 0
    assert retry_after(httpx.Headers({"Retry-After": "soon"})) is None
    assert retry_after(httpx.Headers()) is None


async def test_the_whole_read_has_an_end(api: FakeWonde) -> None:
    api.faults = [BUSY] * 50
    refused = await refusal(client_of(api, None, Patience(tries=50, longest_wait_seconds=60, total_seconds=5)))
    assert refused.code == "MIS_UNREACHABLE"
    assert len(api.requests) == 1  # the seven seconds that it asks to wait are more than there are


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (Answer(401, b'{"error": "invalid_token"}'), "MIS_REFUSED", "invalid_token"),
        (Answer(403, b'{"error": "school_not_approved"}'), "MIS_REFUSED", "school_not_approved"),
        (Answer(403, b"<script>"), "MIS_REFUSED", "does not let this token"),
        (Answer(404, b"{}"), "MIS_REFUSED", "no such school"),
        (Answer(400, b'{"error": "invalid_include"}'), "MIS_ANSWER_INVALID", "invalid_include"),
        (Answer(400, b'{"error": "Ann Smith"}'), "MIS_ANSWER_INVALID", "status 400."),
        (Answer(302, b"", {"Location": "http://127.0.0.1:9/"}), "MIS_ANSWER_INVALID", "status 302"),
        (Answer(200, b'{"data": {}}'), "MIS_ANSWER_INVALID", "no list"),
        (Answer(200, b'{"data": [], "meta": {"pagination": 5}}'), "MIS_ANSWER_INVALID", "not an object"),
        (Answer(200, b'{"data": [], "meta": {"pagination": {"more": true}}}'), "MIS_ANSWER_INVALID", "not where"),
        (Answer(200, b'{"data": [], "meta": {"pagination": {"next": 5}}}'), "MIS_ANSWER_INVALID", "not an address"),
    ],
)
async def test_what_cannot_pass_is_refused_at_once(api: FakeWonde, answer: Answer, code: str, said: str) -> None:
    api.faults = [answer] * 2
    refused = await refusal(client_of(api))
    assert refused.code == code
    assert said in refused.message
    assert "Ann" not in refused.message
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    "following",
    [
        "https://elsewhere.example.org/v1.0/schools", "//elsewhere.example.org/v1.0/x", "http://127.0.0.1:1/v1.0/x",
        "/v2.0/schools/T1/students", "https://127.0.0.1/v1.0/x",
    ],
)  # fmt: skip
async def test_a_paging_link_to_another_server_is_not_followed(api: FakeWonde, following: str) -> None:
    api.faults = [Answer(200, json.dumps({"data": [], "meta": {"pagination": {"next": following}}}).encode())]
    refused = await refusal(client_of(api))
    assert refused.code == "MIS_ANSWER_INVALID"
    assert len(api.requests) == 1


async def test_paging_in_a_circle_ends(api: FakeWonde) -> None:
    following = f"{api.base_url}/schools/{SCHOOL}/students?cursor=3"
    page = Answer(200, json.dumps({"data": [], "meta": {"pagination": {"next": following}}}).encode())
    api.faults = [page] * 20
    assert "circle" in (await refusal(client_of(api))).message


async def test_a_declined_list_is_told_apart_from_a_refusal(api: FakeWonde) -> None:
    api.declined = {"contacts", "students.year"}
    async with client_of(api) as client:
        with pytest.raises(Declined):
            await read(client, "contacts")
        assert not await client.supplies(SCHOOL, "contacts")
        assert await client.supplies(SCHOOL, "students")
        assert not await client.supplies(SCHOOL, "students", "year")
        assert await client.supplies(SCHOOL, "students", "contacts")


async def test_a_permission_withdrawn_between_two_pages_ends_the_read(api: FakeWonde) -> None:
    api.faults = [None, Answer(403, b'{"error": "invalid_permissions"}')]
    refused = await refusal(client_of(api))
    assert (refused.code, "half-way" in refused.message) == ("MIS_REFUSED", True)


async def test_the_token_is_in_no_log(api: FakeWonde, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    api.faults = [BROKEN, DROPPED]
    async with client_of(api) as client:
        await read(client)
    assert caplog.records
    assert TOKEN not in caplog.text


async def test_an_answer_about_another_school_is_refused(api: FakeWonde) -> None:
    api.faults = [Answer(200, b'{"data": {"id": "T2"}}')]
    async with client_of(api) as client:
        with pytest.raises(FieldgateError, match="not about this school"):
            await client.school(SCHOOL)


@pytest.mark.parametrize("school", ["..", "a/b", "T1?x=1", "", "ä"])
async def test_only_an_id_names_a_school(api: FakeWonde, school: str) -> None:
    async with client_of(api) as client:
        with pytest.raises(FieldgateError) as caught:
            await client.school(school)
    assert caught.value.code == "SETTING_INVALID"
    assert api.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://mis.example.org",
        "mis.example.org",
        "https://user:secret@mis.example.org",
        "http://mis.example.org/v1.0",
        "",
    ],
)
def test_the_token_goes_only_to_a_plain_https_address(url: str) -> None:
    with pytest.raises(FieldgateError) as caught:
        checked_base_url(url)
    assert caught.value.code == "SETTING_INVALID"
    assert "secret" not in caught.value.message


def test_plain_http_is_for_this_machine_only() -> None:
    assert str(checked_base_url("http://127.0.0.1:8399/v1.0/")) == "http://127.0.0.1:8399/v1.0"
    assert str(checked_base_url("https://mis.example.org/v1.0")) == "https://mis.example.org/v1.0"


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak", "ключ"])
def test_a_token_that_cannot_stand_in_a_header_is_refused(token: str) -> None:
    with pytest.raises(FieldgateError) as caught:
        WondeClient("https://mis.example.org", token)
    assert caught.value.code == "SETTING_INVALID"
