"""The reference of the compiled plans: graphql-core executes, field by field, on the same decision function.

It is slow and plain on purpose: one small SELECT at a time, pages cut and conditions tested in Python. A property test
holds its answers byte-identical with the compiled ones. It enforces by itself, also without the plan extension.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from strawberry import UNSET

from authz.capabilities import of_school
from authz.decision import decide
from authz.grants import (
    Standing,
    freshness,
    freshness_of_page,
    freshness_of_school,
    standing,
    standing_parameters,
    standing_statement,
)
from authz.session import ReadSession
from resolvers.caller import NEEDS_CREDENTIAL
from resolvers.capabilities import values_of
from resolvers.contact_access import LinkAccess, resolve_access
from resolvers.cursors import CursorPlace
from resolvers.denials import consent_url
from resolvers.gate import Gate
from resolvers.viewer import viewer_value
from schema.errors import FieldgateError
from schema.fields import Entity, Field, ForeignKey, Kind, Leaf, Link, Part, Shape, Through, leaves
from schema.ids import is_school_id, school_of
from schema.mis.contact import ACCESS_OVERRIDE
from schema.mis.school import CAPABILITIES
from schema.registry import FILTERS, entity_fields
from schema.tables import stored_leaves


@dataclass(slots=True, eq=False)
class Record:
    """A record that exists for the caller; its allowed values are read when the first is asked for."""

    entity: Entity
    school_id: str
    id: str
    values: dict[str, Any] | None = None

    @property
    def type_name(self) -> str:
        """The GraphQL type."""
        return self.entity.name


@dataclass(slots=True, eq=False)
class PartValue:
    """A group of a record's values."""

    record: Record
    path: tuple[Part, ...]


@dataclass(slots=True, eq=False)
class ListValue:
    """A page of a list."""

    coordinate: str
    school_id: str
    parent_id: str
    page: list[Record]
    total: int
    before: bool
    after: bool


@dataclass(slots=True, eq=False)
class EdgeValue:
    """One record of a page."""

    list: ListValue
    record: Record


@dataclass(slots=True, eq=False)
class PageInfoValue:
    """Where a page stands."""

    list: ListValue


@dataclass(slots=True)
class ReferenceReader:
    """Resolves every field for one credential in one session.

    `raises`: a denied field raises once per place in the query (plain `schema.execute`); otherwise it is only null, and
    the caller adds the denial entries.
    """

    gate: Gate
    session: ReadSession
    token_hash: str | None
    raises: bool = True
    denied: dict[tuple[tuple[str, ...], str], None] = field(default_factory=dict)
    app_id: str = ""
    _standings: dict[str, Standing | None] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _exists: dict[tuple[str, str], bool] = field(default_factory=dict)

    # -- the door that the schema's resolvers use

    async def resolve(self, parent: Any, info: Any, coordinate: str, arguments: Mapping[str, Any]) -> Any:
        """The value of one field, or null (and once an error) when it is denied."""
        name = coordinate.partition(".")[2]
        if isinstance(parent, dict):
            return parent[name]
        if parent is None:
            return await self._root(name, arguments)
        school_id = self._school_of(parent)
        if not await self._may(coordinate, school_id, info):
            return None
        if isinstance(parent, Record):
            for filtered in self._filters(parent, name, arguments):
                if not await self._may(filtered, school_id, info):
                    return None
            return await self._of_record(parent, coordinate, name, arguments)
        if isinstance(parent, PartValue):
            if parent.path[-1].computed:
                access, known = await self._access(parent.record)
                return access.value(name, known.access, known.scopes)
            items = {item.name: item for item in parent.path[-1].fields}
            return await self._value(parent.record, items[name], parent.path)
        return self._of_list(parent, name)

    @staticmethod
    def _school_of(parent: Any) -> str:
        if isinstance(parent, PartValue):
            return parent.record.school_id
        if isinstance(parent, EdgeValue | PageInfoValue):
            return parent.list.school_id
        school_id: str = parent.school_id
        return school_id

    async def _may(self, coordinate: str, school_id: str, info: Any) -> bool:
        known = await self.standing_of(school_id) if school_id else None
        rule = self.gate.rules.get(coordinate)
        decision = decide(rule, known.scopes if known else frozenset())
        if decision.allowed:
            return True
        path = tuple(str(key) for key in info.path.as_list() if isinstance(key, str))
        place = (path, coordinate)
        first = place not in self.denied
        self.denied[place] = None
        if first and self.raises and known is not None:
            missing = " and ".join(f"`{scope}`" for scope in decision.missing)
            raise FieldgateError(
                "SCOPE_NOT_GRANTED",
                f"{coordinate} needs {missing}, which {known.school_name} has not granted to {known.app_name}.",
                coordinate=coordinate,
                missingScopes=list(decision.missing),
                consentUrl=consent_url(self.gate.base_url, known.consent_id),
            )
        return False

    @staticmethod
    def _filters(record: Record, name: str, arguments: Mapping[str, Any]) -> list[str]:
        """The coordinates that a list is filtered by."""
        target = next((link.target for link in record.entity.links if link.name == name), "")
        return [each for key, each in FILTERS.get(target, {}).items() if arguments.get(key) not in (None, UNSET)]

    async def _access(self, record: Record) -> tuple[LinkAccess, Standing]:
        known = await self.standing_of(record.school_id)
        if known is None:
            raise RuntimeError("a record without a standing is never shown")
        found = await resolve_access(self.rows, self.session.dialect, known.access, record.school_id, record.id)
        return found, known

    async def _capabilities(self, school_id: str) -> list[dict[str, Any]]:
        async with self._turn:
            found = await of_school(self.session, school_id)
        return list(values_of(found))

    # -- who asks

    async def rows(self, statement: str, *parameters: object) -> Sequence[Sequence[Any]]:
        """Rows of a SELECT with `?`; one at a time on the session's connection."""
        async with self._turn:
            return await self.session.fetch(statement, *parameters)

    async def standing_of(self, school_id: str) -> Standing | None:
        """The caller's standing at a school, None where there is none."""
        if school_id not in self._standings:
            sql = freshness_of_school(self.session.dialect)
            found = await self.rows(sql, school_id, self.token_hash) if self.token_hash is not None else ()
            if not found:
                raise FieldgateError("UNAUTHENTICATED", NEEDS_CREDENTIAL)
            fresh = freshness(found[0])
            self.app_id = fresh.app_id
            if fresh.school_id is None:
                self._standings[school_id] = None
            else:
                keys = standing_parameters(school_id, fresh.app_id)
                self._standings[school_id] = standing(
                    fresh, await self.rows(standing_statement(self.session.dialect), *keys)
                )
        return self._standings[school_id]

    # -- roots

    async def _root(self, name: str, arguments: Mapping[str, Any]) -> Any:
        await self.standing_of("")  # whoever asks must have a valid token
        if name == "viewer":
            flow = viewer_value(self.session.dialect, self.app_id, consents=True)
            rows: Sequence[Sequence[Any]] | None = None
            while True:
                try:
                    ask = flow.send(rows)  # type: ignore[arg-type]  # a generator is started with None
                except StopIteration as done:
                    return done.value
                rows = await self.rows(ask.sql.replace("$1", "?"), *ask.parameters)
        if name == "school":
            return await self._school(arguments["id"])
        if name == "schools":
            return await self._schools(arguments)
        if name == "node":
            return await self._node(arguments["id"])
        return [await self._node(each) for each in arguments["ids"]]

    async def _school(self, school_id: str) -> Record | None:
        if not is_school_id(school_id):
            raise FieldgateError("BAD_ID", "The id has not the form of this API's ids.")
        if await self.standing_of(school_id) is None:
            raise FieldgateError("NOT_FOUND", "There is no school with this id and a consent in force.")
        record = Record(self.gate.registry.entities["School"], school_id, school_id)
        return record if await self.exists(record) else None

    async def _node(self, record_id: str) -> Record | None:
        school_id = school_of(record_id)
        if school_id is None:
            raise FieldgateError("BAD_ID", "The id has not the form of this API's ids.")
        known = await self.standing_of(school_id)
        entity = self.gate.registry.by_prefix.get(record_id[:3])
        if known is None or entity is None or not all(scope in known.scopes for scope in entity.object_scopes):
            return None
        record = Record(entity, school_id, record_id)
        return record if await self.exists(record) else None

    async def _schools(self, arguments: Mapping[str, Any]) -> ListValue:
        sql = freshness_of_page(self.session.dialect, after=False, before=False, backwards=False)
        found = await self.rows(sql, 1_000_000, self.token_hash)
        entity = self.gate.registry.entities["School"]
        records = [Record(entity, row[3], row[3]) for row in found if row[3] is not None]
        return self._page("Query.schools", "", "", records, arguments)

    # -- records

    async def exists(self, record: Record) -> bool:
        """Whether the record is there for the caller: live, and not withheld by a row condition."""
        key = (record.type_name, record.id)
        if key not in self._exists:
            self._exists[key] = await self._check(record)
        return self._exists[key]

    async def _check(self, record: Record) -> bool:
        facts = {
            "Employee": '"current"',
            "StudentContact": "parental_responsibility, court_order, restricted_access",
        }.get(record.type_name, "1")
        rows = await self.rows(
            f"SELECT deleted_at, {facts} FROM {record.entity.table} WHERE {self._key(record.entity)}", *_keys(record)
        )
        if not rows or rows[0][0] is not None:
            return False
        known = await self.standing_of(record.school_id)
        conditions = known.row_conditions if known else ()
        if record.type_name == "Employee" and "current_employees" in conditions:
            return rows[0][1] is None or bool(rows[0][1])
        if record.type_name == "StudentContact":
            return _link_is_shown(rows[0][1:], conditions)
        if record.type_name == "Contact" and {"parental_responsibility", "no_court_order"} & set(conditions):
            links = await self.rows(
                "SELECT parental_responsibility, court_order, restricted_access FROM student_contact "
                "WHERE school_id = ? AND contact_id = ? AND deleted_at IS NULL",
                record.school_id,
                record.id,
            )
            return any(_link_is_shown(link, conditions) for link in links)
        return True

    @staticmethod
    def _key(entity: Entity) -> str:
        return "id = ?" if entity.name == "School" else "school_id = ? AND id = ?"

    async def _of_record(self, record: Record, coordinate: str, name: str, arguments: Mapping[str, Any]) -> Any:
        link = next((each for each in record.entity.links if each.name == name), None)
        if link is not None:
            return await self._link(record, coordinate, link, arguments)
        item = next(each for each in entity_fields(record.entity) if each.name == name)
        return await self._value(record, item, ())

    async def _value(self, record: Record, item: Field | Part, path: tuple[Part, ...]) -> Any:
        if item.name == "id" and isinstance(item, Field):
            return record.id
        values = await self._load(record)
        if isinstance(item, Part):
            here = (*path, item)
            if item is CAPABILITIES:
                return await self._capabilities(record.school_id)
            if item.computed:
                hidden = item is ACCESS_OVERRIDE and (await self._access(record))[0].override is None
                return None if hidden else PartValue(record, here)
            if item.absent_when_empty and all(values.get(leaf.column) is None for leaf in leaves(item.fields, here)):
                return None
            return PartValue(record, here)
        value = values[Leaf(path, item).column]
        return bool(value) if item.kind is Kind.BOOL and value is not None else value

    async def _load(self, record: Record) -> dict[str, Any]:
        if record.values is None:
            known = await self.standing_of(record.school_id)
            scopes = known.scopes if known else frozenset[str]()
            dialect = self.session.dialect
            allowed = [leaf for leaf in stored_leaves(record.entity) if self._leaf_is_allowed(record, leaf, scopes)]
            columns = []
            for leaf in allowed:
                column = f'"{leaf.column}"'
                if leaf.field.kind is Kind.DATE:
                    column = dialect.day_text(column)
                elif leaf.field.kind is Kind.INSTANT:
                    column = dialect.instant_text(column)
                columns.append(column)
            rows = await self.rows(
                f"SELECT {', '.join(columns) or '1'} FROM {record.entity.table} WHERE {self._key(record.entity)}",
                *_keys(record),
            )
            record.values = dict(zip((leaf.column for leaf in allowed), rows[0], strict=False))
        return record.values

    def _leaf_is_allowed(self, record: Record, leaf: Leaf, scopes: frozenset[str]) -> bool:
        types = [record.type_name, *(part.type_name for part in leaf.path)]
        names = [*(part.name for part in leaf.path), leaf.field.name]
        return all(
            decide(self.gate.rules.get(f"{type_name}.{name}"), scopes).allowed
            for type_name, name in zip(types, names, strict=True)
        )

    # -- links and lists

    async def _link(self, record: Record, coordinate: str, link: Link, arguments: Mapping[str, Any]) -> Any:
        target = self.gate.registry.entities[link.target]
        found = [Record(target, record.school_id, each) for each in await self._linked_ids(record, link, target)]
        records = [each for each in found if await self.exists(each)]
        wanted = arguments.get("access")
        if wanted not in (None, UNSET):
            records = [each for each in records if (await self._access(each))[0].decision.permission == wanted.name]
            coordinate += f"?access={wanted.name}"
        if link.shape is Shape.ONE:
            return records[0] if records else None
        if link.shape is Shape.LIST:
            return records
        return self._page(coordinate, record.school_id, record.id, records, arguments)

    async def _linked_ids(self, record: Record, link: Link, target: Entity) -> list[str]:
        via = link.via
        if isinstance(via, ForeignKey):
            rows = await self.rows(
                f"SELECT {via.column} FROM {record.entity.table} WHERE {self._key(record.entity)}", *_keys(record)
            )
        elif isinstance(via, Through):
            rows = await self.rows(
                f"SELECT {via.target} FROM {via.table} WHERE school_id = ? AND {via.own} = ?", *_keys(record)
            )
        elif via.column == "school_id":
            rows = await self.rows(f"SELECT id FROM {target.table} WHERE school_id = ?", record.school_id)
        else:
            rows = await self.rows(
                f"SELECT id FROM {target.table} WHERE school_id = ? AND {via.column} = ?", *_keys(record)
            )
        return sorted(row[0] for row in rows if row[0] is not None)

    def _page(
        self, coordinate: str, school_id: str, parent_id: str, records: list[Record], arguments: Mapping[str, Any]
    ) -> ListValue:
        place = self._place(coordinate, school_id, parent_id)
        rest = records
        if arguments["after"] is not None:
            after = self.gate.keys.open(place, arguments["after"])
            rest = [each for each in rest if each.id > after]
        if arguments["before"] is not None:
            before = self.gate.keys.open(place, arguments["before"])
            rest = [each for each in rest if each.id < before]
        first, last = arguments["first"], arguments["last"]
        size = first if first is not None else last if last is not None else self.gate.limits.default_page
        page = rest[-size:] if last is not None else rest[:size]
        lowest = page[0].id if page else (arguments["before"] and before) or "~"
        highest = page[-1].id if page else (arguments["after"] and after) or ""
        return ListValue(
            coordinate,
            school_id,
            parent_id,
            page,
            total=len(records),
            before=any(each.id < lowest for each in records),
            after=any(each.id > highest for each in records),
        )

    def _place(self, coordinate: str, school_id: str, parent_id: str) -> CursorPlace:
        known = self._standings.get(school_id)
        return CursorPlace(self.app_id, school_id, coordinate, parent_id, known.version if known else 0)

    def _of_list(self, parent: ListValue | EdgeValue | PageInfoValue, name: str) -> Any:
        if isinstance(parent, EdgeValue):
            return parent.record if name == "node" else self._cursor(parent.list, parent.record)
        if isinstance(parent, PageInfoValue):
            page = parent.list.page
            return {
                "hasNextPage": parent.list.after,
                "hasPreviousPage": parent.list.before,
                "startCursor": self._cursor(parent.list, page[0]) if page else None,
                "endCursor": self._cursor(parent.list, page[-1]) if page else None,
            }[name]
        return {
            "nodes": parent.page,
            "edges": [EdgeValue(parent, record) for record in parent.page],
            "pageInfo": PageInfoValue(parent),
            "totalCount": parent.total,
        }[name]

    def _cursor(self, page: ListValue, record: Record) -> str:
        return self.gate.keys.seal(self._place(page.coordinate, page.school_id, page.parent_id), record.id)


def _keys(record: Record) -> tuple[str, ...]:
    return (record.id,) if record.type_name == "School" else (record.school_id, record.id)


def _link_is_shown(facts: Sequence[Any], conditions: Sequence[str]) -> bool:
    responsible, court_order, restricted = facts
    if "parental_responsibility" in conditions and not (responsible is not None and bool(responsible)):
        return False
    return not ("no_court_order" in conditions and (bool(court_order) or bool(restricted)))
