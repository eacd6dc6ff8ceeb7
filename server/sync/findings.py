"""What an import met that was odd: each is kept or refused, and recorded either way. Nothing odd is dropped in silence.

A finding names the record by its id at the MIS API, the field by its name in our API, and holds at most 200
characters of the value, so that the school can find it in its MIS.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from server.sync.text import storable

MAX_VALUE = 200
MAX_FINDINGS = 100_000


class Outcome(StrEnum):
    """What became of the odd value."""

    KEPT = "kept"
    REFUSED = "refused"


KEPT, REFUSED = Outcome.KEPT, Outcome.REFUSED

FINDINGS: Mapping[str, str] = {
    "BAD_CHARACTERS": "A NUL or half of a character pair was taken out of a text; the rest is kept.",
    "BAD_TEXT": "Something other than text or a number stands where a text belongs; the value is refused.",
    "BAD_NUMBER": "A value is not a whole number within 32 bits, or not a decimal; the value is refused.",
    "BAD_BOOLEAN": "A value is neither true nor false; the value is refused.",
    "UNREADABLE_FACT": "Access is decided by it, and it is neither true nor false nor blank; kept as what gives none.",
    "BLANK_BOOLEAN": "A blank stands where true or false belongs; it is kept as unknown (null).",
    "BAD_DATE": "A date or time does not exist, or names a time zone that does not; the value is refused.",
    "UNKNOWN_CHOICE": "A value is not of the closed set; it is kept as OTHER where there is one, else refused.",
    "UPN_CHECK_FAILED": "A UPN has not the right form or check letter; it is kept as the MIS gives it.",
    "BAD_RECORD": "Something other than an object stands where a record belongs; it is refused.",
    "MISSING_ID": "A record has no id; it is refused, because it could never be found again.",
    "BAD_ID": "A record's id is too long or holds other characters than letters, digits, `.`, `_` and `-`; refused.",
    "DUPLICATE_RECORD": "A second record has the id of an earlier one. It is refused, except where it denies access.",
    "MISSING_RELATIONSHIP": "A contact in a list has not the link's facts; what decides access stays as it is stored.",
    "UNKNOWN_LINK": "A record names another that was not read; the link, or a record that needs it, is refused.",
    "ID_CHANGED": "A person came under a new id and was known again by UPI; our own id is kept.",
    "UPI_CHANGED": "A UPI that nobody had came under a person's id: somebody new, unless the name stayed or many did.",
    "DECLINED_BY_MIS": "The MIS API declines to supply this; what is stored stays as it is, and nothing is deleted.",
    "CAPABILITY_DECLINED": "The MIS API now declines what contacts' access is decided by; what is stored decides.",
    "NOT_SUPPLIED": "No record has something that was asked for, or can be used; what is stored of it stays as it is.",
    "MORE_FINDINGS": "There were more findings than an import records; the value says how many were left out.",
}
"""Every code, in the order in which docs/sync.md explains them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One odd thing."""

    entity: str
    source_id: str | None
    field: str | None
    code: str
    outcome: Outcome
    value: str | None


class Findings:
    """The findings of one import, in the order in which they were met; bounded, with what was left out counted."""

    def __init__(self, limit: int = MAX_FINDINGS) -> None:
        self._limit = limit
        self._kept: list[Finding] = []
        self.by_code: Counter[str] = Counter()
        self.refused_records: Counter[str] = Counter()

    def add(
        self,
        code: str,
        outcome: Outcome,
        entity: str,
        source_id: str | None = None,
        field: str | None = None,
        value: object = None,
    ) -> None:
        """Record one. `value` is whatever the MIS sent."""
        self.by_code[code] += 1
        if len(self._kept) < self._limit:
            # INVARIANT: what is stored of an odd value is itself storable, and short.
            self._kept.append(Finding(entity, shown(source_id), field, code, outcome, shown(value)))

    def refuse_record(self, code: str, entity: str, source_id: str | None, value: object = None) -> None:
        """Record that a whole record was refused."""
        self.refused_records[entity] += 1
        self.add(code, REFUSED, entity, source_id, None, value)

    def __iter__(self) -> Iterator[Finding]:
        yield from self._kept
        left_out = self.by_code.total() - len(self._kept)
        if left_out:
            yield Finding("School", None, None, "MORE_FINDINGS", REFUSED, str(left_out))


def shown(value: object) -> str | None:
    """An odd value as text that both databases can hold."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return storable(text[:MAX_VALUE])
