"""What contacts ask and do: sign in, see their students' records, send updates and answers to forms.

What they are shown of a record is declared in `schema/contact_record.py`; here it gets its types in the API.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from strawberry import ID

from schema.contact_record import CONTACT_SHOWN, OWN_DETAILS, STUDENT_SHOWN
from schema.fields import Choice, Entity, Field, Kind, Part, leaves
from schema.mis.common import ADDRESSES, EMAILS, PHONES
from schema.mis.contact import CONTACT as CONTACT_ENTITY
from schema.mis.student import STUDENT
from schema.people.declared import (
    ADMINISTRATOR,
    ANYBODY,
    CONTACT,
    Argument,
    PersonField,
    PersonInput,
    PersonRoot,
    PersonType,
)
from schema.scalars import Date, DateTime

_TYPES: Mapping[Kind, Any] = {Kind.TEXT: str | None, Kind.DATE: Date | None}


def _annotation(field: Field) -> Any:
    return f"{field.kind.name} | None" if isinstance(field.kind, Choice) else _TYPES[field.kind]


def _shown(entity: Entity, columns: Iterable[str]) -> tuple[PersonField, ...]:
    declared = {leaf.column: leaf.field for leaf in leaves(entity.fields)}
    chosen = [declared[column] for column in columns]
    return tuple(PersonField(each.name, _annotation(each), each.description) for each in chosen)


def _details(part: Part) -> tuple[PersonField, ...]:
    return tuple(PersonField(each.name, str | None, each.description) for each in part.fields)


_ID = PersonField("id", ID, "Opaque id in this API.")
_PERSON_DETAILS = (
    PersonField("phones", "RecordPhones", PHONES.description),
    PersonField("emails", "RecordEmails", EMAILS.description),
    PersonField("addresses", "RecordAddresses", ADDRESSES.description),
)
_ADDRESS_PARTS = tuple(part for part in ADDRESSES.fields if isinstance(part, Part))

UPDATABLE = Choice(
    "UpdatableField",
    "What an update may be about: one's own details, or the description of a student's medical condition.",
    (
        *((column.upper(), f"`{column}` of the contact's own record.") for column in OWN_DETAILS),
        ("MEDICAL_CONDITION", "A medical condition's description."),
    ),
)
_OPEN = (
    _ID,
    PersonField("subjectId", ID, "The contact, the condition, or for a condition to add the student."),
    PersonField("field", UPDATABLE.name, "What would change."),
    PersonField(
        "oldValue",
        str | None,
        "The value that was in effect; contacts are told it where the MIS or an open update shows it.",
    ),
    PersonField("newValue", str | None, "The value submitted; null clears it, or ends the condition."),
    PersonField("submittedAt", DateTime, "When."),
)

CHOICES: tuple[Choice, ...] = (UPDATABLE,)
TYPES: tuple[PersonType, ...] = (
    PersonType("RecordPhones", "Telephone numbers.", CONTACT, _details(PHONES)),
    PersonType("RecordEmails", "E-mail addresses.", CONTACT, _details(EMAILS)),
    PersonType("RecordAddress", "A postal address.", CONTACT, _details(_ADDRESS_PARTS[0])),
    PersonType(
        "RecordAddresses",
        "Postal addresses.",
        CONTACT,
        tuple(PersonField(part.name, "RecordAddress | None", part.description) for part in _ADDRESS_PARTS),
    ),
    PersonType(
        "RecordUpdate",
        "A change that a contact submitted and that waits for the MIS or for staff.",
        CONTACT,
        (*_OPEN, PersonField("submittedByMe", bool, "Whether the contact who has signed in submitted it.")),
    ),
    PersonType(
        "FormAnswer",
        "One question of a form, and the answer.",
        CONTACT,
        (PersonField("question", str, "The question."), PersonField("answer", str | None, "The answer.")),
    ),
    PersonType(
        "FormResponse",
        "A response to a form about a student, by a contact who has access to the student now.",
        CONTACT,
        (
            _ID,
            PersonField("form", str, "The form's name."),
            PersonField("answers", "list[FormAnswer]", "The answers, in the form's order."),
            PersonField("respondedAt", DateTime, "When."),
            PersonField("respondedByMe", bool, "Whether the contact who has signed in responded."),
        ),
    ),
    PersonType(
        "RecordCondition",
        "A medical condition of a student, as the MIS has it.",
        CONTACT,
        (
            _ID,
            PersonField("description", str | None, "The condition."),
            PersonField("updates", "list[RecordUpdate]", "Open updates of it, the newest last and in effect."),
        ),
    ),
    PersonType(
        "RecordStudent",
        "A student whose link to the contact is View and Update now.",
        CONTACT,
        (
            _ID,
            *_shown(STUDENT, STUDENT_SHOWN),
            PersonField("year", str | None, "The year group's name."),
            PersonField("registration", str | None, "The registration group's name."),
            *_PERSON_DETAILS,
            PersonField("medicalConditions", "list[RecordCondition]", "Medical conditions."),
            PersonField("formResponses", "list[FormResponse]", "Responses to forms, the newest last."),
            PersonField("updates", "list[RecordUpdate]", "Open updates of conditions: to add, to edit, to end."),
        ),
    ),
    PersonType(
        "OwnContact",
        "The contact's own record.",
        CONTACT,
        (
            _ID,
            *_shown(CONTACT_ENTITY, CONTACT_SHOWN),
            *_PERSON_DETAILS,
            PersonField("updates", "list[RecordUpdate]", "Open updates of own details; the newest of a field counts."),
        ),
    ),
    PersonType(
        "Me",
        "The contact who has signed in.",
        CONTACT,
        (
            PersonField("username", str, "The name to sign in with."),
            PersonField("contact", "OwnContact | None", "The contact's own record."),
            PersonField("students", "list[RecordStudent]", "The students' records that the contact sees now."),
        ),
    ),
    PersonType(
        "SignIn",
        "A session that has just begun.",
        ANYBODY,
        (
            PersonField("token", str, "The session's bearer token; shown this once."),
            PersonField("expiresAt", DateTime, "When the session ends by itself."),
        ),
    ),
    PersonType(
        "SecretLink",
        "A single-use link by which a contact chooses a secret.",
        ADMINISTRATOR,
        (
            PersonField("url", str, "The link; shown this once. It voids those before it."),
            PersonField("username", str, "The name to sign in with."),
            PersonField("expiresAt", DateTime, "When the link ends."),
        ),
    ),
    PersonType(
        "OpenUpdate",
        "A contact's update that waits, as staff see it.",
        ADMINISTRATOR,
        (
            *_OPEN,
            PersonField("contactId", ID, "Who submitted it."),
            PersonField("contactName", str | None, "The contact's name."),
            PersonField("studentId", ID | None, "The student whose condition it is; null for own details."),
            PersonField("studentName", str | None, "The student's name."),
        ),
    ),
)

# What is asked and done -------------------------------------------------------------------------------------------

INPUTS: tuple[PersonInput, ...] = (
    PersonInput(
        "FormAnswerInput",
        "One question of a form, and the answer.",
        (
            Argument("question", str, "The question, as it was put: up to 500 characters."),
            Argument("answer", str | None, "The answer: up to 2,000 characters.", None),
        ),
    ),
)
ROOTS: tuple[PersonRoot, ...] = (
    PersonRoot("Query", "me", "Me | None", "The contact who has signed in, with the students' records.", CONTACT),
    PersonRoot(
        "Query",
        "openUpdates",
        "list[OpenUpdate] | None",
        "The school's updates that wait, the oldest first.",
        ADMINISTRATOR,
        (
            Argument("schoolId", ID, "The school."),
            Argument("first", int, "So many at most, up to 500.", 100),
        ),
    ),
    PersonRoot(
        "Mutation",
        "signIn",
        "SignIn | None",
        "Begin a session. Whatever fails is one error after the same work.",
        ANYBODY,
        (
            Argument("username", str, "The username; dashes and case make no difference."),
            Argument("secret", str, "The secret."),
        ),
    ),
    PersonRoot("Mutation", "signOut", bool | None, "End the session; true also where there was none.", ANYBODY),
    PersonRoot(
        "Mutation",
        "submitUpdate",
        "RecordUpdate | None",
        "Submit a new value: of an own detail, or of a student's condition (to add one, the subject is the student).",
        CONTACT,
        (
            Argument("subjectId", ID, "The own contact's id, a condition's, or a student's to add a condition."),
            Argument("field", UPDATABLE.name, "What changes."),
            Argument("value", str | None, "The new value; null clears it, or ends the condition.", None),
            Argument(
                "expected",
                str | None,
                "The value in effect that the change starts from; another one in effect is a CONFLICT.",
                None,
            ),
        ),
    ),
    PersonRoot(
        "Mutation",
        "submitFormResponse",
        "FormResponse | None",
        "Respond to a form about a student.",
        CONTACT,
        (
            Argument("studentId", ID, "The student."),
            Argument("form", str, "The form's name: up to 200 characters."),
            Argument("answers", "list[FormAnswerInput]", "From 1 to 100 answers."),
        ),
    ),
    PersonRoot(
        "Mutation",
        "issueSecretLink",
        "SecretLink | None",
        "Make a link by which a contact chooses a secret, for whoever hands it over.",
        ADMINISTRATOR,
        (Argument("contactId", ID, "The contact."),),
    ),
    PersonRoot(
        "Mutation",
        "rejectUpdate",
        bool | None,
        "Close a contact's update without its value.",
        ADMINISTRATOR,
        (Argument("updateId", ID, "The update."),),
    ),
)
