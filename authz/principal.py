"""Who is asking: an app, a member of staff, a contact, or nobody. Identity comes from a credential only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Nobody:
    """A caller without a valid credential."""


@dataclass(frozen=True, slots=True)
class AppPrincipal:
    """An app, known by one of its tokens."""

    app_id: str
    token_id: str


@dataclass(frozen=True, slots=True)
class StaffPrincipal:
    """A member of staff in one role at one school, known by a token that is valid now."""

    school_id: str
    role: str
    name: str
    position: str | None
    token_id: str


@dataclass(frozen=True, slots=True)
class ContactPrincipal:
    """A contact who has signed in, and for whom at least one link is View and Update at this request."""

    school_id: str
    contact_id: str
    username: str
    session_id: str


Principal = Nobody | AppPrincipal | StaffPrincipal | ContactPrincipal
NOBODY = Nobody()
