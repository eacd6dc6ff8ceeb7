"""The one registry of entities, scopes and rules that everything else reads.

A coordinate (`StudentEducationDetails.upn`) has one rule, derived from its declaration. A field is readable when its
own scope and the scopes of the objects it sits in are in force; a declaration that yields no rule fails the build.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schema.fields import Alternatives, Entity, Field, Kind, Link, Part, Sensitivity, Through, snake
from schema.mis import ENTITIES

AUTHENTICATED: Alternatives = ()
"""The rule of a field that needs a principal and, below a school, a consent in force, but no scope."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A coordinate of the API as declared: what it needs, how sensitive it is, what it means."""

    type_name: str
    name: str
    rule: Alternatives
    sensitivity: Sensitivity
    description: str
    item: Field | Part | Link | None

    @property
    def coordinate(self) -> str:
        """`Type.field`."""
        return f"{self.type_name}.{self.name}"


@dataclass(frozen=True, slots=True)
class ScopeInfo:
    """One scope of the catalogue: which coordinates it guards."""

    name: str
    sensitivity: Sensitivity
    description: str
    coordinates: tuple[str, ...]


STAMPS = (
    ("createdAt", "When the MIS made the record; it can betray changes of fields that a caller may not read."),
    ("updatedAt", "When the MIS last changed the record; it can betray changes of fields that a caller may not read."),
)


def entity_fields(entity: Entity) -> tuple[Field | Part, ...]:
    """The declared fields and the ones that every entity has: id, MIS id, stamps."""
    own: list[Field | Part] = [
        Field("id", Kind.ID, "Opaque id in this API.", entity.sensitivity, scope=None, rule=entity.object_rule),
        *entity.fields,
    ]
    if entity.has_mis_id:
        own.append(Field("misId", Kind.ID, "The record's id in the MIS.", entity.sensitivity))
    if entity.has_stamps:
        own += [Field(name, Kind.INSTANT, text, entity.sensitivity) for name, text in STAMPS]
    if entity.is_person:
        text = "When the MIS restored the record after deletion."
        own.append(Field("restoredAt", Kind.INSTANT, text, entity.sensitivity))
    return tuple(own)


class Registry:
    """All entities with every coordinate's rule. Built once from declarations; immutable after."""

    def __init__(self, entities: tuple[Entity, ...]) -> None:
        self.entities: Mapping[str, Entity] = {entity.name: entity for entity in entities}
        self.by_prefix: Mapping[str, Entity] = {entity.prefix: entity for entity in entities}
        self.declared: dict[str, Declared] = {}
        for entity in entities:
            self._declare_entity(entity)
        self.object_scopes = frozenset(entity.object_scopes[-1] for entity in entities if entity.object_scopes)
        self.scopes: Mapping[str, ScopeInfo] = self._catalogue()

    def _declare_entity(self, entity: Entity) -> None:
        base = entity.object_scopes
        self._declare_fields(entity, entity.name, base, entity_fields(entity), inherit=False)
        for link in entity.links:
            target = self.entities[link.target]
            own = (f"{entity.scope_prefix}.{link.scope}.read",) if link.scope else ()
            needed = (*base, *(target.object_scopes if link.target_scope else ()), *own)
            self._add(entity.name, link.name, _and(needed), target.sensitivity, link.description, link)

    def _declare_fields(
        self,
        entity: Entity,
        type_name: str,
        base: tuple[str, ...],
        fields: tuple[Field | Part, ...],
        *,
        inherit: bool,
    ) -> None:
        for item in fields:
            own = () if inherit else self._own_scope(entity, item)
            needed = (*base, *own)
            if isinstance(item, Part):
                if item.rule is not None:
                    [needed] = item.rule
                self._add(type_name, item.name, _and(needed), item.sensitivity, item.description, item)
                self._declare_fields(entity, item.type_name, needed, item.fields, inherit=not item.own_scopes)
            else:
                rule = item.rule if item.rule is not None else _and(needed)
                self._add(type_name, item.name, rule, item.sensitivity, item.description, item)

    @staticmethod
    def _own_scope(entity: Entity, item: Field | Part) -> tuple[str, ...]:
        if item.scope is None:
            return ()
        return (f"{entity.scope_prefix}.{item.scope or snake(item.name)}.read",)

    def _add(
        self, type_name: str, name: str, rule: Alternatives, sensitivity: Sensitivity, description: str,
        item: Field | Part | Link,
    ) -> None:  # fmt: skip
        coordinate = f"{type_name}.{name}"
        before = self.declared.get(coordinate)
        if before is not None:  # a shared type: readable under any of its owners' scopes
            rule = tuple(dict.fromkeys((*before.rule, *rule)))
        self.declared[coordinate] = Declared(type_name, name, rule, sensitivity, description, item)

    def _catalogue(self) -> dict[str, ScopeInfo]:
        guarded: dict[str, list[Declared]] = {}
        for declared in self.declared.values():
            for scope in {scope for alternative in declared.rule for scope in alternative}:
                guarded.setdefault(scope, []).append(declared)
        objects: dict[str, Entity] = {}
        for entity in self.entities.values():
            if entity.object_scopes:
                objects.setdefault(entity.object_scopes[-1], entity)
        return {scope: self._scope_info(scope, guarded[scope], objects.get(scope)) for scope in sorted(guarded)}

    @staticmethod
    def _scope_info(scope: str, guarded: list[Declared], entity: Entity | None) -> ScopeInfo:
        own = [d for d in guarded if any(alternative[-1] == scope for alternative in d.rule)]
        first = next((d for d in own if isinstance(d.item, Part)), own[0] if own else guarded[0])
        sensitivity = entity.sensitivity if entity else first.sensitivity
        description = entity.description if entity else first.description
        return ScopeInfo(scope, sensitivity, description, tuple(d.coordinate for d in own))

    def object_rule(self, entity: Entity) -> Alternatives:
        """What a caller needs to see that a record of the entity exists."""
        return _and(entity.object_scopes)

    def coordinates_of(self, type_name: str) -> Iterator[Declared]:
        """The declared fields of one object type, in order."""
        return (declared for declared in self.declared.values() if declared.type_name == type_name)

    def implied_objects(self, scope: str) -> tuple[str, ...]:
        """Object scopes without which the scope opens nothing, outermost first."""
        info = self.scopes[scope]
        for coordinate in info.coordinates:
            declared = self.declared[coordinate]
            stated = isinstance(declared.item, Field | Part) and declared.item.rule is not None
            for alternative in declared.rule:
                if alternative[-1] == scope:  # a stated rule may name other facts too, which nothing implies
                    return tuple(each for each in alternative[:-1] if not stated or each in self.object_scopes)
        return ()

    def implied_by_request(self, scope: str) -> tuple[str, ...]:
        """Object scopes that a request for the scope adds: those it needs, and those its facts are about."""
        types = {self.declared[coordinate].type_name for coordinate in self.scopes[scope].coordinates}
        about = [entity.asked_with for entity in self.entities.values() if types == {entity.name}]
        return tuple(dict.fromkeys((*self.implied_objects(scope), *(scope for scopes in about for scope in scopes))))


def _and(scopes: tuple[str, ...]) -> Alternatives:
    unique = tuple(dict.fromkeys(scopes))
    return (unique,) if unique else AUTHENTICATED


REGISTRY = Registry(ENTITIES)


def _membership_tables(registry: Registry) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for entity in registry.entities.values():
        for link in entity.links:
            if isinstance(link.via, Through) and link.via.table not in found:
                found[link.via.table] = (link.via.own, link.via.target)
    return found


MEMBERSHIP_TABLES: Mapping[str, tuple[str, str]] = _membership_tables(REGISTRY)
"""The membership tables: name → its two id columns, the first leading the primary key after the school."""

FILTERS: Mapping[str, Mapping[str, str]] = {"StudentContact": {"access": "ContactAccess.permission"}}
"""Entity → the filters of its lists: argument → the coordinate that it filters by, whose rule it needs."""
