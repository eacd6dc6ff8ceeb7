"""What the Wonde v1.0 API calls things: its lists, their includes, and the few keys that are not our names.

A field's key on the wire is its API name in snake case along its parts (`educationDetails.upn` is
`education_details.upn`); `RENAMED` lists the exceptions. Declarations only: nothing here reads or writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schema.registry import REGISTRY
from schema.tables import stored_leaves
from schema.vocabulary import LADDER_ATTRIBUTES
from server.sync.values import Parse, denying, granting, natural, upn


@dataclass(frozen=True, slots=True)
class Supplies:
    """What one include supplies. Whatever it is stays as stored when the MIS API declines the include."""

    rows: tuple[str, ...] = ()
    """Entities and membership tables of which this include is the only source."""
    columns: tuple[str, ...] = ()
    """Columns of the record itself."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One list of a school: its path, the entity of its records, and its includes."""

    path: str
    entity: str
    includes: Mapping[str, Supplies] = field(default_factory=dict)

    @property
    def rows(self) -> tuple[str, ...]:
        """Every entity and membership table that this list is the source of."""
        return (self.entity, *(name for include in self.includes.values() for name in include.rows))


def _part(entity: str, part: str) -> Supplies:
    """The columns of one part of an entity, its inner parts too."""
    found = (leaf for leaf in stored_leaves(REGISTRY.entities[entity]) if leaf.path and leaf.path[0].name == part)
    return Supplies(columns=tuple(leaf.column for leaf in found))


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("subjects", "Subject"),
    Endpoint("groups", "Group", {"employees": Supplies(rows=("employee_group",))}),
    Endpoint(
        "classes",
        "Class",
        {"employees": Supplies(rows=("employee_class",)), "subject": Supplies(columns=("subject_id",))},
    ),
    Endpoint(
        "employees",
        "Employee",
        {
            "employment_details": _part("Employee", "employmentDetails"),
            "contact_details": _part("Employee", "contactDetails"),
        },
    ),
    Endpoint("contacts", "Contact", {"contact_details": _part("Contact", "contactDetails")}),
    Endpoint(
        "students",
        "Student",
        {
            "education_details": _part("Student", "educationDetails"),
            "extended_details": _part("Student", "extendedDetails"),
            "contact_details": _part("Student", "contactDetails"),
            "contacts": Supplies(rows=("StudentContact",)),
            "classes": Supplies(rows=("student_class",)),
            "groups": Supplies(rows=("student_group",)),
            "year": Supplies(columns=("year_id",)),
            "registration": Supplies(columns=("registration_id",)),
        },
    ),
    Endpoint("attendance-summaries", "AttendanceSummary"),
    Endpoint("attendance/session", "SessionAttendance"),
    Endpoint("behaviours", "Behaviour", {"students": Supplies(rows=("Behaviour",))}),
    Endpoint("events", "Event"),
    Endpoint("medical-conditions", "MedicalCondition", {"notes": Supplies(rows=("MedicalNote",))}),
)
"""In the order in which they are read: what others point to comes first, so that few links dangle."""

MEMBERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Student": (("classes", "student_class"), ("groups", "student_group")),
    "Class": (("employees", "employee_class"),),
    "Group": (("employees", "employee_group"),),
}
"""Entity → the includes of it that list members, and the membership table of each."""

RENAMED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("Student", "extendedDetails.pupilPremium"): ("extended_details.premium_pupil_indicator",),
    ("Student", "extendedDetails.pupilPremiumNotes"): ("extended_details.premium_pupil_notes",),
    ("Student", "extendedDetails.serviceChildren"): ("extended_details.service_children_indicator",),
    ("Student", "extendedDetails.giftedAndTalented"): ("extended_details.gifted_and_talented_status",),
    ("AttendanceSummary", "unauthorisedAbsences"): ("unauthorized_absences", "unauthorised_absences"),
    ("Behaviour", "incidentDate"): ("incident_date", "date"),
    ("School", "mis.provider"): ("mis",),
    ("School", "address.line1"): ("address.address_line_1",),
    ("School", "address.line2"): ("address.address_line_2",),
    ("School", "address.town"): ("address.address_town",),
    ("School", "address.postcode"): ("address.address_postcode",),
    ("School", "address.countryCode"): ("address.address_country.code",),
    ("School", "address.countryName"): ("address.address_country.name",),
}
"""(entity, field) → its keys on the wire; the first that a record has counts."""

STRICTER: Mapping[tuple[str, str], Parse] = {
    ("Student", "educationDetails.upn"): upn,
    ("Student", "educationDetails.formerUpn"): upn,
    ("StudentContact", "priority"): natural,
    ("StudentContact", "courtOrder"): denying,
    ("StudentContact", "restrictedAccess"): denying,
    ("StudentContact", "parentalResponsibility"): granting,
    ("StudentContact", "livesWithPupil"): granting,
}
"""Fields that ask for more than their kind does."""

LINK_FACTS: Mapping[str, str] = {
    leaf.column: leaf.field.name
    for leaf in stored_leaves(REGISTRY.entities["StudentContact"])
    if leaf.column in ("relationship", *LADDER_ATTRIBUTES)
}
"""What contacts' access is worked out from, and its name in our API; it stays as stored where it is not supplied."""

FIELD_PERMISSIONS: Mapping[str, str] = {f"contacts.{fact}.read": fact for fact in LINK_FACTS}
"""The school's permission at the MIS API that blanks a fact of links where it is declined → the fact."""

PART_KEYS = ("role", "action", "action_date", "points")
"""What belongs to one pupil's part in an incident; everything else is the incident's."""
