"""Every error that a person or a program can meet: a stable code, one sentence, a next step.

`ERRORS` is the registry; `docs/errors.md` has one heading per code and a test checks both ways. Messages never carry
a value from a record, a token or an internal name.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """What is fixed about a code: the HTTP status of a whole refusal and the next step for the reader."""

    status: int
    next_step: str


ERRORS: Mapping[str, ErrorKind] = {
    # Who is asking
    "UNAUTHENTICATED": ErrorKind(401, "Send a token of the right kind that is valid now: `Authorization: Bearer …`."),
    "CALLERS_MIXED": ErrorKind(400, "Ask an app's fields and a person's fields in two requests, each with its token."),
    # What was asked
    "BAD_REQUEST": ErrorKind(400, "Send a GraphQL request as the GraphQL over HTTP specification says."),
    "GRAPHQL_PARSE_FAILED": ErrorKind(400, "Correct the document's syntax."),
    "GRAPHQL_VALIDATION_FAILED": ErrorKind(400, "Correct the document; the schema is at /schema.graphql."),
    "BAD_VARIABLES": ErrorKind(400, "Send variables of the types that the operation declares."),
    "OPERATION_NOT_FOUND": ErrorKind(400, "Name one of the document's operations in `operationName`."),
    "UNSUPPORTED_OPERATION": ErrorKind(400, "This server answers queries; read the schema for what exists."),
    "METHOD_NOT_ALLOWED": ErrorKind(405, "Use POST, or GET for a query."),
    "NOT_ACCEPTABLE": ErrorKind(406, "Accept `application/graphql-response+json` or `application/json`."),
    "UNSUPPORTED_MEDIA_TYPE": ErrorKind(415, "Send the request as `application/json`."),
    "PAYLOAD_TOO_LARGE": ErrorKind(413, "Send a smaller document or fewer variables."),
    "BAD_ID": ErrorKind(200, "Use ids exactly as this API returned them."),
    "BAD_CURSOR": ErrorKind(200, "Page again from the start: cursors belong to one list, app and school."),
    "CONSENT_CHANGED": ErrorKind(200, "Page again from the start: what the school grants has changed."),
    "BAD_PAGE": ErrorKind(200, "Ask with `first` or `last`, from 1 up to the page cap."),
    "NOT_FOUND": ErrorKind(200, "See `viewer { app { consents { … } } }` for the schools that this app can read."),
    "SCOPE_NOT_GRANTED": ErrorKind(200, "Ask the school to approve the missing scope, at `consentUrl`."),
    "OPERATION_REJECTED": ErrorKind(403, "Leave the denied fields out, or ask the school to approve the scopes."),
    # How much was asked
    "QUERY_TOO_COSTLY": ErrorKind(400, "Ask for smaller pages or fewer fields."),
    "QUERY_TOO_DEEP": ErrorKind(400, "Nest the selection less deeply."),
    "QUERY_TOO_LARGE": ErrorKind(400, "Send a shorter document, with fewer aliases and directives."),
    "DEADLINE_EXCEEDED": ErrorKind(503, "Ask for less, or try again."),
    "UNAVAILABLE": ErrorKind(503, "Try again in a moment."),
    "INTERNAL_ERROR": ErrorKind(500, "Tell the operator the request id of the answer."),
    # The shell and the administration
    "DATABASE_UNREACHABLE": ErrorKind(503, "Check FIELDGATE_DATABASE_URL and that the database is running."),
    "DATABASE_BUSY": ErrorKind(503, "Another process is writing; run the command again."),
    "DATABASE_NOT_MIGRATED": ErrorKind(503, "Run `fieldgate migrate`."),
    "DATABASE_NEWER": ErrorKind(503, "Run the version of fieldgate that migrated this database, or a newer one."),
    "SETTING_INVALID": ErrorKind(500, "Correct the setting; docs/operations.md lists them."),
    "MANIFEST_INVALID": ErrorKind(400, "Correct the manifest; docs/manifests.md gives its shape."),
    "MANIFEST_VERSION": ErrorKind(409, "Raise the manifest's version: a published version never changes."),
    "SCOPE_UNKNOWN": ErrorKind(400, "Use a scope of the catalogue; `fieldgate scopes` lists them."),
    "SCOPE_NOT_REQUESTED": ErrorKind(400, "Grant only scopes that the app's manifest asks for."),
    "PRODUCT_UNKNOWN": ErrorKind(404, "Choose products of the app's manifest; `fieldgate app list` names them."),
    "EXPIRY_INVALID": ErrorKind(400, "Give a moment in the future, such as 2031-07-31T22:00:00Z."),
    "APP_UNKNOWN": ErrorKind(404, "Use the slug of a registered app; `fieldgate app list` names them."),
    "SCHOOL_UNKNOWN": ErrorKind(404, "Use the id of a school; `fieldgate school list` names them."),
    "SCHOOL_INVALID": ErrorKind(400, "Give a name of printable characters and an IANA time zone."),
    "TOKEN_UNKNOWN": ErrorKind(
        404, "Use the id of a token; `fieldgate app tokens` or `fieldgate staff tokens` name them."
    ),
    "TOKEN_STATE": ErrorKind(
        409, "See its state with `fieldgate app tokens` or `fieldgate staff tokens`, or issue another."
    ),
    "CONSENT_STATE": ErrorKind(409, "See the consent's state with `fieldgate grants`."),
    "CONSENT_UNKNOWN": ErrorKind(404, "See the school's consents with `fieldgate grants`."),
    # Contacts' access
    "LINK_UNKNOWN": ErrorKind(404, "Use the id of a link between a student and a contact of this school."),
    "OVERRIDE_UNKNOWN": ErrorKind(404, "Set an override; `fieldgate access explain` tells of the one in force."),
    "ACKNOWLEDGEMENT_NEEDED": ErrorKind(
        409, "Acknowledge every attribute that `attributes` names, or stay with Relationship Type."
    ),
    "DEFAULTS_INVALID": ErrorKind(400, "Give each relationship once, as VIEW_AND_UPDATE or NO_PERMISSION."),
    "FILTER_NEEDED": ErrorKind(400, "Name a relationship, a year group, a class or a present answer."),
    "TEXT_INVALID": ErrorKind(400, "Give printable text that is no longer than the message says."),
    # Contacts' sign-in and the student record
    "SIGN_IN_FAILED": ErrorKind(403, "Check the username and the secret; the school can give a link to a new secret."),
    "TOO_MANY_ATTEMPTS": ErrorKind(429, "Wait a minute, then try again."),
    "SECRET_TOO_WEAK": ErrorKind(400, "Choose from 10 to 200 characters: not the username, not one character only."),
    "SECRET_LINK_INVALID": ErrorKind(404, "Ask the school for a new link."),
    "NO_SIGN_IN": ErrorKind(409, "Look at the contact's access with `fieldgate access explain`."),
    "RECORD_UNKNOWN": ErrorKind(404, "Use ids exactly as `me` or `openUpdates` gave them."),
    "CONFLICT": ErrorKind(409, "Read `me` again, and send the update with the value that is in effect now."),
    "UPDATE_INVALID": ErrorKind(400, "Send a new value of a field that this record has; docs/sign-in.md lists them."),
    "FORM_INVALID": ErrorKind(400, "Send up to 100 answers, each with its question, and less than 50,000 characters."),
    "LIMIT_REACHED": ErrorKind(409, "Wait until the school has dealt with what was sent before."),
    # Sync
    "SCHOOL_SOURCE_INVALID": ErrorKind(
        409, "Name the school with --school, and with --source-school the one that the MIS API calls so."
    ),
    "MIS_UNREACHABLE": ErrorKind(502, "Check the MIS API's address and try again; nothing was changed."),
    "MIS_REFUSED": ErrorKind(502, "Check the MIS API's token and the school's approval there; nothing was changed."),
    "MIS_ANSWER_INVALID": ErrorKind(502, "Run the sync again; nothing was changed."),
    "SYNC_RUNNING": ErrorKind(409, "Wait until the running sync of this school has ended."),
}


OF_THE_INSTALLATION = frozenset(code for code in ERRORS if code.startswith("DATABASE_")) | {"SETTING_INVALID"}
"""Codes about the installation: operators are told them, callers are told UNAVAILABLE."""


class FieldgateError(Exception):
    """A refusal that its reader can act on.

    `code` is a key of `ERRORS`; `message` is one sentence; `details` are further machine-readable facts.
    """

    def __init__(self, code: str, message: str, **details: object) -> None:
        if code not in ERRORS:
            raise KeyError(code)
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    @property
    def kind(self) -> ErrorKind:
        """The registered facts of the code."""
        return ERRORS[self.code]

    @property
    def next_step(self) -> str:
        """What the reader can do about it."""
        return self.kind.next_step

    def extensions(self) -> dict[str, object]:
        """The `extensions` of the GraphQL error."""
        return {"code": self.code, **self.details, "nextStep": self.next_step}
