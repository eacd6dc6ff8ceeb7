"""The client, in a process of its own: keep-alive connections that ask the same thing until the time is up.

It reads one task a line and writes what it saw as one line. It never sleeps, so that no server is charged for waking
it. Every answer is compared with the first: one that differs is counted, and the bench fails on it.
"""

import base64
import json
import re
import select
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Self

from bench import CannotMeasure

CONNECTIONS = 16
PATIENCE_SECONDS = 60.0
RECEIVED_AT_ONCE = 1_000_000
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Task:
    """What to ask (a whole HTTP request, base64), where, and for how long; on each connection at least once."""

    port: int
    request: str
    seconds: float
    connections: int = CONNECTIONS


@dataclass(frozen=True, slots=True)
class Seen:
    """What the client saw. `head` and `body`: of the first answer, base64."""

    answered: int
    seconds: float
    differing: int
    median_ms: float
    p99_ms: float
    head: str
    body: str


class Connection:
    """One keep-alive connection; it asks, waits for the whole answer, asks again."""

    def __init__(self, task: Task) -> None:
        self.socket = socket.create_connection(("127.0.0.1", task.port), timeout=PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""
        self.wanted = 0
        self.asked_at = 0.0

    def ask(self, request: bytes) -> None:
        """Send the request."""
        self.asked_at = time.perf_counter()
        self.socket.sendall(request)

    def answer(self) -> bytes | None:
        """The whole answer, once all of it is there."""
        data = self.socket.recv(RECEIVED_AT_ONCE)
        if not data:
            raise ConnectionError("The server closed a connection.")
        self.received = self.received + data if self.received else data
        if not self.wanted:
            end = self.received.find(b"\r\n\r\n")
            length = LENGTH.search(self.received, 0, end) if end > 0 else None
            if length is None:
                return None
            self.wanted = end + 4 + int(length[1])
        if len(self.received) < self.wanted:
            return None
        whole, self.received, self.wanted = self.received, b"", 0
        return whole


def carry_out(task: Task) -> Seen:
    """Carry out one task. A plain loop over epoll, so that the client takes far less time than any server."""
    request = base64.b64decode(task.request)
    connections = [Connection(task) for _ in range(task.connections)]
    by_number = {each.socket.fileno(): each for each in connections}
    head = body = b""
    times: list[float] = []
    differing = 0
    asked = 0
    began = time.perf_counter()
    ends = began + task.seconds
    with select.epoll() as events:
        for number, connection in by_number.items():
            events.register(number, select.EPOLLIN)
            connection.ask(request)
            asked += 1
        while len(times) < asked:
            ready = events.poll(0)
            if not ready and time.perf_counter() > ends + PATIENCE_SECONDS:
                raise TimeoutError("The server does not answer.")
            for number, _ in ready:
                connection = by_number[number]
                whole = connection.answer()
                if whole is None:
                    continue
                now = time.perf_counter()
                times.append(now - connection.asked_at)
                if not head:
                    head, _, body = whole.partition(b"\r\n\r\n")
                elif not whole.endswith(body):
                    differing += 1
                if now < ends:
                    connection.ask(request)
                    asked += 1
    seconds = time.perf_counter() - began
    for connection in connections:
        connection.socket.close()
    times.sort()
    median, p99 = (times[int(len(times) * share)] * 1000 for share in (0.5, 0.99))
    encoded = base64.b64encode(head).decode(), base64.b64encode(body).decode()
    return Seen(len(times), seconds, differing, median, p99, *encoded)


def main() -> None:
    """Tasks in, sightings out, until the input ends."""
    for line in sys.stdin:
        print(json.dumps(asdict(carry_out(Task(**json.loads(line))))), flush=True)


class Client:
    """The client's process, as the bench talks to it."""

    def __init__(self, connections: int = CONNECTIONS) -> None:
        self.connections = connections
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, port: int, request: bytes, seconds: float) -> Seen:
        """Have a task carried out."""
        task = Task(port, base64.b64encode(request).decode(), seconds, self.connections)
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("The client has no pipes.")
        self.process.stdin.write(json.dumps(asdict(task)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise CannotMeasure("The client ended before its time.")
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
