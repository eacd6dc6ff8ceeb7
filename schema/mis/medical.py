"""MedicalCondition and its notes: special-category data that sits in the pupil's object.

The seed names one permission for a pupil's medical conditions, so that scope opens the condition and its description;
notes have a scope of their own.
"""

from schema.fields import SPECIAL, Entity, Field, ForeignKey, Kind, Link, Reverse, Shape

_CONDITIONS = ("students.read", "students.medical_conditions.read")

MEDICAL_CONDITION = Entity(
    name="MedicalCondition",
    table="medical_condition",
    prefix="med",
    plural="medicalConditions",
    description="A medical condition of a pupil.",
    sensitivity=SPECIAL,
    scope_prefix="medical_conditions",
    object_scopes=_CONDITIONS,
    fields=(Field("description", Kind.TEXT, "The condition.", SPECIAL, scope=None),),
    links=(
        Link("student", "Student", "The pupil.", ForeignKey("student_id"), Shape.ONE),
        Link("notes", "MedicalNote", "Notes on the condition.", Reverse("medical_condition_id"), Shape.LIST),
    ),
    extra_columns=("student_id",),
)

MEDICAL_NOTE = Entity(
    name="MedicalNote",
    table="medical_note",
    prefix="mdn",
    plural="medicalNotes",
    description="A dated note on a medical condition.",
    sensitivity=SPECIAL,
    scope_prefix="medical_notes",
    object_scopes=(*_CONDITIONS, "medical_notes.read"),
    fields=(
        Field("note", Kind.TEXT, "The note.", SPECIAL, scope=None),
        Field("date", Kind.DATE, "Day of the note.", SPECIAL, scope=None),
    ),
    has_mis_id=False,
    has_stamps=False,
    extra_columns=("medical_condition_id",),
)
