"""The contact ladder: rungs in order, the first that holds decides. The one declaration of who has access, and why.

Two forms are made from it: `decide` (facts → decision, for one link) and SQL, a `CASE` over a link's row, for lists,
filters and counts. Nothing computed here is ever stored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from itertools import groupby
from typing import Any

from authz.conditions import All, Always, Blank, Condition, Either, Holds, Not, OneOf
from authz.session import Dialect
from schema.vocabulary import NO_PERMISSION, RELATIONSHIP_TYPE, SYNC, VIEW_AND_UPDATE, WITHHELD

NEW_SCHOOL: Mapping[str, str] = dict.fromkeys(("Mother", "Father", "Parent", "Guardian"), VIEW_AND_UPDATE)
"""Version 0 of every school's Default Contact Permissions. It never changes: links keep the version they came with."""

NEW_SCHOOL_VERSION = 0
PRIORITIES = (0, 1, 2)
"""The priorities that give access."""


def relationship_key(relationship: str | None) -> str | None:
    """How relationships are compared: trimmed, case-folded, inner white space collapsed; blank is none."""
    return " ".join(relationship.split()).casefold() or None if relationship is not None else None


NEW_SCHOOL_KEYS: Mapping[str, str] = {str(relationship_key(label)): value for label, value in NEW_SCHOOL.items()}


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """How a school works out access; the defaults are a new school's.

    `source`: RELATIONSHIP_TYPE or SYNC. `court_order_always_denies` puts court orders and restrictions before
    everything with RELATIONSHIP_TYPE too. `confirm_masked_overrides`: an override to View and Update that came out from
    under a stronger rung counts only when it has been confirmed.
    """

    source: str = RELATIONSHIP_TYPE
    court_order_always_denies: bool = False
    confirm_masked_overrides: bool = False
    access_for_leavers: bool = False
    access_for_applicants: bool = False
    accept_assumed_priorities: bool = False


SETTING_COLUMNS = tuple(each.name for each in fields(AccessSettings))


@dataclass(frozen=True, slots=True)
class Facts:
    """What the ladder may look at, of one link. Names are those of `SCOPES` and of the SQL form.

    `gone`: link, student or contact is deleted. `left`, `not_begun`: by the student's dates and the database's day.
    `override` and `default` are permissions or null; `to_review`: the override came out from under a stronger rung and
    has not been set or confirmed since.
    """

    gone: bool = False
    left: bool = False
    not_begun: bool = False
    court_order: bool | None = None
    restricted_access: bool | None = None
    parental_responsibility: bool | None = None
    lives_with_pupil: bool | None = None
    priority: int | None = None
    priority_assumed: bool | None = None
    override: str | None = None
    to_review: bool = False
    default: str | None = None


SCOPES: Mapping[str, tuple[str, ...]] = {
    "gone": (),
    "left": ("students.read",),  # being on the roll is part of the student's existence; the dates stay hidden
    "not_begun": ("students.read",),
    "court_order": ("contacts.court_order.read",),
    "restricted_access": ("contacts.restricted_access.read",),
    "parental_responsibility": ("contacts.parental_responsibility.read",),
    "lives_with_pupil": ("contacts.lives_with_pupil.read",),
    "priority": ("contacts.priority.read",),
    "priority_assumed": ("contacts.priority.read",),
    "override": ("contacts.access_override.read",),
    "to_review": (
        "contacts.access_override.read",
        "contacts.court_order.read",
        "contacts.restricted_access.read",
    ),
    "default": ("contacts.relationship.read",),
}
"""The scopes under which an app may learn each fact."""


# The ladder -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung: when it holds, its answer (a permission, or the fact that is one) and the reason it gives."""

    reason: str
    when: Condition
    answer: str = ""
    answer_fact: str = ""

    def permission(self, facts: Facts) -> str:
        """Its answer for these facts."""
        return str(getattr(facts, self.answer_fact)) if self.answer_fact else self.answer

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes of every fact that it looks at."""
        return frozenset(scope for fact in self.when.facts() for scope in SCOPES[fact])


COURT_ORDER = Rung("COURT_ORDER", Holds("court_order"), NO_PERMISSION)
RESTRICTED_ACCESS = Rung("RESTRICTED_ACCESS", Holds("restricted_access"), NO_PERMISSION)


@cache
def ladder(settings: AccessSettings) -> tuple[Rung, ...]:
    """The rungs of a school with these settings, first to last; the last one always holds."""
    safety = (COURT_ORDER, RESTRICTED_ACCESS)
    if settings.source == SYNC:
        middle: tuple[Rung, ...] = (*safety, _override(settings), *_sync_rungs(settings))
    else:
        default = Rung("RELATIONSHIP_DEFAULT", Not(Blank("default")), answer_fact="default")
        middle = (*(safety if settings.court_order_always_denies else ()), _override(settings), default)
    return (_no_live_link(settings), *middle, Rung("NO_RULE_MATCHED", Always(), NO_PERMISSION))


def _no_live_link(settings: AccessSettings) -> Rung:
    tests: list[Condition] = [Holds("gone")]
    if not settings.access_for_leavers:
        tests.append(Holds("left"))
    if not settings.access_for_applicants:
        tests.append(Holds("not_begun"))
    return Rung("NO_LIVE_LINK", Either(tuple(tests)), NO_PERMISSION)


def _override(settings: AccessSettings) -> Rung:
    stored: Condition = Not(Blank("override"))
    if settings.confirm_masked_overrides:
        waiting = All((OneOf("override", (VIEW_AND_UPDATE,)), Holds("to_review")))
        stored = All((stored, Not(waiting)))
    return Rung("OVERRIDE", stored, answer_fact="override")


def _sync_rungs(settings: AccessSettings) -> tuple[Rung, ...]:
    priority: Condition = OneOf("priority", PRIORITIES)
    if not settings.accept_assumed_priorities:
        priority = All((priority, Not(Holds("priority_assumed"))))
    fallback = All((Blank("parental_responsibility"), Holds("lives_with_pupil")))
    return (
        Rung("PARENTAL_RESPONSIBILITY", Holds("parental_responsibility"), VIEW_AND_UPDATE),
        Rung("LIVES_WITH_FALLBACK", fallback, VIEW_AND_UPDATE),
        Rung("PRIORITY", priority, VIEW_AND_UPDATE),
    )


@dataclass(frozen=True, slots=True)
class AccessDecision:
    """What a link opens, why, and the rung that decided, from 0."""

    permission: str
    reason: str
    rung: int


def decide_access(settings: AccessSettings, facts: Facts) -> AccessDecision:
    """The decision on one link."""
    for number, rung in enumerate(ladder(settings)):
        if rung.when.test(facts):
            return AccessDecision(rung.permission(facts), rung.reason, number)
    raise RuntimeError("the last rung always holds")


@cache
def known_rungs(settings: AccessSettings, scopes: frozenset[str]) -> int:
    """How many rungs, from the first on, an app with these scopes may be told of as the reason.

    INVARIANT: a rung that was passed over tells something too, so the first rung with a fact that is not granted ends
    what may be told.
    """
    for number, rung in enumerate(ladder(settings)):
        if not rung.scopes <= scopes:
            return number
    return len(ladder(settings))


def told_reason(settings: AccessSettings, scopes: frozenset[str], decision: AccessDecision) -> str:
    """The reason as an app with these scopes is told it."""
    return decision.reason if decision.rung < known_rungs(settings, scopes) else WITHHELD


# SQL --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LinkRow:
    """Aliases under which a statement has a link, its student, contact, override in force and stored default.

    The last four are outer joins: a row that is missing is null in all columns. `live`: those aliases under which only
    rows can stand that are not deleted, so that nobody need look.
    """

    link: str
    student: str
    contact: str
    override: str
    default: str
    live: frozenset[str] = frozenset()

    def joins(self, *known: str) -> str:
        """The outer joins after a link's table, except those of aliases that the statement has already."""
        link, student, contact, override, default = self.link, self.student, self.contact, self.override, self.default
        tables = {
            student: ("student", f"{student}.id = {link}.student_id"),
            contact: ("contact", f"{contact}.id = {link}.contact_id"),
            override: ("contact_override", f"{override}.link_id = {link}.id AND {override}.cleared_at IS NULL"),
            default: (
                "contact_default",
                f"{default}.version = {link}.defaults_version AND {default}.relationship = {link}.relationship_key",
            ),
        }
        return "".join(
            f" LEFT JOIN {table} {alias} ON {alias}.school_id = {link}.school_id AND {condition}"
            for alias, (table, condition) in tables.items()
            if alias not in known
        )

    def facts(self, dialect: Dialect) -> Mapping[str, str]:
        """The SQL expression of every fact."""
        link, student, contact, override = self.link, self.student, self.contact, self.override
        left = (
            f"{student}.leaving_date < {dialect.today} "
            f"AND ({student}.admission_date IS NULL OR {student}.admission_date <= {student}.leaving_date)"
        )
        gone = [f"{link}.deleted_at IS NOT NULL"] if link not in self.live else []
        gone += [
            f"{alias}.id IS NULL OR {alias}.deleted_at IS NOT NULL"
            for alias in (student, contact)
            if alias not in self.live
        ]
        unmasked = " OR ".join(
            f"({override}.set_at < {link}.{column} AND coalesce({override}.confirmed_at < {link}.{column}, TRUE))"
            for column in ("restriction_lifted_at", "relinked_at")
        )
        return {
            "gone": f"({' OR '.join(gone) or 'FALSE'})",
            "left": f"({left})",
            "not_begun": f"({student}.admission_date > {dialect.today})",
            "override": f"{override}.value",
            "to_review": f"({unmasked})",
            "default": default_sql(link, self.default),
            **{
                column: f"{link}.{column}"
                for column in (
                    "court_order",
                    "restricted_access",
                    "parental_responsibility",
                    "lives_with_pupil",
                    "priority",
                    "priority_assumed",
                )
            },
        }


def default_sql(link: str, default: str) -> str:
    """SQL: the default of the link's present relationship in the version that the link keeps.

    Version 0 is never stored, so that the joined default is null for its links.
    """
    listed = ", ".join(repr(key) for key in NEW_SCHOOL_KEYS)
    new = f"coalesce({link}.defaults_version, {NEW_SCHOOL_VERSION}) = {NEW_SCHOOL_VERSION}"
    return (
        f"coalesce({default}.permission, "
        f"CASE WHEN {new} AND {link}.relationship_key IN ({listed}) THEN '{VIEW_AND_UPDATE}' END)"
    )


def default_of_version_sql(link: str, version: int) -> str:
    """SQL: the default of the link's present relationship in one version, whichever the link keeps."""
    if version == NEW_SCHOOL_VERSION:
        listed = ", ".join(repr(key) for key in NEW_SCHOOL_KEYS)
        return f"(CASE WHEN {link}.relationship_key IN ({listed}) THEN '{VIEW_AND_UPDATE}' END)"
    return (
        f"(SELECT v.permission FROM contact_default v WHERE v.school_id = {link}.school_id "
        f"AND v.version = {int(version)} AND v.relationship = {link}.relationship_key)"
    )


def permission_sql(settings: AccessSettings, facts: Mapping[str, str]) -> str:
    """SQL: the permission of the row's link, as one flat `CASE`: nested ones fill the stack of SQLite's parser.

    Neighbouring rungs with one answer make one test; a last rung that answers what a fact says is a `coalesce`.
    """
    *rungs, last = ladder(settings)
    otherwise = f"'{last.answer}'"
    if rungs[-1].answer_fact and rungs[-1].when == Not(Blank(rungs[-1].answer_fact)):
        otherwise = f"coalesce({facts[rungs.pop().answer_fact]}, {otherwise})"
    branches = []
    for (answer, fact), group in groupby(rungs, key=lambda rung: (rung.answer, rung.answer_fact)):
        condition = Either(tuple(rung.when for rung in group)).sql(facts)
        branches.append(f"WHEN {condition} THEN {facts[fact] if fact else repr(answer)}")
    return f"CASE {' '.join(branches)} ELSE {otherwise} END"


def reason_sql(settings: AccessSettings, facts: Mapping[str, str], scopes: frozenset[str]) -> str:
    """SQL: the reason as an app with these scopes is told it. No fact that it may not read is named."""
    told = ladder(settings)[: known_rungs(settings, scopes)]
    branches = " ".join(f"WHEN {rung.when.sql(facts)} THEN '{rung.reason}'" for rung in told)
    return f"(CASE {branches} ELSE '{WITHHELD}' END)" if branches else f"CAST('{WITHHELD}' AS TEXT)"


def settings_from(row: Sequence[Any] | None) -> AccessSettings:
    """The settings of a row of `SETTING_COLUMNS`; those of a new school where there is none."""
    return AccessSettings(str(row[0]), *(bool(value) for value in row[1:])) if row is not None else AccessSettings()
