"""What happens at a generated school: attendance, behaviour, the calendar, medical conditions. Volumes stay modest."""

from datetime import date, datetime, timedelta

from server.demo import words
from server.demo.school import School
from server.demo.wire import WireRecord, day, included, moment

POSSIBLE = 190
FIRST_DAY = date(2025, 9, 8)


def attendance(school: School) -> tuple[list[WireRecord], list[WireRecord]]:
    """The marks that are not plain presence, and every pupil's totals, which add up with them."""
    marks: list[WireRecord] = []
    summaries: list[WireRecord] = []
    for student in school.students:
        own = _marks(school, student)
        marks += own
        summaries.append(_summary(school, student, [_code(mark) for mark in own]))
    return marks, summaries


def _code(mark: WireRecord) -> str:
    code = mark["attendance_code"]
    return str(code["code"]) if isinstance(code, dict) else ""


def _marks(school: School, student: WireRecord) -> list[WireRecord]:
    source, random = school.source, school.source.random
    marks: list[WireRecord] = []
    for _ in range(random.choices((0, 1, 2, 3, 6), (0.3, 0.3, 0.2, 0.15, 0.05))[0]):
        when = FIRST_DAY + timedelta(days=7 * random.randrange(19) + random.randrange(5))
        late = source.chance(0.25)
        code = random.choice("LLLU") if late else random.choice("IIIIMCGO")
        sessions = ("AM",) if late or source.chance(0.3) else ("AM", "PM")
        marks += [_mark(school, student, when, session, code) for session in sessions]
    return marks


def _mark(school: School, student: WireRecord, when: date, session: str, code: str) -> WireRecord:
    description, kind = words.CODES[code]
    random = school.source.random
    return school.source.record(
        student=student["id"],
        date=day(when),
        session=session,
        attendance_code={"code": code, "description": description, "type": kind},
        comment="Rang the office" if random.random() < 0.2 else None,
        minutes_late=random.randint(3, 40) if code in "LU" else None,
        employee=random.choice(school.teachers)["id"] if random.random() < 0.5 else None,
    )


def _summary(school: School, student: WireRecord, codes: list[str]) -> WireRecord:
    absent = {kind: sum(words.CODES[code][1] == kind and code not in "LU" for code in codes) for kind in (
        "AUTHORISED_ABSENCE", "UNAUTHORISED_ABSENCE"
    )}  # fmt: skip
    return school.source.record(
        student=student["id"],
        possible_marks=POSSIBLE,
        present=POSSIBLE - sum(absent.values()),
        authorised_absences=absent["AUTHORISED_ABSENCE"],
        unauthorized_absences=absent["UNAUTHORISED_ABSENCE"],
        unexplained_absences=0 if school.source.chance(0.25) else None,
        late_before_registration=codes.count("L"),
        late_after_registration=codes.count("U"),
        attendance_not_required=None,
        approved_education_activity=None,
    )


def behaviours(school: School) -> list[WireRecord]:
    """Incidents with one to three pupils; one of them names the same pupil twice, as MISs allow."""
    random = school.source.random
    share = 0.08 if school.plan.phase == "SECONDARY" else 0.02
    incidents = [_incident(school) for _ in range(max(3, round(share * len(school.students))))]
    twice = incidents[0]["students"]
    if isinstance(twice, dict):
        first = twice["data"][0]
        twice["data"].append({**first, "role": "Witness", "points": 0, "action": None, "action_date": None})
    random.shuffle(incidents)
    return incidents


def _incident(school: School) -> WireRecord:
    source, random = school.source, school.source.random
    when = FIRST_DAY + timedelta(days=7 * random.randrange(19) + random.randrange(5))
    pupils = random.sample(school.students, min(len(school.students), random.choices((1, 2, 3), (0.75, 0.2, 0.05))[0]))
    clock = f"{random.randint(8, 15):02d}:{random.randrange(0, 60, 5):02d}:00"
    bullying = random.choice(("Verbal", "Online", "Physical")) if source.chance(0.1) else None
    return source.record(
        incident_date=day(when),
        time=clock,
        type="Bullying" if bullying else random.choice(words.BEHAVIOUR_TYPES[:-1]),
        status=random.choice(("Resolved", "Open", None)),
        bullying_type=bullying,
        activity_type=random.choice(("Lesson", "Break", None)),
        location=random.choice(words.LOCATIONS),
        comment="Spoken to at once" if source.chance(0.3) else None,
        parents_notified=random.choice((True, True, False, None)),
        students=included(
            [
                {
                    "id": pupil["id"],
                    "role": words.BEHAVIOUR_ROLES[0] if number == 0 else random.choice(words.BEHAVIOUR_ROLES),
                    "action": random.choice(words.BEHAVIOUR_ACTIONS),
                    "action_date": day(when + timedelta(days=random.randrange(4))),
                    "points": random.choice((1, 2, 3, 5, None)),
                }
                for number, pupil in enumerate(pupils)
            ]
        ),
        employee=random.choice(school.teachers)["id"] if source.chance(0.8) else None,
    )


def events(school: School) -> list[WireRecord]:
    """The school calendar; some entries are days, some evenings, some have no end."""
    made: list[WireRecord] = []
    for description, first, last in words.EVENTS:
        evening = "evening" in description.lower() or "concert" in description.lower()
        start = datetime.fromisoformat(first) + timedelta(hours=18 if evening else 0)
        end = None if last is None else datetime.fromisoformat(last) + timedelta(hours=20 if evening else 0)
        local = {"timezone": "Europe/London"}
        made.append(
            school.source.record(
                description=description,
                start_date={**moment(start), **local},
                end_date=None if end is None else {**moment(end), **local},
            )
        )
    return made


def medical_conditions(school: School) -> list[WireRecord]:
    """Conditions of some pupils, most with a note."""
    source, random = school.source, school.source.random
    made: list[WireRecord] = []
    for student in school.students:
        if source.chance(0.07):
            description, note = random.choice(words.CONDITIONS)
            dated = day(FIRST_DAY - timedelta(days=random.randrange(900))) if source.chance(0.7) else None
            notes = [{"id": source.new_id(), "note": note, "date": dated}] if note else []
            made.append(source.record(student=student["id"], description=description, notes=included(notes)))
    return made
