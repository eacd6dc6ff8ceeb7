"""What schools decide about contacts' access, and what contacts do with it: settings, defaults, overrides, sign-in.

Each table has one writer in `authz/`. An override is cleared, never deleted or edited, so that its history stands.
`contact_access_setting` is compiled into plans: it raises its school's consents' versions by trigger.
"""

from sqlalchemy import Index
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from schema.columns import flag, flag_checks, instant, instant_checks, key, number, one_of, text
from schema.tables import TABLE_OPTIONS
from schema.vocabulary import (
    CAPABILITIES,
    LADDER_ATTRIBUTES,
    OVERRIDE_ORIGINS,
    PERMISSIONS,
    RECORD_UPDATE_STATES,
    SOURCES,
    STAFF_ROLES,
)

FLAGS = (
    "court_order_always_denies",
    "confirm_masked_overrides",
    "access_for_leavers",
    "access_for_applicants",
    "accept_assumed_priorities",
)


class ContactAccessSetting(SQLModel, table=True):
    """How one school works out contacts' access. A school without a row has what a new school has.

    `defaults_version` is the version of its Default Contact Permissions that links first synced now take; 0 is what a
    new school has.
    """

    __tablename__ = "contact_access_setting"
    __table_args__ = (
        one_of("contact_access_setting", "source", SOURCES),
        *flag_checks("contact_access_setting", *FLAGS),
        *instant_checks("contact_access_setting", "updated_at"),
        TABLE_OPTIONS,
    )
    school_id: str = Field(sa_column=key(True))
    source: str = Field(sa_column=key())
    court_order_always_denies: bool = Field(sa_column=flag())
    confirm_masked_overrides: bool = Field(sa_column=flag())
    access_for_leavers: bool = Field(sa_column=flag())
    access_for_applicants: bool = Field(sa_column=flag())
    accept_assumed_priorities: bool = Field(sa_column=flag())
    defaults_version: int = Field(sa_column=number())
    updated_at: str = Field(sa_column=instant(nullable=False))


class ContactDefault(SQLModel, table=True):
    """The permission of one relationship in one version of a school's defaults. Never edited: a change is a version.

    `relationship` is the text as links store it for comparing; `label` as the school wrote it.
    """

    __tablename__ = "contact_default"
    __table_args__ = (one_of("contact_default", "permission", PERMISSIONS), TABLE_OPTIONS)
    school_id: str = Field(sa_column=key(True))
    version: int = Field(sa_column=number(primary_key=True))
    relationship: str = Field(sa_column=key(True))
    label: str = Field(sa_column=text(nullable=False))
    permission: str = Field(sa_column=key())


class ContactOverride(SQLModel, table=True):
    """A permission that a school set by hand on one link; in force until it is cleared."""

    __tablename__ = "contact_override"
    __table_args__ = (
        Index(
            "uq_contact_override_in_force",
            "school_id",
            "link_id",
            unique=True,
            sqlite_where=sql("cleared_at IS NULL"),
            postgresql_where=sql("cleared_at IS NULL"),
        ),
        Index("ix_contact_override_link_id", "school_id", "link_id", "set_at"),
        one_of("contact_override", "value", PERMISSIONS),
        one_of("contact_override", "origin", OVERRIDE_ORIGINS),
        *instant_checks("contact_override", "set_at", "confirmed_at", "cleared_at"),
        TABLE_OPTIONS,
    )
    school_id: str = Field(sa_column=key(True))
    id: str = Field(sa_column=key(True))
    link_id: str = Field(sa_column=key())
    value: str = Field(sa_column=key())
    set_by: str = Field(sa_column=text(nullable=False))
    set_by_position: str | None = Field(default=None, sa_column=text())
    set_at: str = Field(sa_column=instant(nullable=False))
    confirmed_at: str | None = Field(default=None, sa_column=instant())
    confirmed_by: str | None = Field(default=None, sa_column=text())
    note: str | None = Field(default=None, sa_column=text())
    origin: str = Field(sa_column=key())
    cleared_at: str | None = Field(default=None, sa_column=instant())
    cleared_by: str | None = Field(default=None, sa_column=text())


class SchoolCapability(SQLModel, table=True):
    """What imports have seen of one attribute of links at one school; what is published of its MIS stands in data."""

    __tablename__ = "school_capability"
    __table_args__ = (
        one_of("school_capability", "attribute", LADDER_ATTRIBUTES),
        one_of("school_capability", "state", CAPABILITIES),
        *instant_checks("school_capability", "as_of"),
        TABLE_OPTIONS,
    )
    school_id: str = Field(sa_column=key(True))
    attribute: str = Field(sa_column=key(True))
    state: str = Field(sa_column=key())
    source: str = Field(sa_column=text(nullable=False))
    as_of: str = Field(sa_column=instant(nullable=False))


class StaffToken(SQLModel, table=True):
    """A bearer secret of a member of staff, for one role at one school. Only its SHA-256 is kept."""

    __tablename__ = "staff_token"
    __table_args__ = (
        Index("ix_staff_token_school_id", "school_id", "id"),
        one_of("staff_token", "role", STAFF_ROLES),
        *instant_checks("staff_token", "created_at", "expires_at", "revoked_at"),
        TABLE_OPTIONS,
    )
    hash: str = Field(sa_column=key(True))
    id: str = Field(sa_column=key(unique=True))
    school_id: str = Field(sa_column=key())
    name: str = Field(sa_column=text(nullable=False))
    position: str | None = Field(default=None, sa_column=text())
    role: str = Field(sa_column=key())
    hint: str = Field(sa_column=key())
    created_at: str = Field(sa_column=instant(nullable=False))
    expires_at: str = Field(sa_column=instant(nullable=False))
    revoked_at: str | None = Field(default=None, sa_column=instant())


class ContactAllocation(SQLModel, table=True):
    """Schools whose answers may have changed since sign-ins were last allocated: a queue, one row a school.

    `request` rises with every change that asks for it; a run takes away only the row that it saw.
    """

    __tablename__ = "contact_allocation"
    __table_args__ = (*instant_checks("contact_allocation", "requested_at"), TABLE_OPTIONS)
    school_id: str = Field(sa_column=key(True))
    request: int = Field(sa_column=number())
    requested_at: str = Field(sa_column=instant(nullable=False))


class ContactAccount(SQLModel, table=True):
    """The one sign-in of a contact. The username stays when access returns; the secret does not.

    `secret_hash` is Argon2's; null until the contact has chosen a secret. `suspended_at`: no link gives access since.
    """

    __tablename__ = "contact_account"
    __table_args__ = (
        *instant_checks("contact_account", "created_at", "secret_set_at", "suspended_at"),
        TABLE_OPTIONS,
    )
    school_id: str = Field(sa_column=key(True))
    contact_id: str = Field(sa_column=key(True))
    id: str = Field(sa_column=key(unique=True))
    username: str = Field(sa_column=key(unique=True))
    secret_hash: str | None = Field(default=None, sa_column=key(nullable=True))
    created_at: str = Field(sa_column=instant(nullable=False))
    secret_set_at: str | None = Field(default=None, sa_column=instant())
    suspended_at: str | None = Field(default=None, sa_column=instant())


class ContactSecretLink(SQLModel, table=True):
    """A single-use link by which a contact chooses a secret. Only its SHA-256 is kept; a new one voids the last."""

    __tablename__ = "contact_secret_link"
    __table_args__ = (
        Index("ix_contact_secret_link_contact_id", "school_id", "contact_id"),
        *instant_checks("contact_secret_link", "created_at", "expires_at", "used_at", "voided_at"),
        TABLE_OPTIONS,
    )
    hash: str = Field(sa_column=key(True))
    id: str = Field(sa_column=key(unique=True))
    school_id: str = Field(sa_column=key())
    contact_id: str = Field(sa_column=key())
    created_at: str = Field(sa_column=instant(nullable=False))
    created_by: str = Field(sa_column=text(nullable=False))
    expires_at: str = Field(sa_column=instant(nullable=False))
    used_at: str | None = Field(default=None, sa_column=instant())
    voided_at: str | None = Field(default=None, sa_column=instant())


class ContactSession(SQLModel, table=True):
    """A signed-in contact. Only the SHA-256 of its token is kept."""

    __tablename__ = "contact_session"
    __table_args__ = (
        Index("ix_contact_session_contact_id", "school_id", "contact_id"),
        *instant_checks("contact_session", "created_at", "expires_at", "ended_at"),
        TABLE_OPTIONS,
    )
    hash: str = Field(sa_column=key(True))
    id: str = Field(sa_column=key(unique=True))
    school_id: str = Field(sa_column=key())
    contact_id: str = Field(sa_column=key())
    created_at: str = Field(sa_column=instant(nullable=False))
    expires_at: str = Field(sa_column=instant(nullable=False))
    ended_at: str | None = Field(default=None, sa_column=instant())


class FormResponse(SQLModel, table=True):
    """A contact's response to a form about a student. `answers` is canonical JSON."""

    __tablename__ = "form_response"
    __table_args__ = (
        Index("ix_form_response_student_id", "school_id", "student_id", "id"),
        *instant_checks("form_response", "responded_at"),
        TABLE_OPTIONS,
    )
    school_id: str = Field(sa_column=key(True))
    id: str = Field(sa_column=key(True))
    student_id: str = Field(sa_column=key())
    form: str = Field(sa_column=text(nullable=False))
    answers: str = Field(sa_column=text(nullable=False))
    responded_by: str = Field(sa_column=key())
    responded_at: str = Field(sa_column=instant(nullable=False))


class RecordUpdate(SQLModel, table=True):
    """A change that a contact submits to a record that the MIS owns: never a write to its columns.

    `subject_id`: the contact, medical condition or, for a condition to add, the student that it is about. `field` is
    the column; `old_value` and `new_value` its text, null for none. It closes when the MIS delivers or staff reject.
    """

    __tablename__ = "record_update"
    __table_args__ = (
        Index("ix_record_update_subject_id", "school_id", "subject_id", "field", "id"),
        Index("ix_record_update_state", "school_id", "state", "id"),
        one_of("record_update", "state", RECORD_UPDATE_STATES),
        *instant_checks("record_update", "submitted_at", "closed_at"),
        TABLE_OPTIONS,
    )
    school_id: str = Field(sa_column=key(True))
    id: str = Field(sa_column=key(True))
    student_id: str | None = Field(default=None, sa_column=key(nullable=True))
    contact_id: str = Field(sa_column=key())
    entity: str = Field(sa_column=key())
    subject_id: str = Field(sa_column=key())
    field: str = Field(sa_column=key())
    old_value: str | None = Field(default=None, sa_column=text())
    new_value: str | None = Field(default=None, sa_column=text())
    submitted_at: str = Field(sa_column=instant(nullable=False))
    state: str = Field(sa_column=key())
    closed_at: str | None = Field(default=None, sa_column=instant())
    closed_by: str | None = Field(default=None, sa_column=text())
