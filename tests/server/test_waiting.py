"""A caller who leaves, a server that stops: the run is cancelled, and only a run that waits is watched."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.types import Message

from resolvers.engine import Answer
from server.graphiql_page import GraphiQLPage
from server.http import GraphQLEndpoint
from server.logs import open_log
from server.waiting import BodyLateError, CallerLeftError, CallerWatch, Deadline, guarded

ANSWER = Answer(b'{"data":{}}')
BODY = json.dumps({"query": "{ __typename }"}).encode()


class Running:
    """An engine whose runs do as a test says, and a connection to an endpoint over it."""

    def __init__(self, work: Callable[[], Awaitable[Any]]) -> None:
        self.work = work
        self.ended = ""
        self.received: asyncio.Queue[Message] = asyncio.Queue()
        self.received.put_nowait({"type": "http.request", "body": BODY, "more_body": False})
        self.sent: list[Message] = []
        self.receiving = 0

    async def execute(self, _: object) -> Answer:
        try:
            await self.work()
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        self.ended = "done"
        return ANSWER

    async def receive(self) -> Message:
        self.receiving += 1
        return await self.received.get()

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    def request(self) -> "asyncio.Task[None]":
        endpoint = GraphQLEndpoint(self, GraphiQLPage(None, {}), open_log(), max_body_bytes=1000)  # type: ignore[arg-type]
        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/graphql", "headers": headers, "query_string": b""}
        return asyncio.create_task(endpoint(scope, self.receive, self.send))


async def forever() -> None:
    await asyncio.Event().wait()


async def at_once() -> None:
    pass


async def test_a_run_that_does_not_wait_is_not_watched() -> None:
    running = Running(at_once)
    await running.request()
    assert (running.ended, running.receiving) == ("done", 1)
    assert [message["type"] for message in running.sent] == ["http.response.start", "http.response.body"]


async def test_a_run_that_waits_is_watched_and_answered() -> None:
    running = Running(lambda: asyncio.sleep(0.02))
    await running.request()
    assert (running.ended, running.receiving) == ("done", 2)
    assert running.sent[1]["body"] == ANSWER.body


async def test_when_the_caller_leaves_the_run_is_cancelled_and_nothing_is_sent() -> None:
    running = Running(forever)
    request = running.request()
    await asyncio.sleep(0.01)
    assert running.ended == ""
    running.received.put_nowait({"type": "http.disconnect"})
    await asyncio.wait_for(request, 1)
    assert (running.ended, running.sent, request.cancelled()) == ("cancelled", [], False)


async def test_a_timeout_inside_a_watched_run_still_works() -> None:
    async def late() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await forever()

    running = Running(late)
    await running.request()
    assert running.ended == "done"
    assert running.sent[0]["status"] == 200


async def test_when_the_server_stops_the_caller_is_told_so() -> None:
    running = Running(forever)
    request = running.request()
    await asyncio.sleep(0.01)
    request.cancel()
    await asyncio.wait_for(request, 1)
    assert running.ended == "cancelled"
    assert running.sent[0]["status"] == 503
    assert b"UNAVAILABLE" in running.sent[1]["body"]


async def test_a_caller_who_leaves_before_the_body_is_complete_is_not_answered() -> None:
    running = Running(at_once)
    running.received = asyncio.Queue()
    running.received.put_nowait({"type": "http.request", "body": BODY[:5], "more_body": True})
    running.received.put_nowait({"type": "http.disconnect"})
    await running.request()
    assert (running.ended, running.sent) == ("", [])


async def test_what_guarded_work_returns_or_raises_comes_through() -> None:
    async def waits(result: str) -> str:
        await asyncio.sleep(0.01)
        return result

    async def breaks() -> None:
        await asyncio.sleep(0.01)
        raise LookupError

    assert await guarded(waits("a"), lambda: Deadline(1)) == "a"
    with pytest.raises(LookupError):
        await guarded(breaks(), lambda: Deadline(1))
    with pytest.raises(BodyLateError):
        await guarded(forever(), lambda: Deadline(0.01))
    assert asyncio.current_task() is not None
    await asyncio.sleep(0.02)  # nothing is left that would cancel this task later


async def test_a_cancellation_that_is_not_the_guards_own_stays_one() -> None:
    async def watched() -> None:
        async def receive() -> Message:
            await forever()
            raise CallerLeftError

        await guarded(forever(), lambda: CallerWatch(receive))

    task = asyncio.create_task(watched())
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
