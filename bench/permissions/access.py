"""What a contact may see of a student: the rules of the source Sync in plain Python, for one link.

Of a school that has the source Relationship Type nothing is answered; the bench has none.
"""

from typing import Any

from sqlalchemy import Row

VIEW_AND_UPDATE, NO_PERMISSION = "VIEW_AND_UPDATE", "NO_PERMISSION"
FACT_SCOPES = frozenset(
    f"contacts.{name}.read"
    for name in (
        "court_order", "restricted_access", "access_override", "parental_responsibility", "lives_with_pupil", "priority"
    )
)  # fmt: skip
"""Without all of these the reason is withheld."""

Found = Row[Any]


def decide(
    settings: Found, student: Found, link: Found, contact: Found | None, override: Found | None
) -> tuple[str, str]:
    """The permission of a link, and the reason. The settings bring the database's day with them."""
    if contact is None or _is_away(settings, student):
        return NO_PERMISSION, "NO_LIVE_LINK"
    if link.court_order:
        return NO_PERMISSION, "COURT_ORDER"
    if link.restricted_access:
        return NO_PERMISSION, "RESTRICTED_ACCESS"
    if override is not None and not (settings.confirm_masked_overrides and _is_waiting(link, override)):
        return override.value, "OVERRIDE"
    if link.parental_responsibility:
        return VIEW_AND_UPDATE, "PARENTAL_RESPONSIBILITY"
    if link.parental_responsibility is None and link.lives_with_pupil:
        return VIEW_AND_UPDATE, "LIVES_WITH_FALLBACK"
    if link.priority in (0, 1, 2) and (settings.accept_assumed_priorities or not link.priority_assumed):
        return VIEW_AND_UPDATE, "PRIORITY"
    return NO_PERMISSION, "NO_RULE_MATCHED"


def _is_away(settings: Found, student: Found) -> bool:
    admitted, leaving, today = student.admission_date, student.leaving_date, settings.today
    if admitted is not None and admitted > today:
        return not settings.access_for_applicants
    has_left = leaving is not None and leaving < today and (admitted is None or admitted <= leaving)
    return has_left and not settings.access_for_leavers


def _is_waiting(link: Found, override: Found) -> bool:
    looked_at = max(override.set_at, override.confirmed_at or "")
    unmasked = (link.restriction_lifted_at, link.relinked_at)
    return override.value == VIEW_AND_UPDATE and any(at is not None and looked_at < at for at in unmasked)
