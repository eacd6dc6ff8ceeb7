"""Employee: a member of staff. Contact and employment details have object scopes of their own, as the seeds say."""

from schema.fields import ORDINARY, PERSONAL, Entity, Field, Kind, Link, Part, Through
from schema.mis.common import NAMES, UPI, contact_details

EMPLOYEE = Entity(
    name="Employee",
    table="employee",
    prefix="emp",
    plural="employees",
    description="A member of the school's staff.",
    sensitivity=PERSONAL,
    scope_prefix="employees",
    object_scopes=("employees.read",),
    fields=(
        UPI,
        *NAMES,
        contact_details("EmployeeContactDetails"),
        Part(
            "employmentDetails",
            "EmployeeEmploymentDetails",
            "The post that the person holds.",
            PERSONAL,
            (
                Field("current", Kind.BOOL, "Whether the person works at the school now.", ORDINARY),
                Field("teachingStaff", Kind.BOOL, "Whether the person teaches.", ORDINARY),
                Field("employmentStartDate", Kind.DATE, "First day of employment.", PERSONAL),
                Field("employmentEndDate", Kind.DATE, "Last day of employment.", PERSONAL),
                Field("roleText", Kind.TEXT, "Role, as the MIS words it.", ORDINARY),
                Field("teacherNumber", Kind.TEXT, "Teacher reference number.", PERSONAL),
                Field("staffCode", Kind.TEXT, "Staff code.", ORDINARY),
            ),
            scope="employment_details",
        ),
    ),
    links=(
        Link("classes", "Class", "Classes the person teaches.", Through("employee_class", "employee_id", "class_id")),
        Link("groups", "Group", "Groups the person leads.", Through("employee_group", "employee_id", "group_id")),
    ),
    is_person=True,
)
