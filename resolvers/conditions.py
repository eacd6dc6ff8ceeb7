"""Which rows exist for a caller: live ones, less those that the consent's row conditions withhold.

The conditions stand in every place where a row is reached: lists, links, single objects, counts. They are tested per
link between pupil and contact. They may read facts that the app has no scope for: this is one of the two declared
places where such a column stands in SQL.
"""

from collections.abc import Sequence

from authz.session import Dialect
from schema.fields import Entity
from schema.vocabulary import ROW_CONDITIONS

LINK_CONDITIONS = {
    "parental_responsibility": "{a}.parental_responsibility IS {true}",
    "no_court_order": "{a}.court_order IS NOT {true} AND {a}.restricted_access IS NOT {true}",
}
EMPLOYEE_CONDITIONS = {"current_employees": '{a}."current" IS NOT {false}'}
KNOWN = frozenset(ROW_CONDITIONS)
"""The conditions that this version applies. A consent with any other is treated as not in force."""


class Visible:
    """Writes the conditions of one set of row conditions."""

    def __init__(self, dialect: Dialect, conditions: Sequence[str]) -> None:
        unknown = set(conditions) - KNOWN
        if unknown:
            raise ValueError(f"unknown row conditions: {sorted(unknown)}")
        truth = ("1", "0") if dialect.is_sqlite else ("TRUE", "FALSE")
        self.words = {"true": truth[0], "false": truth[1]}
        self.link = [LINK_CONDITIONS[name] for name in sorted(conditions) if name in LINK_CONDITIONS]
        self.employee = [EMPLOYEE_CONDITIONS[name] for name in sorted(conditions) if name in EMPLOYEE_CONDITIONS]

    def of(self, entity: Entity, alias: str) -> list[str]:
        """SQL conditions, to be joined with AND, under which a row of the entity exists for the caller."""
        found = [f"{alias}.deleted_at IS NULL"]
        if entity.name == "Employee":
            found += [text.format(a=alias, **self.words) for text in self.employee]
        elif entity.name == "StudentContact":
            found += self._link(alias)
        elif entity.name == "Contact" and self.link:
            inner = " AND ".join(["l.deleted_at IS NULL", *self._link("l")])
            found.append(
                f"EXISTS (SELECT 1 FROM student_contact l WHERE l.school_id = {alias}.school_id "
                f"AND l.contact_id = {alias}.id AND {inner})"
            )
        return found

    def _link(self, alias: str) -> list[str]:
        return [text.format(a=alias, **self.words) for text in self.link]
