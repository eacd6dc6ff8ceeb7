"""How a MIS entity is declared: one line is column, API field, description, sensitivity and scope.

Declarations are plain frozen values. Tables, the GraphQL schema, the scope catalogue, plans and connectors are all
derived from them, so a field that is not declared here exists nowhere. This module imports nothing heavy: the shell's
small commands read the scope registry through it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Sensitivity(StrEnum):
    """How careful a school must be with a field (the words of the scope catalogue)."""

    ORDINARY = "ordinary"
    PERSONAL = "personal"
    SPECIAL_CATEGORY = "special-category"
    SAFEGUARDING = "safeguarding"


ORDINARY = Sensitivity.ORDINARY
PERSONAL = Sensitivity.PERSONAL
SPECIAL = Sensitivity.SPECIAL_CATEGORY
SAFEGUARDING = Sensitivity.SAFEGUARDING


class Kind(StrEnum):
    """What a column holds; each kind has one canonical storage, the same on every database."""

    ID = "ID"  # an opaque id, or another name that must be compared whole
    TEXT = "String"
    INT = "Int"  # within 32 bits, as GraphQL's Int
    BOOL = "Boolean"
    DATE = "Date"  # YYYY-MM-DD
    INSTANT = "DateTime"  # UTC, YYYY-MM-DDTHH:MM:SS.ffffffZ
    DECIMAL = "Decimal"  # a decimal number as text, never a binary float


@dataclass(frozen=True, slots=True)
class Choice:
    """A closed set of values: a GraphQL enum, stored as text."""

    name: str
    description: str
    values: tuple[tuple[str, str], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The enum's value names, in declaration order."""
        return tuple(name for name, _ in self.values)


Alternatives = tuple[tuple[str, ...], ...]
"""Scopes a caller needs: any one of these lists, all scopes of it (the shape of `@requiresScopes`)."""


@dataclass(frozen=True, slots=True)
class Field:
    """One value of an entity.

    `scope` is the last part of the scope's name (`upn` in `students.upn.read`); by default the field's name in snake
    case. `None` means the object's own scope is enough. `rule` replaces the derived requirement altogether.
    """

    name: str
    kind: Kind | Choice
    description: str
    sensitivity: Sensitivity
    scope: str | None = ""
    rule: Alternatives | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A group of an entity's values that is a GraphQL object of its own.

    `scope` names the scope that the group needs; `own_scopes` says whether each value in it has one too. A shared
    `type_name` (`ContactPhones`) may stand in several entities. `absent_when_empty`: null when every value in it is.
    `computed`: its values have no columns; they are worked out at each request from stored facts. `rule` replaces the
    derived requirement altogether. `is_list`: a list of such objects.
    """

    name: str
    type_name: str
    description: str
    sensitivity: Sensitivity
    fields: "tuple[Field | Part, ...]"
    scope: str | None = None
    own_scopes: bool = True
    absent_when_empty: bool = False
    computed: bool = False
    rule: Alternatives | None = None
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """The entity's own column holds the target's id."""

    column: str


@dataclass(frozen=True, slots=True)
class Reverse:
    """The target's column holds this entity's id."""

    column: str


@dataclass(frozen=True, slots=True)
class Through:
    """A membership table holds pairs of ids."""

    table: str
    own: str
    target: str


class Shape(StrEnum):
    """How a link shows in the API."""

    ONE = "one"
    LIST = "list"
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True)
class Link:
    """From one entity to another. It needs the target object's scope, and its own where `scope` names one.

    `target_scope=False` is the declared exception of `Class.subject`: the link's own scope stands for the target's.
    """

    name: str
    target: str
    description: str
    via: ForeignKey | Reverse | Through
    shape: Shape = Shape.CONNECTION
    scope: str | None = None
    target_scope: bool = True


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of record that a MIS holds.

    `object_scopes` are the scopes of the objects it sits in, its own last; empty for the school itself. `asked_with`:
    object scopes that a request for its facts brings along, because they are about that object too. `internal`: facts
    that have a column and are never shown.
    """

    name: str
    table: str
    prefix: str
    plural: str
    description: str
    sensitivity: Sensitivity
    scope_prefix: str
    object_scopes: tuple[str, ...]
    fields: tuple[Field | Part, ...]
    links: tuple[Link, ...] = ()
    object_rule: Alternatives | None = None
    has_mis_id: bool = True
    has_stamps: bool = True
    is_person: bool = False
    extra_columns: tuple[str, ...] = ()
    asked_with: tuple[str, ...] = ()
    internal: tuple[Field, ...] = ()


def snake(name: str) -> str:
    """`freeSchoolMeals6` → `free_school_meals_6`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Z])", "_", name).lower()


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field in its place: the path of parts that leads to it, and its column."""

    path: tuple[Part, ...]
    field: Field

    @property
    def column(self) -> str:
        """The column's name; values of contact details keep their group's name, others stand alone."""
        inner = [snake(part.name) for part in self.path if part.own_scopes is False]
        return "_".join([*inner, snake(self.field.name)])


def leaves(fields: "tuple[Field | Part, ...]", path: tuple[Part, ...] = ()) -> Iterator[Leaf]:
    """Every field of an entity, parts opened, in declaration order."""
    for item in fields:
        if isinstance(item, Part):
            yield from leaves(item.fields, (*path, item))
        else:
            yield Leaf(path, item)
