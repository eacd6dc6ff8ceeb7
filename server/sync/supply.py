"""Which facts of links a read really supplies, and what that says of the school's MIS. Pure.

A permission that is declined at the MIS's side blanks its field in silence. INVARIANT: a fact that was not supplied
stays as stored wherever the read has it blank; otherwise declining court orders would give access.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from authz.capabilities import ASSUMED, DECLINED, SUPPLIED, Seen, mis_key, published
from schema.registry import REGISTRY
from schema.vocabulary import LADDER_ATTRIBUTES
from server.sync.findings import KEPT, Findings
from server.sync.links import LINK
from server.sync.reading import Reading
from server.sync.stored import StoredSchool, columns_of
from server.sync.wonde import LINK_FACTS

PEOPLE = frozenset({"Contact", LINK})
MANY = 10
"""So many links do not lose a fact between two syncs by anybody's work in the MIS: it was not supplied."""

DECLINED_SOURCE = "The school's connection at the MIS API declines it: an import of this school was told so."
SUPPLIED_SOURCE = "An import of this school found values that nobody fills in by default."

_COLUMNS = columns_of(LINK)
_PROVIDER = columns_of("School").index("provider")
_VALUES = 2 + len(REGISTRY.entities[LINK].extra_columns)


@dataclass(frozen=True, slots=True)
class Supply:
    """`kept`: columns of links that stay as stored where they are blank. `seen`: what this import saw of the MIS.

    `marks_stay`: the read does not say whose MIS it is of, so that no mark of an assumed priority may go.
    """

    kept: frozenset[str]
    seen: Seen
    priority_assumed: bool
    marks_stay: bool


def supply_of(reading: Reading, stored: StoredSchool) -> Supply:
    """What the read supplies, beside what is stored."""
    before = stored.seen if _same_mis(reading, stored) else {}
    values = {fact: _values_of(reading, fact) for fact in LINK_FACTS}
    declined = set(reading.declined_facts)
    if not reading.permissions_known:  # nobody says that it is open again, and nothing shows it
        declined |= {fact for fact, (state, _) in before.items() if state == DECLINED and _is_blank(values[fact])}
    missing = {
        fact for fact in LINK_FACTS.keys() - declined if _is_blank(values[fact]) and _is_lost(reading, stored, fact)
    }
    if reading.drafts[LINK]:
        for fact in sorted(missing):
            reading.findings.add("NOT_SUPPLIED", KEPT, LINK, None, LINK_FACTS[fact])
    everything = bool(reading.declined & PEOPLE)
    seen = {
        attribute: found
        for attribute in LADDER_ATTRIBUTES
        if (found := _seen(attribute, everything or attribute in declined, values[attribute], before))
    }
    _tell_declined(reading.findings, before, seen)
    named = _mis(reading)
    said = {each.attribute: each.state for each in published(named or stored_mis(stored))}
    return Supply(frozenset(declined | missing), seen, said["priority"] == ASSUMED, marks_stay=named is None)


def _seen(attribute: str, declined: bool, values: Sequence[object], before: Seen) -> tuple[str, str] | None:
    if declined:
        return DECLINED, DECLINED_SOURCE
    if _tells(values):
        return SUPPLIED, SUPPLIED_SOURCE
    last = before.get(attribute)
    return last if last is not None and last[0] == SUPPLIED else None  # once supplied, supplied until it is declined


def _tells(values: Sequence[object]) -> bool:
    """Whether somebody entered these: a fact that is true, or two different numbers. One on all may be filled in."""
    return True in values if any(isinstance(each, bool) for each in values) else len({*values} - {None}) > 1


def _tell_declined(findings: Findings, before: Seen, seen: Seen) -> None:
    for attribute, (state, _) in seen.items():
        last = before.get(attribute, ("", ""))[0]
        if state == DECLINED != last:
            findings.add("CAPABILITY_DECLINED", KEPT, LINK, None, LINK_FACTS[attribute], last or None)


def _values_of(reading: Reading, fact: str) -> list[object]:
    position = _COLUMNS.index(fact) - _VALUES
    return [draft.values[position] for draft in reading.drafts[LINK].values()]


def _is_blank(values: Sequence[object]) -> bool:
    return all(value is None for value in values)


def _is_lost(reading: Reading, stored: StoredSchool, fact: str) -> bool:
    """Whether links that are stored have the fact, which is blank on all that were read, and nobody took it away.

    A null may be somebody's work in the MIS where few links had the fact. A fact that no link even names is nobody's,
    and links that are gone count then, as they may come back.
    """
    position, links = _COLUMNS.index(fact), stored.entities[LINK]
    enough, left_out = (MANY, links.deleted) if fact in reading.facts_sent else (1, frozenset())
    had = (own for own, row in links.rows.items() if row[position] is not None and own not in left_out)
    return len(list(islice(had, enough))) == enough


def _mis(reading: Reading) -> str | None:
    name = reading.school.values[_PROVIDER - 2]
    return None if name is None else str(name)


def stored_mis(stored: StoredSchool) -> str | None:
    """The MIS that the school had at the last import that named one."""
    names = (row[_PROVIDER] for row in stored.entities["School"].rows.values())
    return next((str(name) for name in names if name is not None), None)


def _same_mis(reading: Reading, stored: StoredSchool) -> bool:
    """Whether what earlier imports saw is about the MIS that the school has now."""
    now, before = _mis(reading), stored_mis(stored)
    return now is None or before is None or mis_key(before) == mis_key(now)
