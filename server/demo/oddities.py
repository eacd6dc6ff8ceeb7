"""The odd cases that real MIS data has, put into a generated school at the rates of a real one, and once at least.

Everything here is something that a reader of the API must be able to bear: blanks, doubts, wrong numbers, people who
are two things at once, people whom nobody is linked to.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from server.demo import words
from server.demo.school import School
from server.demo.wire import WireRecord, day, included, inner, listed, moment
from server.sync.upn import LETTERS, check_letter


def add_oddities(school: School) -> None:
    """Change some records in place, and add a few."""
    _upns(school)
    _links(school)
    _lonely(school)
    _staff(school)
    _groups(school)
    _blanks(school)


def _some(school: School, records: Sequence[WireRecord], share: float) -> list[WireRecord]:
    """A share of the records, one at least."""
    return school.source.random.sample(records, min(len(records), max(1, round(share * len(records)))))


def _upns(school: School) -> None:
    """2.5 % null, 1 % blank, 1.5 % temporary, a few wrong; some had another before. Three pupils came back."""
    random, students = school.source.random, school.students
    for student in _some(school, students, 0.025):
        inner(student, "education_details")["upn"] = None
    for student in _some(school, students, 0.01):
        inner(student, "education_details")["upn"] = ""
    for student in _some(school, [s for s in students if inner(s, "education_details")["upn"]], 0.015):
        details = inner(student, "education_details")
        rest = str(details["upn"])[1:12] + random.choice(LETTERS)
        details["upn"] = check_letter(rest) + rest
    full = [s for s in students if inner(s, "education_details")["upn"]]
    for student in _some(school, full, 0.025):
        inner(student, "education_details")["former_upn"] = inner(random.choice(full), "education_details")["upn"]
    for student in _some(school, full, 0.003):
        details = inner(student, "education_details")
        text = str(details["upn"])
        details["upn"] = LETTERS[(LETTERS.index(text[0]) + 1) % len(LETTERS)] + text[1:]
    for student in _some(school, students, 0.01):
        inner(student, "education_details").update(part_time=True, part_time_rate=Decimal("0.6"))
    for student in random.sample(students, min(3, len(students))):
        student["restored_at"] = moment(datetime(2026, 1, 12, 8, 44))  # noqa: DTZ001


def _links(school: School) -> None:
    """Court orders, restricted access, parental responsibility in doubt, priorities from 0 to 6 and none."""
    random = school.source.random
    links = [
        facts
        for student in school.students
        for item in listed(student, "contacts")
        if isinstance(facts := item["relationship"], dict)
    ]
    for values, share in (
        ({"court_order": True}, 0.015), ({"court_order": None}, 0.03), ({"restricted_access": True}, 0.01),
        ({"restricted_access": None}, 0.04), ({"parental_responsibility": None}, 0.12),
        ({"parental_responsibility": ""}, 0.05), ({"parental_responsibility": False}, 0.03),
        ({"priority": None}, 0.04), ({"priority": 0}, 0.035), ({"lives_with_pupil": None}, 0.006),
        ({"correspondence": None}, 0.03),
    ):  # fmt: skip
        for facts in _some(school, links, share):
            facts.update(values)
    for facts in _some(school, links, 0.05):
        facts["priority"] = random.randint(3, 6)


def _lonely(school: School) -> None:
    """Pupils without any contact, and contacts who are linked to no pupil (whose child has left)."""
    for student in _some(school, school.students, 0.006):
        student["contacts"] = included([])
    for contact in _some(school, school.contacts, 0.03):
        alone = {name: value for name, value in contact.items() if name not in ("id", "mis_id", "upi")}
        school.contacts.append(school.source.record(**{**alone, "upi": school.source.new_upi()}))


def _staff(school: School) -> None:
    """Former staff, staff of whom it is not known, and one person who is contact and employee at once."""
    random = school.source.random
    chosen = random.sample(school.employees, min(6, len(school.employees)))
    for employee in chosen[:3]:
        inner(employee, "employment_details").update(current=False, employment_end_date=day(date(2025, 12, 31)))
    for employee in chosen[3:]:
        inner(employee, "employment_details")["current"] = None
    parent, employee = random.choice(school.contacts), random.choice(school.employees)
    for name in ("upi", "title", "surname", "forename", "gender", "legal_surname", "legal_forename", "initials"):
        employee[name] = parent[name]


def _groups(school: School) -> None:
    """Groups that the school made for itself, whose names disclose; clubs; and one of a type that nobody knows."""
    made = [school.group(code, name, "USER_DEFINED", about) for code, name, about in words.USER_DEFINED_GROUPS]
    made += [school.group(code, name, "CLUB") for code, name in words.CLUBS]
    made.append(school.group("ENR", "Enrichment", "ENRICHMENT"))
    for group in made:
        for student in _some(school, school.students, 0.06):
            listed(student, "groups").append({"id": group["id"]})


def _blanks(school: School) -> None:
    """Blank text where the MIS has nothing, and names that differ from the legal ones."""
    random = school.source.random
    for contact in _some(school, school.contacts, 0.1):
        contact["middle_names"] = ""
    for contact in _some(school, school.contacts, 0.05):
        details = contact["contact_details"]
        if isinstance(details, dict):
            details["data"]["emails"] = {"email": "", "primary": "", "home": None, "work": None}
    for group in _some(school, school.groups, 0.25):
        group["notes"] = ""
    for student in _some(school, school.students, 0.04):
        inner(student, "extended_details")["premium_pupil_notes"] = " "
    for student in _some(school, school.students, 0.03):
        student["legal_surname"] = random.choice(words.SURNAMES)
    for student in _some(school, school.students, 0.02):
        student["forename"] = str(student["forename"])[:3]
    for student in _some(school, school.students, 0.02):
        student["gender"] = None
