"""Class, Group and Subject.

One declared exception (Maestro asks for "Classes subject" and for no subject): `Class.subject` needs no
`subjects.read`, and a subject's id, name and code may be read either as a subject's or as a class's. Every other way to
a subject needs `subjects.read`.
"""

from schema.fields import ORDINARY, PERSONAL, Choice, Entity, Field, ForeignKey, Kind, Link, Reverse, Shape, Through
from schema.mis.common import CODE, NAME

_AS_CLASS_SUBJECT = ("classes.read", "classes.subject.read")

GROUP_TYPE = Choice(
    "GroupType",
    "What a group is for.",
    (
        ("REGISTRATION", "A registration (tutor) group."),
        ("YEAR", "A year group."),
        ("HOUSE", "A house."),
        ("CLUB", "A club or activity."),
        ("USER_DEFINED", "A group that the school made for a purpose of its own; its name can disclose SEN or care."),
        ("OTHER", "A type that this version does not know; the import's findings name it."),
    ),
)

SUBJECT = Entity(
    name="Subject",
    table="subject",
    prefix="sub",
    plural="subjects",
    description="A subject that the school teaches.",
    sensitivity=ORDINARY,
    scope_prefix="subjects",
    object_scopes=("subjects.read",),
    object_rule=(("subjects.read",), _AS_CLASS_SUBJECT),
    fields=(
        Field(
            "code",
            Kind.TEXT,
            "Short code of the subject.",
            ORDINARY,
            rule=(("subjects.read", "subjects.code.read"), _AS_CLASS_SUBJECT),
        ),
        Field(
            "name",
            Kind.TEXT,
            "Name of the subject.",
            ORDINARY,
            rule=(("subjects.read", "subjects.name.read"), _AS_CLASS_SUBJECT),
        ),
        Field("active", Kind.BOOL, "Whether the subject is taught now.", ORDINARY),
    ),
    links=(Link("classes", "Class", "Classes in the subject.", Reverse("subject_id")),),
)

CLASS = Entity(
    name="Class",
    table="school_class",
    prefix="cls",
    plural="classes",
    description="A teaching class.",
    sensitivity=ORDINARY,
    scope_prefix="classes",
    object_scopes=("classes.read",),
    fields=(
        CODE,
        NAME,
        Field("description", Kind.TEXT, "Description of the class.", ORDINARY),
        Field("alternative", Kind.BOOL, "Whether the class is an alternative to another.", ORDINARY),
    ),
    links=(
        Link(
            "subject",
            "Subject",
            "The subject taught.",
            ForeignKey("subject_id"),
            Shape.ONE,
            scope="subject",
            target_scope=False,
        ),
        Link("students", "Student", "Pupils in the class.", Through("student_class", "class_id", "student_id")),
        Link("employees", "Employee", "Staff who teach it.", Through("employee_class", "class_id", "employee_id")),
    ),
    extra_columns=("subject_id",),
)

GROUP = Entity(
    name="Group",
    table="school_group",
    prefix="grp",
    plural="groups",
    description="A registration, year, house or other group.",
    sensitivity=ORDINARY,
    scope_prefix="groups",
    object_scopes=("groups.read",),
    fields=(
        CODE,
        NAME,
        Field("notes", Kind.TEXT, "Notes on the group.", PERSONAL),
        Field("type", GROUP_TYPE, "What the group is for.", ORDINARY),
        Field("description", Kind.TEXT, "Description of the group.", ORDINARY),
    ),
    links=(
        Link("students", "Student", "Pupils in the group.", Through("student_group", "group_id", "student_id")),
        Link("employees", "Employee", "Staff who lead it.", Through("employee_group", "group_id", "employee_id")),
    ),
)
