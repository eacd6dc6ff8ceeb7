"""Compiles an allowed selection to SQL that makes the answer's JSON. A denied column is never named.

One statement per root and set of scopes; lists nested deeper than a statement can hold become statements of their own,
run set-based in the same snapshot. What Python must add (deeper lists, sealed cursors) is marked in the text by
control characters, which JSON text never contains.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from authz.contact_access import AccessSettings, LinkRow
from authz.plan import Planner
from authz.selection import Selected
from resolvers.capabilities import known_of_school
from resolvers.conditions import Visible
from resolvers.contact_access import OVERRIDE_FIELDS, AccessSql, JoinedLink, joined_link
from resolvers.pages import Page
from resolvers.program import Program, Source, Statement
from resolvers.writer import CAPABILITY, CURSOR, SLOT, Entry, Json, Nested, Scalar, Writer, literal
from schema.fields import Entity, Field, ForeignKey, Kind, Leaf, Link, Part, Shape, Through, leaves
from schema.mis.contact import ACCESS, ACCESS_OVERRIDE
from schema.mis.school import CAPABILITIES
from schema.registry import MEMBERSHIP_TABLES, Registry, entity_fields

MAX_JOINS = 8  # single records joined into one SELECT; the rest are subselects, since SQLite joins at most 64 tables
MAX_SELECTS = 6  # nested SELECTs of one statement (a list is two): SQLite's parser stack holds eight of our shape
COMPUTED_OF_LINKS = (ACCESS, ACCESS_OVERRIDE)
LADDER_SELECTS = 2  # what the ladder's CASE is worth in a list of links

ACCESS_TYPES = frozenset({"ContactAccess", "ContactAccessOverride"})


def asks_access(selected: Selected) -> bool:
    """Whether contacts' access is asked for, or filtered by, somewhere in a selection."""
    return any(each.type_name in ACCESS_TYPES or each.filters for each in selected.walk())


class Compiler:
    """Compiles the roots of one operation for one set of scopes and row conditions.

    `access`: how the school works out contacts' access, where the operation asks for it.
    """

    def __init__(
        self,
        registry: Registry,
        writer: Writer,
        planner: Planner,
        visible: Visible,
        pages: Mapping[int, Page],
        access: AccessSettings | None = None,
    ) -> None:
        self.registry = registry
        self.writer = writer
        self.planner = planner
        self.visible = visible
        self.pages = pages
        self.program = Program(Statement())
        self.statement = self.program.main
        self.aliases = 0
        self.selects = 0
        self.joins: list[str] = []
        self.access = AccessSql(writer.dialect, access or AccessSettings(), planner.scopes)
        self.joined_links: dict[str, JoinedLink] = {}
        self.link_parents: dict[str, tuple[str, str]] = {}

    # -- roots

    def records(self, entity: Entity, children: tuple[Selected, ...], *, many: bool) -> Program:
        """Records of an entity by id: of one school, or schools themselves."""
        alias = self._alias()
        where = self.visible.of(entity, alias)
        if entity.name != "School":
            where.insert(0, f"{alias}.school_id = {self._bind('school')}")
        self.program.main.many = many
        if many:
            where.append(f"{alias}.id {self.writer.members(self._bind('ids'))}")
        else:
            where.append(f"{alias}.id = {self._bind('ids')}")
        text = self.writer.answer(self._entity(entity, alias, children).text)
        tables = "".join([f"{entity.table} {alias}", *self.joins])
        self.program.main.sql = f"SELECT {alias}.id, {text} AS j FROM {tables} WHERE {' AND '.join(where)}"
        return self.program

    # -- objects

    def _entity(self, entity: Entity, alias: str, children: tuple[Selected, ...]) -> Json:
        items = {item.name: item for item in entity_fields(entity)}
        links = {link.name: link for link in entity.links}
        entries: list[Entry] = []
        computed = [child for child in children if items.get(child.name) in COMPUTED_OF_LINKS]
        if computed:  # first, so that the link's student and contact are joined once for all
            self._join_link(alias, computed)
        for selected in children:
            link = links.get(selected.name)
            if link is None:
                entries.append(self._value(entity, alias, selected, items, ()))
            elif (fixed := self._fixed(selected)) is not None:
                entries.append(fixed)
            else:
                entries.append(Nested(selected.key, self._link(entity, alias, link, selected)))
        return self.writer.object(entries)

    def _value(
        self,
        entity: Entity,
        alias: str,
        selected: Selected,
        items: Mapping[str, Field | Part],
        path: tuple[Part, ...],
    ) -> Entry:
        if (fixed := self._fixed(selected)) is not None:
            return fixed
        item = items[selected.name]
        if isinstance(item, Field):
            column = Leaf(path, item).column
            return Scalar(selected.key, item.kind, f'{alias}."{column}"')
        if item is CAPABILITIES:
            return Nested(selected.key, Json(self._capabilities(alias, selected)))
        if item.computed:
            return Nested(selected.key, self._access(alias, selected, optional=item is ACCESS_OVERRIDE))
        inner = {each.name: each for each in item.fields}
        here = (*path, item)
        made = self.writer.object([self._value(entity, alias, child, inner, here) for child in selected.below])
        if item.absent_when_empty:
            columns = ", ".join(f'{alias}."{leaf.column}"' for leaf in leaves(item.fields, here))
            made = self.writer.when(f"coalesce({columns}) IS NOT NULL", made)
        return Nested(selected.key, made)

    def _access(self, alias: str, selected: Selected, *, optional: bool) -> Json:
        row = self.joined_links[alias].row
        entries = [self._fixed(child) or self._access_value(alias, child, row) for child in selected.below]
        made = self.writer.object(entries)
        return self.writer.when(f"{row.override}.id IS NOT NULL", made) if optional else made

    def _access_value(self, alias: str, selected: Selected, row: LinkRow) -> Entry:
        # Of one school, its parameter: the subselect is then read once, not once a row.
        of_one = selected.name == "asOf" and self.statement is self.program.main and not self.statement.many
        school = self._bind("school") if of_one else f"{alias}.school_id"
        return self.access.value(selected.key, selected.name, row, school)

    def _join_link(self, alias: str, computed: Sequence[Selected]) -> None:
        """Join what the allowed ones of these computed values of a link are worked out from."""
        if alias in self.joined_links:  # a filter needs all of it
            return
        allowed = [each for each in computed if self.planner.shows(each)]
        names = {child.name for each in allowed for child in each.below if self._fixed(child) is None}
        names |= {"value" for each in allowed if each.name == ACCESS_OVERRIDE.name}  # null where there is none
        link = joined_link(alias, self.link_parents.get(alias), self.access.facts(names))
        self.joined_links[alias] = link
        self.joins.append(link.joins)

    def _capabilities(self, alias: str, selected: Selected) -> str:
        number = len(self.program.capabilities)
        self.program.capabilities.append(selected)
        known = self.writer.object(known_of_school(self.writer, alias))
        return self.writer.marker(CAPABILITY, [literal(f"{number}:"), known.text])

    def _fixed(self, selected: Selected) -> Entry | None:
        """What is known without the database: a type's name, and null for what is denied."""
        if selected.name == "__typename":
            return Nested(selected.key, Json(literal(f'"{selected.type_name}"'), literal(selected.type_name)))
        return None if self.planner.shows(selected) else Scalar(selected.key, None, "null")

    # -- links

    def _link(self, entity: Entity, alias: str, link: Link, selected: Selected) -> Json:
        one = link.shape is Shape.ONE
        ladder = LADDER_SELECTS if link.target == "StudentContact" and asks_access(selected) else 0
        if self.selects + (1 if one else 2) + ladder > MAX_SELECTS:
            return Json(self._slot(entity, alias, link, selected))
        self.selects += 1 if one else 2
        if one and isinstance(link.via, ForeignKey) and len(self.joins) < MAX_JOINS:
            made = self._beside(entity, alias, link, selected)
        elif one:
            made = Json(self._one(entity, alias, link, selected))
        elif link.shape is Shape.LIST:
            made = Json(self._list(entity, alias, link, selected))
        else:
            made = Json(self._connection(entity, alias, link, selected))
        self.selects -= 1 if one else 2
        return made

    def _slot(self, entity: Entity, alias: str, link: Link, selected: Selected) -> str:
        number = len(self.program.slots)
        statement = Statement()
        self.program.slots.append(statement)
        outer = (self.statement, self.selects, self.joins)
        self.statement, self.selects, self.joins = statement, 0, []
        parent = self._alias()
        tables = self.writer.parents(self._bind("parents"), entity.table, parent, is_school=entity.name == "School")
        text = self.writer.answer(self._link(entity, parent, link, selected).text)
        statement.sql = f"SELECT {parent}.id, {text} FROM {''.join([tables, *self.joins])}"
        self.statement, self.selects, self.joins = outer
        return self.writer.marker(SLOT, [literal(f"{number}:"), f"{alias}.id"])

    def _beside(self, entity: Entity, alias: str, link: Link, selected: Selected) -> Json:
        """The record that a column names, joined to the record that has the column."""
        target = self.registry.entities[link.target]
        if (own := self._present(alias, target)) is not None:
            body = self._entity(target, own, selected.below)
            return self.writer.when(" AND ".join([f"{own}.id IS NOT NULL", *self.visible.of(target, own)]), body)
        source = self._source(entity, alias, link, selected)
        self.joins.append(f" LEFT JOIN {source.tables} ON {' AND '.join(source.where)}")
        body = self._entity(target, source.alias, selected.below)
        return self.writer.when(f"{source.alias}.id IS NOT NULL", body)

    def _present(self, alias: str, target: Entity) -> str | None:
        """The alias under which the ladder has a link's student or contact in the statement already."""
        link = self.joined_links.get(alias)
        if link is None:
            return None
        own = link.row.student if target.name == "Student" else link.row.contact
        return own if own in link.present else None

    def _one(self, entity: Entity, alias: str, link: Link, selected: Selected) -> str:
        body, source = self._records_of(entity, alias, link, selected, selected.below)
        limit = "" if isinstance(link.via, ForeignKey) else f" ORDER BY {source.key} LIMIT 1"
        return f"coalesce(({source.sql(body)}{limit}), 'null')"

    def _list(self, entity: Entity, alias: str, link: Link, selected: Selected) -> str:
        body, source = self._records_of(entity, alias, link, selected, selected.below)
        inner = source.sql(f"{body} AS j, {source.key} AS k") + f" ORDER BY {source.key}"
        return self.writer.array(inner, backwards=False)

    def _records_of(
        self, entity: Entity, alias: str, link: Link, selected: Selected, below: tuple[Selected, ...]
    ) -> tuple[str, Source]:
        source, target = self._source(entity, alias, link, selected), self.registry.entities[link.target]
        return self._each(source, lambda: self._entity(target, source.alias, below))

    def _each(self, source: Source, make: Callable[[], Json]) -> tuple[str, Source]:
        """What is made of each record of a SELECT, and its source with the records joined to them."""
        outer, self.joins = self.joins, []
        made = make()
        joins, self.joins = self.joins, outer
        return made.text, source.joined(joins)

    def _source(self, entity: Entity, alias: str, link: Link, selected: Selected) -> Source:
        target = self.registry.entities[link.target]
        own = self._alias()
        school = f"{alias}.id" if entity.name == "School" else f"{alias}.school_id"
        via = link.via
        visible = self.visible.of(target, own)
        if isinstance(via, Through):
            member = self._alias()
            # The key of a membership table leads with one side; the other side has an index of its own.
            index = (
                "" if via.own == MEMBERSHIP_TABLES[via.table][0] else self.writer.indexed(f"ix_{via.table}_{via.own}")
            )
            tables = (
                f"{via.table} {member}{index} {self.writer.join()} {target.table} {own} "
                f"ON {own}.school_id = {member}.school_id AND {own}.id = {member}.{via.target}"
            )
            where = (f"{member}.school_id = {school}", f"{member}.{via.own} = {alias}.id", *visible)
            return Source(tables, own, where, f"{member}.{via.target}")
        where = (f"{own}.school_id = {school}",)
        tables = f"{target.table} {own}"
        if isinstance(via, ForeignKey):
            where += (f"{own}.id = {alias}.{via.column}",)
        elif via.column != "school_id":
            where += (f"{own}.{via.column} = {alias}.id",)
            tables += self.writer.indexed(f"ix_{target.table}_{via.column}")
            if target.name == "StudentContact":
                self.link_parents[own] = (entity.name, alias)
        source = Source(tables, own, (*where, *visible), f"{own}.id")
        return self._filtered(source, selected) if selected.filters else source

    def _filtered(self, source: Source, selected: Selected) -> Source:
        """The links whose permission is the one asked for: only they are in the list, its count and its pages."""
        every = self.access.facts([*OVERRIDE_FIELDS, "permission", "reason"])
        link = joined_link(source.alias, self.link_parents.get(source.alias), every)
        self.joined_links[source.alias] = link
        permission = self.access.permission(link.row)
        wanted = tuple(f"{permission} = {literal(each.value)}" for each in selected.filters)
        return replace(source, tables=source.tables + link.joins, where=(*source.where, *wanted))

    # -- connections

    def _connection(self, entity: Entity, alias: str, link: Link, selected: Selected) -> str:
        entries: list[Entry] = []
        for child in selected.below:
            if (fixed := self._fixed(child)) is not None:
                entries.append(fixed)
            elif child.name == "totalCount":
                count = self._source(entity, alias, link, selected).sql("count(*)")
                entries.append(Scalar(child.key, Kind.INT, f"({count})"))
            elif child.name == "pageInfo":
                entries.append(Nested(child.key, Json(self._page_info(entity, alias, link, selected, child))))
            else:
                entries.append(Nested(child.key, Json(self._rows(entity, alias, link, selected, child))))
        return self.writer.object(entries).text

    def _rows(self, entity: Entity, alias: str, link: Link, selected: Selected, child: Selected) -> str:
        if child.name == "nodes":
            body, source = self._records_of(entity, alias, link, selected, child.below)
        else:
            edges, target = self._source(entity, alias, link, selected), self.registry.entities[link.target]
            body, source = self._each(edges, lambda: self._edge(target, edges, alias, selected, child))
        page = self.pages[selected.index]
        inner = self._page_sql(source, selected, f"{body} AS j, {source.key} AS k")
        return self.writer.array(inner, backwards=page.backwards)

    def _edge(self, target: Entity, source: Source, alias: str, selected: Selected, child: Selected) -> Json:
        entries: list[Entry] = []
        for part in child.below:
            if (fixed := self._fixed(part)) is not None:
                entries.append(fixed)
            elif part.name == "cursor":
                cursor = self.writer.concat(["'\"'", self._cursor(selected, alias, source.key), "'\"'"])
                entries.append(Nested(part.key, Json(cursor)))
            else:
                entries.append(Nested(part.key, self._entity(target, source.alias, part.below)))
        return self.writer.object(entries)

    def _page_sql(self, source: Source, selected: Selected, columns: str) -> str:
        page = self.pages[selected.index]
        more = []
        if page.after is not None:
            more.append(f"{source.key} > {self._bind('after', selected.index)}")
        if page.before is not None:
            more.append(f"{source.key} < {self._bind('before', selected.index)}")
        direction = " DESC" if page.backwards else ""
        limit = self._bind("limit", selected.index)
        return f"{source.sql(columns, *more)} ORDER BY {source.key}{direction} LIMIT {limit}"

    def _cursor(self, selected: Selected, alias: str, key: str) -> str:
        name = selected.list_name
        if name not in self.program.cursors:
            self.program.cursors.append(name)
        number = self.program.cursors.index(name)
        return self.writer.marker(CURSOR, [literal(f"{number}:"), f"{alias}.id", "':'", key])

    def _page_info(self, entity: Entity, alias: str, link: Link, selected: Selected, child: Selected) -> str:
        page = self.pages[selected.index]
        source = self._source(entity, alias, link, selected)
        bounds = self._alias()
        entries: list[Entry] = []
        for part in child.below:
            if (fixed := self._fixed(part)) is not None:
                entries.append(fixed)
            elif part.name in ("startCursor", "endCursor"):
                column = f"{bounds}.{'a' if part.name == 'startCursor' else 'b'}"
                cursor = self.writer.concat(["'\"'", self._cursor(selected, alias, column), "'\"'"])
                entries.append(Nested(part.key, self.writer.when(f"{column} IS NOT NULL", Json(cursor))))
            else:
                other = self._source(entity, alias, link, selected)
                if part.name == "hasNextPage":
                    floor = self._bind("after", selected.index) if page.after is not None else "''"
                    beyond = f"{other.key} > coalesce({bounds}.b, {floor})"
                else:
                    roof = self._bind("before", selected.index) if page.before is not None else "'~'"
                    beyond = f"{other.key} < coalesce({bounds}.a, {roof})"
                flag = self.writer.flag(f"EXISTS ({other.sql('1', beyond)})")
                entries.append(Nested(part.key, Json(flag)))
        keys = self._page_sql(source, selected, f"{source.key} AS k")
        inner = f"SELECT min(k) AS a, max(k) AS b FROM ({keys}) page"
        return f"(SELECT {self.writer.object(entries).text} FROM ({inner}) {bounds})"

    # -- names and parameters

    def _alias(self) -> str:
        self.aliases += 1
        return f"t{self.aliases}"

    def _bind(self, kind: str, index: int | None = None) -> str:
        bind = (kind, index)
        if bind not in self.statement.binds:
            self.statement.binds.append(bind)
        return self.writer.placeholder(self.statement.binds.index(bind) + 1)
