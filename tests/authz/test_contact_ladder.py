"""The ladder's two forms are one, and both are the page's: over every combination of facts that a link can have.

tests/cases/contact_access/page.py is the page once more; `decide_access` and the SQL of stored links must say the same,
link by link. What the products leave out stands at each; single values and odd ones are in the cases.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from functools import cache
from itertools import combinations, product
from typing import Any

import pytest

from authz.access import LINK, decisions, links_sql
from authz.contact_access import (
    SCOPES,
    AccessDecision,
    AccessSettings,
    Facts,
    decide_access,
    ladder,
    permission_sql,
    reason_sql,
    told_reason,
)  # fmt: skip
from authz.session import POSTGRESQL, SQLITE, Dialect, ReadSession, WriteSession
from schema.contact_access import FLAGS
from schema.vocabulary import NO_PERMISSION, PERMISSIONS, REASONS, SOURCES, SYNC, VIEW_AND_UPDATE, WITHHELD
from server.database import Database
from tests.cases.contact_access.page import SCOPES_OF, Answer, page, page_rungs, page_told
from tests.world import insert

SCHOOL = "sch_00000000"
EARLY, SET, LATE, LATEST = (f"2026-01-{day:02}T09:00:00.000000Z" for day in (1, 2, 3, 4))
COMMON = {"school_id": SCHOOL, "student_id": "stu_here", "contact_id": "con_here", "defaults_version": 1}


def every_setting() -> Iterator[AccessSettings]:
    """Both sources with every set of flags: 64 ladders, some of them alike."""
    for source, flags in product(SOURCES, product((False, True), repeat=len(FLAGS))):
        yield AccessSettings(source, **dict(zip(FLAGS, flags, strict=True)))


SETTINGS = list(every_setting())

# Products of facts, as links in a database ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """One of the values that a product goes through: what it is in the columns of a link, and what in facts."""

    columns: Mapping[str, object]
    facts: Mapping[str, Any]


Axes = Mapping[str, Sequence[Value]]


def plain(*columns: str, values: Sequence[Sequence[object]]) -> Sequence[Value]:
    """Values of columns of the link that are facts as they stand."""
    pairs = [dict(zip(columns, each, strict=True)) for each in values]
    return [Value(pair, pair) for pair in pairs]


def override(value: str | None, lifted: str) -> Value:
    """No override, or one that was set at SET, on a link whose last restriction was lifted then."""
    review = value is not None and lifted == LATE
    return Value({"restriction_lifted_at": lifted}, {"override": value, "to_review": review})


FLAG_FACTS = ("court_order", "restricted_access", "parental_responsibility", "lives_with_pupil")
FOUR_FLAGS: Axes = {fact: plain(fact, values=[(None,), (True,), (False,)]) for fact in FLAG_FACTS}
OVERRIDES = [override(None, LATE), *(override(value, EARLY) for value in PERMISSIONS)]
SMALL: Axes = {
    **FOUR_FLAGS,
    "override": OVERRIDES,
    "priority": plain("priority", values=[(None,), (0,), (1,), (2,), (3,)]),
}
"""The 1,215 combinations of what Sync decides by."""

LARGE: Axes = {
    **FOUR_FLAGS,
    "override": [*OVERRIDES, *(override(value, LATE) for value in PERMISSIONS)],
    "priority": plain("priority", "priority_assumed", values=[(None, True), (2, None), (2, True), (3, False)]),
    "roll": [
        Value({"student_id": "stu_here"}, {}),
        *(Value({"student_id": f"stu_{state}"}, {state: True}) for state in ("gone", "left", "not_begun")),
    ],
    "default": [
        Value({"relationship_key": key}, {"default": default})
        for key, default in (("aunt", None), ("mother", VIEW_AND_UPDATE), ("father", NO_PERMISSION))
    ],
}
"""19,440 combinations of everything that a ladder looks at.

Left out: priorities 0, 1 and 4 (they stand in SMALL and the cases), a mark "assumed" beside 3 or its absence beside a
blank, how a link can be gone (cases), the days around today and the moments around a lifting (tests below).
"""


def combinations_of(axes: Axes) -> dict[str, tuple[Value, ...]]:
    """Link id → one value of each axis."""
    return {f"lnk_{number:05}": chosen for number, chosen in enumerate(product(*axes.values()))}


def facts_of(chosen: Sequence[Value]) -> Facts:
    """The facts of a combination."""
    return Facts(**{name: value for each in chosen for name, value in each.facts.items()})


async def write_links(session: WriteSession, made: Mapping[str, Sequence[Value]]) -> dict[str, Facts]:
    """A school with a link for each combination; link id → facts."""
    today = await today_of(session)
    days = {"here": (None, None), "gone": (None, None), "left": (-900, -30), "not_begun": (30, 900)}
    students = [student(f"stu_{state}", today, *dates) for state, dates in days.items()]
    for row in students:
        row["deleted_at"] = EARLY if row["id"] == "stu_gone" else None
    await insert(session, "student", students)
    await insert(session, "contact", [{"school_id": SCHOOL, "id": "con_here"}])
    relationships = {"mother": VIEW_AND_UPDATE, "father": NO_PERMISSION}
    for label, permission in relationships.items():
        row = {"school_id": SCHOOL, "version": 1, "relationship": label, "label": label, "permission": permission}
        await insert(session, "contact_default", [row])
    links = [
        {**COMMON, "id": link, **{name: value for each in chosen for name, value in each.columns.items()}}
        for link, chosen in made.items()
    ]
    await insert(session, "student_contact", links)
    facts = {link: facts_of(chosen) for link, chosen in made.items()}
    overrides = [override_row(link, each.override) for link, each in facts.items() if each.override]
    await insert(session, "contact_override", overrides)
    for table in ("student_contact", "contact_override"):
        # PostgreSQL knows nothing of new tables yet, and would pair every link with every override.
        await session.execute(f"ANALYZE {table}")
    return facts


def student(name: str, today: date, admitted: int | None, leaves: int | None) -> dict[str, Any]:
    """A row of `student`, with dates in days from today."""
    days = {"admission_date": admitted, "leaving_date": leaves}
    dates = {column: str(today + timedelta(n)) if n is not None else None for column, n in days.items()}
    return {"school_id": SCHOOL, "id": name, **dates}


async def today_of(session: ReadSession | WriteSession) -> date:
    """The database's day."""
    [[day]] = await session.fetch(f"SELECT {session.dialect.day_text(session.dialect.today)}")
    return date.fromisoformat(day)


def override_row(link: str, value: str, confirmed_at: str | None = None) -> dict[str, Any]:
    """A row of `contact_override`."""
    by = {"set_by": "a test", "set_at": SET, "confirmed_at": confirmed_at, "origin": "MANUAL"}
    return {"school_id": SCHOOL, "id": f"ovr_{link}", "link_id": link, "value": value, **by}


# Both forms are the page's, link by link ------------------------------------------------------------------------------


def answer(settings: AccessSettings, facts: Facts) -> Answer:
    """What the ladder decides on plain facts."""
    decided = decide_access(settings, facts)
    return decided.permission, decided.reason


async def stored_answers(session: ReadSession, settings: AccessSettings) -> dict[str, Answer]:
    """What the SQL of stored links decides, with these settings."""
    rows = await decisions(session, SCHOOL, settings=settings)
    return {row.link_id: (row.permission, row.reason) for row in rows}


async def test_under_sync_320_of_1215_combinations_have_access_in_both_forms(database: Database) -> None:
    settings = AccessSettings(SYNC)
    async with database.write() as session:
        facts = await write_links(session, combinations_of(SMALL))
    async with database.read() as session:
        stored = await stored_answers(session, settings)
    assert len(set(facts.values())) == 1215
    assert stored == {link: answer(settings, each) for link, each in facts.items()}
    assert stored == {link: page(settings, each) for link, each in facts.items()}
    assert Counter(permission for permission, _ in stored.values()) == {VIEW_AND_UPDATE: 320, NO_PERMISSION: 895}


def test_plain_facts_are_answered_as_the_page_says_with_every_setting() -> None:
    facts = [facts_of(chosen) for chosen in combinations_of(LARGE).values()]
    assert len(set(facts)) == 19440
    for settings in SETTINGS:
        assert [answer(settings, each) for each in facts] == [page(settings, each) for each in facts], settings


async def test_stored_links_are_answered_as_the_page_says_with_every_setting(database: Database) -> None:
    async with database.write() as session:
        facts = await write_links(session, combinations_of(LARGE))
    for settings in SETTINGS:
        async with database.read() as session:
            stored = await stored_answers(session, settings)
        assert stored == {link: page(settings, each) for link, each in facts.items()}, settings


async def test_an_override_is_to_review_while_it_was_last_looked_at_before_a_lifting_or_a_return(
    database: Database,
) -> None:
    moments = (None, EARLY, SET, LATE, LATEST)
    looked_at = {f"lnk_{number:03}": each for number, each in enumerate(product(moments, repeat=3))}
    async with database.write() as session:
        await write_links(session, {})
        for link, (lifted, relinked, confirmed) in looked_at.items():
            stamps = {"restriction_lifted_at": lifted, "relinked_at": relinked}
            await insert(session, "student_contact", [{**COMMON, "id": link, **stamps}])
            await insert(session, "contact_override", [override_row(link, VIEW_AND_UPDATE, confirmed)])
    async with database.read() as session:
        stored = await stored_answers(session, AccessSettings(SYNC, confirm_masked_overrides=True))
    for link, (lifted, relinked, confirmed) in looked_at.items():
        looked = max(SET, confirmed or SET)
        to_review = looked < (lifted or "") or looked < (relinked or "")
        assert (stored[link][1] == "NO_RULE_MATCHED") is to_review, (lifted, relinked, confirmed)


async def test_a_student_is_at_school_from_the_admission_to_the_leaving_and_after_a_later_admission(
    database: Database,
) -> None:
    days = list(product((None, -30, -1, 0, 1, 30), repeat=2))
    while True:
        async with database.write() as session:
            today = await today_of(session)
            for table in ("student", "student_contact", "contact"):
                await session.execute(f"DELETE FROM {table}")
            await insert(session, "contact", [{"school_id": SCHOOL, "id": "con_here"}])
            await insert(session, "student", [student(f"stu_{n:02}", today, *each) for n, each in enumerate(days)])
            ids = [{"id": f"lnk_{number:02}", "student_id": f"stu_{number:02}"} for number in range(len(days))]
            await insert(session, "student_contact", [{**COMMON, **each} for each in ids])
        async with database.read() as session:
            stored = {each: await stored_answers(session, each) for each in SETTINGS}
            if await today_of(session) == today:  # else midnight came between
                break
    for settings, answers in stored.items():
        for (admitted, leaves), (_, reason) in zip(days, answers.values(), strict=True):
            not_begun = admitted is not None and admitted > 0
            left = leaves is not None and leaves < 0 and not (admitted is not None and admitted > leaves)
            closed = (left and not settings.access_for_leavers) or (not_begun and not settings.access_for_applicants)
            assert (reason == "NO_LIVE_LINK") is closed, (settings, admitted, leaves)


# What an app may learn ------------------------------------------------------------------------------------------------

EVERY = frozenset(f"{name}.read" for names in SCOPES_OF.values() for name in names)
SUBSETS = [frozenset(some) for size in range(len(EVERY) + 1) for some in combinations(sorted(EVERY), size)]
SETS = [EVERY, *(EVERY - {scope} for scope in sorted(EVERY)), frozenset[str]()]
"""Everything, each scope missing, nothing."""


def told(settings: AccessSettings, scopes: frozenset[str]) -> dict[str, str]:
    """What the app is told for the reason of each rung."""
    rungs = enumerate(ladder(settings))
    return {rung.reason: told_reason(settings, scopes, AccessDecision("", rung.reason, n)) for n, rung in rungs}


TOLD = {(settings, scopes): told(settings, scopes) for settings in SETTINGS for scopes in SUBSETS}
"""For all 64 settings and all 256 sets of the scopes that matter."""


def test_each_fact_is_told_under_the_scopes_that_the_page_names() -> None:
    assert {fact: set(scopes) for fact, scopes in SCOPES.items()} == {
        fact: {f"{name}.read" for name in names} for fact, names in SCOPES_OF.items()
    }
    assert set(SCOPES) == {each.name for each in fields(Facts)}


def test_an_app_is_told_what_the_page_says_with_every_set_of_scopes() -> None:
    for (settings, scopes), reasons in TOLD.items():
        assert list(reasons.items()) == list(page_told(settings, scopes).items()), (settings, scopes)


def test_taking_a_scope_away_only_ever_turns_a_reason_into_withheld() -> None:
    for (settings, scopes), reasons in TOLD.items():
        for scope in scopes:
            fewer = TOLD[settings, scopes - {scope}]
            assert all(fewer[reason] in (told_as, WITHHELD) for reason, told_as in reasons.items()), (settings, scopes)


def test_what_is_told_is_the_beginning_of_the_ladder() -> None:
    for (settings, scopes), reasons in TOLD.items():
        known = [reason for reason, told_as in reasons.items() if told_as == reason]
        assert known == list(reasons)[: len(known)], (settings, scopes)
        assert set(reasons.values()) <= {*known, WITHHELD}


@pytest.mark.parametrize("rung", ["COURT_ORDER", "RESTRICTED_ACCESS"])
def test_without_the_scope_of_a_safety_rung_no_reason_at_or_below_it_is_told(rung: str) -> None:
    scope = f"contacts.{rung.lower()}.read"
    cases = [(key, reasons) for key, reasons in TOLD.items() if rung in reasons and scope not in key[1]]
    assert len(cases) == 48 * len(SUBSETS) / 2
    for key, reasons in cases:
        below = list(reasons)[list(reasons).index(rung) :]
        assert {reasons[reason] for reason in below} == {WITHHELD}, key


def test_without_the_scope_of_court_orders_no_override_that_may_wait_for_one_is_told() -> None:
    for (settings, scopes), reasons in TOLD.items():
        if settings.confirm_masked_overrides and "contacts.court_order.read" not in scopes:
            assert {told_as for told_as in reasons.values() if told_as != WITHHELD} <= {"NO_LIVE_LINK"}


COLUMNS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("l.school_id", "l.deleted_at", "s.id", "s.deleted_at", "c.id", "c.deleted_at"), ()),
    **dict.fromkeys(("s.admission_date", "s.leaving_date"), ("students",)),  # compared with today, never told
    **{f"l.{fact}": (f"contacts.{fact}",) for fact in (*FLAG_FACTS, "priority")},
    "l.priority_assumed": ("contacts.priority",),
    **dict.fromkeys(("o.value", "o.set_at", "o.confirmed_at", "l.relinked_at"), ("contacts.access_override",)),
    "l.restriction_lifted_at": ("contacts.court_order", "contacts.restricted_access"),
    **dict.fromkeys(("l.relationship_key", "l.defaults_version"), ("contacts.relationship",)),
    "od.permission": ("contacts.relationship",),
}
"""Every column that the SQL of a reason may name, with the scopes that an app needs for it to be named."""


@cache
def columns_in(sql: str) -> frozenset[str]:
    return frozenset(re.findall(r"\b[a-z]+\.[a-z_]+", sql))


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRESQL], ids=["sqlite", "postgresql"])
def test_the_sql_of_a_reason_names_no_column_of_a_fact_that_is_not_granted(dialect: Dialect) -> None:
    facts = LINK.facts(dialect)
    for settings, scopes in TOLD:
        sql = reason_sql(settings, facts, scopes)
        needed = {f"{scope}.read" for column in columns_in(sql) for scope in COLUMNS[column]}
        assert needed <= scopes, sql
        assert set(re.findall(r"'([A-Z_]+)'", sql)) & set(REASONS) == set(TOLD[settings, scopes].values()) - {WITHHELD}


THIN = {link: chosen for number, (link, chosen) in enumerate(combinations_of(LARGE).items()) if number % 7 == 0}


def test_the_thinned_product_has_every_pair_of_values() -> None:
    """Every 7th combination of LARGE, for what would take too long on all of them."""
    for one, two in combinations(range(len(LARGE)), 2):
        pairs = {(id(chosen[one]), id(chosen[two])) for chosen in THIN.values()}
        assert len(pairs) == len(list(LARGE.values())[one]) * len(list(LARGE.values())[two])


async def test_stored_links_tell_each_app_the_same_permission_and_the_reason_it_may_know(database: Database) -> None:
    async with database.write() as session:
        await write_links(session, THIN)
    facts = LINK.facts(database.dialect)
    for settings in SETTINGS:
        reasons = ", ".join(reason_sql(settings, facts, scopes) for scopes in SETS)
        async with database.read() as session:
            rows = await session.fetch(
                f"SELECT l.id, {permission_sql(settings, facts)}, {reasons} FROM {links_sql()} WHERE l.school_id = ?",
                SCHOOL,
            )
        apps = [page_told(settings, scopes) for scopes in SETS]
        expected = {}
        for link, chosen in THIN.items():
            permission, reason = page(settings, facts_of(chosen))
            expected[link] = [permission, *(app[reason] for app in apps)]
        assert {row[0]: list(row[1:]) for row in rows} == expected, settings


async def test_no_rung_is_left_open_by_facts_that_are_null(database: Database) -> None:
    async with database.write() as session:
        await write_links(session, THIN)
    facts = LINK.facts(database.dialect)
    conditions = {rung.when.sql(facts) for settings in SETTINGS for rung in ladder(settings)}
    async with database.read() as session:
        for condition in conditions:
            sql = f"SELECT count(*) FROM {links_sql()} WHERE l.school_id = ? AND ({condition}) IS NULL"
            assert list(map(list, await session.fetch(sql, SCHOOL))) == [[0]], condition


FLIPS: Mapping[str, Sequence[object]] = {
    **dict.fromkeys(("gone", "left", "not_begun", "to_review"), (False, True)),
    **dict.fromkeys((*FLAG_FACTS, "priority_assumed"), (None, True, False)),
    **dict.fromkeys(("override", "default"), (None, *PERMISSIONS)),
    "priority": (None, 0, 1, 2, 3, -1),
}


def changed(facts: Facts, fact: str, value: object) -> Facts:
    """The facts with another value of one."""
    values: dict[str, Any] = {fact: value}
    return replace(facts, **values)


def test_a_fact_that_is_tested_below_the_deciding_rung_never_matters() -> None:
    assert set(FLIPS) == {each.name for each in fields(Facts)}
    for settings, chosen in product(SETTINGS, list(THIN.values())[::11]):
        facts = facts_of(chosen)
        decided = decide_access(settings, facts)
        tested = set[str]().union(*(names for _, names in page_rungs(settings)[: decided.rung + 1]))
        for fact in set(FLIPS) - tested:
            for value in FLIPS[fact]:
                assert decide_access(settings, changed(facts, fact, value)) == decided, (settings, facts, fact)
