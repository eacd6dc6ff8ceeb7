"""The only writer of audit events: one event per change, in the transaction that makes the change.

Each school has a chain of its own, numbered without gaps; what belongs to no school is in the chain `platform`. Names
are past tense and form a closed set.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from authz.session import WriteSession

EVENTS = frozenset(
    {
        "app_registered",
        "app_manifest_published",
        "token_issued",
        "token_rotated",
        "token_revoked",
        "school_added",
        "consent_granted",
        "consent_amended",
        "consent_expired",
        "consent_revoked",
        "scope_granted",
        "scope_revoked",
        "contact_access_source_changed",
        "contact_access_setting_changed",
        "contact_defaults_changed",
        "contact_defaults_applied",
        "override_set",
        "override_confirmed",
        "override_cleared",
        "overrides_bulk_set",
        "staff_token_issued",
        "staff_token_revoked",
        "sign_in_allocated",
        "sign_in_suspended",
        "sign_in_restored",
        "secret_link_issued",
        "secret_link_used",
        "contact_signed_in",
        "contact_signed_out",
        "sign_ins_failed",
        "form_response_submitted",
        "record_update_submitted",
        "record_update_delivered",
        "record_update_rejected",
    }
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does it, and in which position."""

    name: str
    position: str | None = None


async def record(
    session: WriteSession,
    name: str,
    *,
    chain: str,
    by: Actor,
    app_id: str | None = None,
    details: Mapping[str, object] | None = None,
) -> int:
    """Append one event to a chain; its number there.

    Raising the chain's head locks it until the transaction ends: writers of one chain take turns, and a transaction
    that rolls back takes its number with it.
    """
    if name not in EVENTS:
        raise KeyError(name)
    [[seq]] = await session.fetch(
        "INSERT INTO audit_head (school_id, seq) VALUES (?, 1) "
        "ON CONFLICT (school_id) DO UPDATE SET seq = audit_head.seq + 1 RETURNING seq",
        chain,
    )
    await session.execute(
        "INSERT INTO audit_event (school_id, seq, at, name, actor, actor_position, app_id, details) "
        f"VALUES (?, ?, {session.dialect.now}, ?, ?, ?, ?, ?)",
        chain, seq, name, by.name, by.position, app_id, canonical_json(details or {}),
    )  # fmt: skip
    return int(seq)


def canonical_json(value: object) -> str:
    """One text per value: sorted keys, no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
