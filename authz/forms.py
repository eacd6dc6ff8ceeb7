"""The only writer of form responses: what a contact answers to a form about a student.

A response is never edited: another one is another row. It is seen while both who reads and who responded have access.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from authz import access, audit
from authz.access import opened_sql
from authz.audit import canonical_json
from authz.clock import canonical, read_clock
from authz.id_lists import among, listed
from authz.presence import Presence
from authz.record_updates import record_unknown
from authz.session import ReadSession, WriteSession
from authz.submitted import checked_line, checked_text
from schema.errors import FieldgateError
from schema.ids import new_record_id

MOST_ANSWERS = 100
MOST_CHARACTERS = 50_000
MOST_RESPONSES = 100
MOST_STORED = 500_000
"""Characters of one contact's responses about one student; and of all that one contact reads at once."""
MAX_QUESTION = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """One question of a form and what was answered; null for no answer."""

    question: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class CheckedForm:
    """A form's name and what was answered, as they can be stored."""

    form: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Response:
    """A response to a form about a student."""

    id: str
    student_id: str
    form: str
    answers: tuple[Answer, ...]
    responded_by: str
    responded_at: str


def checked(form: str, answers: Sequence[Mapping[str, str | None]]) -> CheckedForm:
    """What somebody answered, as it can be stored; or the refusal, before any transaction begins."""
    name = checked_line(form, "The form's name")
    if name is None:
        raise FieldgateError("FORM_INVALID", "The form has no name.")
    return CheckedForm(name, _checked(answers))


async def submit(session: WriteSession, presence: Presence, student_id: str, given: CheckedForm) -> Response:
    """Submit a response about one of the contact's students."""
    principal = presence.principal
    if student_id not in presence.student_ids:
        raise record_unknown()
    stored = _stored(given.answers)
    await _refuse_more(session, presence, student_id, len(stored))
    response = Response(
        id=new_record_id("frm", principal.school_id),
        student_id=student_id,
        form=given.form,
        answers=given.answers,
        responded_by=principal.contact_id,
        responded_at=canonical(await read_clock(session)),
    )
    await session.execute(
        "INSERT INTO form_response (school_id, id, student_id, form, answers, responded_by, responded_at) "
        f"VALUES (?, ?, ?, ?, ?, ?, {session.dialect.instant()})",
        principal.school_id, response.id, student_id, given.form, stored, principal.contact_id,
        response.responded_at,
    )  # fmt: skip
    # No form and no answer: the trail outlives what it tells of.
    details = {"response": response.id, "student": student_id, "contact": principal.contact_id}
    await audit.record(
        session, "form_response_submitted", chain=principal.school_id, by=presence.actor, details=details
    )
    return response


def _checked(answers: Sequence[Mapping[str, str | None]]) -> tuple[Answer, ...]:
    if not 1 <= len(answers) <= MOST_ANSWERS:
        raise FieldgateError("FORM_INVALID", f"A response has from 1 to {MOST_ANSWERS} answers.")
    if sum(len(text or "") for each in answers for text in each.values()) > 4 * MOST_CHARACTERS:
        raise _too_long()
    given = []
    for each in answers:
        question = checked_line(each["question"], "A question", MAX_QUESTION)
        if question is None:
            raise FieldgateError("FORM_INVALID", "An answer has no question.")
        given.append(Answer(question, checked_text(each.get("answer"), "An answer")))
    if len(_stored(given)) > MOST_CHARACTERS:
        raise _too_long()
    return tuple(given)


def _too_long() -> FieldgateError:
    return FieldgateError("FORM_INVALID", f"The response has more than {MOST_CHARACTERS} characters.")


def _stored(answers: Sequence[Answer]) -> str:
    return canonical_json([{"question": each.question, "answer": each.answer} for each in answers])


async def _refuse_more(session: WriteSession, presence: Presence, student_id: str, characters: int) -> None:
    [[count, stored]] = await session.fetch(
        "SELECT count(*), coalesce(sum(length(answers)), 0) FROM form_response "
        "WHERE school_id = ? AND student_id = ? AND responded_by = ?",
        presence.principal.school_id, student_id, presence.principal.contact_id,
    )  # fmt: skip
    if count >= MOST_RESPONSES:
        raise FieldgateError("LIMIT_REACHED", f"There are {MOST_RESPONSES} responses about this student already.")
    if stored + characters > MOST_STORED:
        text = f"The responses about this student would have more than {MOST_STORED} characters in all."
        raise FieldgateError("LIMIT_REACHED", text)


async def shown_to(session: ReadSession, presence: Presence) -> list[Response]:
    """The responses about the contact's students by contacts who have access to that student now, the newest last.

    Of more than can be read at once the oldest are left out, by turns of who responded: nobody's hide another's.
    """
    school_id, ids, dialect = presence.principal.school_id, among(session.dialect), session.dialect
    settings = await access.settings_of(session, school_id)
    students = listed(presence.student_ids)
    rows = await session.fetch(
        f"WITH link AS ({opened_sql(dialect, settings, 'l.student_id, l.contact_id', f' AND l.student_id {ids}')}) "
        f", turned AS (SELECT r.id, r.student_id, length(r.answers) AS size, r.responded_at, "
        "row_number() OVER (PARTITION BY r.student_id, r.responded_by ORDER BY r.responded_at DESC, r.id DESC) AS turn "
        f"FROM form_response r WHERE r.school_id = ? AND r.student_id {ids} AND EXISTS (SELECT 1 FROM link "
        "WHERE link.student_id = r.student_id AND link.contact_id = r.responded_by)), counted AS (SELECT id, "
        "row_number() OVER (PARTITION BY student_id ORDER BY turn, responded_at DESC, id DESC) AS place, "
        "sum(size) OVER (ORDER BY turn, responded_at DESC, id DESC ROWS UNBOUNDED PRECEDING) AS characters "
        "FROM turned) "
        f"SELECT r.id, r.student_id, r.form, r.answers, r.responded_by, {dialect.instant_text('r.responded_at')} "
        "FROM counted n JOIN form_response r ON r.school_id = ? AND r.id = n.id "
        f"WHERE n.place <= {MOST_RESPONSES} AND n.characters <= {MOST_STORED} ORDER BY r.responded_at, r.id",
        school_id, students, school_id, students, school_id,
    )  # fmt: skip
    return [
        Response(response_id, student_id, form, _loaded(answers), responded_by, responded_at)
        for response_id, student_id, form, answers, responded_by, responded_at in rows
    ]


def _loaded(stored: str) -> tuple[Answer, ...]:
    return tuple(Answer(each["question"], each["answer"]) for each in json.loads(stored))
