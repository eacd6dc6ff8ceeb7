"""A mapping that keeps a bounded number of entries: what was put longest ago goes first."""

from collections.abc import Iterable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Bounded(Generic[Key, Value]):
    """At most so many entries. Putting one again makes it the newest."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._kept: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        """The value kept for the key."""
        return self._kept.get(key)

    def put(self, key: Key, value: Value) -> None:
        """Keep a value; the oldest makes room."""
        self._kept.pop(key, None)
        if len(self._kept) >= self.most:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = value

    def values(self) -> Iterable[Value]:
        """All that is kept, the oldest first."""
        return self._kept.values()
