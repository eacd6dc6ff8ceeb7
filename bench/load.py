"""The client, in a process of its own: keep-alive connections that ask the same thing until the time is up.

It reads one task a line from its standard input and writes what it saw as one line. Every answer is compared with the
first: an answer that differs is counted, and the bench fails on it.
"""

import asyncio
import base64
import json
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Self, cast

import uvloop

CONNECTIONS = 16
PATIENCE_SECONDS = 60.0
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Task:
    """What to ask (a whole HTTP request, base64), where, and for how long; at least so many requests."""

    port: int
    request: str
    seconds: float
    least: int = CONNECTIONS


@dataclass(frozen=True, slots=True)
class Seen:
    """What the client saw. `head` and `body`: of the first answer, base64."""

    answered: int
    seconds: float
    differing: int
    median_ms: float
    head: str
    body: str


class Run:
    """One task: shared by its connections."""

    def __init__(self, task: Task) -> None:
        self.request = base64.b64decode(task.request)
        self.left = task.least
        self.ends = time.perf_counter() + task.seconds
        self.head = self.body = b""
        self.times: list[float] = []
        self.differing = 0
        self.open = CONNECTIONS
        self.done = asyncio.Event()

    def more(self) -> bool:
        """Whether to ask once more."""
        self.left -= 1
        return self.left >= 0 or time.perf_counter() < self.ends

    def take(self, head: bytes, body: bytes, seconds: float) -> None:
        """Note an answer."""
        if not self.head:
            self.head, self.body = head, body
        elif body != self.body:
            self.differing += 1
        self.times.append(seconds)

    def close(self) -> None:
        """One connection has asked for the last time."""
        self.open -= 1
        if self.open == 0:
            self.done.set()


class Connection(asyncio.Protocol):
    """Asks, waits for the answer, asks again."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.received = bytearray()
        self.wanted = 0
        self.body_at = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.ask()

    def ask(self) -> None:
        """Send the request, or close."""
        if self.run.more():
            self.began = time.perf_counter()
            self.transport.write(self.run.request)
        else:
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self.wanted:
            end = self.received.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self.received, 0, end)
            self.body_at = end + 4
            self.wanted = self.body_at + (int(length[1]) if length else 0)
        if len(self.received) >= self.wanted:
            whole, head_ends = bytes(self.received), self.body_at
            self.received.clear()
            self.wanted = 0
            self.run.take(whole[:head_ends], whole[head_ends:], time.perf_counter() - self.began)
            self.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self.run.close()


async def carry_out(task: Task) -> Seen:
    """Carry out one task."""
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    run = Run(task)
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Connection(run), "127.0.0.1", task.port)
    async with asyncio.timeout(task.seconds + PATIENCE_SECONDS):
        await run.done.wait()
    times = sorted(run.times) or [0.0]
    return Seen(
        len(run.times),
        time.perf_counter() - began,
        run.differing,
        times[len(times) // 2] * 1000,
        base64.b64encode(run.head).decode(),
        base64.b64encode(run.body).decode(),
    )


def main() -> None:
    """Tasks in, sightings out, until the input ends."""
    for line in sys.stdin:
        print(json.dumps(asdict(uvloop.run(carry_out(Task(**json.loads(line)))))), flush=True)


class Client:
    """The client's process, as the bench talks to it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, port: int, request: bytes, seconds: float, least: int = CONNECTIONS) -> Seen:
        """Have a task carried out."""
        task = Task(port, base64.b64encode(request).decode(), seconds, least)
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("The client has no pipes.")
        self.process.stdin.write(json.dumps(asdict(task)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("The client ended.")
        return Seen(**json.loads(line))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait(10)
        if self.process.stdout is not None:
            self.process.stdout.close()


if __name__ == "__main__":
    main()
