"""Student: a pupil on roll. Education and extended details need only the object's own scope beside each field's.

Contact details have an object scope of their own. Source: entities.md 1.4; names of the scope catalogue.
"""

from schema.fields import PERSONAL, SPECIAL, Entity, Field, ForeignKey, Kind, Link, Part, Reverse, Shape, Through
from schema.mis.common import NAMES, UPI, contact_details

EDUCATION_DETAILS = Part(
    "educationDetails",
    "StudentEducationDetails",
    "Where the pupil stands in the school's rolls.",
    PERSONAL,
    (
        Field("admissionNumber", Kind.TEXT, "Number in the admission register.", PERSONAL),
        Field("upn", Kind.TEXT, "Unique Pupil Number.", PERSONAL),
        Field("localUpn", Kind.TEXT, "Local UPN.", PERSONAL),
        Field("formerUpn", Kind.TEXT, "UPN held before.", PERSONAL),
        Field("learnerNumber", Kind.TEXT, "Unique Learner Number (ULN).", PERSONAL),
        Field("currentNcYear", Kind.TEXT, "National curriculum year, as text.", PERSONAL),
        Field("partTime", Kind.BOOL, "Whether the pupil attends part time.", PERSONAL),
        Field("partTimeRate", Kind.DECIMAL, "Share of full time, a decimal number.", PERSONAL),
        Field("admissionDate", Kind.DATE, "Date of admission.", PERSONAL),
        Field("leavingDate", Kind.DATE, "Date of leaving.", PERSONAL),
    ),
)

EXTENDED_DETAILS = Part(
    "extendedDetails",
    "StudentExtendedDetails",
    "Circumstances of the pupil; many of them are special-category data.",
    SPECIAL,
    (
        Field("nextOfKin", Kind.TEXT, "Next of kin.", PERSONAL),
        Field("religion", Kind.TEXT, "Religion.", SPECIAL),
        Field("ethnicity", Kind.TEXT, "Ethnicity code.", SPECIAL),
        Field("dietaryNeeds", Kind.TEXT, "Dietary needs.", SPECIAL),
        Field("senStatus", Kind.TEXT, "Special educational needs status (N, K, E).", SPECIAL),
        Field("firstLanguage", Kind.TEXT, "First language.", PERSONAL),
        Field("homeLanguage", Kind.TEXT, "Language spoken at home.", PERSONAL),
        Field("inLeaCare", Kind.BOOL, "Whether the pupil is in local authority care.", SPECIAL),
        Field("everInCare", Kind.BOOL, "Whether the pupil was ever in care.", SPECIAL),
        Field("freeSchoolMeals", Kind.BOOL, "Whether the pupil takes free school meals.", PERSONAL),
        Field("freeSchoolMeals6", Kind.BOOL, "Free school meals within the last six years.", PERSONAL),
        Field("englishAsAdditionalLanguage", Kind.BOOL, "Whether English is an additional language.", PERSONAL),
        Field("englishAsAdditionalLanguageStatus", Kind.TEXT, "Stage of English proficiency.", PERSONAL),
        Field("pupilPremium", Kind.BOOL, "Whether the pupil attracts Pupil Premium.", PERSONAL),
        Field("pupilPremiumNotes", Kind.TEXT, "Notes on Pupil Premium.", PERSONAL),
        Field("serviceChildren", Kind.BOOL, "Whether a parent is in the armed services.", PERSONAL),
        Field("enrolmentStatus", Kind.TEXT, "Enrolment status code.", PERSONAL),
        Field("giftedAndTalented", Kind.BOOL, "Whether the pupil is on the gifted and talented register.", PERSONAL),
    ),
)

STUDENT = Entity(
    name="Student",
    table="student",
    prefix="stu",
    plural="students",
    description="A pupil on the school's roll.",
    sensitivity=PERSONAL,
    scope_prefix="students",
    object_scopes=("students.read",),
    fields=(
        UPI,
        *NAMES,
        Field("genderIdentity", Kind.TEXT, "Gender the pupil identifies with.", SPECIAL),
        Field("personId", Kind.ID, "Identifier of the person in the MIS API, across roles.", PERSONAL),
        EDUCATION_DETAILS,
        EXTENDED_DETAILS,
        contact_details("StudentContactDetails"),
    ),
    links=(
        Link("classes", "Class", "Classes the pupil is in.", Through("student_class", "student_id", "class_id")),
        Link("groups", "Group", "Groups the pupil is in.", Through("student_group", "student_id", "group_id")),
        Link("year", "Group", "The pupil's year group.", ForeignKey("year_id"), Shape.ONE),
        Link("registration", "Group", "The pupil's registration group.", ForeignKey("registration_id"), Shape.ONE),
        Link("contacts", "StudentContact", "The pupil's contacts, with the facts of each link.", Reverse("student_id")),
        Link("attendanceSummary", "AttendanceSummary", "Attendance totals.", Reverse("student_id"), Shape.ONE),
        Link("sessionAttendance", "SessionAttendance", "Attendance marks.", Reverse("student_id")),
        Link("behaviours", "Behaviour", "The pupil's parts in behaviour incidents.", Reverse("student_id")),
        Link(
            "medicalConditions",
            "MedicalCondition",
            "Medical conditions.",
            Reverse("student_id"),
            Shape.LIST,
        ),
    ),
    is_person=True,
    extra_columns=("year_id", "registration_id"),
)
