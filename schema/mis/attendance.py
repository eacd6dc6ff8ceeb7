"""AttendanceSummary (totals per pupil) and SessionAttendance (one mark of one session). Never part of a bundle."""

from schema.fields import PERSONAL, Choice, Entity, Field, ForeignKey, Kind, Link, Part, Shape

SESSION = Choice("Session", "Half of a school day.", (("AM", "Morning session."), ("PM", "Afternoon session.")))

ATTENDANCE_SUMMARY = Entity(
    name="AttendanceSummary",
    table="attendance_summary",
    prefix="ats",
    plural="attendanceSummaries",
    description="One pupil's attendance totals for the academic year, counted in sessions.",
    sensitivity=PERSONAL,
    scope_prefix="attendance_summaries",
    object_scopes=("attendance_summaries.read",),
    fields=(
        Field("possibleMarks", Kind.INT, "Sessions for which a mark was possible.", PERSONAL),
        Field("present", Kind.INT, "Sessions present.", PERSONAL),
        Field("authorisedAbsences", Kind.INT, "Sessions of authorised absence.", PERSONAL),
        Field("unauthorisedAbsences", Kind.INT, "Sessions of unauthorised absence.", PERSONAL),
        Field("unexplainedAbsences", Kind.INT, "Sessions of absence not yet explained.", PERSONAL),
        Field("lateBeforeRegistration", Kind.INT, "Sessions late, before registration closed.", PERSONAL),
        Field("lateAfterRegistration", Kind.INT, "Sessions late, after registration closed.", PERSONAL),
        Field("attendanceNotRequired", Kind.INT, "Sessions for which attendance was not required.", PERSONAL),
        Field("approvedEducationActivity", Kind.INT, "Sessions of approved educational activity.", PERSONAL),
    ),
    links=(
        Link(
            "student",
            "Student",
            "The pupil.",
            ForeignKey("student_id"),
            Shape.ONE,
            scope="student",
        ),
    ),
    has_mis_id=True,
    extra_columns=("student_id",),
)

SESSION_ATTENDANCE = Entity(
    name="SessionAttendance",
    table="session_attendance",
    prefix="att",
    plural="sessionAttendance",
    description="The mark of one pupil for one session.",
    sensitivity=PERSONAL,
    scope_prefix="session_attendance",
    object_scopes=("session_attendance.read",),
    fields=(
        Field("date", Kind.DATE, "The school day.", PERSONAL),
        Field("session", SESSION, "Morning or afternoon.", PERSONAL),
        Part(
            "attendanceCode",
            "AttendanceCode",
            "The mark.",
            PERSONAL,
            (
                Field("code", Kind.TEXT, "Mark, one or two characters.", PERSONAL),
                Field("description", Kind.TEXT, "What the mark means at this school.", PERSONAL),
                Field("type", Kind.TEXT, "Statistical meaning of the mark.", PERSONAL),
            ),
            scope="attendance_code",
            own_scopes=False,
        ),
        Field("comment", Kind.TEXT, "Comment on the mark.", PERSONAL),
        Field("minutesLate", Kind.INT, "Minutes late.", PERSONAL),
    ),
    links=(
        Link("student", "Student", "The pupil.", ForeignKey("student_id"), Shape.ONE),
        Link("employee", "Employee", "Who took the register.", ForeignKey("employee_id"), Shape.ONE),
    ),
    extra_columns=("student_id", "employee_id"),
)
