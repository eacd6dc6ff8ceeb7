"""What a signed-in contact is shown, column by column, and may submit updates of. Nothing else is ever selected.

No safeguarding facts, no notes of staff, no other contact. Of special-category data: medical conditions and dietary
needs.
"""

from collections.abc import Iterable, Mapping

from schema.fields import Entity, leaves
from schema.mis.contact import CONTACT

OWN_DETAILS = tuple(
    leaf.column
    for leaf in leaves(CONTACT.fields)
    if leaf.path and leaf.column.startswith(("phones_", "emails_", "addresses_"))
)
"""The columns of their own record that contacts may submit updates of; shown of the contact and of students."""

DESCRIPTION = "description"
"""The one field of medical conditions. Null ends a condition; with a student as the subject it adds one."""

CONTACT_SHOWN = ("title", "forename", "middle_names", "surname", "salutation")
STUDENT_SHOWN = (
    "forename",
    "middle_names",
    "surname",
    "gender",
    "date_of_birth",
    "admission_number",
    "admission_date",
    "dietary_needs",
)
GROUPS_SHOWN: Mapping[str, str] = {"year": "year_id", "registration": "registration_id"}
"""The student's groups of which the name is shown."""


def shown_fields(entity: Entity, columns: Iterable[str]) -> Mapping[str, str]:
    """API names of these columns of an entity, with the columns."""
    named = {leaf.column: leaf.field.name for leaf in leaves(entity.fields)}
    return {named[column]: column for column in columns}
