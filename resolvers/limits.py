"""Bounds on a document, checked in one memoised pass before it is validated.

Depth, aliases, directives and fields are counted with fragments opened, each fragment visited once, sums saturating:
a chain of fragments that doubles itself costs nothing to refuse. Cost (rows × fields) is estimated from the page sizes.
"""

from collections.abc import Mapping, Sequence
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
MAX_PAIRS = 10_000
MAX_INTROSPECTION = 200_000
INTROSPECTED = {"types": 90, "fields": 12, "args": 2, "enumValues": 2, "possibleTypes": 2, "directives": 6}
"""How many entries the lists of this schema hold on average; the standard introspection query costs about 126,000."""
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


class _Merger:
    """Walks a selection as merging does, to bound what GraphQL's own rules and introspection would cost."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], depth: int) -> None:
        self.fragments = fragments
        self.depth = depth
        self.seen = 0
        self.pairs = 0
        self.introspected: dict[str, int] = {}

    def merge(self, selection_sets: Sequence[SelectionSetNode], depth: int = 0) -> None:
        """Count the pairs of fields that share a response key: validation compares each with each."""
        grouped: dict[str, list[FieldNode]] = {}
        for selection_set in selection_sets:
            self.collect(selection_set, grouped, set())
        for nodes in grouped.values():
            self.pairs += len(nodes) * (len(nodes) - 1) // 2
            below = [node.selection_set for node in nodes if node.selection_set is not None]
            if below and depth < self.depth:  # a cycle of fragments, which validation refuses, ends here
                self.merge(below, depth + 1)

    def collect(self, selection_set: SelectionSetNode, grouped: dict[str, list[FieldNode]], opened: set[str]) -> None:
        for child in selection_set.selections:
            self.seen += 1
            if self.seen > 4 * MAX_FIELDS or self.pairs > MAX_PAIRS:
                raise FieldgateError(
                    "QUERY_TOO_LARGE", "The document selects the same fields too often; merge them into one."
                )
            if isinstance(child, FieldNode):
                key = child.alias.value if child.alias else child.name.value
                grouped.setdefault(key, []).append(child)
            elif isinstance(child, InlineFragmentNode):
                self.collect(child.selection_set, grouped, opened)
            elif isinstance(child, FragmentSpreadNode):
                fragment = self.fragments.get(child.name.value)
                if fragment is not None and child.name.value not in opened:
                    opened.add(child.name.value)
                    self.collect(fragment.selection_set, grouped, opened)

    def introspection(self, selection_set: SelectionSetNode | None) -> int:
        """Fields that an introspection would resolve, by what the lists of the schema hold on average."""
        total = 0
        for child in selection_set.selections if selection_set else ():
            if isinstance(child, FieldNode):
                total += 1 + INTROSPECTED.get(child.name.value, 1) * self.introspection(child.selection_set)
            elif isinstance(child, InlineFragmentNode):
                total += self.introspection(child.selection_set)
            elif isinstance(child, FragmentSpreadNode):
                total += self._introspected(child.name.value)
        return min(total, SATURATED)

    def _introspected(self, name: str) -> int:
        """The same of a fragment, which is measured once; in a circle, which validation refuses, it counts nothing."""
        if name not in self.introspected:
            self.introspected[name] = 0
            fragment = self.fragments.get(name)
            self.introspected[name] = self.introspection(fragment.selection_set if fragment else None)
        return self.introspected[name]


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
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            _check_merging(definition, _Merger(fragments, limits.depth))
    unused = _Merger(fragments, limits.depth)  # validation compares the fields of fragments that nothing spreads too
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode) and definition.name.value not in counter.known:
            unused.merge([definition.selection_set])


def _check_merging(operation: OperationDefinitionNode, merger: _Merger) -> None:
    merger.merge([operation.selection_set])
    roots: dict[str, list[FieldNode]] = {}
    merger.collect(operation.selection_set, roots, set())
    cost = sum(
        merger.introspection(node.selection_set)
        for nodes in roots.values()
        for node in nodes
        if node.name.value in ("__schema", "__type")
    )
    if cost > MAX_INTROSPECTION:
        text = f"The introspection's estimated cost is {cost}; {MAX_INTROSPECTION} is allowed."
        raise FieldgateError("QUERY_TOO_COSTLY", text, cost=cost, limit=MAX_INTROSPECTION)
