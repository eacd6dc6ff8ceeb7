"""Links between pupils and contacts: which of them are known again, and what is worked out for each. Pure.

A link is of two people. INVARIANT: it keeps its id, and with that its override, for as long as the two are the same,
whatever ids the MIS gives them; and it never becomes a link of two others.
"""

from collections.abc import Mapping
from functools import lru_cache

from authz.contact_access import relationship_key
from server.sync.stored import DERIVED, RowValues, StoredRows, columns_of

LINK = "StudentContact"
Pair = tuple[object, object]

_COLUMNS = columns_of(LINK)
_PAIR = slice(_COLUMNS.index("student_id"), _COLUMNS.index("contact_id") + 1)
_GIVEN = len(_COLUMNS) - len(DERIVED[LINK])
_RELATIONSHIP = _COLUMNS.index("relationship")
_PRIORITY = _COLUMNS.index("priority")
_ASSUMED = _COLUMNS.index("priority_assumed")

_key = lru_cache(maxsize=1024)(relationship_key)


def known_links(before: StoredRows, pairs: Mapping[str, Pair]) -> dict[str, str]:
    """Source id → our id, of the links that are known. `pairs`: the links that were read, with our ids of the two."""
    known: dict[str, str] = {}
    for source, pair in pairs.items():
        own = before.by_source.get(source)
        if own is not None and _are(before.rows[own][_PAIR], pair):
            known[source] = own
    taken = set(known.values())
    others = {row[_PAIR]: own for own, row in before.rows.items() if own in before.deleted and own not in taken}
    others |= {row[_PAIR]: own for own, row in before.rows.items() if own not in before.deleted and own not in taken}
    known.update({source: others[pair] for source, pair in pairs.items() if source not in known and pair in others})
    return known


def _are(stored: RowValues, pair: Pair) -> bool:
    """Whether the stored link is of these two, as far as it says."""
    return all(own in (None, new) for own, new in zip(stored, pair, strict=True))


def whole_link(
    row: RowValues, before: RowValues | None, kept: frozenset[str], assumed: bool, marks_stay: bool
) -> RowValues:
    """A link as it is to be stored: blanks that were not supplied filled from before, then what is worked out."""
    priority = row[_PRIORITY]
    assumed = assumed or (marks_stay and before is not None and bool(before[_ASSUMED]))
    if before is not None and kept:
        row = tuple(
            old if new is None and column in kept else new
            for column, old, new in zip(_COLUMNS[:_GIVEN], before[:_GIVEN], row, strict=True)
        )
    relationship = row[_RELATIONSHIP]
    key = _key(str(relationship)) if relationship is not None else None
    if priority != row[_PRIORITY] and before is not None:  # kept, and with it who said it
        return (*row, key, bool(before[_ASSUMED]))
    return (*row, key, assumed and priority is not None)
