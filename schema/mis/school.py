"""School: the tenant and data controller. It has no enclosing object.

Its id, name, time zone and MIS need a consent in force and no scope; its other fields have scopes of their own.
"""

from schema.fields import ORDINARY, Choice, Entity, Field, Kind, Link, Part, Reverse
from schema.vocabulary import CAPABILITIES as STATES
from schema.vocabulary import LADDER_ATTRIBUTES

ATTRIBUTE = Choice(
    "ContactAccessAttribute",
    "An attribute of a student-contact link that contacts' access can be decided by.",
    tuple((name.upper(), f"`{name}`") for name in LADDER_ATTRIBUTES),
)
CAPABILITY = Choice("MisCapabilityState", "Whether a school's MIS supplies an attribute.", tuple(STATES.items()))

CAPABILITIES = Part(
    "capabilities",
    "MisCapability",
    "What the MIS supplies of the attributes that contacts' access can be decided by.",
    ORDINARY,
    (
        Field("attribute", ATTRIBUTE, "The attribute of a student-contact link.", ORDINARY),
        Field("state", CAPABILITY, "Whether it is supplied.", ORDINARY),
        Field("source", Kind.TEXT, "Who says so.", ORDINARY),
        Field("asOf", Kind.DATE, "Since when that is known; null where nobody said anything.", ORDINARY),
    ),
    own_scopes=False,
    computed=True,
    is_list=True,
)

SCHOOL = Entity(
    name="School",
    table="school",
    prefix="sch",
    plural="schools",
    description="A school, with everything it lets the calling app read.",
    sensitivity=ORDINARY,
    scope_prefix="schools",
    object_scopes=(),
    fields=(
        Field("name", Kind.TEXT, "Name of the school.", ORDINARY, scope=None),
        Field("establishmentNumber", Kind.TEXT, "DfE establishment number.", ORDINARY),
        Field("urn", Kind.INT, "Unique Reference Number of the school.", ORDINARY),
        Field("phaseOfEducation", Kind.TEXT, "Phase of education.", ORDINARY),
        Field("laCode", Kind.TEXT, "Local authority code.", ORDINARY),
        Field("timezone", Kind.TEXT, "IANA time zone.", ORDINARY, scope=None),
        Part(
            "mis",
            "SchoolMis",
            "The management information system that holds the school's records.",
            ORDINARY,
            (Field("provider", Kind.TEXT, "Name of the MIS.", ORDINARY, scope=None), CAPABILITIES),
        ),
        Part(
            "address",
            "SchoolAddress",
            "Postal address of the school.",
            ORDINARY,
            (
                Field("line1", Kind.TEXT, "First line.", ORDINARY),
                Field("line2", Kind.TEXT, "Second line.", ORDINARY),
                Field("town", Kind.TEXT, "Town.", ORDINARY),
                Field("postcode", Kind.TEXT, "Postcode.", ORDINARY),
                Field("countryCode", Kind.TEXT, "Country code.", ORDINARY),
                Field("countryName", Kind.TEXT, "Country name.", ORDINARY),
            ),
            scope="address",
            own_scopes=False,
        ),
        Part(
            "extended",
            "SchoolExtended",
            "What the school's MIS connection can do.",
            ORDINARY,
            (
                Field("allowsWriteback", Kind.BOOL, "Whether the MIS takes changes back.", ORDINARY),
                Field("hasTimetables", Kind.BOOL, "Whether timetables are supplied.", ORDINARY),
                Field("hasLessonAttendance", Kind.BOOL, "Whether lesson attendance is supplied.", ORDINARY),
                Field("auditApprovedAt", Kind.INSTANT, "When the school's access was audited.", ORDINARY),
            ),
        ),
        Part(
            "region",
            "SchoolRegion",
            "Where the school's MIS API is served.",
            ORDINARY,
            (
                Field("code", Kind.TEXT, "Region code.", ORDINARY),
                Field("domain", Kind.TEXT, "Domain of the MIS API.", ORDINARY),
                Field("schoolUrl", Kind.TEXT, "Address of the school in the MIS API.", ORDINARY),
            ),
            scope="region",
            own_scopes=False,
        ),
    ),
    links=(
        Link("students", "Student", "Pupils on roll.", Reverse("school_id")),
        Link("contacts", "Contact", "Parents, guardians and other contacts.", Reverse("school_id")),
        Link("studentContacts", "StudentContact", "Links between pupils and contacts.", Reverse("school_id")),
        Link("employees", "Employee", "Members of staff.", Reverse("school_id")),
        Link("classes", "Class", "Teaching classes.", Reverse("school_id")),
        Link("groups", "Group", "Registration, year, house and other groups.", Reverse("school_id")),
        Link("subjects", "Subject", "Subjects taught.", Reverse("school_id")),
        Link("attendanceSummaries", "AttendanceSummary", "Attendance totals per pupil.", Reverse("school_id")),
        Link(
            "sessionAttendance", "SessionAttendance", "Marks of morning and afternoon sessions.", Reverse("school_id")
        ),
        Link("behaviours", "Behaviour", "Pupils' parts in behaviour incidents.", Reverse("school_id")),
        Link("events", "Event", "School calendar.", Reverse("school_id")),
        Link("medicalConditions", "MedicalCondition", "Medical conditions of pupils.", Reverse("school_id")),
    ),
    has_mis_id=True,
)
