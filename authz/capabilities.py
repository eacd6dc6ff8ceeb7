"""What a school's MIS supplies of the attributes that Sync decides by, with where each is known from and since when.

What the last import saw of the school stands over what is published of its MIS, and that over "unknown". The only
writer of `school_capability`, which holds what imports saw; what is published is data, `mis_capabilities.json`.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from authz.session import ReadSession, WriteSession
from schema.vocabulary import CAPABILITIES, LADDER_ATTRIBUTES

SUPPLIED, ASSUMED, NOT_SUPPLIED, UNKNOWN, DECLINED = CAPABILITIES
DOUBTFUL = frozenset({NOT_SUPPLIED, UNKNOWN, DECLINED})
"""States in which Sync could give wrong answers."""

UNLISTED = "Nothing is published of what this MIS supplies."
PUBLISHED = Path(__file__).with_name("mis_capabilities.json")


@dataclass(frozen=True, slots=True)
class Capability:
    """One attribute at one school: whether it is supplied, who says so, and the day of that (none where nobody did)."""

    attribute: str
    state: str
    source: str
    as_of: str | None


Seen = Mapping[str, tuple[str, str]]
"""Attribute → its state and source, as an import saw them."""


def mis_key(mis: str | None) -> str:
    """How names of MIS are compared: without case and blanks."""
    return "".join((mis or "").split()).casefold()


def published(mis: str | None) -> tuple[Capability, ...]:
    """What is published of a MIS, one for each attribute."""
    listed = all_published()
    return listed.get(mis_key(mis), listed[""])


@cache
def all_published() -> Mapping[str, tuple[Capability, ...]]:
    """What is published, by the MIS's name as names are compared; under no name what holds of any other MIS."""
    listed = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    unlisted = tuple(Capability(attribute, UNKNOWN, UNLISTED, None) for attribute in LADDER_ATTRIBUTES)
    return {"": unlisted} | {
        mis_key(mis): tuple(
            Capability(attribute, facts[attribute]["state"], facts[attribute]["source"], facts[attribute]["asOf"])
            for attribute in LADDER_ATTRIBUTES
        )
        for mis, facts in listed.items()
    }


def doubtful(capabilities: Iterable[Capability]) -> tuple[Capability, ...]:
    """Those that Sync needs an acknowledgement for, which names them."""
    return tuple(each for each in capabilities if each.state in DOUBTFUL)


async def of_school(session: ReadSession, school_id: str) -> tuple[Capability, ...]:
    """What the school's MIS supplies, one for each attribute in the order of the vocabulary."""
    schools = await session.fetch("SELECT provider FROM school WHERE id = ?", school_id)
    rows = await session.fetch(
        f"SELECT attribute, state, source, {session.dialect.instant_text('as_of')} "
        "FROM school_capability WHERE school_id = ?",
        school_id,
    )
    seen = {row[0]: Capability(row[0], row[1], row[2], row[3][: len("YYYY-MM-DD")]) for row in rows}
    return combined(schools[0][0] if schools else None, seen)


def combined(mis: str | None, seen: Mapping[str, Capability]) -> tuple[Capability, ...]:
    """What imports saw of a school, by attribute, over what is published of its MIS."""
    return tuple(_stronger(seen.get(said.attribute), said) for said in published(mis))


def _stronger(seen: Capability | None, said: Capability) -> Capability:
    """INVARIANT: values that were seen speak only where nothing is published: filled-in ones look like real ones."""
    if seen is None or (seen.state != DECLINED and said.state != UNKNOWN):
        return said
    return seen


async def seen_before(session: ReadSession, school_id: str) -> Seen:
    """What the imports before saw of the school."""
    rows = await session.fetch("SELECT attribute, state, source FROM school_capability WHERE school_id = ?", school_id)
    return {row[0]: (row[1], row[2]) for row in rows}


async def observe(session: WriteSession, school_id: str, seen: Seen, at: str) -> None:
    """Keep exactly what an import saw at this moment; what it saw as before keeps the moment from which it is so."""
    before = await seen_before(session, school_id)
    changed = [attribute for attribute in {*before, *seen} if before.get(attribute) != seen.get(attribute)]
    await session.execute_many(
        "DELETE FROM school_capability WHERE school_id = ? AND attribute = ?",
        [(school_id, attribute) for attribute in changed if attribute in before],
    )
    await session.execute_many(
        "INSERT INTO school_capability (school_id, attribute, state, source, as_of) "
        f"VALUES (?, ?, ?, ?, {session.dialect.instant()})",
        [(school_id, attribute, *seen[attribute], at) for attribute in changed if attribute in seen],
    )
