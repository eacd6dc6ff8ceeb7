"""The shapes in which people's part of the API is declared."""

from dataclasses import dataclass
from typing import Any

from schema.directives import ANYBODY as ANYBODY

ADMINISTRATOR = "administrator"
CONTACT = "contact"

REQUIRED = object()
"""The default of an argument that must be given."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a root, or a field of an input. `annotation`: a Python type, or names as in Python source."""

    name: str
    annotation: Any
    text: str
    default: Any = REQUIRED


@dataclass(frozen=True, slots=True)
class PersonField:
    """One field of an object that people read."""

    name: str
    annotation: Any
    text: str


@dataclass(frozen=True, slots=True)
class PersonType:
    """An object that people of one role read; its values are given by name, all at once."""

    name: str
    text: str
    role: str
    fields: tuple[PersonField, ...]


@dataclass(frozen=True, slots=True)
class PersonInput:
    """An input object."""

    name: str
    text: str
    fields: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class PersonRoot:
    """A root field, on `Query` or `Mutation`, for people of one role (ANYBODY: without a credential too)."""

    on: str
    name: str
    annotation: Any
    text: str
    role: str
    arguments: tuple[Argument, ...] = ()
