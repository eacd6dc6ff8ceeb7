"""The life of a request, as one generator that asks for rows and is given them: authenticate → grants → plan → rows.

The flow never touches a connection. What drives it decides how: inline on SQLite, on a thread, or on PostgreSQL; all
that it asks for within one run is answered from one snapshot.
"""

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from authz.grants import (
    Freshness,
    Standing,
    freshness,
    freshness_of_page,
    freshness_of_school,
    freshness_of_schools,
    standing,
    standing_statement,
)
from authz.plan import Planner
from authz.selection import Selected
from authz.session import Row
from resolvers.compiler import Compiler, Program, Statement
from resolvers.conditions import UnknownRowConditionError, Visible
from resolvers.cursors import CursorPlace
from resolvers.denials import denial_entries
from resolvers.documents import RequestRefused, Values, refusal
from resolvers.gate import Gate
from resolvers.operation import OperationPlan, Root
from resolvers.pages import Page
from resolvers.writer import CURSOR, SLOT
from schema.errors import FieldgateError
from schema.ids import is_school_id, school_of


@dataclass(frozen=True, slots=True)
class Ask:
    """A SELECT that the flow wants the rows of, in its snapshot."""

    sql: str
    parameters: Sequence[object]


Flow = Generator[Ask, Sequence[Row], Any]
Errors = list[tuple[int, bytes]]
"""Entries of `errors` as bytes, with their place in the document."""


@dataclass(slots=True)
class RootAnswer:
    """One root's part of `data`, and its errors."""

    data: bytes
    errors: Errors


_CURSOR = re.compile(f"{CURSOR}(\\d+):([^:]*):([^{CURSOR}]*){CURSOR}")


class Run:
    """One operation's run for one credential."""

    def __init__(self, gate: Gate, plan: OperationPlan, values: Values, token_hash: str | None) -> None:
        self.gate = gate
        self.plan = plan
        self.values = values
        self.token_hash = token_hash
        self.app_id = ""
        self.app_name = ""
        self.standings: dict[str, Standing] = {}
        self.pages: dict[int, Page] = {}

    # -- the whole

    def answer(self, *, reject: bool) -> Flow:
        """The bytes of the answer's `data` and `errors`, in that order."""
        plan = self.plan
        estimate = plan.cost(self.values, self.gate.limits.default_page)
        if estimate > self.gate.limits.cost:
            most = self.gate.limits.cost
            text = f"The operation's estimated cost is {estimate}; {most} is allowed."
            raise refusal(FieldgateError("QUERY_TOO_COSTLY", text, cost=estimate, limit=most))
        if plan.needs_token:
            yield from self.authenticate()
        prepared = []
        for root in plan.data_roots:
            prepared.append((yield from self.prepare(root)))
        if reject:
            self._reject(prepared)
        answers: dict[str, RootAnswer] = {}
        for one in prepared:
            answers[one.root.key] = yield from self.read(one)
        for root in plan.roots:
            if root.name == "__typename":
                answers[root.key] = RootAnswer(b'"Query"', [])
        if plan.executed:
            answers.update((yield from self._execute()))
        return self.assemble(answers)

    def finish(self, prepared: "Prepared", texts: dict[str, str]) -> bytes:
        """The answer of an operation with one data root, from the texts of its one record."""
        answers = {root.key: RootAnswer(b'"Query"', []) for root in self.plan.roots if root is not prepared.root}
        answers[prepared.root.key] = RootAnswer(texts.get(prepared.ids[0], "null").encode(), prepared.denials)
        return self.assemble(answers)

    def pages_have_cursors(self) -> bool:
        """Whether a page was asked for by cursor."""
        return any(page.after is not None or page.before is not None for page in self.pages.values())

    def assemble(self, answers: dict[str, RootAnswer]) -> bytes:
        """The answer's bytes from its roots'."""
        parts: list[bytes] = []
        errors: list[bytes] = []
        for root in self.plan.roots:
            one = answers[root.key]
            parts.append(b'"' + root.key.encode() + b'":' + one.data)
            errors += [entry for _, entry in one.errors]
        tail = b',"errors":[' + b",".join(errors) + b"]" if errors else b""
        return b'{"data":{' + b",".join(parts) + b"}" + tail + b"}"

    def _reject(self, prepared: "list[Prepared]") -> None:
        entries = [entry for one in prepared for _, entry in one.denials]
        if entries:
            count = f"{len(entries)} field is" if len(entries) == 1 else f"{len(entries)} fields are"
            whole = FieldgateError("OPERATION_REJECTED", f"The operation was refused: {count} not granted.")
            first = {"message": whole.message, "extensions": whole.extensions()}
            raise RequestRefused("OPERATION_REJECTED", [first, *(orjson.loads(entry) for entry in entries)])

    # -- who asks, and what the schools granted

    def authenticate(self) -> Flow:
        """The token, and the consents of all schools that the ids in the operation name."""
        if self.token_hash is None:
            raise refusal(FieldgateError("UNAUTHENTICATED", "This needs an app token that is valid now."))
        wanted: dict[str, None] = {}
        for root in self.plan.data_roots:
            for each in self.ids(root):
                school = school_of(each)
                if school is not None:
                    wanted[school] = None
        dialect = self.gate.dialect
        if len(wanted) == 1:
            rows = yield Ask(self.gate.sql(freshness_of_school), (next(iter(wanted)), self.token_hash))
        else:
            schools = orjson.dumps(list(wanted)).decode() if dialect.is_sqlite else list(wanted)
            rows = yield Ask(self.gate.sql(freshness_of_schools), (schools, self.token_hash))
        yield from self.remember(rows)

    def remember(self, rows: Sequence[Row]) -> Flow:
        """Take the freshness rows; read the grants of every consent whose version is not known."""
        if not rows:
            raise refusal(FieldgateError("UNAUTHENTICATED", "This needs an app token that is valid now."))
        self.app_id = rows[0][1]
        for row in rows:
            fresh = freshness(row)
            if fresh.school_id is not None:
                yield from self._standing(fresh)

    def _standing(self, fresh: Freshness) -> Flow:
        assert fresh.school_id is not None
        known = self.gate.standings.get(fresh.consent_id)
        if known is None or not known.holds(fresh):
            school, app = fresh.school_id, fresh.app_id
            rows = yield Ask(self.gate.sql(standing_statement), (school, app, school, app, app))
            known = standing(fresh, rows)
            self.gate.standings.put(known)
        self.standings[fresh.school_id] = known
        self.app_name = known.app_name
        if self.token_hash is not None and not self.gate.dialect.is_sqlite:
            self.gate.guesses.put(self.token_hash, known)

    def ids(self, root: Root) -> list[str]:
        """The ids that a root names."""
        if root.id_getter is None:
            return []
        value = root.id_getter(self.values)
        return [str(each) for each in value] if isinstance(value, list) else [str(value)]

    # -- deciding: nothing of the MIS is read here

    def prepare(self, root: Root) -> Flow:
        """Decide a root: pages, targets, programs and denials. Errors of arguments make the root null."""
        prepared = Prepared(root)
        try:
            if root.name == "schools":
                yield from self._prepare_schools(prepared)
            else:
                self._prepare_ids(prepared)
        except FieldgateError as error:
            prepared.failed = self.argument_error(root, error)
            prepared.denials = []
            return prepared
        if len(prepared.groups) == 1 and len(prepared.groups[0].schools) == 1:
            group = prepared.groups[0]
            key = (group.schools[0].consent_id, group.schools[0].version)
            kept = root.denial_bytes.get(key) if root.name == "school" else None
            if kept is None:
                kept = self._denials(prepared)
                if root.name == "school":
                    root.keep_denials(key, kept)
            prepared.denials = kept
        elif prepared.groups:
            prepared.denials = self._denials(prepared)
        return prepared

    def _denials(self, prepared: "Prepared") -> Errors:
        root = prepared.root
        per_school = []
        for group in prepared.groups:
            planner = Planner(self.gate.rules, group.decided[0])
            denials = []
            top = root.selected
            if root.name == "schools":
                denials = planner.denials(top.below, (root.key,))
            else:
                for type_name in sorted(group.types):
                    exact = root.name != "nodes"
                    denials += planner.denials(top.children.get(type_name, ()), (root.key,), exact=exact)
            per_school += [(school, denials) for school in group.schools]
        per_school.sort(key=lambda each: each[0].school_id)
        return [(each.order, orjson.dumps(each.entry)) for each in denial_entries(per_school, self.gate.base_url)]

    def argument_error(self, root: Root, error: FieldgateError, where: Selected | None = None) -> Errors:
        """The entry of an argument that cannot be used; the root is null."""
        place = where or root.selected
        entry = {
            "message": error.message,
            "locations": place.locations(),
            "path": [root.key],
            "extensions": error.extensions(),
        }
        return [(root.selected.index, orjson.dumps(entry))]

    def _prepare_ids(self, prepared: "Prepared") -> None:
        root = prepared.root
        ids = self.ids(root)
        for each in ids:
            if not (is_school_id(each) if root.name == "school" else school_of(each)):
                raise FieldgateError("BAD_ID", "The id has not the form of this API's ids.")
        if len(ids) > self.gate.limits.page_cap:
            raise FieldgateError("BAD_PAGE", f"At most {self.gate.limits.page_cap} ids are looked up at once.")
        prepared.ids = ids
        groups: dict[tuple[frozenset[str], tuple[str, ...]], Group] = {}
        for each in ids:
            school = self.standings.get(school_of(each) or "")
            if school is None:
                continue
            entity = self.gate.registry.by_prefix.get(each[:3])
            if entity is None or not self._may_exist(entity.name, school.scopes):
                continue
            decided = (school.scopes, school.row_conditions)
            group = groups.setdefault(decided, Group(decided))
            if school not in group.schools:
                group.schools.append(school)
            group.types.setdefault(entity.name, []).append(each)
        prepared.groups = list(groups.values())
        if root.name == "school" and not prepared.groups:
            name = f" for {self.app_name}" if self.app_name else ""
            raise FieldgateError("NOT_FOUND", f"There is no school with this id and a consent in force{name}.")
        self._bind_pages(root, ids[0] if len(ids) == 1 else "")

    def _may_exist(self, entity: str, scopes: frozenset[str]) -> bool:
        required = self.gate.registry.entities[entity].object_scopes
        return all(scope in scopes for scope in required)

    def _prepare_schools(self, prepared: "Prepared") -> Flow:
        root = prepared.root
        self._bind_pages(root, "")
        page = self.pages[root.selected.index]
        bounds = [key for key in (page.after, page.before) if key is not None]
        sql = self.gate.page_sql(freshness_of_page, page)
        rows = yield Ask(sql, (*bounds, page.limit, self.token_hash))
        yield from self.remember(rows)
        found = [row[3] for row in rows if row[3] is not None]
        found.sort()
        prepared.ids = found
        groups: dict[tuple[frozenset[str], tuple[str, ...]], Group] = {}
        for school_id in found:
            school = self.standings[school_id]
            decided = (school.scopes, school.row_conditions)
            group = groups.setdefault(decided, Group(decided))
            group.schools.append(school)
            group.types.setdefault("School", []).append(school_id)
        prepared.groups = list(groups.values())

    def _bind_pages(self, root: Root, parent_id: str) -> None:
        limits = self.gate.limits
        for spec in root.pages:
            place = self.place(spec.selected.coordinate, "" if spec is root.own_page else parent_id)

            def open_cursor(cursor: str, place: CursorPlace = place) -> str:
                return self.gate.keys.open(place, cursor)

            self.pages[spec.selected.index] = spec.bind(self.values, limits.default_page, limits.page_cap, open_cursor)

    def place(self, coordinate: str, parent_id: str) -> CursorPlace:
        """Where a cursor of this list belongs."""
        school_id = school_of(parent_id) or ""
        known = self.standings.get(school_id)
        return CursorPlace(self.app_id, school_id, coordinate, parent_id, known.version if known else 0)

    # -- reading

    def read(self, prepared: "Prepared") -> Flow:
        """Read a root's records and make its part of the answer."""
        root = prepared.root
        if prepared.failed is not None:
            return RootAnswer(b"null", prepared.failed)
        if root.name == "schools":
            return (yield from self._read_schools(prepared))
        texts: dict[str, str] = {}
        for group in prepared.groups:
            for type_name, ids in group.types.items():
                index, children = root.selected.index, root.selected.children.get(type_name, ())
                texts.update((yield from self._records(root, group, index, type_name, children, ids)))
        if root.name == "nodes":
            data = "[" + ",".join(texts.get(each, "null") for each in prepared.ids) + "]"
        else:
            data = texts.get(prepared.ids[0], "null")
        return RootAnswer(data.encode(), prepared.denials)

    def program(
        self, root: Root, group: "Group", index: int, type_name: str, children: tuple[Selected, ...], *, many: bool
    ) -> Program:
        """The compiled program of one target of a root, for what was decided."""
        key = (index, type_name, many, *group.decided)
        program = root.programs.get(key)
        if program is None:
            planner = Planner(self.gate.rules, group.decided[0])
            try:
                visible = Visible(self.gate.dialect, group.decided[1])
            except UnknownRowConditionError as error:
                raise refusal(
                    FieldgateError("UNAVAILABLE", "A consent has a row condition that this server does not know.")
                ) from error
            compiler = Compiler(self.gate.registry, self.gate.writer, planner, visible, self.pages)
            program = compiler.records(self.gate.registry.entities[type_name], children, many=many)
            root.keep(key, program)
        return program

    def _records(
        self,
        root: Root,
        group: "Group",
        index: int,
        type_name: str,
        children: tuple[Selected, ...],
        ids: Sequence[str],
    ) -> Flow:
        many = root.name in ("nodes", "schools")
        program = self.program(root, group, index, type_name, children, many=many)
        texts: dict[str, str] = {}
        for school in group.schools if type_name != "School" else group.schools[:1]:
            rows = yield Ask(program.main.sql, self.bound(program.main, school.school_id, ids))
            for row in rows:
                texts[row[0]] = row[1]
        return (yield from self.filled(program, texts))

    def filled(self, program: Program, texts: dict[str, str]) -> Flow:
        """The texts with deeper lists put in their slots and cursors sealed."""
        if program.slots:
            texts = yield from self._fill_slots(program, texts)
        if program.cursors:
            return {key: self._sealed(program, text) for key, text in texts.items()}
        return texts

    def _fill_slots(self, program: Program, texts: dict[str, str]) -> Flow:
        wanted: dict[int, dict[str, None]] = {}
        pieces = {key: text.split(SLOT) for key, text in texts.items()}
        for parts in pieces.values():
            for mark in parts[1::2]:
                number, _, parent = mark.partition(":")
                wanted.setdefault(int(number), {})[parent] = None
        found: dict[str, str] = {}
        for number, parents in wanted.items():
            statement = program.slots[number]
            rows = yield Ask(statement.sql, self.bound(statement, "", list(parents)))
            below = {row[0]: row[1] for row in rows}
            if any(SLOT in text for text in below.values()):
                below = yield from self._fill_slots(program, below)
            found |= {f"{number}:{parent}": below.get(parent, "null") for parent in parents}
        return {
            key: "".join(found[part] if index % 2 else part for index, part in enumerate(parts))
            for key, parts in pieces.items()
        }

    def _sealed(self, program: Program, text: str) -> str:
        def seal(match: re.Match[str]) -> str:
            place = self.place(program.cursors[int(match[1])], match[2])
            return self.gate.keys.seal(place, match[3])

        return _CURSOR.sub(seal, text)

    def bound(self, statement: Statement, school_id: str, ids: Sequence[str]) -> list[object]:
        """The parameters of a statement."""
        values: list[object] = []
        for kind, index in statement.binds:
            if kind == "school":
                values.append(school_id)
            elif kind in ("ids", "parents"):
                values.append(self._list(statement, kind, ids))
            elif index is not None:
                page = self.pages[index]
                values.append(page.limit if kind == "limit" else page.after if kind == "after" else page.before)
        return values

    def _list(self, statement: Statement, kind: str, ids: Sequence[str]) -> object:
        if kind == "ids" and not statement.many:
            return ids[0]
        return orjson.dumps(ids).decode() if self.gate.dialect.is_sqlite else list(ids)

    # -- the list of schools, put together here

    def _read_schools(self, prepared: "Prepared") -> Flow:
        root = prepared.root
        page = self.pages[root.selected.index]
        texts: dict[int, dict[str, str]] = {}
        for index, type_name, children in root.targets():
            texts[index] = {}
            for group in prepared.groups:
                ids = group.types[type_name]
                texts[index] |= yield from self._records(root, group, index, type_name, children, ids)
        shown = [each for each in prepared.ids if all(each in known for known in texts.values())]
        place = self.place(root.selected.coordinate, "")
        cursors = {each: self.gate.keys.seal(place, each) for each in shown}
        made: dict[str, str] = {}
        for child in root.selected.below:
            if child.name == "__typename":
                made[child.key] = '"SchoolConnection"'
            elif child.name == "totalCount":
                rows = yield Ask(self.gate.count_sql(), (self.app_id,))
                made[child.key] = str(rows[0][0])
            elif child.name == "nodes":
                made[child.key] = "[" + ",".join(texts[child.index][each] for each in shown) + "]"
            elif child.name == "edges":
                edges = (self._school_edge(child, each, texts, cursors) for each in shown)
                made[child.key] = "[" + ",".join(edges) + "]"
            else:
                before = yield from self._stands_beyond(prepared, page, backwards=True)
                after = yield from self._stands_beyond(prepared, page, backwards=False)
                made[child.key] = self._school_page_info(child, prepared.ids, before, after)
        body = ",".join(f'"{key}":{value}' for key, value in made.items())
        return RootAnswer(("{" + body + "}").encode(), prepared.denials)

    @staticmethod
    def _school_edge(edges: Selected, school_id: str, texts: dict[int, dict[str, str]], cursors: dict[str, str]) -> str:
        parts = []
        for part in edges.below:
            value = '"SchoolEdge"'
            if part.name == "cursor":
                value = f'"{cursors[school_id]}"'
            elif part.name == "node":
                value = texts[part.index][school_id]
            parts.append(f'"{part.key}":{value}')
        return "{" + ",".join(parts) + "}"

    def _stands_beyond(self, prepared: "Prepared", page: Page, *, backwards: bool) -> Flow:
        """Whether a consented school stands before (backwards) or after the page."""
        if prepared.ids:
            key = prepared.ids[0] if backwards else prepared.ids[-1]
        else:
            key = (page.before or "~") if backwards else (page.after or "")
        rows = yield Ask(self.gate.beyond_sql(backwards=backwards), (self.app_id, key))
        return bool(rows)

    def _school_page_info(self, child: Selected, ids: Sequence[str], before: bool, after: bool) -> str:
        place = self.place("Query.schools", "")
        parts = []
        for part in child.below:
            if part.name == "hasNextPage":
                value = "true" if after else "false"
            elif part.name == "hasPreviousPage":
                value = "true" if before else "false"
            elif part.name == "__typename":
                value = '"PageInfo"'
            else:
                key = (ids[0] if part.name == "startCursor" else ids[-1]) if ids else None
                value = f'"{self.gate.keys.seal(place, key)}"' if key is not None else "null"
            parts.append(f'"{part.key}":{value}')
        return "{" + ",".join(parts) + "}"

    # -- what graphql-core executes: introspection and the viewer

    def _execute(self) -> Flow:
        from resolvers.executed import execute_roots

        return (yield from execute_roots(self))


class Group:
    """Schools for which the same was decided, and the ids to read of each entity."""

    def __init__(self, decided: tuple[frozenset[str], tuple[str, ...]]) -> None:
        self.decided = decided
        self.schools: list[Standing] = []
        self.types: dict[str, list[str]] = {}


class Prepared:
    """A root that has been decided and not yet read."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.ids: list[str] = []
        self.groups: list[Group] = []
        self.denials: Errors = []
        self.failed: Errors | None = None
