"""One complete read of a school: records in, drafts out, every oddity recorded. Pure: no database, no network.

The connector and the demo data generator both end here, so that what is stored is validated in one place only.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, tzinfo

from schema.fields import Entity
from schema.registry import REGISTRY
from schema.tables import stored_leaves
from server.sync.findings import KEPT, Findings
from server.sync.records import (
    Draft,
    Record,
    RecordReader,
    linked_id,
    linked_records,
    opened,
    source_id_of,
)  # fmt: skip
from server.sync.values import denying, granting, zone_named
from server.sync.wonde import FIELD_PERMISSIONS, LINK_FACTS, MEMBERS, PART_KEYS, STRICTER, Endpoint

Pair = tuple[str, str]

LINK_VALUES = tuple(leaf.field.name for leaf in stored_leaves(REGISTRY.entities["StudentContact"]))
DENIALS = tuple(
    (LINK_VALUES.index(name), denies)
    for parse, denies in ((denying, True), (granting, False))
    for (entity, name), found in STRICTER.items()
    if entity == "StudentContact" and found is parse
)
"""The facts of a link that can deny access: where each stands among its values, and what of it denies."""


@dataclass(frozen=True, slots=True)
class SchoolRecords:
    """Everything that a MIS API says about one school, in memory: its own record, and its lists by their paths."""

    school: Record
    lists: Mapping[str, Sequence[Record]]

    @property
    def source_id(self) -> str:
        """The school's id at the MIS API."""
        return str(self.school["id"])


class Reading:
    """What a read has found so far, by the ids of the MIS API."""

    def __init__(self, school: Record, source_id: str) -> None:
        self.source_id = source_id
        self.findings = Findings()
        named = school.get("timezone")
        self._zone: tzinfo = (zone_named(named) if isinstance(named, str) else None) or UTC
        self._readers: dict[str, RecordReader] = {}
        self.school = Draft(source_id, (), self._reader("School").values(school, source_id, self.findings))
        self.drafts: dict[str, dict[str, Draft]] = {name: {} for name in REGISTRY.entities if name != "School"}
        self.pairs: dict[str, dict[Pair, None]] = {table: {} for of in MEMBERS.values() for _, table in of}
        self.incidents: dict[str, str] = {}
        self.kept: set[str] = set()
        self.kept_columns: dict[str, set[str]] = {}
        self.bare_links: set[str] = set()
        self.facts_sent: set[str] = set()
        self.declined: set[str] = set()
        self.declined_facts: set[str] = set()
        self.permissions_known = False
        self._seen: dict[str, set[str]] = {}
        self._sent: dict[str, set[str]] = {}
        self._not_supplied: set[tuple[str, str | None]] = set()

    def decline(self, endpoint: Endpoint, include: str | None = None) -> None:
        """The MIS API refuses to supply a whole list, or one include of it: what is stored of it stays as it is."""
        self.declined.update(endpoint.rows if include is None else endpoint.includes[include].rows)
        self._keep(endpoint, include, "DECLINED_BY_MIS")

    def take_permissions(self, declined: AbstractSet[str] | None) -> None:
        """The permissions that the school declines at the MIS API; None where the API does not tell.

        What is declined at any moment of the read counts: some of its records may have come blanked.
        """
        if declined is None:
            return
        self.permissions_known = True
        for permission, fact in FIELD_PERMISSIONS.items():
            if permission in declined and fact not in self.declined_facts:
                self.declined_facts.add(fact)
                self.findings.add("DECLINED_BY_MIS", KEPT, "StudentContact", None, LINK_FACTS[fact])

    def _keep(self, endpoint: Endpoint, include: str | None, code: str) -> None:
        self._not_supplied.add((endpoint.path, include))
        if include is None:
            self.kept.update(endpoint.rows)
        else:
            supplied = endpoint.includes[include]
            self.kept.update(supplied.rows)
            self.kept_columns.setdefault(endpoint.entity, set()).update(supplied.columns)
        self.findings.add(code, KEPT, endpoint.entity, None, include)

    def take(self, endpoint: Endpoint, records: Iterable[object]) -> None:
        """Some records of a list."""
        sent = self._sent.setdefault(endpoint.path, set())
        for record in records:
            if isinstance(record, dict):
                sent.update(record)
            self._take(endpoint.entity, record)

    def close(self, endpoint: Endpoint) -> None:
        """The list has ended. What was asked for and is in none of its records was not supplied.

        A list of which no record can be used counts as not supplied too: it does not mean that all are gone.
        """
        entity = endpoint.entity
        if self._seen.get(entity):
            for include in endpoint.includes:
                declined = (endpoint.path, include) in self._not_supplied
                if not declined and include not in self._sent[endpoint.path]:
                    self._keep(endpoint, include, "NOT_SUPPLIED")
        elif self.findings.refused_records[entity]:
            self._keep(endpoint, None, "NOT_SUPPLIED")

    def _take(self, entity: str, record: object) -> None:
        source_id = self._admit(entity, record)
        if source_id is None or not isinstance(record, dict):
            if entity == "Student" and isinstance(record, dict):
                self._heed_second_list(record)
            return
        if entity == "Behaviour":
            self._take_incident(source_id, record)
            return
        self._draft(entity, source_id, record, self._links(entity, record))
        for include, table in MEMBERS.get(entity, ()):
            self._take_members(entity, source_id, include, table, record)
        if entity == "Student" and "StudentContact" not in self.kept:
            self._take_contacts(source_id, record)
        elif entity == "MedicalCondition" and "MedicalNote" not in self.kept:
            self._take_notes(source_id, record)

    def _admit(self, entity: str, record: object, scope: str = "") -> str | None:
        """The id of a record that may come in; a record without a usable id, or a second one, is refused."""
        if not isinstance(record, dict):
            self.findings.refuse_record("BAD_RECORD", entity, None, record)
            return None
        raw = record.get("id")
        source_id = source_id_of(raw)
        if source_id is None:
            blank = raw is None or (isinstance(raw, str) and not raw.strip())
            self.findings.refuse_record("MISSING_ID" if blank else "BAD_ID", entity, None, raw)
            return None
        seen = self._seen.setdefault(entity, set())
        if scope + source_id in seen:
            self.findings.refuse_record("DUPLICATE_RECORD", entity, scope + source_id)
            return None
        seen.add(scope + source_id)
        return source_id

    def _draft(self, entity: str, source_id: str, record: Record, links: tuple[str | None, ...]) -> None:
        values = self._reader(entity).values(record, source_id, self.findings)
        self.drafts[entity][source_id] = Draft(source_id, links, values)

    def _links(self, entity: str, record: Record) -> tuple[str | None, ...]:
        columns = REGISTRY.entities[entity].extra_columns
        return tuple(linked_id(record.get(column.removesuffix("_id"))) for column in columns)

    def _take_members(self, entity: str, source_id: str, include: str, table: str, record: Record) -> None:
        if table in self.kept:
            return
        for member in linked_records(record.get(include)):
            other = source_id_of(member.get("id"))
            if other is None:
                self.findings.refuse_record("MISSING_ID", table, source_id, member.get("id"))
            else:
                pair = (source_id, other) if entity == "Student" else (other, source_id)
                self.pairs[table][pair] = None

    def _take_contacts(self, student: str, record: Record) -> None:
        """The pupil's links; the facts of a link stand beside the contact, in this list only."""
        for item in linked_records(record.get("contacts")):
            contact = self._admit("StudentContact", item, scope=f"{student}:")
            if contact is None:
                self._heed_second(student, item)
                continue
            facts = opened(item.get("relationship"))
            source_id = f"{student}:{contact}"
            if not isinstance(facts, dict) or facts.keys().isdisjoint(LINK_FACTS):
                self.findings.add("MISSING_RELATIONSHIP", KEPT, "StudentContact", source_id)
                self.bare_links.add(source_id)
            facts = facts if isinstance(facts, dict) else {}
            self.facts_sent.update(LINK_FACTS.keys() & facts.keys())
            self._draft("StudentContact", source_id, facts, (student, contact))

    def _heed_second_list(self, record: Record) -> None:
        """The list of a pupil who was read already: a page that shifted may repeat one with an order that is newer."""
        student = source_id_of(record.get("id"))
        if student is not None and "StudentContact" not in self.kept:
            for item in linked_records(record.get("contacts")):
                self._heed_second(student, item)

    def _heed_second(self, student: str, item: Record) -> None:
        """A second entry of a link is refused, but not what it denies.

        INVARIANT: nobody gains access by a second entry, and no order is lost with one. So only what plainly denies
        counts: a true that takes access away, a false that gives none. A blank says nothing, and a true that gives
        access stands only where the first entry has it.
        """
        source_id, facts = f"{student}:{source_id_of(item.get('id'))}", opened(item.get("relationship"))
        draft = self.drafts["StudentContact"].get(source_id)
        if draft is None or not isinstance(facts, dict):
            return
        second = self._reader("StudentContact").values(facts, source_id, self.findings)
        for position, denies in DENIALS:
            if second[position] is denies and draft.values[position] is not denies:
                draft.values[position] = denies
                field = LINK_VALUES[position]
                self.findings.add("DUPLICATE_RECORD", KEPT, "StudentContact", source_id, field, denies)

    def _take_incident(self, incident: str, record: Record) -> None:
        """One record per pupil's part. A pupil may stand in an incident twice: the parts are told apart by number."""
        employee = linked_id(record.get("employee"))
        times: dict[str, int] = {}
        parts = list(linked_records(record.get("students")))
        for part in parts:
            student = source_id_of(part.get("id"))
            if student is None:
                self.findings.refuse_record("MISSING_ID", "Behaviour", incident, part.get("id"))
                continue
            times[student] = times.get(student, 0) + 1
            number = f":{times[student]}" if times[student] > 1 else ""
            source_id = f"{incident}:{student}{number}"
            whole = {**record, **{key: part.get(key) for key in PART_KEYS}}
            self.incidents[source_id] = incident
            self._draft("Behaviour", source_id, whole, (student, employee))
        if not parts:
            self.findings.refuse_record("UNKNOWN_LINK", "Behaviour", incident)

    def _take_notes(self, condition: str, record: Record) -> None:
        for note in linked_records(record.get("notes")):
            source_id = self._admit("MedicalNote", note)
            if source_id is not None:
                self._draft("MedicalNote", source_id, note, (condition,))

    def _reader(self, name: str) -> RecordReader:
        if name not in self._readers:
            entity: Entity = REGISTRY.entities[name]
            self._readers[name] = RecordReader(entity, self._zone)
        return self._readers[name]
