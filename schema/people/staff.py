"""What a school's staff ask and do about contacts' access."""

from schema.fields import Choice
from schema.mis.contact import PERMISSION, REASON
from schema.people.declared import PersonInput, PersonRoot, PersonType

CHOICES: tuple[Choice, ...] = (PERMISSION, REASON)
TYPES: tuple[PersonType, ...] = ()
INPUTS: tuple[PersonInput, ...] = ()
ROOTS: tuple[PersonRoot, ...] = ()
