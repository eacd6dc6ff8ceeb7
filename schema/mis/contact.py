"""Contact and StudentContact. What joins a contact to a pupil belongs to the link, never to the person.

The link is read under `contacts.*` scopes: a parent may hold parental responsibility for one child and not for another.
"""

from schema.fields import (
    PERSONAL,
    SAFEGUARDING,
    Choice,
    Entity,
    Field,
    ForeignKey,
    Kind,
    Link,
    Part,
    Reverse,
    Shape,
)  # fmt: skip
from schema.mis.common import NAMES, UPI, contact_details
from schema.vocabulary import OVERRIDE_ORIGINS, PERMISSIONS, REASONS, WITHHELD

CONTACT = Entity(
    name="Contact",
    table="contact",
    prefix="con",
    plural="contacts",
    description="A parent, guardian or other person whom the school contacts about pupils.",
    sensitivity=PERSONAL,
    scope_prefix="contacts",
    object_scopes=("contacts.read",),
    fields=(UPI, *NAMES, contact_details("ContactContactDetails")),
    links=(Link("students", "StudentContact", "The contact's links to pupils.", Reverse("contact_id")),),
    is_person=True,
)

PERMISSION = Choice(
    "ContactPermission", "What a student-contact link opens to the contact.", tuple(PERMISSIONS.items())
)
ORIGIN = Choice("ContactOverrideOrigin", "How an override was set.", tuple(OVERRIDE_ORIGINS.items()))
REASON = Choice(
    "ContactAccessReason",
    "Why a link has its permission.",
    (*REASONS.items(), (WITHHELD, "The reason tells of a fact that the app may not read.")),
)
OVERRIDE_SCOPES = (
    "contacts.read",
    "contacts.court_order.read",
    "contacts.restricted_access.read",
    "contacts.access_override.read",
)
"""An override beside the answer tells what masks it, so it needs the scopes of what may."""

ACCESS = Part(
    "access",
    "ContactAccess",
    "Whether the contact may see and update the pupil's record: computed at each request from everything stored.",
    SAFEGUARDING,
    (
        Field("permission", PERMISSION, "The answer.", SAFEGUARDING),
        Field(
            "reason",
            REASON,
            "What decided. It is WITHHELD unless the app may read every fact tested up to there.",
            SAFEGUARDING,
        ),
        Field(
            "override",
            PERMISSION,
            "What the school set by hand for this link, also where something stronger masks it; null when nothing is.",
            SAFEGUARDING,
            rule=((*OVERRIDE_SCOPES[:1], "contacts.access.read", *OVERRIDE_SCOPES[1:]),),
        ),
        Field(
            "asOf",
            Kind.INSTANT,
            "When the link's facts were last read from the MIS: the end of the last completed import.",
            SAFEGUARDING,
        ),
    ),
    scope="access",
    own_scopes=False,
    computed=True,
)

ACCESS_OVERRIDE = Part(
    "accessOverride",
    "ContactAccessOverride",
    "The permission that the school set by hand for this link; null when there is none.",
    SAFEGUARDING,
    (
        Field("value", PERMISSION, "What was set.", SAFEGUARDING),
        Field("origin", ORIGIN, "Whether it was set for this link alone or for many at once.", SAFEGUARDING),
        Field("setAt", Kind.INSTANT, "When it was set.", SAFEGUARDING),
        Field("confirmedAt", Kind.INSTANT, "When it was last confirmed.", SAFEGUARDING),
        Field(
            "toReview",
            Kind.BOOL,
            "Whether it came out from under a court order, a restriction or a deletion and waits to be confirmed.",
            SAFEGUARDING,
        ),
    ),
    own_scopes=False,
    computed=True,
    rule=(OVERRIDE_SCOPES,),
)

STUDENT_CONTACT = Entity(
    name="StudentContact",
    table="student_contact",
    prefix="lnk",
    plural="studentContacts",
    description="The link between one pupil and one contact.",
    sensitivity=PERSONAL,
    scope_prefix="contacts",
    object_scopes=("contacts.read",),
    fields=(
        Field("relationship", Kind.TEXT, "Relationship to the pupil, as the MIS words it.", PERSONAL),
        Field(
            "parentalResponsibility",
            Kind.BOOL,
            "Whether the contact has parental responsibility; null when the MIS leaves it blank.",
            SAFEGUARDING,
        ),
        Field("livesWithPupil", Kind.BOOL, "Whether the contact lives with the pupil.", SAFEGUARDING),
        Field("priority", Kind.INT, "Order in which the school calls contacts, 0 or 1 first.", PERSONAL),
        Field("billPayer", Kind.BOOL, "Whether the contact pays bills.", PERSONAL),
        Field("emailBills", Kind.BOOL, "Whether bills go by e-mail.", PERSONAL),
        Field("correspondence", Kind.BOOL, "Whether the contact receives letters.", PERSONAL),
        Field("inTouchCommunication", Kind.BOOL, "Whether the contact receives school messages.", PERSONAL),
        Field("courtOrder", Kind.BOOL, "Whether a court order is recorded against the link.", SAFEGUARDING),
        Field("restrictedAccess", Kind.BOOL, "Whether access is restricted on the link.", SAFEGUARDING),
        ACCESS,
        ACCESS_OVERRIDE,
    ),
    links=(
        Link("student", "Student", "The pupil.", ForeignKey("student_id"), Shape.ONE),
        Link("contact", "Contact", "The contact.", ForeignKey("contact_id"), Shape.ONE),
    ),
    has_mis_id=False,
    has_stamps=False,
    extra_columns=("student_id", "contact_id"),
    asked_with=("students.read",),  # what joins a contact to a pupil is about the pupil too
    internal=(
        Field("relationshipKey", Kind.TEXT, "The relationship, trimmed, case-folded, blanks collapsed.", PERSONAL),
        Field("firstRelationshipKey", Kind.TEXT, "The same when the link was first synced.", PERSONAL),
        Field("defaultsVersion", Kind.INT, "Default Contact Permissions in force when first synced.", PERSONAL),
        Field("priorityAssumed", Kind.BOOL, "Whether the connector filled the priority in.", PERSONAL),
        Field("restrictionLiftedAt", Kind.INSTANT, "When a sync lifted a court order or restriction.", SAFEGUARDING),
        Field("relinkedAt", Kind.INSTANT, "When a sync brought the link back after it was gone.", SAFEGUARDING),
    ),
)
