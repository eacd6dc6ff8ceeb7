"""A stand-in for a Wonde-like API on this machine, and a small invented school for it to serve.

It serves whole records whatever is asked to be included, pages by cursor, blanks the facts of links whose permission is
declined, and fails in whatever way a test scripts.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from server.sync.reading import SchoolRecords

TOKEN = "a-token-of-the-mis-api"
SCHOOL = "T1"
Wire = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. `announced`: the length that the header claims, where it is not the true one."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    announced: int | None = None


@dataclass
class FakeWonde:
    """What the API holds and how it behaves. `faults` are used up first, one for each request; None is a normal one.

    `permissions`: those that the school has decided on; None is an API that does not list them.
    """

    school: Wire
    lists: dict[str, list[Any]]
    declined: set[str] = field(default_factory=set)
    permissions: dict[str, bool] | None = None
    faults: list[Answer | None] = field(default_factory=list)
    page_size: int = 3
    requests: list[str] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)
    base_url: str = ""

    def records(self) -> SchoolRecords:
        """The same records, in memory."""
        return SchoolRecords(self.school, self.lists)

    def answer(self, target: str) -> Answer:
        self.requests.append(target)
        url = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            return fault
        prefix = f"/v1.0/schools/{self.school['id']}"
        if url.path == prefix:
            return self._json({"data": self.school})
        if url.path == f"/v1.0/meta/schools/{self.school['id']}/permissions" and self.permissions is not None:
            listed = [{"identity": name, "approved": approved} for name, approved in self.permissions.items()]
            return self._json({"data": listed})
        path = url.path.removeprefix(f"{prefix}/")
        if path not in self.lists:
            return self._json({"error": "not_found"}, 404)
        asked = {path, *(f"{path}.{name}" for name in query.get("include", "").split(","))}
        if asked & self.declined:
            return self._json({"error": "invalid_permissions", "permissions": sorted(asked & self.declined)}, 403)
        return self._page(path, query)

    def _page(self, path: str, query: dict[str, str]) -> Answer:
        start = int(query["cursor"]) if query.get("cursor", "true") != "true" else 0
        stop = start + self.page_size
        more = stop < len(self.lists[path])
        following = f"{self.base_url}/schools/{self.school['id']}/{path}?cursor={stop}&per_page=200"
        paging = {"next": following if more else None, "previous": None, "more": more, "per_page": 200}
        records = [self._blanked(record) for record in self.lists[path][start:stop]]
        answer: Wire = {"data": records, "meta": {"pagination": paging}}
        return self._json(answer)

    def _blanked(self, record: Any) -> Any:
        """A pupil's record as the school's permissions let it out: the facts of links that it declines are null."""
        nulls = {name.split(".")[1]: None for name, approved in (self.permissions or {}).items() if not approved}
        if not nulls or not isinstance(record, dict) or not isinstance(record.get("contacts"), dict):
            return record
        links = [
            one | ({"relationship": one["relationship"] | nulls} if "relationship" in one else {})
            for one in record["contacts"]["data"]
        ]
        return record | {"contacts": {"data": links}}

    def change_ids(self) -> None:
        """What a change of MIS does: every id of the school is another, and who is who stays."""
        ids = {str(record["id"]) for records in self.lists.values() for record in records}
        self.lists = _changed(self.lists, ids)

    @staticmethod
    def _json(value: object, status: int = 200) -> Answer:
        return Answer(status, json.dumps(value).encode("utf-8", "surrogatepass"))


def _changed(value: Any, ids: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _changed(inner, ids) for key, inner in value.items()}
    if isinstance(value, list):
        return [_changed(inner, ids) for inner in value]
    return f"M{value}" if value in ids else value


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    api: FakeWonde

    def log_message(self, *_: object) -> None:
        """Tests print nothing."""

    def do_GET(self) -> None:
        self.api.tokens.add(self.headers.get("Authorization"))
        answer = self.api.answer(self.path)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body) if answer.announced is None else answer.announced))
        self.end_headers()
        self.wfile.write(answer.body)
        if answer.announced is not None:
            self.close_connection = True


@contextmanager
def served(api: FakeWonde) -> Iterator[FakeWonde]:
    """The API, answering at its `base_url`."""
    handler = type("Handler", (_Handler,), {"api": api})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    api.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1.0"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def php(date: str, zone: str = "Europe/London") -> Wire:
    """A date as PHP writes it."""
    return {"date": date if " " in date else f"{date} 00:00:00.000000", "timezone_type": 3, "timezone": zone}


def person(own: str, **values: object) -> Wire:
    """A pupil, contact or employee."""
    stamp, nothing = php("2025-09-01 06:00:00.000000", "UTC"), {"data": None}
    names = {"surname": f"Surname {own}", "contact_details": nothing, "employment_details": nothing}
    return {"id": own, "upi": f"upi-{own}", "mis_id": own, "created_at": stamp, **names} | values


def student(own: str, *contacts: Wire, classes: tuple[str, ...] = (), **values: object) -> Wire:
    """A pupil with links, and members of classes."""
    details = {"data": {"upn": "B801200005001", "admission_date": php("2024-09-03")}}
    links = {"data": list(contacts)}
    members = {"data": [{"id": one} for one in classes]}
    includes = {"education_details": details, "contacts": links, "classes": members, "groups": {"data": []}}
    empty = {name: {"data": None} for name in ("extended_details", "year", "registration")}
    return person(own) | includes | empty | values


def link(contact: str, **facts: object) -> Wire:
    """A contact in a pupil's list, with the facts of the link."""
    return {"id": contact, "relationship": {"relationship": "Mother", "priority": 1, "court_order": False, **facts}}


def part(student: str, points: int) -> Wire:
    """A pupil's part in an incident."""
    return {"id": student, "role": "Participant", "points": points}


def small_school() -> FakeWonde:
    """Four pupils, three contacts, staff, classes, groups, a mark, a summary, an incident, an event, a condition."""
    return FakeWonde(
        {"id": SCHOOL, "name": "Testham School", "timezone": "Europe/London", "urn": 123456, "mis": "SIMS"},
        {
            "subjects": [{"id": "SU1", "code": "Ma", "name": "Mathematics", "active": True}],
            "groups": [
                {"id": "G1", "code": "Y7", "name": "Year 7", "type": "YEAR", "employees": {"data": []}},
                {"id": "G2", "code": "7A", "name": "7A", "type": "REGISTRATION", "employees": {"data": [{"id": "E1"}]}},
            ],
            "classes": [{"id": "C1", "name": "Ma 7A", "subject": "SU1", "employees": {"data": [{"id": "E1"}]}}],
            "employees": [person("E1", employment_details={"data": {"current": True}}), person("E2")],
            "contacts": [person("P1"), person("P2"), person("P3")],
            "students": [
                student("S1", link("P1"), link("P2", priority=2), classes=("C1",), year={"data": {"id": "G1"}}),
                student("S2", link("P1"), classes=("C1",)),
                student("S3", link("P3", court_order=True)),
                student("S4"),
            ],
            "attendance-summaries": [{"id": "A1", "student": "S1", "present": 180, "unauthorized_absences": 2}],
            "attendance/session": [
                {"id": "M1", "student": "S1", "date": php("2025-09-04"), "session": "AM", "employee": "E1"}
            ],
            "behaviours": [
                {
                    "id": "B1",
                    "incident_date": php("2025-10-01 14:10:00.000000"),
                    "type": "Disruption",
                    "employee": "E1",
                    "students": {"data": [part("S1", 3), part("S2", 1), part("S1", 0)]},
                }
            ],
            "events": [{"id": "V1", "description": "Open day", "start_date": php("2025-07-01 09:00:00.000000")}],
            "medical-conditions": [
                {"id": "H1", "student": "S3", "description": "Asthma", "notes": {"data": [{"id": "N1", "note": "-"}]}}
            ],
        },
    )  # fmt: skip
