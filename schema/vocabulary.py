"""The closed sets of words that consents are written in: states, needs, row conditions, bundles.

Tables check them, manifests are held to them, writers use no others. Light: the shell's small commands read it.
"""

from collections.abc import Mapping

PLATFORM = "platform"
"""The chain of audit events that belong to no school."""

CONSENT_STATES = ("invited", "pending", "approved", "declined", "cancelled", "revoked")
"""The life of a consent. Only `approved` opens anything."""

REQUIRED = "required"
OPTIONAL = "optional"
NEEDS = (REQUIRED, OPTIONAL)
"""How much an app's product needs a scope."""

ROW_CONDITIONS: Mapping[str, str] = {
    "parental_responsibility": "Only contacts with parental responsibility for the pupil.",
    "no_court_order": "No contact whose link to the pupil carries a court order.",
    "current_employees": "Only employees who work at the school now.",
}
"""Which rows a product may see; a manifest fixes them and a school may add, never remove."""

BUNDLES: Mapping[str, tuple[str, ...]] = {
    "groups_classes_subjects": (
        "groups.read",
        "classes.read",
        "subjects.read",
        "subjects.name.read",
        "subjects.code.read",
    ),
}
"""Names for several scopes. Attendance, behaviour, medical and safeguarding fields are never part of one."""
