"""One generated school, as its MIS holds it: staff, groups, subjects, classes, then pupils and their contacts."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from server.demo import words
from server.demo.families import Adult, Child, Family
from server.demo.wire import Source, WireRecord, day, included, stubs
from server.sync.upn import check_letter

FORM_SIZE = 30
SCHOOL_YEAR = 2025


@dataclass(frozen=True, slots=True)
class Plan:
    """What kind of school it is."""

    source_id: str
    name: str
    phase: str
    first_year: int
    last_year: int
    la_code: str
    establishment_number: str
    urn: int
    mis: str
    subjects: tuple[tuple[str, str], ...]

    @property
    def years(self) -> range:
        """Its national curriculum years; 0 is Reception."""
        return range(self.first_year, self.last_year + 1)


@dataclass(slots=True)
class School:
    """The records of one school, by the lists in which the MIS API gives them."""

    plan: Plan
    source: Source
    record: WireRecord
    employees: list[WireRecord] = field(default_factory=list)
    teachers: list[WireRecord] = field(default_factory=list)
    subjects: list[WireRecord] = field(default_factory=list)
    groups: list[WireRecord] = field(default_factory=list)
    classes: list[WireRecord] = field(default_factory=list)
    contacts: list[WireRecord] = field(default_factory=list)
    students: list[WireRecord] = field(default_factory=list)
    forms: dict[int, list[WireRecord]] = field(default_factory=dict)
    year_groups: dict[int, WireRecord] = field(default_factory=dict)
    form_classes: dict[object, list[object]] = field(default_factory=dict)

    def group(self, code: str, name: str, kind: str, description: str = "", leads: Sequence[object] = ()) -> WireRecord:
        """A new group."""
        made = self.source.record(
            code=code, name=name, type=kind, description=description, notes=None, employees=stubs(leads)
        )
        self.groups.append(made)
        return made


def build_school(plan: Plan, source: Source, families: Sequence[tuple[Family, Sequence[Child]]]) -> School:
    """The school with its people; the day-to-day records come after."""
    school = School(plan, source, _school_record(plan))
    count = sum(len(children) for _, children in families)
    forms = max(1, -(-count // (len(plan.years) * FORM_SIZE)))
    _staff(school, count)
    _groups(school, forms)
    _classes(school)
    for family, children in families:
        _admit(school, family, children)
    return school


def _school_record(plan: Plan) -> WireRecord:
    return {
        "id": plan.source_id,
        "name": plan.name,
        "establishment_number": plan.establishment_number,
        "urn": plan.urn,
        "phase_of_education": plan.phase,
        "la_code": plan.la_code,
        "timezone": "Europe/London",
        "mis": plan.mis,
        "address": {
            "address_line_1": "Moorside Road",
            "address_line_2": None,
            "address_town": words.TOWN,
            "address_postcode": "QQ1 1AB",
            "address_country": {"code": "GBR", "name": words.COUNTRY},
        },
        "extended": {
            "allows_writeback": False,
            "has_timetables": True,
            "has_lesson_attendance": plan.phase == "SECONDARY",
            "audit_approved_at": None,
        },
        "region": {"code": "GBR", "domain": "mis.example.org", "school_url": None},
    }


def _staff(school: School, pupils: int) -> None:
    source, random = school.source, school.source.random
    teachers = max(4, pupils // 17)
    for number in range(teachers + max(2, pupils // 40)):
        teaches = number < teachers
        woman = source.chance(0.66)
        forename = random.choice(words.GIRLS if woman else words.BOYS)
        surname = random.choice(words.SURNAMES)
        code = f"{surname[:3].upper()}{number:02d}"
        mail = f"{code.lower()}@school.example.org" if code.isascii() else None
        record = source.record(
            upi=source.new_upi(),
            title=random.choice(("Mrs", "Miss", "Ms", "Dr") if woman else ("Mr", "Mr", "Dr")),
            initials=f"{forename[0]}{surname[0]}",
            surname=surname,
            forename=forename,
            middle_names=None,
            legal_surname=surname,
            legal_forename=forename,
            gender="FEMALE" if woman else "MALE",
            date_of_birth=day(date(random.randint(1961, 2002), random.randint(1, 12), random.randint(1, 28))),
            restored_at=None,
            contact_details=included(
                contact_details({"primary": None}, {"email": mail, "primary": mail, "work": mail})
            ),
            employment_details=included(
                {
                    "current": True,
                    "teaching_staff": teaches,
                    "employment_start_date": day(date(random.randint(2004, 2025), 9, 1)),
                    "employment_end_date": None,
                    "role_text": "Teacher" if teaches else random.choice(words.ROLES),
                    "teacher_number": f"{random.randrange(10**7):07d}" if teaches else None,
                    "staff_code": code,
                }
            ),
        )
        school.employees.append(record)
        if teaches:
            school.teachers.append(record)


def _groups(school: School, forms: int) -> None:
    teachers = [record["id"] for record in school.teachers]
    for year in school.plan.years:
        label = year_label(year)
        name = "Reception" if year == 0 else f"Year {label}"
        school.year_groups[year] = school.group(f"Y{label}", name, "YEAR", "")
        school.forms[year] = [
            school.group(
                f"{label}{letter}", f"{label}{letter}", "REGISTRATION", "", [school.source.random.choice(teachers)]
            )
            for letter in _letters(forms)
        ]
    for house in words.HOUSES:
        school.group(house[:3].upper(), house, "HOUSE", "")


def _letters(count: int) -> list[str]:
    return [chr(ord("A") + number % 26) * (1 + number // 26) for number in range(count)]


def _classes(school: School) -> None:
    source = school.source
    school.subjects = [source.record(code=code, name=name, active=True) for code, name in school.plan.subjects]
    for year, forms in school.forms.items():
        for form in forms:
            made = [_class(school, year, form, subject) for subject in school.subjects]
            school.classes += made
            school.form_classes[form["id"]] = [record["id"] for record in made]


def _class(school: School, year: int, form: WireRecord, subject: WireRecord) -> WireRecord:
    teacher = school.source.random.choice(school.teachers)
    return school.source.record(
        code=f"{form['code']}/{subject['code']}1",
        name=f"{subject['name']} {form['name']}",
        description=f"{subject['name']} for year {year_label(year)}" if school.source.chance(0.5) else None,
        subject=subject["id"],
        alternative=False,
        employees=stubs([teacher["id"]]),
    )


def _admit(school: School, family: Family, children: Sequence[Child]) -> None:
    adults = [(adult, _contact(school, adult, family)) for adult in family.adults]
    school.contacts += [record for _, record in adults]
    for child in children:
        links: list[WireRecord] = [
            {"id": record["id"], "relationship": relationship(adult, number)}
            for number, (adult, record) in enumerate(adults, start=1)
        ]
        school.students.append(_student(school, child, family, links))


def _contact(school: School, adult: Adult, family: Family) -> WireRecord:
    mail = {"email": adult.email, "primary": adult.email, "home": adult.email}
    phones = {"phone": adult.mobile, "primary": adult.mobile, "mobile": adult.mobile, "home": adult.home_phone}
    home = family.address if adult.lives_here else None
    return school.source.record(
        upi=school.source.new_upi(),
        title=adult.title,
        initials=f"{adult.forename[0]}{adult.surname[0]}",
        surname=adult.surname,
        forename=adult.forename,
        middle_names=None,
        legal_surname=adult.surname,
        legal_forename=adult.forename,
        gender=adult.gender,
        date_of_birth=None,
        restored_at=None,
        contact_details=included(contact_details(phones, mail, home, f"{adult.title} {adult.surname}")),
    )


def relationship(adult: Adult, number: int) -> WireRecord:
    """The facts of one link, before the odd cases."""
    parent = adult.role in ("mother", "father")
    return {
        "relationship": words.RELATIONSHIPS[adult.role],
        "parental_responsibility": parent,
        "lives_with_pupil": adult.lives_here,
        "priority": number,
        "bill_payer": number == 1,
        "email_bills": number == 1 and adult.email is not None,
        "correspondence": parent,
        "in_touch_communication": number <= 2,
        "court_order": False,
        "restricted_access": False,
    }


def _student(school: School, child: Child, family: Family, links: list[WireRecord]) -> WireRecord:
    source, random, plan = school.source, school.source.random, school.plan
    number = len(school.students) + 1
    form = school.forms[child.year][number % len(school.forms[child.year])]
    year_group = school.year_groups[child.year]
    surname = family.surname
    born = date(SCHOOL_YEAR - 5 - child.year + (child.birth_month < 9), child.birth_month, child.birth_day)
    return source.record(
        upi=source.new_upi(),
        title=None,
        initials=f"{child.forename[0]}{(child.middle_name or ' ')[0]}{surname[0]}".replace(" ", ""),
        surname=surname,
        forename=child.forename,
        middle_names=child.middle_name,
        legal_surname=surname,
        legal_forename=child.forename,
        gender=child.gender,
        gender_identity=None,
        date_of_birth=day(born),
        restored_at=None,
        education_details=included(
            {
                "admission_number": f"{number:06d}",
                "upn": _upn(plan, child, number),
                "local_upn": None,
                "former_upn": None,
                "learner_number": f"{random.randrange(10**10):010d}" if child.year >= 9 else None,
                "current_nc_year": year_label(child.year),
                "part_time": False,
                "part_time_rate": None,
                "admission_date": day(date(SCHOOL_YEAR - child.year + plan.first_year, 9, 3)),
                "leaving_date": None,
            }
        ),
        extended_details=included(_circumstances(source)),
        contact_details=included(contact_details({}, {}, family.address)),
        year=included({"id": year_group["id"]}),
        registration=included({"id": form["id"]}),
        groups=stubs([form["id"], year_group["id"], _house(school)["id"]]),
        classes=stubs(school.form_classes[form["id"]]),
        contacts=included(links),
    )


def _house(school: School) -> WireRecord:
    houses = [record for record in school.groups if record["type"] == "HOUSE"]
    return school.source.random.choice(houses)


def _upn(plan: Plan, child: Child, number: int) -> str:
    """A valid UPN: authority, school, year of entry, serial; large schools borrow their neighbour's number."""
    establishment = int(plan.establishment_number) + number // 1000
    entered = (SCHOOL_YEAR - child.year) % 100
    rest = f"{plan.la_code}{establishment:04d}{entered:02d}{number % 1000:03d}"
    return check_letter(rest) + rest


def _circumstances(source: Source) -> WireRecord:
    random = source.random
    meals, eal = source.chance(0.24), source.chance(0.2)
    sen = random.choices(("N", "K", "E", None), (0.62, 0.13, 0.05, 0.2))[0]
    premium = meals or source.chance(0.03)
    return {
        "next_of_kin": None,
        "religion": random.choice(words.RELIGIONS) if source.chance(0.7) else None,
        "ethnicity": random.choice(words.ETHNICITIES) if source.chance(0.93) else None,
        "dietary_needs": random.choice(words.DIETS) if source.chance(0.12) else None,
        "sen_status": sen,
        "first_language": random.choice(words.LANGUAGES) if eal else "English",
        "home_language": None,
        "in_lea_care": source.chance(0.008),
        "ever_in_care": None,
        "free_school_meals": meals,
        "free_school_meals_6": meals or source.chance(0.04),
        "english_as_additional_language": eal,
        "english_as_additional_language_status": random.choice("ABCDE") if eal else None,
        "premium_pupil_indicator": premium,
        "premium_pupil_notes": "Ever 6" if premium and source.chance(0.2) else None,
        "service_children_indicator": source.chance(0.01),
        "enrolment_status": "C",
        "gifted_and_talented_status": True if source.chance(0.05) else None,
    }


def contact_details(
    phones: dict[str, str | None],
    emails: dict[str, str | None],
    home: dict[str, object] | None = None,
    salutation: str | None = None,
) -> WireRecord:
    """Telephones, e-mails and addresses, what is missing as null."""
    return {
        "phones": {name: phones.get(name) for name in ("phone", "primary", "home", "work", "mobile")},
        "emails": {name: emails.get(name) for name in ("email", "primary", "home", "work")},
        "addresses": {"home": home, "work": None, "postal": None},
        "salutation": salutation,
    }


def year_label(year: int) -> str:
    """`R` for Reception, else the number."""
    return "R" if year == 0 else str(year)
