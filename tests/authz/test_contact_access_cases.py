"""The cases of tests/cases/contact_access, which a school's data manager can read, hold in every form of the ladder.

Each case is a school of its own in a database. What it says is compared with the ladder on plain facts, with its SQL on
stored links, with the resolver that reads a link's facts one by one, and with what each of them tells an app.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from authz.access import EVERY_SCOPE, LINK, decisions, links_sql, settings_of
from authz.contact_access import (
    AccessSettings,
    decide_access,
    ladder,
    reason_sql,
    relationship_key,
    told_reason,
)  # fmt: skip
from authz.session import ReadSession, WriteSession
from resolvers.contact_access import resolve_access
from schema.ids import new_school_id, seeded_keys
from schema.vocabulary import REASONS, RELATIONSHIP_TYPE, SYNC, WITHHELD
from server.database import Database
from tests.cases.contact_access.reading import (
    FILES,
    FLAGS,
    FOLDER,
    Case,
    CaseMistake,
    facts_of,
    read_cases,
)  # fmt: skip
from tests.world import insert

# A case as a school in a database ------------------------------------------------------------------------------------


async def write_school(session: WriteSession, school: str, case: Case, today: date) -> None:
    """The rows of the case.

    Records of all schools have the same ids, so that SQL which forgets a school finds another case's rows.
    """

    def moment(days: int | None) -> str | None:
        return f"{today + timedelta(days)}T12:00:00.000000Z" if days is not None else None

    def deleted(gone: bool) -> dict[str, Any]:
        return {"school_id": school, "deleted_at": moment(-1) if gone else None}

    link, student = case.link, case.student
    await insert(session, "school", [{"id": school, "name": case.name, "timezone": "Europe/London"}])
    if case.saved:
        setting = {each: getattr(case.settings, each) for each in ("source", *FLAGS.values())}
        versions = {"defaults_version": max(case.defaults, default=0), "updated_at": moment(0)}
        await insert(session, "contact_access_setting", [{"school_id": school, **setting, **versions}])
    for version, labels in case.defaults.items():
        rows = [
            {"relationship": relationship_key(label), "label": label, "permission": permission}
            for label, permission in labels.items()
        ]
        await insert(session, "contact_default", [{"school_id": school, "version": version, **row} for row in rows])
    if student is not None:
        days = {"admission_date": student.admitted, "leaving_date": student.leaves}
        dates = {column: str(today + timedelta(n)) if n is not None else None for column, n in days.items()}
        await insert(session, "student", [{"id": "stu_1", **deleted(student.deleted), **dates}])
    if case.contact_deleted is not None:
        await insert(session, "contact", [{"id": "con_1", **deleted(case.contact_deleted)}])
    row = {
        "id": "lnk_1",
        "student_id": "stu_1",
        "contact_id": "con_1",
        **link.facts,
        "relationship_key": relationship_key(link.facts["relationship"]),
        "first_relationship_key": relationship_key(link.first_relationship),
        "defaults_version": link.version,
        "restriction_lifted_at": moment(link.lifted),
        "relinked_at": moment(link.came_back),
    }
    await insert(session, "student_contact", [{**row, **deleted(link.deleted)}])
    for number, each in enumerate(link.overrides):
        at = {"set_at": each.set, "confirmed_at": each.confirmed, "cleared_at": each.cleared}
        row = {"id": f"ovr_{number}", "link_id": "lnk_1", "value": each.value, "set_by": "a test", "origin": "MANUAL"}
        override = {**row, **{column: moment(days) for column, days in at.items()}}
        await insert(session, "contact_override", [{"school_id": school, **override}])


async def stored_answer(session: ReadSession, school: str, case: Case) -> tuple[object, ...]:
    """The settings, permission, reason and told reason of the school's one link, by SQL."""
    settings = await settings_of(session, school)
    [decided] = await decisions(session, school)
    told = reason_sql(settings, LINK.facts(session.dialect), case.scopes)
    [[told_as]] = await session.fetch(f"SELECT {told} FROM {links_sql()} WHERE l.school_id = ?", school)
    return settings, decided.permission, decided.reason, told_as


async def resolved_answer(session: ReadSession, school: str, case: Case) -> tuple[object, ...]:
    """The same of the resolver that decides one link."""
    settings = await settings_of(session, school)
    link = await resolve_access(session.fetch, session.dialect, settings, school, "lnk_1")
    told_as = link.value("reason", settings, case.scopes)
    return settings, link.value("permission", settings, case.scopes), link.decision.reason, told_as


async def today_of(session: ReadSession) -> date:
    """The database's day."""
    [[day]] = await session.fetch(f"SELECT {session.dialect.day_text(session.dialect.today)}")
    return date.fromisoformat(day)


# The tests -----------------------------------------------------------------------------------------------------------


def every_case() -> Iterator[tuple[str, Case]]:
    for name in FILES:
        yield from ((name, case) for case in read_cases((FOLDER / name).read_text(encoding="utf-8")))


ALL = list(every_case())


@pytest.mark.parametrize("case", [case for _, case in ALL], ids=[case.name for _, case in ALL])
def test_the_ladder_answers_the_facts_of_a_case_as_it_says(case: Case) -> None:
    decided = decide_access(case.settings, facts_of(case))
    told = told_reason(case.settings, case.scopes, decided)
    assert (decided.permission, decided.reason, told) == (case.permission, case.reason, case.told)


@pytest.mark.parametrize("file", FILES)
async def test_stored_links_of_the_cases_are_answered_as_they_say(database: Database, file: str) -> None:
    cases = [case for name, case in ALL if name == file and case.link.storable]
    key = seeded_keys(file)
    while True:
        schools = {new_school_id(key): case for case in cases}
        async with database.write() as session:
            today = await today_of(session)
            for school, case in schools.items():
                await write_school(session, school, case, today)
        async with database.read() as session:
            stored = {case.name: await stored_answer(session, school, case) for school, case in schools.items()}
            resolved = {case.name: await resolved_answer(session, school, case) for school, case in schools.items()}
            if await today_of(session) == today:  # else midnight came between, and the dates are another day's
                break
    expected = {case.name: (case.settings, case.permission, case.reason, case.told) for case in cases}
    assert stored == expected
    assert resolved == expected


def test_no_two_cases_have_one_name() -> None:
    names = [case.name for _, case in ALL]
    assert sorted(set(names)) == sorted(names)


def test_every_reason_and_every_rung_of_both_ladders_is_decided_by_a_case() -> None:
    decided = {(case.settings.source, case.settings.court_order_always_denies, case.reason) for _, case in ALL}
    assert {reason for _, _, reason in decided} == set(REASONS)
    for source, denies in ((SYNC, False), (RELATIONSHIP_TYPE, False), (RELATIONSHIP_TYPE, True)):
        rungs = ladder(AccessSettings(source, court_order_always_denies=denies))
        assert {(source, denies, rung.reason) for rung in rungs} - decided == set()


def test_every_reason_is_told_to_one_app_and_withheld_from_another() -> None:
    told = {(case.reason, case.told) for _, case in ALL if case.scopes != EVERY_SCOPE}
    assert told == {(reason, each) for reason in REASONS for each in (reason, WITHHELD)}


GOOD = "{case: a, because: b, answer: No Permission, reason: NO_RULE_MATCHED, link: {priority: 3}"


def test_a_case_in_the_known_words_is_read() -> None:
    [case] = read_cases(f"- {GOOD}, app may read everything but: [priority], told reason: WITHHELD}}")
    assert case.link.facts["priority"] == 3
    assert EVERY_SCOPE - case.scopes == {"contacts.priority.read"}


@pytest.mark.parametrize(
    "written",
    [
        f"{GOOD}, note: c}}",
        f"{GOOD}, reason: PRIORITY}}",
        f"{GOOD}, school: {{source: sync}}}}",
        f"{GOOD}, school: {{access for leaver: yes}}}}",
        f"{GOOD}, school: {{access for leavers: 1}}}}",
        f"{GOOD}, school: {{defaults: {{1: {{Mother: yes}}}}}}}}",
        f"{GOOD}, student: {{leaves: soon}}}}",
        f"{GOOD}, contact: gone}}",
        f"{GOOD}, app may read: [priority]}}",
        f"{GOOD}, told reason: WITHHELD}}",
        f"{GOOD}, app may read: [priorities], told reason: WITHHELD}}",
        f"{GOOD}, app may read: everyting, told reason: WITHHELD}}",
        GOOD.replace("because: b, ", "") + "}",
        GOOD.replace("No Permission", "Denied") + "}",
        GOOD.replace("NO_RULE_MATCHED", "NO_RULE") + "}",
        GOOD.replace("{priority: 3}", "{priority: yes}") + "}",
        GOOD.replace("{priority: 3}", "{priority: }") + "}",
        GOOD.replace("{priority: 3}", "{Priority: 3}") + "}",
        GOOD.replace("{priority: 3}", "{court order: 1}") + "}",
        GOOD.replace("{priority: 3}", "{override: yes}") + "}",
        GOOD.replace("{priority: 3}", "{override: {value: No Permission, since: today}}") + "}",
        GOOD.replace("{priority: 3}", "{first synced under defaults: one}") + "}",
    ],
)
def test_a_case_with_a_word_that_is_not_known_is_refused(written: str) -> None:
    with pytest.raises(CaseMistake):
        read_cases(f"- {written}")
