"""An operation's selection, merged as GraphQL merges it: the tree that is decided and compiled.

Fields with one response key become one node with all their places in the document; fragments are opened for each
concrete type; `@include` and `@skip` are applied. Decisions go by coordinate, never by response key.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    SelectionSetNode,
    get_named_type,
)
from graphql.language import BooleanValueNode, EnumValueNode, NullValueNode, ValueNode, VariableNode

from schema.registry import FILTERS

Variables = Mapping[str, Any]


def place_of(node: Node) -> dict[str, int] | None:
    """Line and column at which a node begins; None for a node that no text was parsed to."""
    if node.loc is None:
        return None
    place = node.loc.source.get_location(node.loc.start)
    return {"line": place.line, "column": place.column}


@dataclass(frozen=True, slots=True)
class Filter:
    """A list's argument that leaves records out by the value at a coordinate, whose rule it needs."""

    argument: str
    coordinate: str
    value: str


@dataclass(slots=True, eq=False)
class Selected:
    """One field of the answer: where it stands, what it is, what is asked below it (per concrete type)."""

    key: str
    name: str
    type_name: str
    nodes: tuple[FieldNode, ...]
    index: int
    returns: str = ""
    is_list: bool = False
    children: dict[str, tuple["Selected", ...]] = field(default_factory=dict)
    filters: tuple[Filter, ...] = ()

    @property
    def list_name(self) -> str:
        """What a list is, for its cursors: the coordinate with its filters."""
        return self.coordinate + "".join(f"?{each.argument}={each.value}" for each in self.filters)

    @property
    def coordinate(self) -> str:
        """`Type.field`."""
        return f"{self.type_name}.{self.name}"

    @property
    def place(self) -> int:
        """Where its first node begins in the document."""
        loc = self.nodes[0].loc
        return loc.start if loc is not None else 0

    @property
    def below(self) -> tuple["Selected", ...]:
        """What is asked below it, where only one concrete type is possible."""
        return next(iter(self.children.values()), ())

    def locations(self) -> list[dict[str, int]]:
        """Line and column of each place in the document that was merged into this field."""
        return [place for node in self.nodes if (place := place_of(node)) is not None]

    def walk(self) -> Iterator["Selected"]:
        """This field and everything below it, in document order."""
        yield self
        for children in self.children.values():
            for child in children:
                yield from child.walk()


class SelectionBuilder:
    """Merges one operation's selection for given values of the variables in `@include` and `@skip`."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: Variables
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self.variables = variables
        self.count = 0

    def build(self, type_name: str, selection_sets: Sequence[SelectionSetNode]) -> tuple[Selected, ...]:
        """The merged fields of an object type."""
        object_type = cast("GraphQLObjectType", self.schema.type_map[type_name])
        grouped: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for selection_set in selection_sets:
            self._collect(object_type, selection_set, grouped, visited)
        return tuple(self._selected(object_type, key, nodes) for key, nodes in grouped.items())

    def _selected(self, object_type: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Selected:
        name = nodes[0].name.value
        self.count += 1
        selected = Selected(key, name, object_type.name, tuple(nodes), self.count)
        if name.startswith("__"):
            return selected
        returned = object_type.fields[name].type
        inner = returned.of_type if isinstance(returned, GraphQLNonNull) else returned
        selected.is_list = isinstance(inner, GraphQLList)
        named = get_named_type(returned)
        selected.returns = named.name
        selected.filters = tuple(self._filters(nodes[0], named.name.removesuffix("Connection")))
        below = [node.selection_set for node in nodes if node.selection_set is not None]
        if isinstance(named, GraphQLInterfaceType):
            for possible in sorted(self.schema.get_possible_types(named), key=lambda each: each.name):
                selected.children[possible.name] = self.build(possible.name, below)
        elif isinstance(named, GraphQLObjectType):
            selected.children[named.name] = self.build(named.name, below)
        return selected

    def _filters(self, node: FieldNode, entity: str) -> Iterator[Filter]:
        """The filters given; one that is null leaves nothing out."""
        known = FILTERS.get(entity, {})
        for given in node.arguments or ():
            coordinate = known.get(given.name.value)
            if coordinate is not None and not isinstance(given.value, NullValueNode):
                value = self._word(given.value)
                if value is not None:
                    yield Filter(given.name.value, coordinate, value)

    def _word(self, node: ValueNode) -> str | None:
        """An enum's value by its name."""
        if isinstance(node, VariableNode):
            value: str | None = self.variables.get(node.name.value)
            return value
        return cast("EnumValueNode", node).value

    def _collect(
        self,
        object_type: GraphQLObjectType,
        selection_set: SelectionSetNode,
        grouped: dict[str, list[FieldNode]],
        visited: set[str],
    ) -> None:
        for selection in selection_set.selections:
            if not self._included(selection.directives):
                continue
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias else selection.name.value
                grouped.setdefault(key, []).append(selection)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                if condition is None or self._applies(object_type, condition.name.value):
                    self._collect(object_type, selection.selection_set, grouped, visited)
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                fragment = self.fragments.get(name)
                if name in visited or fragment is None:
                    continue
                visited.add(name)
                if self._applies(object_type, fragment.type_condition.name.value):
                    self._collect(object_type, fragment.selection_set, grouped, visited)

    def _applies(self, object_type: GraphQLObjectType, condition: str) -> bool:
        return condition == object_type.name or any(each.name == condition for each in object_type.interfaces)

    def _included(self, directives: Sequence[DirectiveNode] | None) -> bool:
        for directive in directives or ():
            name = directive.name.value
            if name in ("include", "skip") and self._condition(directive) is (name == "skip"):
                return False
        return True

    def _condition(self, directive: DirectiveNode) -> bool:
        value = (directive.arguments or ())[0].value
        if isinstance(value, VariableNode):
            return bool(self.variables.get(value.name.value))
        return cast("BooleanValueNode", value).value
