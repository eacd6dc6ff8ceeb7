"""Which people of a read are known again: by UPI where that is plain, else by their ids at the MIS API. Pure.

An id under which another UPI comes is another person's: two may have swapped ids, or a MIS gave an id away again. Ids
tell who is who only where the name has stayed, so that one UPI was corrected, or where a MIS computes its UPIs anew.
"""

from collections.abc import Mapping

from server.sync.findings import KEPT, Findings
from server.sync.records import Draft
from server.sync.stored import StoredRows, columns_of
from server.sync.supply import MANY

ANEW = 5
"""One in so many people does not become somebody else under the same id between two syncs: UPIs are computed anew."""


def known_people(name: str, before: StoredRows, drafts: Mapping[str, Draft], findings: Findings) -> dict[str, str]:
    """Source id → our id, for the drafts that are known.

    INVARIANT: what is kept of a person, an override or a sign-in, never passes to another. So a UPI that contradicts
    the stored one beats the id; whoever is then known by nothing is new.
    """
    position = columns_of(name).index("upi")
    stored = {own: row[position] for own, row in before.rows.items()}
    upis = {source: draft.values[position - 2 - len(draft.links)] for source, draft in drafts.items()}
    by_id = {source: before.by_source[source] for source in drafts if source in before.by_source}
    comparable = [source for source, own in by_id.items() if None not in (upis[source], stored[own])]
    doubted = {source for source in comparable if upis[source] != stored[by_id[source]]}
    known = {source: own for source, own in by_id.items() if source not in doubted}
    known |= _known_by_upi(before, stored, {source: upi for source, upi in upis.items() if source not in known}, known)
    others = [source for source in drafts if source in doubted and source not in known]
    corrected = _of_the_same_name(name, before, drafts, {source: by_id[source] for source in others}, known)
    for source in corrected:
        findings.add("UPI_CHANGED", KEPT, name, source, "upi", upis[source])
    known |= corrected
    others = [source for source in others if source not in corrected]
    present = set(upis.values())
    hold = any(source in known or stored[by_id[source]] in present for source in doubted)
    if not hold and _are_computed_anew(len(others), len(comparable)):
        findings.add("UPI_CHANGED", KEPT, name, None, "upi", len(others))
        return known | {source: by_id[source] for source in others}
    for source in others:
        findings.add("UPI_CHANGED", KEPT, name, source, "upi", upis[source])
    return known


def _of_the_same_name(
    name: str, before: StoredRows, drafts: Mapping[str, Draft], by_id: Mapping[str, str], known: Mapping[str, str]
) -> dict[str, str]:
    """Those who kept their id and their whole name: what was set by hand against a person must not end with a typo."""
    places = [columns_of(name).index(column) for column in ("surname", "forename")]
    taken = set(known.values())
    found: dict[str, str] = {}
    for source, own in by_id.items():
        draft = drafts[source]
        now = [draft.values[place - 2 - len(draft.links)] for place in places]
        if own not in taken and None not in now and now == [before.rows[own][place] for place in places]:
            found[source] = own
    return found


def _known_by_upi(
    before: StoredRows, stored: Mapping[str, object], upis: Mapping[str, object], known: Mapping[str, str]
) -> dict[str, str]:
    """INVARIANT: a person is known by UPI only where that names one stored row and one draft, of those that are left;
    else nobody is matched, because a wrong match would give one person's history to another.
    """
    taken = set(known.values())
    rows: dict[object, list[str]] = {}
    for own, upi in stored.items():
        if own not in taken and upi is not None:
            rows.setdefault(upi, []).append(own)
    sources: dict[object, list[str]] = {}
    for source, upi in upis.items():
        sources.setdefault(upi, []).append(source)
    found: dict[str, str] = {}
    for upi, named in sources.items():
        candidates = [own for own in rows.get(upi, []) if own not in before.deleted] or rows.get(upi, [])
        if len(named) == len(candidates) == 1:
            found[named[0]] = candidates[0]
    return found


def _are_computed_anew(changed: int, comparable: int) -> bool:
    """Whether so many came with UPIs that nobody had that these are no other people.

    A few are others even in a small school, unless they are everybody: an old backup gives the newest ids away again.
    """
    return changed * ANEW > comparable and (changed >= MANY or 1 < changed == comparable)
