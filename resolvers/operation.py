"""An operation's plan for one shape of its variables: its roots, their pages, their cost, their compiled programs.

Programs are kept by what was decided (scopes, row conditions, settings), never by version: two schools with equal
grants share one, and a change of grants finds another.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import orjson
from graphql import FragmentDefinitionNode, GraphQLSchema, OperationDefinitionNode, OperationType

from authz.contact_access import AccessSettings
from authz.grants import Standing
from authz.selection import Selected, SelectionBuilder
from resolvers.asking import Errors
from resolvers.bounded import Bounded
from resolvers.compiler import asks_access
from resolvers.pages import PageSpec, Values, argument
from resolvers.program import Program
from resolvers.shortcuts import Shortcut
from schema.errors import FieldgateError
from schema.people import ROOTS

DATA_ROOTS = frozenset({"school", "schools", "node", "nodes"})
PEOPLE_ROOTS = frozenset((root.on, root.name) for root in ROOTS)
ROOT_TYPES = {OperationType.QUERY: "Query", OperationType.MUTATION: "Mutation"}
LIST_GUESS = 20  # entries assumed in a list without pages, such as a pupil's medical conditions or a consent's scopes
CONSENTS_GUESS = 300  # consents assumed of an app
SCANNING = frozenset({"totalCount", "hasNextPage", "hasPreviousPage"})
SCANNED = 200  # records assumed to be looked at to count a list, or to see whether it goes on
FILTERED = 10_000  # records assumed to be looked at in a filtered list of a whole school
COST_CEILING = 10**12
MAX_PROGRAMS = 64
MAX_SHORTCUTS = 256


class Decided(NamedTuple):
    """All of a standing that changes a program; `access` only where the program asks for contacts' access."""

    scopes: frozenset[str]
    row_conditions: tuple[str, ...]
    access: AccessSettings | None


DenialKey = tuple[str, int, frozenset[str], str]
"""Consent, version, scopes and entity: all that changes the entries of one record."""


class Root:
    """One root field of the operation."""

    def __init__(self, selected: Selected) -> None:
        self.selected = selected
        self.name = selected.name
        self.key = selected.key
        self.is_data = selected.name in DATA_ROOTS
        self.is_peoples = (selected.type_name, selected.name) in PEOPLE_ROOTS
        self.pages = list(_pages(selected))
        self.own_page = next((page for page in self.pages if page.selected is selected), None)
        self.id_getter = argument(selected, "id") or argument(selected, "ids")
        self.fields = sum(1 for _ in selected.walk())
        self.asks_access = asks_access(selected)
        self.programs: Bounded[tuple[object, ...], Program] = Bounded(MAX_PROGRAMS)
        self.denial_bytes: Bounded[DenialKey, Errors] = Bounded(MAX_PROGRAMS)
        self.shortcuts: Bounded[tuple[object, ...], Shortcut] = Bounded(MAX_SHORTCUTS)
        self._varying = [getter for page in self.pages for getter in page.getters.values() if getter and getter.varies]

    def decided(self, school: Standing) -> Decided:
        """What of a school's standing changes the root's programs."""
        return Decided(school.scopes, school.row_conditions, school.access if self.asks_access else None)

    def ids(self, values: Values) -> list[str]:
        """The ids that the root names."""
        if self.id_getter is None:
            return []
        value = self.id_getter(values)
        return [str(each) for each in value] if isinstance(value, list) else [str(value)]

    def failed(self, error: FieldgateError) -> Errors:
        """The error that makes the root null."""
        entry = {
            "message": error.message,
            "locations": self.selected.locations(),
            "path": [self.key],
            "extensions": error.extensions(),
        }
        return [orjson.dumps(entry)]

    def page_values(self, values: Values) -> list[object]:
        """What the variables say of its pages."""
        return [getter(values) for getter in self._varying]

    def targets(self) -> Iterator[tuple[int, str, tuple[Selected, ...]]]:
        """What is compiled of it: (index, entity, selections). `node` has one target per concrete type."""
        if self.name == "schools":
            for child in self.selected.below:
                if child.name == "nodes":
                    yield child.index, "School", child.below
                elif child.name == "edges":
                    for part in child.below:
                        if part.name == "node":
                            yield part.index, "School", part.below
        else:
            for type_name, children in self.selected.children.items():
                yield self.selected.index, type_name, children

    @property
    def size(self) -> int:
        """Roughly the bytes kept for it."""
        denials = sum(len(entry) for entries in self.denial_bytes.values() for entry in entries)
        shortcuts = sum(shortcut.size for shortcut in self.shortcuts.values())
        return 600 * self.fields + 4 * sum(program.size for program in self.programs.values()) + denials + shortcuts


def _pages(root: Selected) -> Iterator[PageSpec]:
    if root.returns.endswith("Connection"):
        yield PageSpec(root, below=root.returns, pageable=True)
    direct = root.name in ("school", "node")
    for type_name, children in root.children.items():
        for child in children:
            yield from _pages_below(child, type_name, pageable=direct)


def _pages_below(selected: Selected, below: str, *, pageable: bool) -> Iterator[PageSpec]:
    if selected.returns.endswith("Connection"):
        yield PageSpec(selected, below=below, pageable=pageable)
    for children in selected.children.values():
        for child in children:
            yield from _pages_below(child, below, pageable=False)


class OperationPlan:
    """The roots of an operation, merged, for one shape of its variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        node: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        values: Values,
    ) -> None:
        self.node = node
        self.fragments = fragments
        self.roots = [
            Root(selected)
            for selected in SelectionBuilder(schema, fragments, values).build(
                ROOT_TYPES[node.operation], [node.selection_set]
            )
        ]
        self.data_roots = [root for root in self.roots if root.is_data]
        self.people_roots = [root for root in self.roots if root.is_peoples]
        self.needs_token = any(root.is_data or root.name == "viewer" for root in self.roots)
        self.executed = [
            root for root in self.roots if not (root.is_data or root.is_peoples or root.name == "__typename")
        ]
        self._constant_cost: int | None = None
        self._cost_varies = any(
            getter is not None and getter.varies
            for root in self.roots
            for page in root.pages
            for getter in (page.getters["first"], page.getters["last"])
        )

    def cost(self, values: Values, default_page: int) -> int:
        """Rows × fields, estimated from the page sizes; what is denied counts too, so that it betrays no grant."""
        if self._constant_cost is not None:
            return self._constant_cost
        total = 0
        for root in self.roots:
            sizes = {page.selected.index: page.size(values, default_page) for page in root.pages}
            total += _cost(root.selected, sizes, _fan_out(root, values))
        if not self._cost_varies and not any(root.name == "nodes" for root in self.roots):
            self._constant_cost = total
        return total

    @property
    def size(self) -> int:
        """Roughly the bytes kept: the selection, compiled SQL with what the database keeps of it, denial entries."""
        return sum(root.size for root in self.roots)


def _fan_out(root: Root, values: Values) -> int:
    if root.name != "nodes" or root.id_getter is None:
        return 1
    ids = root.id_getter(values)
    return len(ids) if isinstance(ids, list) else 1


def _cost(selected: Selected, sizes: Mapping[int, int], rows: int) -> int:
    """Rows × fields below and with a field, saturating."""
    if not selected.children:
        if selected.name in SCANNING:
            return rows * SCANNED
        return rows * (LIST_GUESS if selected.is_list else 1)
    if selected.index in sizes:
        size = sizes[selected.index]
        below = [
            _cost(child, sizes, rows * size if child.name in ("nodes", "edges") else rows) for child in selected.below
        ]
        # A filter looks at every record of the list for each of them, however few it shows.
        filtered = rows * (FILTERED if selected.type_name == "School" else SCANNED) if selected.filters else 0
        return min(sum(below) + filtered * len(below), COST_CEILING)
    factor = 1
    if selected.is_list and selected.name not in ("nodes", "edges"):
        factor = CONSENTS_GUESS if selected.name == "consents" else LIST_GUESS
    # Of the concrete types that an interface may turn out to be, the dearest counts.
    dearest = max(
        sum(_cost(child, sizes, rows * factor) for child in children) for children in selected.children.values()
    )
    return min(dearest, COST_CEILING)
