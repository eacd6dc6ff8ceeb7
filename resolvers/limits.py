"""Bounds on a document, checked in one memoised pass before it is validated.

Depth, aliases, directives and fields are counted with fragments opened, each fragment visited once, sums saturating:
a chain of fragments that doubles itself costs nothing to refuse. Cost (rows × fields) is estimated from the page sizes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from schema.errors import FieldgateError

SATURATED = 1_000_000
MAX_FIELDS = 10_000
MAX_DEFINITIONS = 250  # a fragment may spread the next: opening them must not exhaust the stack


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may ask for. `cost` is rows × fields; `deadline_seconds` bounds the run."""

    depth: int = 40
    aliases: int = 300
    directives: int = 100
    tokens: int = 20_000
    cost: int = 2_000_000
    page_cap: int = 500
    default_page: int = 50
    deadline_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Measure:
    """What a selection amounts to, fragments opened."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0

    def under(self, levels: int) -> "Measure":
        """The same, nested deeper."""
        return Measure(self.depth + levels, self.fields, self.aliases, self.directives)

    def plus(self, other: "Measure") -> "Measure":
        """Both side by side, saturating."""
        return Measure(
            max(self.depth, other.depth),
            min(self.fields + other.fields, SATURATED),
            min(self.aliases + other.aliases, SATURATED),
            min(self.directives + other.directives, SATURATED),
        )


class _Counter:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.fragments = fragments
        self.known: dict[str, Measure] = {}
        self.open: set[str] = set()

    def selection(self, node: SelectionSetNode | None) -> Measure:
        total = Measure()
        for child in node.selections if node else ():
            own = Measure(0, 0, 0, len(child.directives or ()))
            if isinstance(child, FieldNode):
                below = self.selection(child.selection_set).under(1)
                own = own.plus(below).plus(Measure(1, 1, 1 if child.alias else 0, 0))
            elif isinstance(child, InlineFragmentNode):
                own = own.plus(self.selection(child.selection_set))
            elif isinstance(child, FragmentSpreadNode):
                own = own.plus(self.fragment(child.name.value))
            total = total.plus(own)
        return total

    def fragment(self, name: str) -> Measure:
        if name in self.known:
            return self.known[name]
        fragment = self.fragments.get(name)
        if fragment is None or name in self.open:  # validation refuses both
            return Measure()
        self.open.add(name)
        measured = self.selection(fragment.selection_set)
        self.open.discard(name)
        # INVARIANT: a fragment is opened once. A measure taken inside a cycle is too small; validation refuses cycles.
        self.known[name] = measured
        return measured


def check_document(document: DocumentNode, limits: Limits) -> None:
    """Refuse a document that goes beyond a bound, whichever operation would run."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    if len(document.definitions) > MAX_DEFINITIONS:
        text = f"The document has more than {MAX_DEFINITIONS} operations and fragments."
        raise FieldgateError("QUERY_TOO_LARGE", text)
    counter = _Counter(fragments)
    total = Measure()
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            own = Measure(0, 0, 0, len(definition.directives or ()))
            total = total.plus(own).plus(counter.selection(definition.selection_set))
    if total.depth > limits.depth:
        raise FieldgateError(
            "QUERY_TOO_DEEP", f"The selection is {total.depth} levels deep; {limits.depth} are allowed."
        )
    for what, count, most in (
        ("aliases", total.aliases, limits.aliases),
        ("directives", total.directives, limits.directives),
        ("fields", total.fields, MAX_FIELDS),
    ):
        if count > most:
            raise FieldgateError("QUERY_TOO_LARGE", f"The document has more than {most} {what}, fragments opened.")
