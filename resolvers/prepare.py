"""Decides a root before anything of the MIS is read: its schools, pages and denials.

Errors of arguments make the root null. Schools for which the same was decided form one group and share a program.
"""

from collections.abc import Collection
from dataclasses import replace

import orjson

from authz.grants import Standing
from authz.plan import Denial, Planner
from resolvers.asking import Ask, Errors, Flow
from resolvers.caller import Caller
from resolvers.cursors import CursorPlace
from resolvers.denials import denial_entries
from resolvers.operation import Decided, Root
from resolvers.pages import Page, Values
from schema.errors import FieldgateError
from schema.ids import is_school_id, school_of


class Group:
    """Schools for which the same was decided, and the ids to read of each entity."""

    def __init__(self, decided: Decided) -> None:
        self.decided = decided
        self.schools: list[Standing] = []
        self.types: dict[str, list[str]] = {}

    def add(self, school: Standing, type_name: str, record_id: str) -> None:
        """One more record to read."""
        if school not in self.schools:
            self.schools.append(school)
        self.types.setdefault(type_name, []).append(record_id)


class Prepared:
    """A root that has been decided and not yet read. `failed`: the errors that make it null."""

    def __init__(self, root: Root) -> None:
        self.root = root
        self.ids: list[str] = []
        self.groups: dict[Decided, Group] = {}
        self.denials: Errors = []
        self.failed: Errors | None = None

    def group(self, school: Standing) -> Group:
        """The group of a school."""
        decided = self.root.decided(school)
        return self.groups.setdefault(decided, Group(decided))


class Preparer:
    """Prepares the roots of one operation for one caller; `pages` are the pages bound so far, by selection."""

    def __init__(self, caller: Caller, values: Values) -> None:
        self.caller = caller
        self.gate = caller.gate
        self.values = values
        self.pages: dict[int, Page] = {}

    def prepare(self, root: Root) -> Flow:
        """The prepared root."""
        prepared = Prepared(root)
        try:
            if root.name == "schools":
                yield from self._schools(prepared)
            else:
                self._records(prepared)
        except FieldgateError as error:
            prepared.failed = root.failed(error)
        else:
            prepared.denials = self._denials(prepared)
        return prepared

    def _records(self, prepared: Prepared) -> None:
        root = prepared.root
        ids = root.ids(self.values)
        for each in ids:
            if not (is_school_id(each) if root.name == "school" else school_of(each)):
                raise FieldgateError("BAD_ID", "The id has not the form of this API's ids.")
        if len(ids) > self.gate.limits.page_cap:
            raise FieldgateError("BAD_PAGE", f"At most {self.gate.limits.page_cap} ids are looked up at once.")
        prepared.ids = ids
        for each in ids:
            school = self.caller.standings.get(school_of(each) or "")
            entity = self.gate.registry.by_prefix.get(each[:3])
            if school is not None and entity is not None and school.scopes.issuperset(entity.object_scopes):
                prepared.group(school).add(school, entity.name, each)
        if root.name == "school" and not prepared.groups:
            raise FieldgateError("NOT_FOUND", "There is no school with this id and a consent in force.")
        if prepared.groups:
            types = {type_name for group in prepared.groups.values() for type_name in group.types}
            self._bind_pages(root, ids[0] if len(ids) == 1 else "", types)

    def _schools(self, prepared: Prepared) -> Flow:
        root = prepared.root
        self._bind_pages(root, "", {"SchoolConnection"})
        page = self.pages[root.selected.index]
        bounds = [key for key in (page.after, page.before) if key is not None]
        sql = self.gate.page_sql(page)
        rows = yield Ask(sql, (*bounds, page.limit, self.caller.token_hash))
        yield from self.caller.remember(rows)
        prepared.ids = sorted(row[3] for row in rows if row[3] in self.caller.standings)
        for school_id in prepared.ids:
            school = self.caller.standings[school_id]
            prepared.group(school).add(school, "School", school_id)

    def _bind_pages(self, root: Root, parent_id: str, types: Collection[str]) -> None:
        """Bind the pages below the concrete types that are asked for; what stands below others does not matter."""
        limits = self.gate.limits
        for spec in root.pages:
            if spec.below not in types:
                continue
            place = self.caller.place(spec.selected.list_name, "" if spec is root.own_page else parent_id)

            def open_cursor(cursor: str, place: CursorPlace = place) -> str:
                return self.gate.keys.open(place, cursor)

            self.pages[spec.selected.index] = spec.bind(self.values, limits.default_page, limits.page_cap, open_cursor)

    def _denials(self, prepared: Prepared) -> Errors:
        """The entries; those of one school's consent version are made once and kept, until a grant expires."""
        root = prepared.root
        if root.name not in ("school", "node") or not prepared.groups:
            return self._made_denials(prepared)
        group = next(iter(prepared.groups.values()))  # one id: one group, one school, one entity
        school = group.schools[0]
        # INVARIANT: the scopes are part of the key: they also change by a grant's expiry, which raises no version.
        key = (school.consent_id, school.version, school.scopes, next(iter(group.types)))
        kept = root.denial_bytes.get(key)
        if kept is None:
            kept = self._made_denials(prepared)
            root.denial_bytes.put(key, kept)
        return kept

    def _made_denials(self, prepared: Prepared) -> Errors:
        per_school: list[tuple[Standing, list[Denial]]] = []
        for group in prepared.groups.values():
            denials = self._group_denials(prepared.root, group)
            per_school += [(school, denials) for school in group.schools]
        per_school.sort(key=lambda each: each[0].school_id)
        return [orjson.dumps(entry) for entry in denial_entries(per_school, self.gate.base_url)]

    def _group_denials(self, root: Root, group: Group) -> list[Denial]:
        planner = Planner(self.gate.rules, group.decided.scopes)
        top = root.selected
        if root.name == "schools":
            return planner.denials(top.below, (root.key,))
        return [
            replace(denial, place=child.place if len(group.types) > 1 else 0)
            for type_name in sorted(group.types)
            for child in top.children.get(type_name, ())
            for denial in planner.denials((child,), (root.key,), exact=root.name != "nodes")
        ]
