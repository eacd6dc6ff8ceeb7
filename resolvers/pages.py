"""Pages of lists: `first`/`after` and `last`/`before`, checked before anything is read.

A connection's arguments are bound once per request to a `Page`. `after` and `before` need a list whose parent is known
before the query runs: the caller's schools, a school, or the record that `node(id)` names.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import IntValueNode, ListValueNode, NullValueNode, StringValueNode, ValueNode
from graphql.language import VariableNode

from authz.selection import Selected
from schema.errors import FieldgateError

Values = Mapping[str, Any]
INT_CHARACTERS = len("-2147483648")
PAGE_ARGUMENTS = ("first", "after", "last", "before")


@dataclass(frozen=True, slots=True)
class Page:
    """A bound page: at most `limit` records after/before these keys, from the end when `backwards`."""

    limit: int
    after: str | None
    before: str | None
    backwards: bool

    @property
    def shape(self) -> tuple[bool, bool, bool]:
        """What of a page changes the SQL."""
        return self.backwards, self.after is not None, self.before is not None


@dataclass(frozen=True, slots=True)
class Argument:
    """How to get an argument's value from the coerced variables, and whether it varies with them."""

    get: Callable[[Values], Any]
    varies: bool

    def __call__(self, values: Values) -> Any:
        """The value."""
        return self.get(values)


def argument(selected: Selected, name: str) -> Argument | None:
    """The argument of that name; None when the document does not give it."""
    for given in selected.nodes[0].arguments or ():
        if given.name.value == name:
            return _argument(given.value)
    return None


def _argument(node: ValueNode) -> Argument:
    if isinstance(node, VariableNode):
        name = node.name.value
        return Argument(lambda values: values.get(name), varies=True)
    if isinstance(node, ListValueNode):  # its items may be variables
        items = [_argument(item) for item in node.values]
        return Argument(lambda values: [item(values) for item in items], varies=any(item.varies for item in items))
    value = literal_value(node)
    return Argument(lambda values: value, varies=False)


def literal_value(node: ValueNode) -> Any:
    """The value of a literal that validation has accepted."""
    if isinstance(node, NullValueNode):
        return None
    if isinstance(node, IntValueNode):
        # Only an ID may be longer than an Int, and it is text all the same.
        return int(node.value) if len(node.value) <= INT_CHARACTERS else node.value
    if isinstance(node, StringValueNode):
        return node.value
    return getattr(node, "value", None)


class PageSpec:
    """One connection of an operation: how its page is bound. `below`: the root's concrete type that it stands under."""

    def __init__(self, selected: Selected, *, below: str, pageable: bool) -> None:
        self.selected = selected
        self.below = below
        self.pageable = pageable
        self.getters = {name: argument(selected, name) for name in PAGE_ARGUMENTS}

    def raw(self, values: Values) -> tuple[Any, Any, Any, Any]:
        """first, after, last, before as given."""
        first, after, last, before = (
            getter(values) if getter is not None else None for getter in self.getters.values()
        )
        return first, after, last, before

    def size(self, values: Values, default: int) -> int:
        """The number of records asked for, for the cost estimate; nothing is checked."""
        first, _, last, _ = self.raw(values)
        size = first if first is not None else last
        return size if isinstance(size, int) and size > 0 else default

    def bind(self, values: Values, default: int, cap: int, open_cursor: Callable[[str], str]) -> Page:
        """The page; raises BAD_PAGE, BAD_CURSOR or CONSENT_CHANGED."""
        first, after, last, before = self.raw(values)
        if first is not None and last is not None:
            raise FieldgateError("BAD_PAGE", "A page is asked for with `first` or with `last`, not with both.")
        size = default if first is None and last is None else (first if first is not None else last)
        if not 1 <= size <= cap:
            raise FieldgateError("BAD_PAGE", f"A page has from 1 to {cap} records.", cap=cap)
        if (after is not None or before is not None) and not self.pageable:
            raise FieldgateError(
                "BAD_CURSOR", "`after` and `before` are for the lists of one record: page below `school` or `node`."
            )
        return Page(
            size,
            open_cursor(after) if after is not None else None,
            open_cursor(before) if before is not None else None,
            backwards=last is not None,
        )
