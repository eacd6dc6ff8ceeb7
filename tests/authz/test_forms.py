"""A response to a form is seen while both who reads and who responded have access to the student."""

from typing import Any

import pytest

from authz import forms
from schema.errors import FieldgateError
from schema.vocabulary import NO_PERMISSION, VIEW_AND_UPDATE
from server.database import Database
from tests.families import NOW, Families
from tests.world import insert

ANSWERS: list[dict[str, str | None]] = [
    {"question": "May Ann swim?", "answer": "Yes,\nwith armbands"},
    {"question": "Anything else?", "answer": None},
]


class Home:
    """Two parents of one student, both signed in; the father has a second child."""

    def __init__(self, families: Families) -> None:
        self.families = families

    async def begin(self) -> "Home":
        families = self.families
        self.student, self.stepchild = await families.student(), await families.student("Ben")
        self.mother, self.father = await families.contact(), await families.contact("Tom")
        self.mothers_link = await families.link(self.student, self.mother)
        await families.link(self.student, self.father, "Father")
        await families.link(self.stepchild, self.father, "Father")
        self.tokens = {each: await families.session_of(each) for each in (self.mother, self.father)}
        return self

    async def submit(
        self, contact: str, student: str, form: str = "Swimming", answers: Any = ANSWERS
    ) -> forms.Response:
        async with self.families.database.write() as session:
            presence = await self.families.presence(self.tokens[contact], session)
            return await forms.submit(session, presence, student, forms.checked(form, answers))

    async def refusal(self, contact: str, student: str, form: str = "Swimming", answers: Any = ANSWERS) -> str:
        with pytest.raises(FieldgateError) as refused:
            await self.submit(contact, student, form, answers)
        return refused.value.code

    async def shown(self, contact: str) -> list[forms.Response]:
        async with self.families.database.read() as session:
            return await forms.shown_to(session, await self.families.presence(self.tokens[contact], session))


@pytest.fixture
async def home(database: Database) -> Home:
    return await Home(await Families(database).begin()).begin()


async def test_both_parents_see_what_either_answered(home: Home) -> None:
    first = await home.submit(home.mother, home.student)
    second = await home.submit(home.father, home.student, "Trip")
    assert await home.shown(home.mother) == await home.shown(home.father) == [first, second]
    assert [(each.question, each.answer) for each in first.answers] == [tuple(each.values()) for each in ANSWERS]
    trail = await home.families.rows("SELECT details FROM audit_event WHERE name = 'form_response_submitted'")
    assert len(trail) == 2
    assert "wim" not in str(trail)


async def test_responses_vanish_with_their_responders_access_and_come_back_with_it(home: Home) -> None:
    await home.submit(home.mother, home.student)
    mine = await home.submit(home.father, home.student)
    await home.families.override(home.mothers_link, NO_PERMISSION)
    assert await home.shown(home.father) == [mine]
    assert await home.shown(home.mother) == []
    await home.families.override(home.mothers_link, VIEW_AND_UPDATE)
    assert len(await home.shown(home.father)) == len(await home.shown(home.mother)) == 2


async def test_access_to_another_student_opens_no_response(home: Home) -> None:
    """The responder must have access to the student that the response is about."""
    await home.submit(home.father, home.stepchild)
    assert await home.shown(home.mother) == []
    await home.families.add(
        "form_response",
        school_id=home.families.school,
        id=home.families.new_id("frm"),
        student_id=home.stepchild,
        form="Swimming",
        answers="[]",
        responded_by=home.mother,
        responded_at=NOW,
    )
    assert len(await home.shown(home.father)) == 1


async def test_a_response_is_about_a_student_of_ones_own(home: Home) -> None:
    stranger = await home.families.student("Cy")
    for student in (home.stepchild, stranger, home.families.new_id("stu"), "", home.mother):
        assert await home.refusal(home.mother, student) == "RECORD_UNKNOWN"


async def test_responses_are_bounded(home: Home) -> None:
    question = {"question": "Q", "answer": "x"}
    for form, answers in (
        (" ", ANSWERS),
        ("F", []),
        ("F", [question] * 101),
        ("F", [{"question": " ", "answer": "x"}]),
        ("F", [{"question": "Q", "answer": "x" * 2000}] * 30),
    ):
        assert await home.refusal(home.mother, home.student, form, answers) == "FORM_INVALID"
    for form, answers in (
        ("F" * 201, ANSWERS),
        ("F", [{"question": "Q" * 501, "answer": "x"}]),
        ("F", [{"question": "Q", "answer": "x" * 2001}]),
        ("F", [{"question": "Q", "answer": "\x00"}]),
        ("F", [{"question": "Q\ud800", "answer": "x"}]),
    ):
        assert await home.refusal(home.mother, home.student, form, answers) == "TEXT_INVALID"
    assert len((await home.submit(home.mother, home.student, "F", [question] * 100)).answers) == 100


async def test_a_contact_has_at_most_a_hundred_responses_about_a_student(home: Home) -> None:
    rows = [
        (home.families.school, home.families.new_id("frm"), home.student, "F", "[]", home.mother, NOW)
        for _ in range(100)
    ]
    async with home.families.database.write() as session:
        await session.execute_many(
            "INSERT INTO form_response (school_id, id, student_id, form, answers, responded_by, responded_at) "
            f"VALUES (?, ?, ?, ?, ?, ?, {session.dialect.instant()})",
            rows,
        )
    assert await home.refusal(home.mother, home.student) == "LIMIT_REACHED"
    assert (await home.submit(home.father, home.student)).form == "Swimming"


async def stored(home: Home, contact: str, sizes: list[int], student: str | None = None) -> list[str]:
    """Responses whose stored answers have so many characters, the oldest first; their ids."""
    rows = [
        {
            "school_id": home.families.school,
            "id": home.families.new_id("frm"),
            "student_id": student or home.student,
            "form": "F",
            "answers": '[{"answer":"' + "x" * (size - 29) + '","question":"Q"}]',
            "responded_by": contact,
            "responded_at": f"2026-01-05T08:{number:02d}:00.000001Z",
        }
        for number, size in enumerate(sizes)
    ]
    async with home.families.database.write() as session:
        await insert(session, "form_response", rows)
    return [str(row["id"]) for row in rows]


async def test_a_contacts_responses_about_a_student_have_half_a_million_characters_in_all(home: Home) -> None:
    await stored(home, home.mother, [49_980] * 10)
    await home.submit(home.mother, home.student, "F", [{"question": "Q", "answer": "x" * 100}])
    with pytest.raises(FieldgateError) as refused:
        await home.submit(home.mother, home.student, "F", [{"question": "Q", "answer": "x" * 100}])
    assert (refused.value.code, "500000 characters" in refused.value.message) == ("LIMIT_REACHED", True)
    assert (await home.submit(home.father, home.student)).form == "Swimming"


async def test_one_reading_has_half_a_million_characters_and_nobodys_responses_hide_anothers(home: Home) -> None:
    hers = await stored(home, home.mother, [1000] * 4)
    his = await stored(home, home.father, [50_000] * 10)
    shown = [each.id for each in await home.shown(home.mother)]
    assert sorted(shown) == sorted(hers + his[1:]), "his oldest is left out"
    stepchilds = await stored(home, home.father, [50_000] * 10, home.stepchild)
    seen = await home.shown(home.father)
    assert sum(len(str(each.answers[0].answer)) for each in seen) <= 500_000
    assert {each.id for each in seen} >= {*hers, his[-1], stepchilds[-1]}
    assert [each.responded_at for each in seen] == sorted(each.responded_at for each in seen)


async def test_one_reading_has_a_hundred_responses_about_a_student(home: Home) -> None:
    hers, his = await stored(home, home.mother, [100] * 60), await stored(home, home.father, [100] * 60)
    assert {each.id for each in await home.shown(home.mother)} == {*hers[10:], *his[10:]}
