"""What is asked: each query of docs/performance.md, as each of the three servers takes it, and the floors to hold.

Another query is a document in queries/, a route in handwritten.py, the fields in permissions/types.py and one `Case`
here.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.data import World

QUERIES = Path(__file__).parent / "queries"
FIELDGATE, HANDWRITTEN, PERMISSIONS = "fieldgate", "hand-written endpoint", "permission classes"
SERVERS = (FIELDGATE, HANDWRITTEN, PERMISSIONS)
HANDWRITTEN_FLOOR, HANDWRITTEN_AIM = 0.9, 1.2
DENIED_FLOOR = 1.15
"""Three fields denied against none denied: at most so many times the cost."""


@dataclass(frozen=True, slots=True)
class Case:
    """One query. `floor` and `aim`: how many times less CPU fieldgate takes than the permission classes."""

    title: str
    document: str
    path: str
    floor: float
    aim: float
    token: str = "granted"
    denied: int = 0

    def variables(self, world: World) -> dict[str, object]:
        """The query's variables."""
        return {"id": world.student} if self.document == "student" else {"school": world.schools[0]}

    def request(self, server: str, world: World) -> bytes:
        """The whole HTTP request."""
        if server == HANDWRITTEN:
            path = self.path.format(school=world.schools[0], student=world.student)
            return http("GET", path, world.tokens[self.token])
        return http_query(query(self.document), self.variables(world), world.tokens[self.token])


CASES = (
    Case("100 students × 17 fields", "students", "/schools/{school}/students?first=100", 50, 80),
    Case(
        "50 students + classes + contacts",
        "classes_and_contacts",
        "/schools/{school}/classes-and-contacts?first=50",
        50,
        85,
    ),
    Case(
        "the first, 3 fields denied", "students", "/schools/{school}/students?first=100", 200, 400, "denied", denied=3
    ),
    Case("one student", "student", "/students/{student}", 25, 40),
    Case("50 students' contact access", "contact_access", "/schools/{school}/contact-access?first=50", 40, 65),
)
PLAIN, DENIED = CASES[0], CASES[2]


@cache
def query(name: str) -> str:
    """The text of a document."""
    return (QUERIES / f"{name}.graphql").read_text(encoding="utf-8")


def http_query(text: str, variables: dict[str, object], token: str) -> bytes:
    """A GraphQL query as an HTTP request."""
    return http("POST", "/graphql", token, json.dumps({"query": text, "variables": variables}).encode())


def http(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """An HTTP/1.1 request."""
    head = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Accept: application/json",
        f"Authorization: Bearer {token}",
    ]
    if body:
        head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*head, "", ""]).encode() + body
