"""Every place of the API at which a scope decides: the way to it, what is selected there, what the world says it holds.

It is worked out from the declarations alone, by other code than what enforces: a site's own scopes are those that its
coordinate needs and that the way there does not.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schema.fields import Entity, Field, ForeignKey, Link, Part, Shape, Through, leaves, snake
from schema.registry import REGISTRY, entity_fields
from tests.resolvers.access import COMPUTED
from tests.resolvers.serving import ALL_SCOPES, shown
from tests.world import World

Row = Mapping[str, Any]
# The override stands in the answer's own expression too, so that is where its column may not be selected from.
HIDDEN_TABLES = {
    "access": r"\bimport_run\b",
    "accessOverride": r"\bcontact_override\b",
    "override": r"'x', t\d+o\.value|\"x\":.{0,40}t\d+o\.value",
}


@dataclass(frozen=True)
class Site:
    """A coordinate reached from a school: through a list of an entity's records, then through parts of a record.

    `scopes` decide here: each of them alone, missing, denies `coordinate`.
    """

    entity: Entity
    parts: tuple[Part, ...]
    item: Field | Part | Link
    coordinate: str
    scopes: tuple[str, ...]
    drops: tuple[str, ...]

    def query(self) -> str:
        """The document that selects it under the key `x`, beside something that is granted."""
        inner = f"x: {self.item.name} {_below(self.item)}"
        for part in reversed(self.parts):
            inner = f"{part.name} {{ {inner} }}"
        if self.entity.name == "School":
            return f"query($id: ID!) {{ school(id: $id) {{ id {inner} }} }}"
        if self.entity.name == "MedicalNote":
            inner = f"notes {{ id {inner} }}"
        way = _way(self.entity)
        return f"query($id: ID!) {{ school(id: $id) {{ id {way} {{ nodes {{ id {inner} }} }} }} }}"

    def found(self, school: Any) -> list[Any]:
        """What an answer holds there, one value per record."""
        if self.entity.name == "School":
            return [self._opened(school)]
        records = school[_way(self.entity)]["nodes"]
        if self.entity.name == "MedicalNote":
            records = [note for record in records for note in record["notes"]]
        return [self._opened(record) for record in records]

    def _opened(self, record: Any) -> Any:
        for part in self.parts:
            record = record[part.name]
        return record["x"]

    def expected(self, world: World) -> list[Any]:
        """What the world's first school holds there."""
        if self.entity.name == "School":
            rows: list[Row] = [world.rows["school"][0]]
        elif self.entity.name == "MedicalNote":
            rows = [
                note
                for condition in shown(world, "medical_condition")
                for note in shown(world, "medical_note")
                if note["medical_condition_id"] == condition["id"]
            ]
        else:
            rows = list(shown(world, self.entity.table))
        if isinstance(self.item, Link):
            return [_linked(world, row, self.item) for row in rows]
        path = (*self.parts, self.item) if isinstance(self.item, Part) else self.parts
        if any(part.computed for part in path):
            whole = [COMPUTED[path[0].name](world, row) for row in rows]
            return whole if self.parts == () else [each and each[self.item.name] for each in whole]
        return [_value(row, self.item, self.parts) for row in rows]

    def hidden_words(self) -> "re.Pattern[str]":
        """What must not stand in SQL when it is denied: quoted columns, or tables."""
        if isinstance(self.item, Link):
            names = [REGISTRY.entities[self.item.target].table]
            if isinstance(self.item.via, Through):
                names.append(self.item.via.table)
            return re.compile(rf"\b({'|'.join(names)})\b")
        if self.item.name in HIDDEN_TABLES:
            return re.compile(HIDDEN_TABLES[self.item.name])
        if isinstance(self.item, Part):
            columns = [leaf.column for leaf in leaves(self.item.fields, (*self.parts, self.item))]
        else:
            columns = [_column(self.item, self.parts)]
        return re.compile("|".join(f'"{column}"' for column in columns))


def _way(entity: Entity) -> str:
    if entity.name == "MedicalNote":
        return "medicalConditions"
    links = REGISTRY.entities["School"].links
    return next(link.name for link in links if link.target == entity.name)


def _below(item: Field | Part | Link) -> str:
    if isinstance(item, Field):
        return ""
    if isinstance(item, Link):
        return "{ nodes { id } }" if item.shape is Shape.CONNECTION else "{ id }"
    return "{ " + " ".join(f"{each.name} {_below(each)}" for each in item.fields) + " }"


def _column(item: Field, parts: tuple[Part, ...]) -> str:
    return "_".join([*(snake(part.name) for part in parts if not part.own_scopes), snake(item.name)])


def _value(row: Row, item: Field | Part, parts: tuple[Part, ...]) -> Any:
    if isinstance(item, Field):
        return row[_column(item, parts)]
    inner = {each.name: _value(row, each, (*parts, item)) for each in item.fields}
    return None if item.absent_when_empty and not any(value is not None for value in inner.values()) else inner


def _linked(world: World, row: Row, link: Link) -> Any:
    target = REGISTRY.entities[link.target]
    live = [each["id"] for each in shown(world, target.table)]
    via = link.via
    if isinstance(via, ForeignKey):
        ids = [each for each in live if each == row[via.column]]
    elif isinstance(via, Through):
        ids = [
            each for each in live if any(pair[via.own] == row["id"] and pair[via.target] == each
                                         for pair in world.of(via.table))
        ]  # fmt: skip
    elif via.column != "school_id":
        ids = [each["id"] for each in shown(world, target.table) if each[via.column] == row["id"]]
    else:
        ids = live
    records = [{"id": each} for each in ids]
    if link.shape is Shape.ONE:
        return records[0] if records else None
    return records if link.shape is Shape.LIST else {"nodes": records}


def sites() -> Iterator[Site]:
    """All of them."""
    for entity in REGISTRY.entities.values():
        held = frozenset(entity.object_scopes)
        yield from _of_items(entity, entity.name, (), entity_fields(entity), held)
        for link in entity.links:
            yield from _site(entity, (), link, f"{entity.name}.{link.name}", held)
    # The lists themselves are the sites of the objects' scopes; a note's is the link from its condition.


def _of_items(
    entity: Entity, type_name: str, parts: tuple[Part, ...], items: tuple[Field | Part, ...], held: frozenset[str]
) -> Iterator[Site]:
    for item in items:
        coordinate = f"{type_name}.{item.name}"
        own = list(_site(entity, parts, item, coordinate, held))
        yield from own
        if isinstance(item, Part):
            below = held.union(*(site.scopes for site in own))
            yield from _of_items(entity, item.type_name, (*parts, item), item.fields, below)


def _site(
    entity: Entity, parts: tuple[Part, ...], item: Field | Part | Link, coordinate: str, held: frozenset[str]
) -> Iterator[Site]:
    rule = REGISTRY.declared[coordinate].rule
    own = [alternative for alternative in rule if len(set(alternative) - held) == 1] if len(rule) > 1 else list(rule)
    for alternative in own:
        scopes = tuple(scope for scope in alternative if scope not in held)
        if scopes:
            drops = tuple(other[-1] for other in rule if other != alternative)
            yield Site(entity, parts, item, coordinate, scopes, drops)


SITES: tuple[Site, ...] = tuple(sites())


def sites_of(scope: str) -> list[Site]:
    """The sites at which the scope decides."""
    return [site for site in SITES if scope in site.scopes]


def without(scope: str, site: Site) -> frozenset[str]:
    """All scopes but this one, and but those that would open the site another way."""
    return ALL_SCOPES - {scope, *site.drops}
