"""What a world's links answer, worked out from its rows by the ladder in Python; plans answer in SQL."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from authz.contact_access import NEW_SCHOOL_KEYS, AccessSettings, Facts, decide_access, settings_from
from tests.world import World

Row = Mapping[str, Any]
FLAGS = ("court_order", "restricted_access", "parental_responsibility", "lives_with_pupil", "priority_assumed")


def settings(world: World, school_id: str) -> AccessSettings:
    """How the world's school works out access."""
    for row in world.rows["contact_access_setting"]:
        if row["school_id"] == school_id:
            return settings_from([row[name] for name in AccessSettings.__dataclass_fields__])
    return AccessSettings()


def override(world: World, link: Row) -> Row | None:
    """The override in force on a link."""
    for row in world.rows["contact_override"]:
        if row["link_id"] == link["id"] and row["cleared_at"] is None:
            return row
    return None


def facts(world: World, link: Row) -> Facts:
    """A link's facts."""
    student = _live(world, "student", link, "student_id")
    contact = _live(world, "contact", link, "contact_id")
    today = datetime.now(UTC).date().isoformat()
    admitted, left_on = (student["admission_date"], student["leaving_date"]) if student else (None, None)
    stored = override(world, link)
    looked_at = max(stored["set_at"], stored["confirmed_at"] or "") if stored else ""
    return Facts(
        gone=link["deleted_at"] is not None or student is None or contact is None,
        left=left_on is not None and left_on < today and (admitted is None or admitted <= left_on),
        not_begun=admitted is not None and admitted > today,
        **{name: link[name] for name in FLAGS},
        priority=link["priority"],
        override=stored["value"] if stored else None,
        to_review=stored is not None
        and any(at is not None and looked_at < at for at in (link["restriction_lifted_at"], link["relinked_at"])),
        default=_default(world, link),
    )


def access(world: World, link: Row) -> dict[str, Any]:
    """`StudentContact.access` for an app that may read everything."""
    decision = decide_access(settings(world, link["school_id"]), facts(world, link))
    stored = override(world, link)
    ended = [
        row["finished_at"]
        for row in world.rows["import_run"]
        if row["school_id"] == link["school_id"] and row["state"] == "completed"
    ]
    return {
        "permission": decision.permission,
        "reason": decision.reason,
        "override": stored["value"] if stored else None,
        "asOf": max(ended, default=None),
    }


def access_override(world: World, link: Row) -> dict[str, Any] | None:
    """`StudentContact.accessOverride` for an app that may read everything."""
    stored = override(world, link)
    if stored is None:
        return None
    return {
        "value": stored["value"],
        "origin": stored["origin"],
        "setAt": stored["set_at"],
        "confirmedAt": stored["confirmed_at"],
        "toReview": facts(world, link).to_review,
    }


COMPUTED = {"access": access, "accessOverride": access_override}


def _live(world: World, table: str, link: Row, column: str) -> Row | None:
    return next(
        (row for row in world.rows[table] if row["id"] == link[column] and row["deleted_at"] is None), None
    )  # fmt: skip


def _default(world: World, link: Row) -> str | None:
    if not link["defaults_version"]:
        return NEW_SCHOOL_KEYS.get(link["relationship_key"] or "")
    return next(
        (
            str(row["permission"])
            for row in world.rows["contact_default"]
            if (row["school_id"], row["version"]) == (link["school_id"], link["defaults_version"])
            and row["relationship"] == link["relationship_key"]
        ),
        None,
    )
