"""Conditions on facts: each can test them and say itself in SQL, so that a rule is written once for both.

A condition is never left open: null facts make it false, or true where it is negated, and never unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class Condition(Protocol):
    """A test of facts. It never leaves anything open: null facts make it false, never unknown."""

    def test(self, facts: object) -> bool:
        """Whether it holds."""
        ...

    def sql(self, facts: Mapping[str, str]) -> str:
        """The same over the facts' SQL expressions."""
        ...

    def facts(self) -> tuple[str, ...]:
        """The facts that it looks at."""
        ...


@dataclass(frozen=True, slots=True)
class Holds:
    """The fact is true."""

    fact: str

    def test(self, facts: object) -> bool:
        return bool(getattr(facts, self.fact))

    def sql(self, facts: Mapping[str, str]) -> str:
        return f"{facts[self.fact]} IS TRUE"

    def facts(self) -> tuple[str, ...]:
        return (self.fact,)


@dataclass(frozen=True, slots=True)
class Blank:
    """There is no such fact. A blank text never reaches the database: connectors store it as null."""

    fact: str

    def test(self, facts: object) -> bool:
        return getattr(facts, self.fact) is None

    def sql(self, facts: Mapping[str, str]) -> str:
        return f"{facts[self.fact]} IS NULL"

    def facts(self) -> tuple[str, ...]:
        return (self.fact,)


@dataclass(frozen=True, slots=True)
class OneOf:
    """The fact is exactly one of these values; a boolean is never a number."""

    fact: str
    values: tuple[str, ...] | tuple[int, ...]

    def test(self, facts: object) -> bool:
        value = getattr(facts, self.fact)
        return type(value) is type(self.values[0]) and value in self.values

    def sql(self, facts: Mapping[str, str]) -> str:
        listed = ", ".join(repr(value) for value in self.values)
        return f"({facts[self.fact]} IN ({listed})) IS TRUE"

    def facts(self) -> tuple[str, ...]:
        return (self.fact,)


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    condition: Condition

    def test(self, facts: object) -> bool:
        return not self.condition.test(facts)

    def sql(self, facts: Mapping[str, str]) -> str:
        return f"NOT ({self.condition.sql(facts)})"

    def facts(self) -> tuple[str, ...]:
        return self.condition.facts()


@dataclass(frozen=True, slots=True)
class All:
    """All of them hold."""

    conditions: tuple[Condition, ...]

    def test(self, facts: object) -> bool:
        return all(condition.test(facts) for condition in self.conditions)

    def sql(self, facts: Mapping[str, str]) -> str:
        return " AND ".join(f"({condition.sql(facts)})" for condition in self.conditions)

    def facts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(fact for condition in self.conditions for fact in condition.facts()))


@dataclass(frozen=True, slots=True)
class Either:
    """One of them holds, or several."""

    conditions: tuple[Condition, ...]

    def test(self, facts: object) -> bool:
        return any(condition.test(facts) for condition in self.conditions)

    def sql(self, facts: Mapping[str, str]) -> str:
        return " OR ".join(f"({condition.sql(facts)})" for condition in self.conditions)

    def facts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(fact for condition in self.conditions for fact in condition.facts()))


@dataclass(frozen=True, slots=True)
class Always:
    """Holds whatever the facts are."""

    def test(self, facts: object) -> bool:
        return True

    def sql(self, facts: Mapping[str, str]) -> str:
        return "TRUE"

    def facts(self) -> tuple[str, ...]:
        return ()
