"""The pure plan: selection + scopes → what may be read, and the denials to report.

A denial is (query path after merging, coordinate), outermost only, in document order, whether or not a row exists.
Nothing here touches a database.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from authz.decision import decide
from authz.selection import Selected
from schema.fields import Alternatives


@dataclass(frozen=True, slots=True)
class Denial:
    """One denied selection. `exact` when no list stands above it, so that its path in the answer is known.

    `place`: where the branch begins in the document, for a root whose branches are concrete types.
    """

    selected: Selected
    query_path: tuple[str, ...]
    coordinate: str
    rule: Alternatives
    missing: tuple[str, ...]
    exact: bool
    place: int = 0
    usage: str = "SELECT"


class Planner:
    """Decides the selections of one set of scopes."""

    def __init__(self, rules: Mapping[str, Alternatives], scopes: frozenset[str]) -> None:
        self.rules = rules
        self.scopes = scopes

    def shows(self, selected: Selected) -> bool:
        """Whether the field may be read, filtered as it is asked."""
        coordinates = (selected.coordinate, *(each.coordinate for each in selected.filters))
        return all(decide(self.rules.get(coordinate), self.scopes).allowed for coordinate in coordinates)

    def denials(self, children: tuple[Selected, ...], path: tuple[str, ...], *, exact: bool = True) -> list[Denial]:
        """The denials among these selections and below them."""
        found: list[Denial] = []
        for selected in children:
            if selected.name.startswith("__"):
                continue
            rule = self.rules.get(selected.coordinate)
            decision = decide(rule, self.scopes)
            here = (*path, selected.key)
            if not decision.allowed:
                found.append(Denial(selected, here, selected.coordinate, rule or (), decision.missing, exact))
                continue
            if refused := list(self._filters(selected, here, exact=exact)):
                found += refused
                continue
            for below in selected.children.values():
                found += self.denials(below, here, exact=exact and not selected.is_list)
        return found

    def _filters(self, selected: Selected, path: tuple[str, ...], *, exact: bool) -> Iterator[Denial]:
        """A denied filter makes its field null: never an unfiltered list, and never an empty one."""
        for each in selected.filters:
            rule = self.rules.get(each.coordinate)
            decision = decide(rule, self.scopes)
            if not decision.allowed:
                yield Denial(selected, path, each.coordinate, rule or (), decision.missing, exact, usage="FILTER")
