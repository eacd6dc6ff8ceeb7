"""Why a link has its answer, and which links a school should look at: for staff only, with the real reasons.

An explanation decides by the ladder's own declaration on the stored facts. Warnings are conditions that test one link's
facts and say themselves in SQL for a whole school. Nothing here changes anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import SimpleNamespace

from authz.access import EVERY_SCOPE, LINK, links_sql, settings_of
from authz.access_previews import VIEW_NAMES, Answer, LinkView, read_whole_school, view_columns
from authz.access_settings import version_of
from authz.capabilities import doubtful, of_school
from authz.conditions import All, Condition, Holds, Not, OneOf
from authz.contact_access import (
    NEW_SCHOOL_VERSION,
    AccessSettings,
    Facts,
    Rung,
    decide_access,
    ladder,
    permission_sql,
    reason_sql,
)  # fmt: skip
from authz.overrides import Override, in_force, unknown_link
from authz.session import Dialect, ReadSession
from schema.vocabulary import ACCESS_FLAGS, RELATIONSHIP_TYPE, VIEW_AND_UPDATE

FACTS = tuple(each.name for each in fields(Facts))
NO_FLAGS = ("priority", "override", "default")
NEVER_BLANK = ("gone", "left", "not_begun", "to_review")
STRONGER = ("COURT_ORDER", "RESTRICTED_ACCESS")
"""Reasons that stand above an override."""

RELATIONSHIP_CHANGED = (
    "(l.defaults_version IS NOT NULL AND coalesce(l.first_relationship_key, '') <> coalesce(l.relationship_key, ''))"
)
"""SQL: the present relationship is not the first one. A link that no sync has stamped says nothing of its first."""


# Warnings ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccessWarning:
    """A reason to look at a link: a word of `ACCESS_WARNINGS`."""

    code: str
    link: LinkView
    answer: Answer


@dataclass(frozen=True, slots=True)
class WarningsPage:
    """Warnings in the order of the links' ids. `counts` are of the whole school; `end` is the page's last link."""

    counts: Mapping[str, int]
    warnings: tuple[AccessWarning, ...]
    end: str | None
    more: bool


def warning_conditions(settings: AccessSettings) -> Mapping[str, Condition]:
    """When each warning is given, over the ladder's facts, `permission`, `reason` and `relationship_changed`."""
    access = OneOf("permission", (VIEW_AND_UPDATE,))
    found: dict[str, Condition] = {
        "COURT_ORDER_WITH_ACCESS": All((Holds("court_order"), access)),
        "RESTRICTED_WITH_ACCESS": All((Holds("restricted_access"), access)),
        "OVERRIDE_TO_REVIEW": All((Holds("to_review"), Not(OneOf("reason", ("NO_LIVE_LINK", *STRONGER))))),
        "MASKED_OVERRIDE": All((OneOf("override", (VIEW_AND_UPDATE,)), OneOf("reason", STRONGER))),
    }
    if settings.source == RELATIONSHIP_TYPE:  # only there, and only without an override, does the relationship decide
        decides = OneOf("reason", ("RELATIONSHIP_DEFAULT", "NO_RULE_MATCHED"))
        found["RELATIONSHIP_CHANGED"] = All((Holds("relationship_changed"), decides))
    return found


async def warnings(session: ReadSession, school_id: str, *, limit: int = 50, after: str | None = None) -> WarningsPage:
    """The warnings of up to so many links, from after this link on, and how many there are of each kind."""
    settings = await settings_of(session, school_id)
    codes = tuple(warning_conditions(settings))
    warned = f"({_warned(session.dialect, settings)}) warned"
    await read_whole_school(session)
    [counts] = await session.fetch(f"SELECT {', '.join(f'sum({code})' for code in codes)} FROM {warned}", school_id)
    rows = await session.fetch(
        f"SELECT * FROM {warned} WHERE {' + '.join(codes)} > 0 AND id > ? ORDER BY id LIMIT ?",
        school_id, after or "", limit + 1,
    )  # fmt: skip
    found = tuple(
        AccessWarning(code, LinkView(*row[:6]), Answer(*row[6:8]))
        for row in rows[:limit]
        for code, given in zip(codes, row[8:], strict=True)
        if given
    )
    totals = {code: int(count or 0) for code, count in zip(codes, counts, strict=True)}
    return WarningsPage(totals, found, rows[:limit][-1][0] if rows else None, more=len(rows) > limit)


def _warned(dialect: Dialect, settings: AccessSettings) -> str:
    """A SELECT of the links of a school with their answer, and 1 or 0 for each warning in a column of its name."""
    facts = LINK.facts(dialect)
    conditions = warning_conditions(settings)
    expressions = {
        **facts,
        "relationship_changed": RELATIONSHIP_CHANGED,
        "permission": permission_sql(settings, facts),
        "reason": reason_sql(settings, facts, EVERY_SCOPE),
    }
    looked_at = dict.fromkeys(("permission", "reason", *(each for one in conditions.values() for each in one.facts())))
    named = {fact: f"fact_{fact}" for fact in looked_at}
    inner = ", ".join(f"{expressions[fact]} AS {name}" for fact, name in named.items())
    codes = ", ".join(f"CASE WHEN {one.sql(named)} THEN 1 ELSE 0 END AS {code}" for code, one in conditions.items())
    return (
        f"SELECT {VIEW_NAMES}, fact_permission, fact_reason, {codes} "
        f"FROM (SELECT {view_columns()}, {inner} FROM {links_sql()} WHERE l.school_id = ?) known"
    )


# Explanations -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FactView:
    """One fact as it is stored: its name in capitals, as the API has it; its value as text, null where it is blank."""

    name: str
    value: str | None


@dataclass(frozen=True, slots=True)
class RungView:
    """One rung: what it looks at, whether it holds, whether it decided, and what it answers where it holds."""

    reason: str
    facts: tuple[FactView, ...]
    holds: bool
    decided: bool
    permission: str | None


@dataclass(frozen=True, slots=True)
class OverrideView:
    """The override in force. `masked_by`: the reason of the rung before it that decided."""

    override: Override
    masked_by: str | None
    to_review: bool


@dataclass(frozen=True, slots=True)
class Flag:
    """What to know about an answer: a word of `ACCESS_FLAGS`, and its sentence."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a link has its answer. `defaults_version` is the link's; `todays_version` is what new links take."""

    link: LinkView
    settings: AccessSettings
    answer: Answer
    rungs: tuple[RungView, ...]
    override: OverrideView | None
    flags: tuple[Flag, ...]
    defaults_version: int
    todays_version: int


async def explain(session: ReadSession, school_id: str, link_id: str) -> Explanation:
    """Why the link has its answer now; of a link that is gone too."""
    settings = await settings_of(session, school_id)
    expressions = LINK.facts(session.dialect)
    rows = await session.fetch(
        f"SELECT {', '.join(expressions[name] for name in FACTS)}, {RELATIONSHIP_CHANGED}, "
        f"coalesce(l.defaults_version, {NEW_SCHOOL_VERSION}), {view_columns()} "
        f"FROM {links_sql()} WHERE l.school_id = ? AND l.id = ?",
        school_id, link_id,
    )  # fmt: skip
    if not rows:
        raise unknown_link()
    values, (changed, version, *view) = rows[0][: len(FACTS)], rows[0][len(FACTS) :]
    facts = facts_from(dict(zip(FACTS, values, strict=True)))
    decision = decide_access(settings, facts)
    rungs = ladder(settings)
    override = await in_force(session, school_id, link_id)
    masked = override is not None and decision.rung < [rung.reason for rung in rungs].index("OVERRIDE")
    tested = {fact for rung in rungs[: decision.rung + 1] for fact in rung.when.facts()}
    return Explanation(
        link=LinkView(*view),
        settings=settings,
        answer=Answer(decision.permission, decision.reason),
        rungs=tuple(_rung(rung, facts, decided=number == decision.rung) for number, rung in enumerate(rungs)),
        override=OverrideView(override, decision.reason if masked else None, facts.to_review) if override else None,
        flags=(
            *_warnings_of(settings, facts, Answer(decision.permission, decision.reason), changed=bool(changed)),
            *await _doubts(session, school_id, facts, tested),
        ),
        defaults_version=int(version),
        todays_version=await version_of(session, school_id),
    )


def facts_from(row: Mapping[str, object]) -> Facts:
    """Facts of a row of their SQL expressions: SQLite's 0 and 1 as booleans, and null kept where it means blank."""
    made = {
        name: value if name in NO_FLAGS or (value is None and name not in NEVER_BLANK) else bool(value)
        for name, value in row.items()
    }
    return Facts(**made)  # type: ignore[arg-type]


def _rung(rung: Rung, facts: Facts, *, decided: bool) -> RungView:
    holds = rung.when.test(facts)
    looked_at = tuple(FactView(name.upper(), _text(getattr(facts, name))) for name in rung.when.facts())
    return RungView(rung.reason, looked_at, holds, decided, rung.permission(facts) if holds else None)


def _text(value: object) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _warnings_of(settings: AccessSettings, facts: Facts, answer: Answer, *, changed: bool) -> tuple[Flag, ...]:
    known = SimpleNamespace(
        **{name: getattr(facts, name) for name in FACTS},
        permission=answer.permission,
        reason=answer.reason,
        relationship_changed=changed,
    )
    return tuple(_flag(code) for code, condition in warning_conditions(settings).items() if condition.test(known))


async def _doubts(session: ReadSession, school_id: str, facts: Facts, tested: set[str]) -> tuple[Flag, ...]:
    """What is doubtful of the facts that the rungs up to the deciding one looked at."""
    found = [_flag("PRIORITY_ASSUMED")] if "priority" in tested and facts.priority_assumed else []
    doubts = [each for each in doubtful(await of_school(session, school_id)) if each.attribute in tested]
    return (*found, *(_flag(f"{each.attribute.upper()}_{each.state}") for each in doubts))


def _flag(code: str) -> Flag:
    return Flag(code, ACCESS_FLAGS[code])
