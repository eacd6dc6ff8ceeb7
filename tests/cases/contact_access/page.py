"""The page of rules once more, in plain ifs, for tests to compare the ladder with: answers, and what an app is told.

Written from the page, not from the code: who changes a rule says it here a second time.
"""

from collections.abc import Mapping

from authz.contact_access import AccessSettings, Facts
from schema.vocabulary import NO_PERMISSION, SYNC, VIEW_AND_UPDATE, WITHHELD

Answer = tuple[str, str]
"""Permission and reason."""


def page(settings: AccessSettings, facts: Facts) -> Answer:
    """Permission and reason by the page of rules."""
    leaver = facts.left and not settings.access_for_leavers
    applicant = facts.not_begun and not settings.access_for_applicants
    if facts.gone or leaver or applicant:
        return NO_PERMISSION, "NO_LIVE_LINK"
    if settings.source == SYNC or settings.court_order_always_denies:
        if facts.court_order is True:
            return NO_PERMISSION, "COURT_ORDER"
        if facts.restricted_access is True:
            return NO_PERMISSION, "RESTRICTED_ACCESS"
    waits = settings.confirm_masked_overrides and facts.to_review and facts.override == VIEW_AND_UPDATE
    if facts.override is not None and not waits:
        return facts.override, "OVERRIDE"
    if settings.source == SYNC:
        return page_of_sync(settings, facts)
    return (facts.default, "RELATIONSHIP_DEFAULT") if facts.default else (NO_PERMISSION, "NO_RULE_MATCHED")


def page_of_sync(settings: AccessSettings, facts: Facts) -> Answer:
    """The rungs below the override, where the MIS decides."""
    if facts.parental_responsibility is True:
        return VIEW_AND_UPDATE, "PARENTAL_RESPONSIBILITY"
    if facts.parental_responsibility is None and facts.lives_with_pupil is True:
        return VIEW_AND_UPDATE, "LIVES_WITH_FALLBACK"
    counts = settings.accept_assumed_priorities or facts.priority_assumed is not True
    if counts and facts.priority in (0, 1, 2):
        return VIEW_AND_UPDATE, "PRIORITY"
    return NO_PERMISSION, "NO_RULE_MATCHED"


def page_rungs(settings: AccessSettings) -> list[tuple[str, set[str]]]:
    """The reasons of the ladder in order, each with the facts tested on its rung."""
    roll = {
        "gone",
        *(set() if settings.access_for_leavers else {"left"}),
        *(set() if settings.access_for_applicants else {"not_begun"}),
    }
    safety = [("COURT_ORDER", {"court_order"}), ("RESTRICTED_ACCESS", {"restricted_access"})]
    override = {"override", *({"to_review"} if settings.confirm_masked_overrides else set())}
    assumed = set() if settings.accept_assumed_priorities else {"priority_assumed"}
    if settings.source == SYNC:
        below = [
            ("PARENTAL_RESPONSIBILITY", {"parental_responsibility"}),
            ("LIVES_WITH_FALLBACK", {"parental_responsibility", "lives_with_pupil"}),
            ("PRIORITY", {"priority", *assumed}),
        ]
    else:
        below = [("RELATIONSHIP_DEFAULT", {"default"})]
    masks = settings.source == SYNC or settings.court_order_always_denies
    return [
        ("NO_LIVE_LINK", roll),
        *(safety if masks else []),
        ("OVERRIDE", override),
        *below,
        ("NO_RULE_MATCHED", set()),
    ]


SCOPES_OF: Mapping[str, tuple[str, ...]] = {
    "gone": (),
    "left": ("students",),  # who is on the roll now, not the dates
    "not_begun": ("students",),
    "court_order": ("contacts.court_order",),
    "restricted_access": ("contacts.restricted_access",),
    "override": ("contacts.access_override",),
    "to_review": ("contacts.access_override", "contacts.court_order", "contacts.restricted_access"),
    "parental_responsibility": ("contacts.parental_responsibility",),
    "lives_with_pupil": ("contacts.lives_with_pupil",),
    "priority": ("contacts.priority",),
    "priority_assumed": ("contacts.priority",),
    "default": ("contacts.relationship",),
}
"""The objects and fields that an app must be allowed to read to be told of a fact."""


def page_told(settings: AccessSettings, scopes: frozenset[str]) -> dict[str, str]:
    """What an app with these scopes is told for each reason of the ladder."""
    told, needed = {}, set[str]()
    for reason, tested in page_rungs(settings):
        needed |= {f"{scope}.read" for fact in tested for scope in SCOPES_OF[fact]}
        told[reason] = reason if needed <= scopes else WITHHELD
    return told
