"""A compiled root: its statements, what their parameters are, and where a link's records come from."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from authz.selection import Selected

Bind = tuple[str, int | None]
"""What a parameter is: ("school", None), ("ids", None), ("parents", None), ("limit" | "after" | "before", index)."""


@dataclass(slots=True)
class Statement:
    """SQL that gives rows (id, JSON text), and what its parameters are."""

    sql: str = ""
    binds: list[Bind] = field(default_factory=list)
    many: bool = True


@dataclass(slots=True)
class Program:
    """A compiled root: its statement and, by slot number, the statements of deeper levels.

    `cursors`: the lists whose cursors are marked in the text, by number; `capabilities`: the selections of
    `School.mis.capabilities` likewise.
    """

    main: Statement
    slots: list[Statement] = field(default_factory=list)
    cursors: list[str] = field(default_factory=list)
    capabilities: list[Selected] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether the text that the statement gives is the answer, with nothing for Python to put in."""
        return not (self.slots or self.cursors or self.capabilities)

    @property
    def size(self) -> int:
        """Bytes of SQL, for the cache's bound."""
        return len(self.main.sql) + sum(len(slot.sql) for slot in self.slots)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a link's records come from: FROM, alias of the target, conditions, and the key that orders them."""

    tables: str
    alias: str
    where: tuple[str, ...]
    key: str

    def joined(self, joins: Sequence[str]) -> "Source":
        """The same with further records beside each."""
        return replace(self, tables="".join([self.tables, *joins]))

    def sql(self, columns: str, *more: str) -> str:
        """A SELECT of these columns under these further conditions."""
        return f"SELECT {columns} FROM {self.tables} WHERE {' AND '.join([*self.where, *more])}"
