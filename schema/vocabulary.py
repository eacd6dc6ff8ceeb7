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

VIEW_AND_UPDATE = "VIEW_AND_UPDATE"
NO_PERMISSION = "NO_PERMISSION"
PERMISSIONS: Mapping[str, str] = {
    VIEW_AND_UPDATE: "The contact sees the student's record and may send updates of it.",
    NO_PERMISSION: "The contact sees nothing of the student.",
}
"""What a student-contact link opens to the contact."""

RELATIONSHIP_TYPE = "RELATIONSHIP_TYPE"
SYNC = "SYNC"
SOURCES: Mapping[str, str] = {
    RELATIONSHIP_TYPE: "The school's default for the relationship decides, unless an override does.",
    SYNC: "The facts that the MIS supplies decide, unless an override does.",
}
"""The two sources of contact access that a school chooses between."""

REASONS: Mapping[str, str] = {
    "NO_LIVE_LINK": "The link, the student or the contact is gone, or the student has left or not begun.",
    "COURT_ORDER": "A court order is recorded against the link.",
    "RESTRICTED_ACCESS": "Access is restricted on the link.",
    "OVERRIDE": "The school set the permission of this link by hand.",
    "PARENTAL_RESPONSIBILITY": "The contact has parental responsibility.",
    "LIVES_WITH_FALLBACK": "Parental responsibility is blank and the contact lives with the student.",
    "PRIORITY": "The contact's priority is 0, 1 or 2.",
    "RELATIONSHIP_DEFAULT": "The school's default for the relationship decides.",
    "NO_RULE_MATCHED": "No rule gives access.",
}
"""Why a link has its permission: the rung of the ladder that decided."""

WITHHELD = "WITHHELD"
"""Stands for a reason that tells of a fact which the app may not read."""

OVERRIDE_ORIGINS: Mapping[str, str] = {"MANUAL": "For one link.", "BULK": "For many links at once."}
"""How an override was set."""

CAPABILITIES: Mapping[str, str] = {
    "SUPPLIED": "The MIS supplies the attribute.",
    "ASSUMED": "The connector fills the attribute in; the MIS itself has none.",
    "NOT_SUPPLIED": "The MIS, or the way to it, has no such attribute: it is blank on every link.",
    "UNKNOWN": "Nobody has told us whether the attribute is supplied.",
    "DECLINED": "The school's MIS connection does not let us read the attribute.",
}
"""Whether a school's MIS supplies an attribute."""

LADDER_ATTRIBUTES = ("parental_responsibility", "lives_with_pupil", "priority", "court_order", "restricted_access")
"""The attributes of a link that the source Sync decides by."""

ACCESS_FACTS: Mapping[str, str] = {
    "gone": "Whether the link, the student or the contact is deleted.",
    "left": "Whether the student has left.",
    "not_begun": "Whether the student has not begun yet.",
    "court_order": "Whether a court order is recorded against the link.",
    "restricted_access": "Whether access is restricted on the link.",
    "parental_responsibility": "Whether the contact has parental responsibility; null where the MIS leaves it blank.",
    "lives_with_pupil": "Whether the contact lives with the student.",
    "priority": "The contact's priority.",
    "priority_assumed": "Whether the priority was filled in, as the MIS has none.",
    "override": "What the school set by hand.",
    "to_review": "Whether the override came out from under something stronger and was not confirmed since.",
    "default": "What the school's default says of the relationship, in the version that the link keeps.",
}
"""What the rungs of the ladder look at."""

ACCESS_WARNINGS: Mapping[str, str] = {
    "COURT_ORDER_WITH_ACCESS": "A court order is recorded against the link, and its answer is View and Update.",
    "RESTRICTED_WITH_ACCESS": "Access is restricted on the link, and its answer is View and Update.",
    "OVERRIDE_TO_REVIEW": "The override came out from under something stronger and has not been confirmed since.",
    "MASKED_OVERRIDE": "An override to View and Update waits behind a court order or a restriction.",
    "RELATIONSHIP_CHANGED": "The relationship is not the one with which the link was first synced.",
}
"""Why a school should look at a link."""

_SUBJECTS = (
    "Parental responsibility is",
    "Whether a contact lives with the student is",
    "The priority of contacts is",
    "Court orders are",
    "Restrictions of access are",
)
_DOUBTS = {
    "NOT_SUPPLIED": "not supplied by this MIS.",
    "UNKNOWN": "not known to be supplied by this MIS.",
    "DECLINED": "not shown to us by this school's MIS connection.",
}
ACCESS_FLAGS: Mapping[str, str] = {
    **ACCESS_WARNINGS,
    "PRIORITY_ASSUMED": "The priority was filled in: the MIS itself has none.",
    **{
        f"{attribute.upper()}_{state}": f"{subject} {doubt}"
        for attribute, subject in zip(LADDER_ATTRIBUTES, _SUBJECTS, strict=True)
        for state, doubt in _DOUBTS.items()
    },
}
"""What to know about an answer: its warnings, and what is doubtful of the facts that it comes from."""

STAFF_ROLES = ("administrator",)
"""Roles of a school's staff. An administrator sets sources, defaults and overrides."""

RECORD_UPDATE_STATES = ("SUBMITTED", "DELIVERED", "REJECTED")
"""The life of a contact's update: it waits, and closes when the MIS delivers the value or staff reject it."""

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
