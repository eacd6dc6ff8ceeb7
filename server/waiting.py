"""Awaiting with a guard that costs nothing while nothing waits.

Most requests on SQLite are answered without giving the loop a turn. Only when an awaitable really waits is its guard
set up: a deadline for a body, or a watch for a caller who leaves, whose run is then cancelled.
"""

import asyncio
import types
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Self, TypeVar

from starlette.types import Receive

Result = TypeVar("Result")


class CallerLeftError(Exception):
    """The connection was closed before the answer was ready: there is nobody to answer."""


class BodyLateError(Exception):
    """The request's body did not arrive in time."""


class Guard(ABC):
    """Entered when the work starts to wait; it may cancel the task, and then says why."""

    reason: type[Exception] = Exception

    def __init__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("A guard needs a task that it can cancel.")
        self.task = task
        self.fired = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.stop()
        if self.fired:
            # A cancellation that came too late for the work is taken back just the same.
            self.task.uncancel()
            if kind is not None and issubclass(kind, asyncio.CancelledError):
                raise self.reason from error

    def fire(self) -> None:
        """Cancel the work."""
        if not self.fired:
            self.fired = True
            self.task.cancel()

    @abstractmethod
    def start(self) -> None:
        """Begin to watch."""

    @abstractmethod
    def stop(self) -> None:
        """End watching."""


class Deadline(Guard):
    """Cancels the work after so many seconds."""

    reason = BodyLateError

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def start(self) -> None:
        self.timer = asyncio.get_running_loop().call_later(self.seconds, self.fire)

    def stop(self) -> None:
        self.timer.cancel()


class CallerWatch(Guard):
    """Cancels the work when the caller leaves."""

    reason = CallerLeftError

    def __init__(self, receive: Receive) -> None:
        super().__init__()
        self.receive = receive

    def start(self) -> None:
        self.watching = asyncio.create_task(self._watch())

    def stop(self) -> None:
        self.watching.cancel()

    async def _watch(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.fire()


@types.coroutine
def guarded(work: Awaitable[Result], guard: Callable[[], Guard]) -> Generator[Any, Any, Result]:
    """What the work returns; the guard is made and entered only if the work waits for something."""
    steps = work.__await__()
    try:
        waits_for = next(steps)
    except StopIteration as done:
        result: Result = done.value
        return result
    # INVARIANT: the steps stay in the caller's own task, because timeouts inside them cancel the task they began in.
    with guard():
        try:
            while True:
                try:
                    sent = yield waits_for
                except BaseException as error:  # noqa: BLE001 - handed on to the work, whose matter it is
                    waits_for = steps.throw(error)
                else:
                    waits_for = steps.send(sent)
        except StopIteration as done:
            finished: Result = done.value
            return finished
