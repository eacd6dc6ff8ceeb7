"""A read compared with what is stored: which rows and pairs are new, changed or gone. Pure.

Ids of ours are kept: a row with the same source id keeps its id even when it was deleted, a person is known by
UPI first (`server/sync/people.py`), and a link by its two people. What was not supplied stays as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

from authz.capabilities import Seen
from schema.fields import ForeignKey, Reverse
from schema.ids import MakeKey, new_record_id
from schema.registry import MEMBERSHIP_TABLES, REGISTRY
from server.sync.findings import KEPT, REFUSED, Findings
from server.sync.links import LINK, Pair, known_links, whole_link
from server.sync.people import known_people
from server.sync.reading import Reading
from server.sync.records import Draft
from server.sync.stored import RowValues, StoredRows, StoredSchool, columns_of
from server.sync.supply import stored_mis, supply_of
from server.sync.wonde import LINK_FACTS

REQUIRED_LINKS = frozenset({"student_id", "contact_id", "medical_condition_id"})
"""A record without one of these says nothing of anybody: it is refused, where other links become null."""


def references(entity_name: str) -> dict[str, str]:
    """The link columns of an entity and the entity that each points to."""
    found: dict[str, str] = {}
    for entity in REGISTRY.entities.values():
        for link in entity.links:
            if isinstance(link.via, ForeignKey) and entity.name == entity_name:
                found[link.via.column] = link.target
            elif isinstance(link.via, Reverse) and link.target == entity_name and link.via.column != "school_id":
                found.setdefault(link.via.column, entity.name)
    return found


REFERENCES = {name: references(name) for name in REGISTRY.entities}
ORDER = tuple(TopologicalSorter({name: list(found.values()) for name, found in REFERENCES.items()}).static_order())
"""All entities, each after those it points to; the same order in every process, as seeded ids are given in it."""


MEMBER_ENTITIES = {"student_id": "Student", "class_id": "Class", "group_id": "Group", "employee_id": "Employee"}
"""The columns of membership tables and the entity that each points to."""


@dataclass(slots=True)
class RowChanges:
    """What must happen to one entity's table."""

    inserted: list[RowValues] = field(default_factory=list)
    updated: list[RowValues] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    unchanged: int = 0
    source_ids_move: bool = False


@dataclass(slots=True)
class PairChanges:
    """What must happen to one membership table."""

    added: list[tuple[str, str]] = field(default_factory=list)
    removed: list[tuple[str, str]] = field(default_factory=list)
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """All that one import writes. `seen`: what it saw of the school's MIS."""

    school_id: str
    rows: Mapping[str, RowChanges]
    pairs: Mapping[str, PairChanges]
    kept: frozenset[str]
    findings: Findings
    seen: Seen

    def counts(self) -> dict[str, dict[str, int]]:
        """Per entity and membership table: read, inserted, updated, deleted, unchanged, refused."""
        counts: dict[str, dict[str, int]] = {}
        for name, rows in self.rows.items():
            written = (len(rows.inserted), len(rows.updated), len(rows.gone), rows.unchanged)
            counts[name] = self._count(name, *written)
        for table, pairs in self.pairs.items():
            counts[table] = self._count(table, len(pairs.added), 0, len(pairs.removed), pairs.unchanged)
        return counts

    def _count(self, name: str, inserted: int, updated: int, deleted: int, unchanged: int) -> dict[str, int]:
        refused = self.findings.refused_records[name]
        read = 0 if name in self.kept else inserted + updated + unchanged + refused
        return {
            "read": read, "inserted": inserted, "updated": updated, "deleted": deleted, "unchanged": unchanged,
            "refused": refused,
        }  # fmt: skip


def compare(
    reading: Reading, stored: StoredSchool, school_id: str, key: MakeKey, *, accept_empty: bool = False
) -> Changes:
    """The changes that make what is stored equal to what was read.

    `accept_empty`: a list without contacts is true, whatever the pupils' lists say.
    """
    return _Comparison(reading, stored, school_id, key, accept_empty).changes()


class _Comparison:
    def __init__(
        self, reading: Reading, stored: StoredSchool, school_id: str, key: MakeKey, accept_empty: bool
    ) -> None:
        self.reading, self.stored, self.school_id, self.key = reading, stored, school_id, key
        self.accept_empty = accept_empty
        self.findings = reading.findings
        self.kept = set(reading.kept)
        self.ids: dict[str, dict[str, str]] = {}
        self.live: dict[str, set[str]] = {}
        self.incidents = _stored_incidents(stored)
        self.supply = supply_of(reading, stored)

    def changes(self) -> Changes:
        rows = {"School": self._school()}
        for name in ORDER:
            if name != "School":
                self._check_supplied(name)
                rows[name] = self._kept_entity(name) if name in self.kept else self._entity(name)
        pairs = {table: self._pairs(table, *columns) for table, columns in MEMBERSHIP_TABLES.items()}
        return Changes(self.school_id, rows, pairs, frozenset(self.kept), self.findings, self.supply.seen)

    def _school(self) -> RowChanges:
        draft, changes = self.reading.school, RowChanges()
        provider = columns_of("School").index("provider") - 2
        if draft.values[provider] is None:  # a read that names no MIS is of the one that is known
            draft.values[provider] = stored_mis(self.stored)
        self._file(changes, self.stored.entities["School"], (self.school_id, draft.source_id, *draft.values))
        return changes

    def _entity(self, name: str) -> RowChanges:
        before, drafts = self.stored.entities[name], self.reading.drafts[name]
        known, changes = self._known(name), RowChanges()
        ids = self.ids[name] = {}
        for draft in drafts.values():
            links = self._links(name, draft)
            if links is None:
                continue
            own = known.get(draft.source_id) or new_record_id(REGISTRY.entities[name].prefix, self.school_id, self.key)
            if before.by_source.get(draft.source_id, own) != own:  # another row, which is gone, has this source id
                changes.source_ids_move = True
            if own in before.rows and before.rows[own][1] != draft.source_id:
                changes.source_ids_move = True
                if name != LINK:  # a link's id is made of the ids of its people, who are told already
                    self.findings.add("ID_CHANGED", KEPT, name, draft.source_id, None, before.rows[own][1])
            ids[draft.source_id] = own
            row = (own, draft.source_id, *links, *draft.values)
            self._file(changes, before, self._keep_columns(name, row, before.rows.get(own)))
        self.live[name] = set(ids.values())
        changes.gone = [row for row in before.rows if row not in self.live[name] and row not in before.deleted]
        return changes

    def _known(self, name: str) -> dict[str, str]:
        before, drafts = self.stored.entities[name], self.reading.drafts[name]
        if REGISTRY.entities[name].is_person:
            return known_people(name, before, drafts, self.findings)
        if name != LINK:
            return {source: before.by_source[source] for source in drafts if source in before.by_source}
        pairs: dict[str, Pair] = {}
        for draft in drafts.values():
            student, contact = draft.links
            pair = self.ids["Student"].get(str(student)), self.ids["Contact"].get(str(contact))
            if None not in pair:
                pairs[draft.source_id] = pair
        return known_links(before, pairs)

    def _kept_entity(self, name: str) -> RowChanges:
        """Rows that were not supplied stay.

        INVARIANT: no live row hangs on a dead one, so those of a pupil or contact who is gone go too.
        """
        before, changes = self.stored.entities[name], RowChanges()
        needed = [
            (columns_of(name).index(column), target)
            for column, target in REFERENCES[name].items()
            if column in REQUIRED_LINKS
        ]
        for own, row in before.rows.items():
            if own not in before.deleted and any(row[position] not in self.live[target] for position, target in needed):
                changes.gone.append(own)
        self.live[name] = before.rows.keys() - before.deleted - set(changes.gone)
        self.ids[name] = {source: own for source, own in before.by_source.items() if own in self.live[name]}
        changes.unchanged = len(self.live[name])
        return changes

    def _check_supplied(self, name: str) -> None:
        """Records that all lack a link they need mean that the MIS API does not supply it, not that all are gone.

        So does an empty list of contacts of whom the pupils' lists name some: it would end everybody's access.
        """
        drafts = self.reading.drafts[name].values()
        if name == "Contact" and not drafts and name not in self.kept and not self.accept_empty and self._are_named():
            self.kept.add(name)
            self.findings.add("NOT_SUPPLIED", KEPT, name)
        for position, column in enumerate(REGISTRY.entities[name].extra_columns):
            if column in REQUIRED_LINKS and drafts and all(draft.links[position] is None for draft in drafts):
                self.kept.add(name)
                self.findings.add("NOT_SUPPLIED", KEPT, name, None, column.removesuffix("_id"))

    def _are_named(self) -> bool:
        """Whether contacts are stored, and the pupils' lists, read or kept, have any."""
        contacts = self.stored.entities["Contact"]
        listed = self.reading.drafts[LINK] or LINK in self.kept
        return bool(listed) and len(contacts.rows) > len(contacts.deleted)

    def _links(self, name: str, draft: Draft) -> tuple[str | None, ...] | None:
        """The ids of ours that a draft points to; None when one that it needs is not there."""
        links: list[str | None] = []
        for column, source_id in zip(REGISTRY.entities[name].extra_columns, draft.links, strict=True):
            own = self.ids[REFERENCES[name][column]].get(source_id) if source_id is not None else None
            if own is None and column in REQUIRED_LINKS:
                self.findings.refuse_record("UNKNOWN_LINK", name, draft.source_id, source_id)
                return None
            if own is None and source_id is not None:
                link = column.removesuffix("_id")
                self.findings.add("UNKNOWN_LINK", REFUSED, name, draft.source_id, link, source_id)
            links.append(own)
        if name == "Behaviour":
            self._name_incident(draft)
        return tuple(links)

    def _name_incident(self, draft: Draft) -> None:
        """The parts of an incident share an opaque id, and keep it over imports."""
        incident = self.reading.incidents[draft.source_id]
        if incident not in self.incidents:
            self.incidents[incident] = new_record_id("inc", self.school_id, self.key)
        draft.values[INCIDENT_ID - 2 - len(draft.links)] = self.incidents[incident]

    def _keep_columns(self, name: str, row: RowValues, before: RowValues | None) -> RowValues:
        if name == LINK:
            facts = frozenset(LINK_FACTS) if row[1] in self.reading.bare_links else self.supply.kept
            marks = self.supply.priority_assumed, self.supply.marks_stay
            return whole_link(row, before, facts, *marks)
        kept = self.reading.kept_columns.get(name)
        if not kept or before is None:
            return row
        columns = columns_of(name)
        return tuple(old if column in kept else new for column, old, new in zip(columns, before, row, strict=True))

    @staticmethod
    def _file(changes: RowChanges, before: StoredRows, row: RowValues) -> None:
        own = str(row[0])
        stored = before.rows.get(own)
        if stored is None:
            changes.inserted.append(row)
        elif stored == row and own not in before.deleted:
            changes.unchanged += 1
        else:
            changes.updated.append(row)

    def _pairs(self, table: str, own: str, target: str) -> PairChanges:
        before, entities = self.stored.pairs[table], (MEMBER_ENTITIES[own], MEMBER_ENTITIES[target])
        if table in self.kept:
            one, other = (self.live[entity] for entity in entities)
            found = {pair for pair in before if pair[0] in one and pair[1] in other}
        else:
            found = self._known_pairs(table, *entities)
        return PairChanges(sorted(found - before), sorted(before - found), len(before & found))

    def _known_pairs(self, table: str, own: str, target: str) -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        for one, other in self.reading.pairs[table]:
            ids = self.ids[own].get(one), self.ids[target].get(other)
            if ids[0] is None or ids[1] is None:
                self.findings.refuse_record("UNKNOWN_LINK", table, f"{one}:{other}", one if ids[0] is None else other)
            else:
                found.add((ids[0], ids[1]))
        return found


INCIDENT_ID = columns_of("Behaviour").index("incident_id")


def _stored_incidents(stored: StoredSchool) -> dict[str, str]:
    """Incident at the MIS API → our opaque id of it."""
    rows = stored.entities["Behaviour"].rows.values()
    return {str(row[1]).split(":", 1)[0]: str(row[INCIDENT_ID]) for row in rows if row[INCIDENT_ID] is not None}
