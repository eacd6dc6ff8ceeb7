"""Builds people's part of the API from its declarations in `schema/people/`."""

from collections.abc import Callable
from typing import Any

import strawberry
from strawberry.annotation import StrawberryAnnotation
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET

from schema.directives import RequiresRole
from schema.fields import Choice
from schema.people import CHOICES, INPUTS, ROOTS, TYPES
from schema.people.declared import REQUIRED, Argument, PersonInput, PersonRoot, PersonType


def annotate(made: Any, name: str, annotations: dict[str, Any], types: dict[str, Any]) -> None:
    """Give the fields of a made type their types, which may not have been made yet."""
    for field in made.__strawberry_definition__.fields:
        field.type_annotation = StrawberryAnnotation(annotations[f"{name}.{field.name}"], namespace=types)


def _unanswered(root: Any) -> Any:
    """People's fields are answered by `resolvers/people/`, never by the executor."""
    raise NotImplementedError


def role_text(role: str) -> str:
    """The rule in words."""
    return f"Role: `{role}`"


class PeopleBuilder:
    """Adds the types of people to those of a schema; `enum` makes the enum of a closed set."""

    def __init__(self, types: dict[str, Any], annotations: dict[str, Any], enum: Callable[[Choice], Any]) -> None:
        self.types = types
        self.annotations = annotations
        self.enum = enum

    def build(self) -> tuple[list[StrawberryField], list[StrawberryField]]:
        """Make all types; the fields of Query and of Mutation."""
        for choice in CHOICES:
            self.enum(choice)
        for given in INPUTS:
            self._input(given)
        for made in TYPES:
            self._type(made)
        asked = [self._root(root) for root in ROOTS if root.on == "Query"]
        return asked, [self._root(root) for root in ROOTS if root.on == "Mutation"]

    def _type(self, declared: PersonType) -> None:
        fields = {
            each.name: self._field(declared.name, each.name, each.annotation, each.text, declared.role)
            for each in declared.fields
        }
        self._finish(strawberry.type, declared.name, declared.text, fields)

    def _input(self, declared: PersonInput) -> None:
        fields = {}
        for each in declared.fields:
            self.annotations[f"{declared.name}.{each.name}"] = each.annotation
            default = {} if each.default is REQUIRED else {"default": each.default}
            fields[each.name] = strawberry.field(name=each.name, description=each.text, **default)
        self._finish(strawberry.input, declared.name, declared.text, fields)

    def _finish(self, make: Callable[..., Any], name: str, text: str, fields: dict[str, Any]) -> None:
        namespace = {
            "__module__": __name__,
            "__doc__": text,
            "__annotations__": dict.fromkeys(fields, Any),
            **fields,
        }
        made = make(type(name, (), namespace), name=name, description=text)
        annotate(made, name, self.annotations, self.types)
        self.types[name] = made

    def _root(self, root: PersonRoot) -> StrawberryField:
        field = self._field(root.on, root.name, root.annotation, root.text, root.role)
        field.arguments = [self._argument(each) for each in root.arguments]
        return field

    def _argument(self, declared: Argument) -> StrawberryArgument:
        return StrawberryArgument(
            declared.name,
            declared.name,
            StrawberryAnnotation(declared.annotation, namespace=self.types),
            description=declared.text,
            default=UNSET if declared.default is REQUIRED else declared.default,
        )

    def _field(self, on: str, name: str, annotation: Any, text: str, role: str) -> StrawberryField:
        self.annotations[f"{on}.{name}"] = annotation
        field: StrawberryField = strawberry.field(
            resolver=_unanswered,
            name=name,
            description=f"{text}\n\n{role_text(role)}",
            directives=[RequiresRole(role=role)],
        )
        field.python_name = name
        return field
