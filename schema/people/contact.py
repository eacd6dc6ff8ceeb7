"""What contacts ask and do: sign in, see their students' records, send updates."""

from schema.fields import Choice
from schema.people.declared import ANYBODY, CONTACT, PersonField, PersonInput, PersonRoot, PersonType

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
