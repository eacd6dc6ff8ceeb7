"""Interleaved rounds: each query on each server in turn, again and again, so that a busy machine disturbs all alike.

Before anything is measured the servers' answers are compared: the same data, and as many denials as were asked for.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.cases import FIELDGATE, Case
from bench.data import World
from bench.load import CONNECTIONS, Client
from bench.servers import Server

Progress = Callable[[str], None]


class AnswersDiffer(Exception):
    """The servers do not answer the same: their costs cannot be compared."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to measure: so many rounds, so many seconds for each query on each server, on so many connections."""

    rounds: int
    seconds: float
    connections: int = CONNECTIONS


@dataclass(slots=True)
class Series:
    """CPU per request of one query on one server, round by round."""

    cpu_ms: list[float] = field(default_factory=list)
    requests: int = 0
    median_ms: list[float] = field(default_factory=list)

    @property
    def ms(self) -> float:
        """The median of the rounds."""
        return median(self.cpu_ms)


Results = Mapping[tuple[str, str], Series]
"""By the query's title and the server's name."""


def measure(
    client: Client, servers: Sequence[Server], cases: Sequence[Case], world: World, pace: Pace, tell: Progress
) -> Results:
    """Warm up, compare, then measure in rounds."""
    for case in cases:
        tell(f"comparing: {case.title}")
        compare(client, servers, case, world, pace.seconds)
    results = {(case.title, server.name): Series() for case in cases for server in servers}
    for number in range(pace.rounds):
        for case in cases:
            tell(f"round {number + 1} of {pace.rounds}: {case.title}")
            for server in servers:
                request = case.request(server.name, world)
                slot(client, server, request, pace.seconds, results[case.title, server.name])
    return results


def slot(client: Client, server: Server, request: bytes, seconds: float, series: Series) -> None:
    """One query on one server for so long."""
    before = server.cpu_seconds()
    seen = client.ask(server.port, request, seconds)
    used = server.cpu_seconds() - before
    if seen.differing:
        raise AnswersDiffer(f"{server.name}: {seen.differing} of {seen.answered} answers differ from the first.")
    series.cpu_ms.append(used / seen.answered * 1000)
    series.median_ms.append(seen.median_ms)
    series.requests += seen.answered


def compare(client: Client, servers: Sequence[Server], case: Case, world: World, seconds: float) -> None:
    """Ask each server, which warms it up, and hold its data equal to fieldgate's."""
    answers = {server.name: answer(client, server, case, world, seconds) for server in servers}
    data = answers[FIELDGATE].get("data")
    for name, given in answers.items():
        if given.get("data") != data or not data:
            raise AnswersDiffer(f"{case.title}: the data of “{name}” are not those of fieldgate.")
    errors = answers[FIELDGATE].get("errors", [])
    if not isinstance(errors, list) or len(errors) != case.denied:
        raise AnswersDiffer(f"{case.title}: fieldgate gave other errors than {case.denied} denials.")


def answer(client: Client, server: Server, case: Case, world: World, seconds: float) -> Mapping[str, object]:
    """The first of the answers that the server gives for so long, as JSON."""
    seen = client.ask(server.port, case.request(server.name, world), seconds)
    head, body = base64.b64decode(seen.head), base64.b64decode(seen.body)
    if not head.startswith(b"HTTP/1.1 200"):
        raise AnswersDiffer(f"{case.title}: “{server.name}” answered {head[:15].decode()} {body[:200].decode()}")
    read: Mapping[str, object] = json.loads(body)
    return read


def ratio(results: Results, case: Case, server: str) -> float:
    """How many times the CPU of fieldgate a server takes."""
    return results[case.title, server].ms / results[case.title, FIELDGATE].ms
