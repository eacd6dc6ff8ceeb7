"""What contacts ask and do: sign in, see their students' records, send updates."""

from schema.fields import Choice, leaves
from schema.mis.contact import CONTACT as CONTACT_ENTITY
from schema.people.declared import ANYBODY, CONTACT, PersonField, PersonInput, PersonRoot, PersonType

OWN_DETAILS = tuple(
    leaf.column
    for leaf in leaves(CONTACT_ENTITY.fields)
    if leaf.path and leaf.column.startswith(("phones_", "emails_", "addresses_"))
)
"""The columns of their own record that contacts may submit updates of."""

DESCRIPTION = "description"
"""The one field of medical conditions. Null ends a condition; with a student as the subject it adds one."""

CHOICES: tuple[Choice, ...] = ()
TYPES: tuple[PersonType, ...] = (
    PersonType(
        "Me",
        "The contact who has signed in.",
        CONTACT,
        (PersonField("username", str, "The name to sign in with."),),
    ),
)
INPUTS: tuple[PersonInput, ...] = ()
ROOTS: tuple[PersonRoot, ...] = (
    PersonRoot("Query", "me", "Me | None", "The contact who has signed in, with the students' records.", CONTACT),
    PersonRoot("Mutation", "signOut", bool | None, "End the session; true also where there was none.", ANYBODY),
)
