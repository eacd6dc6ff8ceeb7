"""Answers what contacts ask and do, and what staff do about contacts' sign-ins and updates.

Each call finds the contact's session, and the links that give access, in the snapshot or transaction that it works in.
A session without any such link is ended before the call is refused.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from authz import forms, record_updates, secret_links, sign_in, student_record
from authz.forms import CheckedForm, Response
from authz.presence import Presence, find_presence
from authz.record_updates import OpenUpdate
from authz.session import ReadSession, WriteSession
from authz.student_record import Condition, Student, Values
from resolvers.people import staff
from resolvers.people.calls import Call, Handler
from schema.contact_record import (
    CONTACT_SHOWN,
    DESCRIPTION,
    GROUPS_SHOWN,
    OWN_DETAILS,
    STUDENT_SHOWN,
    shown_fields,
)
from schema.errors import FieldgateError
from schema.fields import Field, Part, snake
from schema.mis.common import ADDRESSES, EMAILS, PHONES
from schema.mis.contact import CONTACT
from schema.mis.student import STUDENT
from schema.people.contact import UPDATABLE

Made = TypeVar("Made")
Checked = TypeVar("Checked")
_FIELDS = dict(zip(UPDATABLE.names, (*OWN_DETAILS, DESCRIPTION), strict=True))
_FIELD_NAMES = {column: name for name, column in _FIELDS.items()}


# Who asks ---------------------------------------------------------------------------------------------------------


def _unauthenticated() -> FieldgateError:
    return FieldgateError("UNAUTHENTICATED", "This needs a contact's session (fgc_…) that is open now.")


async def _reading(call: Call, work: Callable[[ReadSession, Presence], Awaitable[Made]]) -> Made:
    """What the work finds for the contact, in one snapshot."""
    async with call.sessions.read() as session:
        presence = await find_presence(session, call.token_hash)
        if presence is not None and presence.links:
            return await work(session, presence)
    await _end(call, presence)
    raise _unauthenticated()


async def _writing(
    call: Call, check: Callable[[], Checked], work: Callable[[WriteSession, Presence, Checked], Awaitable[Made]]
) -> Made:
    """What the work does for the contact with what the check made of its arguments, in one transaction.

    None begins for a caller whom a read refuses, nor for what the check does: it keeps no writer waiting.
    """
    async with call.sessions.read() as snapshot:
        presence = await find_presence(snapshot, call.token_hash)
    if presence is not None and presence.links:
        checked = check()
        async with call.sessions.write() as session:
            presence = await find_presence(session, call.token_hash)
            if presence is not None and presence.links:
                return await work(session, presence, checked)
    await _end(call, presence)
    raise _unauthenticated()


async def _end(call: Call, presence: Presence | None) -> None:
    if presence is not None:
        async with call.sessions.write() as session:
            await sign_in.lapse(session, presence.principal)


# The session ------------------------------------------------------------------------------------------------------


async def _sign_in(call: Call) -> Any:
    username, secret = call.arguments["username"], call.arguments["secret"]
    opened = await sign_in.sign_in(call.sessions, call.door, username, secret, call.address)
    return {"token": opened.token, "expiresAt": opened.expires_at}


async def _sign_out(call: Call) -> bool:
    return await sign_in.sign_out(call.sessions, call.token_hash)


# The record -------------------------------------------------------------------------------------------------------


async def _me(call: Call) -> Any:
    async def work(session: ReadSession, presence: Presence) -> Any:
        record = await student_record.read(session, presence)
        me = presence.principal.contact_id
        return {
            "username": presence.principal.username,
            "contact": _own(record.contact, record.updates, me) if record.contact is not None else None,
            "students": [_student(each, me) for each in record.students],
        }

    return await _reading(call, work)


def _own(values: Values, updates: Sequence[OpenUpdate], me: str) -> Any:
    shown = {name: values[column] for name, column in shown_fields(CONTACT, CONTACT_SHOWN).items()}
    return {"id": values["id"], **shown, **_details(values), "updates": [_update(each, me) for each in updates]}


def _student(student: Student, me: str) -> Any:
    values = student.values
    return {
        "id": student.id,
        **{name: values[column] for name, column in shown_fields(STUDENT, STUDENT_SHOWN).items()},
        **{group: values[group] for group in GROUPS_SHOWN},
        **_details(values),
        "medicalConditions": [_condition(each, me) for each in student.conditions],
        "formResponses": [_response(each, me) for each in student.responses],
        "updates": [_update(each, me) for each in student.updates],
    }


def _details(values: Values) -> dict[str, Any]:
    addresses = {
        part.name: _texts(values, part, f"addresses_{part.name}_")
        for part in ADDRESSES.fields
        if isinstance(part, Part)
    }
    return {
        "phones": _texts(values, PHONES, "phones_"),
        "emails": _texts(values, EMAILS, "emails_"),
        "addresses": {name: found if any(found.values()) else None for name, found in addresses.items()},
    }


def _texts(values: Values, part: Part, prefix: str) -> dict[str, Any]:
    return {each.name: values[prefix + snake(each.name)] for each in part.fields if isinstance(each, Field)}


def _condition(condition: Condition, me: str) -> Any:
    updates = [_update(each, me) for each in condition.updates]
    return {"id": condition.id, "description": condition.description, "updates": updates}


def _response(response: Response, me: str) -> Any:
    return {
        "id": response.id,
        "form": response.form,
        "answers": [{"question": each.question, "answer": each.answer} for each in response.answers],
        "respondedAt": response.responded_at,
        # INVARIANT: of another contact nothing is said, not even who it is.
        "respondedByMe": response.responded_by == me,
    }


def _update(update: OpenUpdate, me: str) -> dict[str, Any]:
    return {**_open(update), "submittedByMe": update.contact_id == me}


def _open(update: OpenUpdate) -> dict[str, Any]:
    return {
        "id": update.id,
        "subjectId": update.subject_id,
        "field": _FIELD_NAMES[update.field],
        "oldValue": update.old_value,
        "newValue": update.new_value,
        "submittedAt": update.submitted_at,
    }


# What contacts send -----------------------------------------------------------------------------------------------


async def _submit_update(call: Call) -> Any:
    given = call.arguments
    field = _FIELDS[given["field"]]

    async def work(session: WriteSession, presence: Presence, value: str | None) -> Any:
        update = await record_updates.submit(session, presence, given["subjectId"], field, value, given.get("expected"))
        return _update(update, presence.principal.contact_id)

    return await _writing(call, lambda: record_updates.checked_value(field, given.get("value")), work)


async def _submit_form_response(call: Call) -> Any:
    given = call.arguments

    async def work(session: WriteSession, presence: Presence, form: CheckedForm) -> Any:
        response = await forms.submit(session, presence, given["studentId"], form)
        return _response(response, presence.principal.contact_id)

    return await _writing(call, lambda: forms.checked(given["form"], given["answers"]), work)


# What staff do ----------------------------------------------------------------------------------------------------


async def _issue_secret_link(call: Call) -> Any:
    async with staff.writing(call) as (session, person, by):
        link = await secret_links.issue(session, person.school_id, call.arguments["contactId"], by=by)
        return {"url": call.base_url + link.path, "username": link.username, "expiresAt": link.expires_at}


async def _open_updates(call: Call) -> Any:
    first: int = call.arguments["first"]
    if not 1 <= first <= record_updates.MOST_LISTED:
        raise FieldgateError("BAD_PAGE", f"`first` must be from 1 to {record_updates.MOST_LISTED}.")
    async with staff.reading(call) as (session, person):
        waiting = await record_updates.open_at(session, staff.own_school(call, person), first)
        names = await record_updates.names(session, person.school_id, waiting)
    return [
        {
            **_open(each),
            "contactId": each.contact_id,
            "contactName": names.get(each.contact_id),
            "studentId": each.student_id,
            "studentName": names.get(each.student_id or ""),
        }
        for each in waiting
    ]


async def _reject_update(call: Call) -> bool:
    async with staff.writing(call) as (session, person, by):
        await record_updates.reject(session, person.school_id, call.arguments["updateId"], by=by)
        return True


HANDLERS: Mapping[str, Handler] = {
    "me": _me,
    "openUpdates": _open_updates,
    "signIn": _sign_in,
    "signOut": _sign_out,
    "submitUpdate": _submit_update,
    "submitFormResponse": _submit_form_response,
    "issueSecretLink": _issue_secret_link,
    "rejectUpdate": _reject_update,
}
