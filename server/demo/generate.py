"""Whole schools out of a seed: the same seed and size give the same records, byte for byte.

`generate_town` makes the two demonstration schools, whose families share children between them; `generate_school`
makes one of any size, for benches and proofs.
"""

from collections.abc import Sequence

from server.demo import words
from server.demo.daily import attendance, behaviours, events, medical_conditions
from server.demo.families import Child, Family, Town
from server.demo.oddities import add_oddities
from server.demo.school import Plan, build_school
from server.demo.wire import Source
from server.sync.reading import SchoolRecords

PRIMARY = Plan(
    "D0000000001", "Larkmoor Primary School", "PRIMARY", 0, 6, "999", "2101", 990101, "ARBOR", words.PRIMARY_SUBJECTS
)  # fmt: skip
SECONDARY = Plan(
    "D0000000002", "Larkmoor High School", "SECONDARY", 7, 13, "999", "4101", 990102, "SIMS", words.SECONDARY_SUBJECTS
)  # fmt: skip
TOWN_SEED = "larkmoor"
PRIMARY_PUPILS, SECONDARY_PUPILS = 420, 950

Admitted = list[tuple[Family, list[Child]]]


def generate_town(
    seed: str = TOWN_SEED, *, primary: int = PRIMARY_PUPILS, secondary: int = SECONDARY_PUPILS
) -> tuple[SchoolRecords, SchoolRecords]:
    """A primary and a secondary school with these numbers of pupils."""
    wanted = {PRIMARY: primary, SECONDARY: secondary}
    admitted = _admissions(seed, wanted)
    return _records(PRIMARY, seed, admitted[PRIMARY]), _records(SECONDARY, seed, admitted[SECONDARY])


def generate_school(
    seed: str, *, students: int, plan: Plan = SECONDARY, source_id: str | None = None, name: str | None = None
) -> SchoolRecords:
    """One school with so many pupils; a source id and a name of its own when several are made."""
    own = Plan(
        source_id or plan.source_id, name or plan.name, plan.phase, plan.first_year, plan.last_year, plan.la_code,
        plan.establishment_number, plan.urn, plan.mis, plan.subjects,
    )  # fmt: skip
    return _records(own, seed, _admissions(seed, {own: students})[own])


def _admissions(seed: str, wanted: dict[Plan, int]) -> dict[Plan, Admitted]:
    """Families, until every school is full; a child whose school is full goes elsewhere."""
    town = Town(Source(f"{seed} families").random)
    first, last = min(plan.first_year for plan in wanted), max(plan.last_year for plan in wanted)
    admitted: dict[Plan, Admitted] = {plan: [] for plan in wanted}
    left = dict(wanted)
    while any(left.values()):
        family = town.family(first, last)
        for plan in wanted:
            children = [child for child in family.children if child.year in plan.years][: left[plan]]
            if children:
                admitted[plan].append((family, children))
                left[plan] -= len(children)
    return admitted


def _records(plan: Plan, seed: str, families: Sequence[tuple[Family, list[Child]]]) -> SchoolRecords:
    school = build_school(plan, Source(f"{seed} {plan.source_id}"), families)
    add_oddities(school)
    marks, summaries = attendance(school)
    return SchoolRecords(
        school.record,
        {
            "subjects": school.subjects,
            "groups": school.groups,
            "classes": school.classes,
            "employees": school.employees,
            "contacts": school.contacts,
            "students": school.students,
            "attendance-summaries": summaries,
            "attendance/session": marks,
            "behaviours": behaviours(school),
            "events": events(school),
            "medical-conditions": medical_conditions(school),
        },
    )
