"""`StudentContact.access`, in two forms: SQL inside compiled plans, and a resolver that decides one link in Python.

Both come from the one ladder in `authz/contact_access.py` and use every stored fact, whatever the app may read: this is
the second of the two declared places where a column that the app has no scope for stands in SQL.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from authz.contact_access import (
    NEW_SCHOOL_KEYS,
    AccessDecision,
    AccessSettings,
    Facts,
    LinkRow,
    decide_access,
    known_rungs,
    ladder,
    permission_sql,
    reason_sql,
    told_reason,
)
from authz.session import Dialect
from resolvers.writer import Entry, Scalar
from schema.fields import Choice, Kind
from schema.mis.contact import ORIGIN, PERMISSION, REASON

OVERRIDE_FIELDS: Mapping[str, tuple[str, Kind | Choice]] = {
    "override": ("value", PERMISSION),
    "value": ("value", PERMISSION),
    "origin": ("origin", ORIGIN),
    "setAt": ("set_at", Kind.INSTANT),
    "confirmedAt": ("confirmed_at", Kind.INSTANT),
}
"""Fields that are an override's column."""


@dataclass(frozen=True, slots=True)
class JoinedLink:
    """A link in a statement: aliases of what the ladder looks at, the joins that bring in what is needed of it.

    `present`: those aliases that the statement has, by a join or from around it.
    """

    row: LinkRow
    joins: str
    present: frozenset[str]


def joined_link(link: str, parent: tuple[str, str] | None, facts: frozenset[str]) -> JoinedLink:
    """A link with what these facts need; no other column stands in the statement.

    `parent`: the entity and alias of the record whose list the link stands in, which need not be joined again.
    """
    student, contact = f"{link}s", f"{link}c"
    known: set[str] = set()
    if parent is not None and parent[0] in ("Student", "Contact"):
        student, contact = (parent[1], contact) if parent[0] == "Student" else (student, parent[1])
        known.add(parent[1])
    # Only rows that the caller may see are read, and the link's list stands in one that was.
    row = LinkRow(link, student, contact, f"{link}o", f"{link}d", live=frozenset({link, *known}))
    people = facts & {"gone", "left", "not_begun"}
    wanted = {row.student, row.contact} if people else set()
    wanted |= {row.override} if facts & {"override", "to_review"} else set()
    wanted |= {row.default} if "default" in facts else set()
    every = {row.student, row.contact, row.override, row.default}
    return JoinedLink(row, row.joins(*(every - wanted), *known), frozenset(wanted | known))


class AccessSql:
    """Writes the values of `ContactAccess` for one set of scopes and one school's settings."""

    def __init__(self, dialect: Dialect, settings: AccessSettings, scopes: frozenset[str]) -> None:
        self.dialect = dialect
        self.settings = settings
        self.scopes = scopes

    def facts(self, names: Iterable[str]) -> frozenset[str]:
        """The facts that these fields are worked out from; `permission` also stands for a filter."""
        found: set[str] = set()
        for name in names:
            if name == "permission":
                found |= {fact for rung in ladder(self.settings) for fact in (*rung.when.facts(), rung.answer_fact)}
            elif name == "reason":
                told = ladder(self.settings)[: known_rungs(self.settings, self.scopes)]
                found |= {fact for rung in told for fact in rung.when.facts()}
            elif name in OVERRIDE_FIELDS or name == "toReview":
                found.add("override")
        return frozenset(found)

    def value(self, key: str, name: str, row: LinkRow, school: str) -> Entry:
        """One field of `ContactAccess` or `ContactAccessOverride` under a response key; `school`: SQL of its id."""
        if name in OVERRIDE_FIELDS:
            column, kind = OVERRIDE_FIELDS[name]
            return Scalar(key, kind, f"{row.override}.{column}")
        if name == "toReview":
            return Scalar(key, Kind.BOOL, self._flag(row.facts(self.dialect)["to_review"]))
        if name == "permission":
            return Scalar(key, PERMISSION, self.permission(row))
        if name == "reason":
            return Scalar(key, REASON, reason_sql(self.settings, row.facts(self.dialect), self.scopes))
        if name == "asOf":
            return Scalar(key, Kind.INSTANT, f"({as_of_sql(school)})")
        raise KeyError(name)

    def _flag(self, condition: str) -> str:
        one, zero = ("1", "0") if self.dialect.is_sqlite else ("TRUE", "FALSE")
        return f"CASE WHEN {condition} THEN {one} ELSE {zero} END"

    def permission(self, row: LinkRow) -> str:
        """The permission of the row's link."""
        return permission_sql(self.settings, row.facts(self.dialect))


def as_of_sql(school: str) -> str:
    """When the school's facts were last read from its MIS."""
    return f"SELECT max(r.finished_at) AS at FROM import_run r WHERE r.school_id = {school} AND r.state = 'completed'"


# One link in Python -----------------------------------------------------------------------------------------------

Rows = Callable[..., Awaitable[Sequence[Sequence[Any]]]]
"""Reads the rows of a SELECT with `?` placeholders."""


@dataclass(frozen=True, slots=True)
class LinkAccess:
    """What was decided on a link, the override in force if any, and how fresh its facts are."""

    facts: Facts
    decision: AccessDecision
    override: Mapping[str, str | None] | None
    as_of: str | None

    def value(self, name: str, settings: AccessSettings, scopes: frozenset[str]) -> str | bool | None:
        """One field of `ContactAccess` or `ContactAccessOverride` as an app with these scopes is told it."""
        if name == "permission":
            return self.decision.permission
        if name == "reason":
            return told_reason(settings, scopes, self.decision)
        if name == "asOf":
            return self.as_of
        if name == "toReview":
            return self.facts.to_review
        return self.override[OVERRIDE_FIELDS[name][0]] if self.override is not None else None


async def resolve_access(
    rows: Rows, dialect: Dialect, settings: AccessSettings, school_id: str, link_id: str
) -> LinkAccess:
    """Decide one link: read its facts one by one, then climb the ladder."""
    override = await _override(rows, dialect, school_id, link_id)
    facts = await _facts(rows, dialect, school_id, link_id, override)
    [[as_of]] = await rows(f"SELECT {dialect.instant_text('x.at')} FROM ({as_of_sql('?')}) x", school_id)
    return LinkAccess(facts, decide_access(settings, facts), override, as_of)


async def _override(rows: Rows, dialect: Dialect, school_id: str, link_id: str) -> Mapping[str, str | None] | None:
    set_at, confirmed = dialect.instant_text("set_at"), dialect.instant_text("confirmed_at")
    found = await rows(
        f"SELECT value, origin, {set_at}, {confirmed} FROM contact_override "
        "WHERE school_id = ? AND link_id = ? AND cleared_at IS NULL",
        school_id, link_id,
    )  # fmt: skip
    return dict(zip(("value", "origin", "set_at", "confirmed_at"), found[0], strict=True)) if found else None


async def _facts(
    rows: Rows, dialect: Dialect, school_id: str, link_id: str, override: Mapping[str, str | None] | None
) -> Facts:
    lifted, relinked = (dialect.instant_text(column) for column in ("restriction_lifted_at", "relinked_at"))
    [link] = await rows(
        "SELECT student_id, contact_id, court_order, restricted_access, parental_responsibility, lives_with_pupil, "
        f"priority, priority_assumed, relationship_key, defaults_version, {lifted}, {relinked}, deleted_at "
        "FROM student_contact WHERE school_id = ? AND id = ?",
        school_id, link_id,
    )  # fmt: skip
    admitted, leaving = (dialect.day_text(column) for column in ("admission_date", "leaving_date"))
    students = await rows(
        f"SELECT {admitted}, {leaving}, {dialect.day_text(dialect.today)} FROM student "
        "WHERE school_id = ? AND id = ? AND deleted_at IS NULL",
        school_id, link[0],
    )  # fmt: skip
    contacts = await rows(
        "SELECT 1 FROM contact WHERE school_id = ? AND id = ? AND deleted_at IS NULL", school_id, link[1]
    )
    looked_at = max(override["set_at"] or "", override["confirmed_at"] or "") if override else ""
    admission, left_on, today = students[0] if students else (None, None, "")
    return Facts(
        gone=link[12] is not None or not students or not contacts,
        left=left_on is not None and left_on < today and (admission is None or admission <= left_on),
        not_begun=admission is not None and admission > today,
        **{name: _flag(link[place]) for place, name in enumerate(_FLAGS, start=2)},
        priority=link[6],
        priority_assumed=_flag(link[7]),
        override=override["value"] if override else None,
        to_review=override is not None and any(at is not None and looked_at < at for at in link[10:12]),
        default=await _default(rows, school_id, link[9], link[8]),
    )


_FLAGS = ("court_order", "restricted_access", "parental_responsibility", "lives_with_pupil")


def _flag(value: Any) -> bool | None:
    return None if value is None else bool(value)


async def _default(rows: Rows, school_id: str, version: int | None, relationship: str | None) -> str | None:
    if not version:
        return NEW_SCHOOL_KEYS.get(relationship or "")
    found = await rows(
        "SELECT permission FROM contact_default WHERE school_id = ? AND version = ? AND relationship = ?",
        school_id, version, relationship,
    )  # fmt: skip
    return str(found[0][0]) if found else None
