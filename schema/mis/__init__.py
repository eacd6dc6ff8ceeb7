"""The MIS entities, one file each; `ENTITIES` is all of them, in the order in which the API documents them."""

from schema.fields import Entity
from schema.mis.attendance import ATTENDANCE_SUMMARY, SESSION_ATTENDANCE
from schema.mis.behaviour import BEHAVIOUR
from schema.mis.contact import CONTACT, STUDENT_CONTACT
from schema.mis.employee import EMPLOYEE
from schema.mis.event import EVENT
from schema.mis.groups import CLASS, GROUP, SUBJECT
from schema.mis.medical import MEDICAL_CONDITION, MEDICAL_NOTE
from schema.mis.school import SCHOOL
from schema.mis.student import STUDENT

ENTITIES: tuple[Entity, ...] = (
    SCHOOL,
    STUDENT,
    CONTACT,
    STUDENT_CONTACT,
    EMPLOYEE,
    CLASS,
    GROUP,
    SUBJECT,
    ATTENDANCE_SUMMARY,
    SESSION_ATTENDANCE,
    BEHAVIOUR,
    EVENT,
    MEDICAL_CONDITION,
    MEDICAL_NOTE,
)
