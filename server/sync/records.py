"""One record of the MIS API → the values of one row, driven by the entity's declaration. Pure.

A reader is compiled once per entity: fields that sit in the same object are read together, and only odd values cost
more than a dictionary look-up and a check.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from schema.fields import Entity, Leaf, snake
from schema.tables import stored_leaves
from server.sync.findings import REFUSED, Findings
from server.sync.values import Odd, Parse, Stored, parser
from server.sync.wonde import RENAMED, STRICTER

Record = Mapping[str, object]

_SOURCE_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
NOT_FROM_THE_WIRE = frozenset({("Behaviour", "incidentId")})


@dataclass(frozen=True, slots=True)
class Draft:
    """A row before it has ids of ours: its id at the MIS API, whom it points to there, and its values.

    `links` follow the entity's `extra_columns`, `values` its stored fields.
    """

    source_id: str
    links: Sequence[str | None]
    values: list[Stored]


@dataclass(frozen=True, slots=True)
class _Slot:
    """One field: the key that holds it, others that may, how to read it, where it goes."""

    key: str
    other_keys: tuple[str, ...]
    parse: Parse
    position: int
    name: str


class RecordReader:
    """Reads the values of one entity's records."""

    def __init__(self, entity: Entity, zone: tzinfo) -> None:
        self.entity = entity.name
        found = stored_leaves(entity)
        self._width = len(found)
        objects: dict[tuple[str, ...], list[_Slot]] = {}
        for position, leaf in enumerate(found):
            name = api_path(leaf)
            if (entity.name, name) in NOT_FROM_THE_WIRE:
                continue
            paths = [tuple(path.split(".")) for path in RENAMED.get((entity.name, name), (_wire_path(leaf),))]
            parse = STRICTER.get((entity.name, name)) or parser(leaf.field.kind, zone)
            key, *others = (path[-1] for path in paths)
            objects.setdefault(paths[0][:-1], []).append(_Slot(key, tuple(others), parse, position, name))
        self._objects = tuple((path, tuple(slots)) for path, slots in objects.items())

    def values(self, record: Record, source_id: str, findings: Findings) -> list[Stored]:
        """The record's values in the order of the entity's stored fields."""
        values: list[Stored] = [None] * self._width
        for path, slots in self._objects:
            holder = self._holder(record, path, source_id, findings)
            if holder is None:
                continue
            for slot in slots:
                raw = holder.get(slot.key)
                for key in slot.other_keys:
                    raw = holder.get(key) if raw is None else raw
                if raw is None:
                    continue
                value = slot.parse(raw)
                if isinstance(value, Odd):
                    findings.add(value.code, value.outcome, self.entity, source_id, slot.name, raw)
                    value = value.stored
                values[slot.position] = value
        return values

    def _holder(self, record: Record, path: tuple[str, ...], source_id: str, findings: Findings) -> Record | None:
        """The object at the path; None where the MIS has none."""
        holder: object = record
        for key in path:
            holder = opened(holder.get(key)) if isinstance(holder, dict) else None
            if holder is None or holder in ([], ""):  # PHP writes an empty object as []
                return None
            if not isinstance(holder, dict):
                findings.add("BAD_TEXT", REFUSED, self.entity, source_id, ".".join(path), holder)
                return None
        return holder if isinstance(holder, dict) else None


def api_path(leaf: Leaf) -> str:
    """The field's name in our API, along its parts."""
    return ".".join([*(part.name for part in leaf.path), leaf.field.name])


def _wire_path(leaf: Leaf) -> str:
    return ".".join([*(snake(part.name) for part in leaf.path), snake(leaf.field.name)])


def opened(value: object) -> object:
    """What is in the envelope `{"data": …}`, or the value itself where there is none."""
    if isinstance(value, dict) and "data" in value and value.keys() <= {"data", "meta"}:
        return value["data"]
    return value


def source_id_of(value: object) -> str | None:
    """A usable id of the MIS API; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and _SOURCE_ID.fullmatch(value) else None


def linked_id(value: object) -> str | None:
    """The id that a to-one link names: a bare id, or the id of the included record."""
    inner = opened(value)
    return source_id_of(inner.get("id")) if isinstance(inner, dict) else source_id_of(inner)


def linked_records(value: object) -> Iterator[Record]:
    """The records, or stubs of records, that a to-many include lists."""
    inner = opened(value)
    for item in inner if isinstance(inner, list) else ():
        yield item if isinstance(item, dict) else {"id": item}
