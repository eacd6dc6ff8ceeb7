"""What a school's staff ask and do about contacts' access: why a link has its answer, and what to change.

Everything here is for one school's administrators, who see the real reasons. What a change does can be asked first.
"""

from strawberry import ID

from schema.fields import Choice
from schema.mis.contact import ORIGIN, PERMISSION, REASON
from schema.mis.school import ATTRIBUTE, CAPABILITY
from schema.people.declared import ADMINISTRATOR, Argument, PersonField, PersonInput, PersonRoot, PersonType
from schema.scalars import Date, DateTime
from schema.vocabulary import ACCESS_FACTS, ACCESS_FLAGS, ACCESS_WARNINGS, SOURCES

SOURCE = Choice("ContactAccessSource", "What a school works out contacts' access from.", tuple(SOURCES.items()))
FACT = Choice(
    "ContactAccessFactName",
    "What the rungs of the ladder look at.",
    tuple((name.upper(), text) for name, text in ACCESS_FACTS.items()),
)
WARNING = Choice("ContactAccessWarningCode", "Why a school should look at a link.", tuple(ACCESS_WARNINGS.items()))
FLAG = Choice("ContactAccessFlagCode", "What to know about an answer.", tuple(ACCESS_FLAGS.items()))
CHOICES = (PERMISSION, REASON, ORIGIN, ATTRIBUTE, CAPABILITY, SOURCE, FACT, WARNING, FLAG)

FLAGS = {
    "courtOrderAlwaysDenies": "Whether court orders and restrictions come first with Relationship Type too.",
    "confirmMaskedOverrides": "Whether a View and Update override that came out from under something stronger waits.",
    "accessForLeavers": "Whether contacts keep access to students who have left.",
    "accessForApplicants": "Whether contacts have access to students who have not begun yet.",
    "acceptAssumedPriorities": "Whether a priority that was filled in for the MIS gives access.",
}
"""A school's settings beside its source."""

NOTHING_CHANGES = "What is not given, or null, stays as it is."
DRY_RUN = Argument("dryRun", bool, "Only say what it would do; it is done when this is false.", default=True)
LISTED = Argument("first", int, "How many links to name on each side, 500 at most; counts are of all.", default=50)


def _wanted() -> tuple[Argument, ...]:
    flags = (Argument(name, bool | None, f"{text} {NOTHING_CHANGES}", None) for name, text in FLAGS.items())
    return (Argument("source", f"{SOURCE.name} | None", f"The source. {NOTHING_CHANGES}", None), *flags)


def _type(name: str, text: str, *fields: PersonField) -> PersonType:
    return PersonType(name, text, ADMINISTRATOR, fields)


def _query(name: str, annotation: str, text: str, *arguments: Argument) -> PersonRoot:
    return PersonRoot("Query", name, f"{annotation} | None", text, ADMINISTRATOR, arguments)


def _mutation(name: str, annotation: str, text: str, *arguments: Argument) -> PersonRoot:
    return PersonRoot("Mutation", name, f"{annotation} | None", text, ADMINISTRATOR, arguments)


# What is shown ----------------------------------------------------------------------------------------------------

OVERRIDE = _type(
    "LinkAccessOverride",
    "A permission that was set by hand on one link; in force until it is cleared.",
    PersonField("id", ID, "Its id."),
    PersonField("value", PERMISSION.name, "The permission."),
    PersonField("setBy", str, "Who set it."),
    PersonField("setByPosition", str | None, "The position of who set it."),
    PersonField("setAt", DateTime, "When it was set."),
    PersonField("note", str | None, "What was noted with it."),
    PersonField("origin", ORIGIN.name, "Whether it was set for this link alone or for many."),
    PersonField("confirmedAt", DateTime | None, "When it was last confirmed."),
    PersonField("confirmedBy", str | None, "Who confirmed it last."),
    PersonField("clearedAt", DateTime | None, "When it was taken out of force; null while it is in force."),
    PersonField("clearedBy", str | None, "Who took it out of force, or set another in its place."),
)

EXPLANATION_TYPES = (
    _type(
        "ContactAccessLink",
        "A link between a student and a contact, as staff know it.",
        PersonField("id", ID, "The link's id."),
        PersonField("studentId", ID | None, "The student's id."),
        PersonField("studentName", str | None, "The student's name."),
        PersonField("contactId", ID | None, "The contact's id."),
        PersonField("contactName", str | None, "The contact's name."),
        PersonField("relationship", str | None, "The relationship, as the MIS words it now."),
    ),
    _type(
        "ContactAccessAnswer",
        "What a link opens, and why.",
        PersonField("permission", PERMISSION.name, "The permission."),
        PersonField("reason", REASON.name, "The reason, which is the real one."),
    ),
    _type(
        "ContactAccessFact",
        "One fact as it is stored.",
        PersonField("name", FACT.name, "The fact."),
        PersonField("value", str | None, "Its value as text; null where it is blank."),
    ),
    _type(
        "ContactAccessRung",
        "One rung of the school's ladder. The first that holds decides.",
        PersonField("reason", REASON.name, "The reason that it gives."),
        PersonField("facts", "list[ContactAccessFact]", "What it looks at."),
        PersonField("holds", bool, "Whether it holds."),
        PersonField("decided", bool, "Whether it decided."),
        PersonField("permission", f"{PERMISSION.name} | None", "What it answers; null where it does not hold."),
    ),
    OVERRIDE,
    _type(
        "ContactAccessFlag",
        "Something to know about an answer.",
        PersonField("code", FLAG.name, "What it is."),
        PersonField("text", str, "The same in a sentence."),
    ),
    _type(
        "ContactAccessExplanation",
        "Why a link has its answer now.",
        PersonField("link", "ContactAccessLink", "The link."),
        PersonField("permission", PERMISSION.name, "The permission."),
        PersonField("reason", REASON.name, "The reason: that of the rung that decided."),
        PersonField("source", SOURCE.name, "The school's source."),
        PersonField("rungs", "list[ContactAccessRung]", "Every rung of the school's ladder, first to last."),
        PersonField("override", "LinkAccessOverride | None", "The override in force."),
        PersonField(
            "maskedBy", f"{REASON.name} | None", "What stands above the override and decided; null if nothing."
        ),
        PersonField("overrideToReview", bool, "Whether the override waits to be confirmed."),
        PersonField(
            "history",
            "list[LinkAccessOverride]",
            "The overrides that the link had, the newest 50 of them, newest last.",
        ),
        PersonField("flags", "list[ContactAccessFlag]", "What to know about the answer."),
        PersonField("defaultsVersion", int, "The version of the default permissions that the link keeps."),
        PersonField("todaysVersion", int, "The version that links take that are new now."),
    ),
)

WARNING_TYPES = (
    _type(
        "ContactAccessWarning",
        "A reason to look at a link.",
        PersonField("code", WARNING.name, "The reason."),
        PersonField("text", str, "The same in a sentence."),
        PersonField("link", "ContactAccessLink", "The link."),
        PersonField("answer", "ContactAccessAnswer", "What the link opens now."),
    ),
    _type(
        "ContactAccessWarningCount",
        "How many links of the school have a warning.",
        PersonField("code", WARNING.name, "The warning."),
        PersonField("count", int, "How many links have it."),
    ),
    _type(
        "ContactAccessWarnings",
        "Warnings of a page of links, in the order of the links' ids.",
        PersonField("counts", "list[ContactAccessWarningCount]", "How many there are in the whole school."),
        PersonField("warnings", "list[ContactAccessWarning]", "The page's; a link may have several."),
        PersonField("endCursor", ID | None, "The last link of the page: `after` of the next."),
        PersonField("hasNextPage", bool, "Whether there are more."),
    ),
)

SETTINGS_TYPES = (
    _type(
        "ContactAccessDefault",
        "The permission of one relationship.",
        PersonField("relationship", str, "The relationship, as the school wrote it."),
        PersonField("permission", PERMISSION.name, "Its permission."),
    ),
    _type(
        "ContactAccessCapability",
        "Whether the school's MIS supplies an attribute.",
        PersonField("attribute", ATTRIBUTE.name, "The attribute."),
        PersonField("state", CAPABILITY.name, "Whether it is supplied."),
        PersonField("source", str, "Who says so."),
        PersonField("asOf", Date | None, "Since when that is known; null where nobody said anything."),
        PersonField("doubtful", bool, "Whether a switch to Sync needs it acknowledged."),
    ),
    _type(
        "ContactAccessSettings",
        "How a school works out contacts' access.",
        PersonField("source", SOURCE.name, "The source."),
        *(PersonField(name, bool, text) for name, text in FLAGS.items()),
        PersonField("defaultsVersion", int, "The version of the default permissions that new links take."),
        PersonField("defaults", "list[ContactAccessDefault]", "That version; any other relationship is No Permission."),
        PersonField("capabilities", "list[ContactAccessCapability]", "What the MIS supplies of what Sync decides by."),
    ),
)

PREVIEW_FIELDS = (
    PersonField("links", int, "How many links were looked at."),
    PersonField("gains", "ContactAccessSide", "Who would gain access, or did."),
    PersonField("loses", "ContactAccessSide", "Who would lose access, or did."),
)
PREVIEW_TYPES = (
    _type(
        "ContactAccessLinkChange",
        "What becomes of one link's answer.",
        PersonField("link", "ContactAccessLink", "The link."),
        PersonField("before", "ContactAccessAnswer", "Its answer before."),
        PersonField("after", "ContactAccessAnswer", "Its answer after."),
    ),
    _type(
        "ContactAccessReasonChange",
        "How many links go from one reason to another.",
        PersonField("before", REASON.name, "The reason before."),
        PersonField("after", REASON.name, "The reason after."),
        PersonField("count", int, "How many."),
    ),
    _type(
        "ContactAccessSide",
        "The links that gain access, or those that lose it.",
        PersonField("count", int, "How many."),
        PersonField("byReason", "list[ContactAccessReasonChange]", "The same by reason, most first."),
        PersonField("links", "list[ContactAccessLinkChange]", "The first of them, by the links' ids."),
    ),
    _type("ContactAccessPreview", "Who gains and who loses access.", *PREVIEW_FIELDS),
    _type(
        "TodaysDefaultsApplied",
        "What applying today's default permissions to existing links does.",
        PersonField("version", int, "The version that the links take."),
        PersonField("done", bool, "Whether it was done, or only asked about."),
        *PREVIEW_FIELDS,
    ),
    _type(
        "BulkContactAccess",
        "What a bulk change of permissions does.",
        PersonField("count", int, "How many links it is for."),
        PersonField("done", bool, "Whether it was done, or only asked about."),
        PersonField("links", "list[ContactAccessLinkChange]", "The first of the links that it is for."),
        PersonField("gains", "ContactAccessSide", "Who gains access by it."),
        PersonField("loses", "ContactAccessSide", "Who loses access by it."),
    ),
)
TYPES = (*EXPLANATION_TYPES, *WARNING_TYPES, *SETTINGS_TYPES, *PREVIEW_TYPES)

# What is asked and done -------------------------------------------------------------------------------------------

INPUTS = (
    PersonInput(
        "ContactAccessFilter",
        "Which links a bulk change is for: those that meet all that is given. At least one must be.",
        (
            Argument("relationship", str | None, "The relationship; case and blanks make no difference.", None),
            Argument("yearGroupId", ID | None, "The student's year group.", None),
            Argument("classId", ID | None, "A class of the student.", None),
            Argument("presentAnswer", f"{PERMISSION.name} | None", "The permission that the link has now.", None),
        ),
    ),
    PersonInput(
        "ContactAccessDefaultInput",
        "The permission of one relationship.",
        (
            Argument("relationship", str, "The relationship; case and blanks make no difference when it is matched."),
            Argument("permission", PERMISSION.name, "Its permission."),
        ),
    ),
)

SCHOOL_ID = Argument("schoolId", ID, "The school.")
LINK_ID = Argument("linkId", ID, "The link between a student and a contact.")
NOTE = Argument("note", str | None, "Why; staff see it, contacts and apps do not.", None)

ROOTS = (
    _query("contactAccess", "ContactAccessSettings", "How the school works out contacts' access.", SCHOOL_ID),
    _query("explainContactAccess", "ContactAccessExplanation", "Why a link has its answer now.", LINK_ID),
    _query(
        "accessWarnings",
        "ContactAccessWarnings",
        "The links that the school should look at, such as those with a court order and access.",
        SCHOOL_ID,
        Argument("first", int, "So many links, 500 at most.", default=50),
        Argument("after", ID | None, "Only links after this one: a page's `endCursor`.", None),
    ),
    _query(
        "previewContactAccess",
        "ContactAccessPreview",
        "Who would gain and who would lose access if the school changed this. Nothing is changed.",
        SCHOOL_ID,
        *_wanted(),
        Argument("applyTodaysDefaults", bool, "Preview also today's defaults on all existing links.", default=False),
        LISTED,
    ),
    _mutation(
        "setContactAccess",
        "ContactAccessExplanation",
        "Set the permission of one link by hand, in place of the override in force. It stands until it is cleared.",
        LINK_ID,
        Argument("permission", PERMISSION.name, "The permission."),
        NOTE,
    ),
    _mutation(
        "confirmContactAccess",
        "ContactAccessExplanation",
        "Say of the override in force that it is still meant.",
        LINK_ID,
    ),
    _mutation(
        "clearContactAccess",
        "ContactAccessExplanation",
        "Take the override out of force: the link has its computed answer again.",
        LINK_ID,
    ),
    _mutation(
        "bulkSetContactAccess",
        "BulkContactAccess",
        "Set the permission of many links by hand, all or none. By default it only says for which it would be.",
        SCHOOL_ID,
        Argument("filter", "ContactAccessFilter", "Which links."),
        Argument("permission", PERMISSION.name, "The permission."),
        NOTE,
        DRY_RUN,
    ),
    _mutation(
        "changeContactAccess",
        "ContactAccessSettings",
        "Change the source, or settings, from the next request on; `previewContactAccess` tells what that does.",
        SCHOOL_ID,
        *_wanted(),
        Argument(
            "acknowledge",
            f"list[{ATTRIBUTE.name}]",
            "Attributes that the MIS may not supply and that Sync may decide by all the same.",
            default=(),
        ),
    ),
    _mutation(
        "setDefaultContactPermissions",
        "ContactAccessSettings",
        "Set the default permissions of links that are first synced from now on; what is not named is No Permission.",
        SCHOOL_ID,
        Argument("permissions", "list[ContactAccessDefaultInput]", "The whole set."),
    ),
    _mutation(
        "applyTodaysDefaults",
        "TodaysDefaultsApplied",
        "Give today's default permissions to all existing links. By default it only says what that would do.",
        SCHOOL_ID,
        DRY_RUN,
    ),
)
