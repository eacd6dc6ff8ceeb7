"""Behaviour: one pupil's part in an incident, so that two pupils' points cannot be confused. Never part of a bundle."""

from schema.fields import PERSONAL, Entity, Field, ForeignKey, Kind, Link, Shape

BEHAVIOUR = Entity(
    name="Behaviour",
    table="behaviour",
    prefix="beh",
    plural="behaviours",
    description="One pupil's part in a behaviour incident.",
    sensitivity=PERSONAL,
    scope_prefix="behaviours",
    object_scopes=("behaviours.read",),
    fields=(
        Field("incidentId", Kind.ID, "Opaque id that the records of one incident share.", PERSONAL),
        Field("incidentDate", Kind.DATE, "Day of the incident.", PERSONAL),
        Field("time", Kind.TEXT, "Local time of the incident, HH:MM:SS.", PERSONAL),
        Field("type", Kind.TEXT, "Kind of behaviour.", PERSONAL),
        Field("status", Kind.TEXT, "Status of the record.", PERSONAL),
        Field("bullyingType", Kind.TEXT, "Kind of bullying.", PERSONAL),
        Field("activityType", Kind.TEXT, "What was going on.", PERSONAL),
        Field("location", Kind.TEXT, "Where it happened.", PERSONAL),
        Field("comment", Kind.TEXT, "Comment of staff.", PERSONAL),
        Field("parentsNotified", Kind.BOOL, "Whether the parents were told.", PERSONAL),
        Field("role", Kind.TEXT, "The pupil's role in the incident.", PERSONAL),
        Field("points", Kind.INT, "Points given to the pupil.", PERSONAL),
        Field("action", Kind.TEXT, "What was done about the pupil's part.", PERSONAL),
        Field("actionDate", Kind.DATE, "When it was done.", PERSONAL),
    ),
    links=(
        Link("student", "Student", "The pupil.", ForeignKey("student_id"), Shape.ONE),
        Link("employee", "Employee", "Who recorded it.", ForeignKey("employee_id"), Shape.ONE),
    ),
    extra_columns=("student_id", "employee_id"),
)
